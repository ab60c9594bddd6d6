"""What the routes work with, made once a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from stratocube.costs.prices import DEFAULT_REGION
from stratocube.costs.sizing import Tariff, stack_tariff
from stratocube.settings import Settings
from stratocube.state.activities import Activities
from stratocube.state.arrivals import Arrivals
from stratocube.state.buckets import Buckets
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.state.items import Items
from stratocube.state.unsettled import Unsettled
from stratocube.storage.objects import ObjectStore
from stratocube.storage.signed import SignedReads, signing_client
from stratocube.workflow.buckets import BucketMaker
from stratocube.workflow.item_index import ItemIndex
from stratocube.workflow.item_topic import ItemTopic
from stratocube.workflow.operations_cancel import Stop, execution_stopper
from stratocube.workflow.start import Launch, state_machine
from stratocube.workflow.tokens import KeepToken, token_keeper


class _LateS3:
    """A boto3 S3 client made when it is first used: few routes need it, the others not even boto3."""

    def __init__(self, region: str) -> None:
        self._region = region

    @cached_property
    def _client(self) -> Any:
        import boto3  # noqa: PLC0415 - made late, see above

        return boto3.client("s3", region_name=self._region)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """The tables, the way to launch a build, and what a build may read."""

    cubes: Cubes
    grids: Grids
    builds: Builds
    activities: Activities
    launch: Launch
    stop: Stop
    work: ObjectStore
    """Plans and task lists: cancel looks up there what a build may have claimed."""
    arrivals: Arrivals
    """Watches, and the scenes that arrive for them."""
    unsettled: Unsettled
    """Builds that are open, of all cubes."""
    buckets: BucketMaker
    """Makes buckets on request, and knows those that were made."""
    keep_token: KeepToken
    """Puts a token that was sent in the clear into a secret."""
    items: Items
    """Published items."""
    products: ObjectStore
    """The bucket they are in: items, collections, COGs."""
    signed: SignedReads
    """Links to files of that bucket."""
    reckon: Callable[[], Tariff] = field(default=partial(Tariff.of_region, DEFAULT_REGION))
    """Reads what builds are reckoned with, when a route first asks for it."""
    topic: ItemTopic = field(default_factory=ItemTopic)
    """Told of items that are deleted."""
    allowed_hosts: tuple[str, ...] = ()
    allowed_buckets: tuple[str, ...] = ()
    now: Callable[[], datetime] = _utc_now

    @property
    def item_index(self) -> ItemIndex:
        """Where published items are looked up, and taken out of."""
        return ItemIndex(self.products, self.items, self.topic)

    @property
    def tariff(self) -> Tariff:
        """What builds are reckoned with.

        Raises:
            InvalidRequest: the stack was deployed with prices that cannot be read.
        """
        return self.reckon()

    @classmethod
    def of_stack(cls, settings: Settings, *, region: str) -> Services:
        """The services of the stack that ``settings`` names. Connects to nothing yet."""
        s3 = _LateS3(region)
        return cls(
            cubes=Cubes(settings.cubes_table, region=region),
            grids=Grids(settings.grids_table, region=region),
            builds=Builds(settings.builds_table, region=region),
            activities=Activities(settings.activities_table, region=region),
            launch=state_machine(settings.state_machine_arn, region=region),
            stop=execution_stopper(settings.state_machine_arn, region=region),
            work=ObjectStore(s3, settings.work_bucket),
            arrivals=Arrivals(settings.arrivals_table, region=region),
            unsettled=Unsettled(settings.builds_table, region=region),
            buckets=BucketMaker(
                noted=Buckets(settings.cubes_table, region=region),
                client=lambda: s3,
                region=region,
                prefix=settings.bucket_prefix,
                tls_only=settings.require_tls,
            ),
            keep_token=token_keeper(settings.secret_prefix, region=region),
            items=Items(settings.items_table, region=region),
            products=ObjectStore(s3, settings.cube_bucket),
            topic=ItemTopic(settings.items_topic, region),
            signed=SignedReads(settings.cube_bucket, client=lambda: signing_client(region)),
            reckon=partial(stack_tariff, region, settings.sizing, settings.prices),
            allowed_hosts=settings.allowed_hosts,
            allowed_buckets=settings.allowed_buckets,
        )
