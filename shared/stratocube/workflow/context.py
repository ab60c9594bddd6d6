"""Everything a step works with, made once from the settings of the environment."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from botocore.session import get_session

from stratocube.clock import iso_time, utc_now
from stratocube.costs.sizing import Tariff, stack_tariff
from stratocube.settings import Settings
from stratocube.state.activities import Activities
from stratocube.state.arrivals import Arrivals
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.state.items import Items
from stratocube.state.unsettled import Unsettled
from stratocube.storage.fetch import fetcher
from stratocube.storage.objects import ObjectStore
from stratocube.storage.retrying import Patience
from stratocube.workflow.billing import Meter
from stratocube.workflow.item_index import ItemIndex
from stratocube.workflow.item_topic import ItemTopic
from stratocube.workflow.tokens import ReadSecret, no_secrets, secret_reader


@dataclass(frozen=True)
class Stack:
    """The stack a step runs in."""

    settings: Settings
    environment: Mapping[str, str] = field(repr=False)
    """The process environment: credentials and endpoint for GDAL. Kept out of ``repr``, and so of tracebacks."""
    cubes: Cubes
    grids: Grids
    builds: Builds
    activities: Activities
    work: ObjectStore
    """Plans and task lists."""
    products: ObjectStore
    """COGs, STAC and pictures."""
    fetch: Callable[[str], bytes]
    """Bytes of a small file under an ``s3://`` or ``https://`` href."""
    secret: ReadSecret = no_secrets
    """Text of a secret of this stack by its name."""
    patience: Patience = field(default_factory=Patience)
    """With reads that fail in passing."""
    clock: Callable[[], datetime] = utc_now
    meter: Meter = field(default_factory=Meter)
    """What the calls of this process are charged for."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Stack:
        """The stack named by environment variables.

        Raises:
            SettingsError: when variables are missing, naming all of them.
        """
        settings = Settings.from_env(env)
        # boto3's client without boto3, which takes a fifth longer to load
        s3: Any = get_session().create_client("s3")
        region: str = s3.meta.region_name
        meter = Meter.of_process(env)
        meter.watch(s3)
        return cls(
            settings=settings,
            environment=env,
            cubes=Cubes(settings.cubes_table, region=region),
            grids=Grids(settings.grids_table, region=region),
            builds=Builds(settings.builds_table, region=region),
            activities=Activities(settings.activities_table, region=region),
            work=ObjectStore(s3, settings.work_bucket),
            products=ObjectStore(s3, settings.cube_bucket),
            fetch=fetcher(s3),
            secret=secret_reader(settings.secret_prefix, region=region),
            meter=meter,
        )

    @cached_property
    def unsettled(self) -> Unsettled:
        """Builds that are open, or were a moment ago."""
        return Unsettled(self.settings.builds_table, region=self.builds.region)

    @cached_property
    def arrivals(self) -> Arrivals:
        """Scenes that arrived, and who watches for them."""
        return Arrivals(self.settings.arrivals_table, region=self.builds.region)

    @cached_property
    def item_index(self) -> ItemIndex:
        """Where published items are looked up."""
        region = self.builds.region
        topic = ItemTopic(self.settings.items_topic, region)
        return ItemIndex(self.products, Items(self.settings.items_table, region=region), topic)

    @property
    def tariff(self) -> Tariff:
        """What this stack's builds are reckoned with."""
        return stack_tariff(self.builds.region, self.settings.sizing, self.settings.prices)

    def now(self) -> str:
        """The time as text."""
        return iso_time(self.clock())


@cache
def this_stack() -> Stack:
    """The stack this process was started for, made once."""
    return Stack.from_env(os.environ)


@dataclass(frozen=True)
class Invocation:
    """One call of a function: who it is, and how long it may take."""

    holder: str
    """Unique to the call: what a claim is held by."""
    remaining_seconds: float
    """Time left before the function is stopped: how long a claim of it is worth anything."""
    began: float = field(default_factory=time.monotonic, compare=False)
    """When the call did, by ``time.monotonic()``."""

    @classmethod
    def of(cls, lambda_context: Any) -> Invocation:
        """The invocation a Lambda context describes."""
        return cls(
            holder=str(lambda_context.aws_request_id),
            remaining_seconds=lambda_context.get_remaining_time_in_millis() / 1000,
        )
