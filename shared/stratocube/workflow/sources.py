"""From the scenes of a unit to what Merge reads: the asset of each band, where it is, and what its numbers mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlsplit

from stratocube.catalog.provider import Provider
from stratocube.catalog.provider_choice import BandOfScene, band_of_scene, provider_of
from stratocube.catalog.radiometry import Radiometry, baseline_of, radiometry_of
from stratocube.catalog.scenes import Scene
from stratocube.clock import iso_time
from stratocube.cube.bands import Band
from stratocube.cube.scene_sources import is_item_collection
from stratocube.errors import InvalidRequest
from stratocube.workflow.build_plan import BuildPlan, UnitPlan
from stratocube.workflow.context import Stack
from stratocube.workflow.products import band_kind
from stratocube.workflow.scenes import href_checker
from stratocube.workflow.tasks import SourceAsset


@dataclass(frozen=True)
class Archives:
    """Which provider speaks for each scene of a unit."""

    unit: UnitPlan
    of_scene: Mapping[str, Provider]
    """By the scene's key."""

    @classmethod
    def of(cls, unit: UnitPlan, scenes: Iterable[Scene]) -> Self:
        """The providers of these scenes.

        Raises:
            InvalidRequest: the cube names a provider that there is not.
        """
        hosts, named = _api_hosts(unit.plan), unit.plan.definition.parameters.providers
        return cls(unit, {scene.key: provider_of(scene, hosts, named) for scene in scenes})

    def identified(self, scene: Scene) -> Scene:
        """The scene with the platform its id tells, where its item leaves that open."""
        return replace(scene, platform=self.of_scene[scene.key].platform(scene.id, scene.platform))

    def platforms(self) -> tuple[str, ...]:
        """All platforms of the archives, in the order of their files: the same for every unit of the cube."""
        found = {provider.name: provider for provider in self.of_scene.values()}
        return tuple(dict.fromkeys(name for _, provider in sorted(found.items()) for name in provider.platforms))

    def sources(self, stack: Stack, scenes: Sequence[Scene], band: Band) -> dict[str, SourceAsset]:
        """What Merge needs to know of a band of these scenes, by the scene's key.

        Raises:
            InvalidRequest: as :meth:`assets` and :meth:`source` do.
        """
        assets = self.assets(band, scenes)
        return {scene.key: self.source(stack, scene, band, assets[scene.key]) for scene in scenes}

    def assets(self, band: Band, scenes: Sequence[Scene]) -> dict[str, BandOfScene]:
        """The asset of a band in each scene, by the scene's key.

        Raises:
            InvalidRequest: a scene has no such asset, or the band's number means another band in another scene.
        """
        combined = self.unit.plan.definition.is_combined
        found = {
            scene.key: band_of_scene(self.of_scene[scene.key], scene, band.name, band.common_name, combined=combined)
            for scene in scenes
        }
        meanings = {one.key: scene for scene, one in zip(scenes, found.values(), strict=True) if one.key}
        if len(meanings) > 1:
            (first, one), (second, other), *_ = sorted(meanings.items())
            raise InvalidRequest(
                f"{band.name} is {first} on {one.platform or one.id} and {second} on {other.platform or other.id}: "
                "give the band's common_name",
                field=f"bands.{band.name}.common_name",
            )
        return found

    @property
    def _looked_at(self) -> str:
        definition = self.unit.plan.definition
        return next((band.name for band in self.unit.plan.bands if band_kind(definition, band) == "continuous"), "")

    def source(self, stack: Stack, scene: Scene, band: Band, found: BandOfScene) -> SourceAsset:
        """What Merge needs to know of a band of a scene.

        Raises:
            InvalidRequest: the asset lies where this stack may not read, or nothing tells what its numbers mean.
        """
        plan, provider = self.unit.plan, self.of_scene[scene.key]
        asset = found.asset
        place = _nearer(stack, provider, asset.href)
        try:
            href_checker(stack, f"assets.{asset.key}.href")(place or asset.href)
        except InvalidRequest as error:
            raise InvalidRequest(f"{error.reason} (item {scene.id})", field=error.field) from error
        is_class = band_kind(plan.definition, band) != "continuous"
        known = (
            None
            if is_class
            else radiometry_of(provider, scene, found, band.name, plan.definition.parameters.radiometry)
        )
        scale, offset = applied(known, band)
        return SourceAsset(
            scene_id=scene.id,
            collection=scene.collection,
            href=asset.href,
            version=scene.version_text,
            dataset=scene.collection if len(plan.request.collections) > 1 else scene.platform,
            nodata=_nodata(found),
            scale=scale,
            offset=offset,
            file_band=asset.band_index,
            acquired=iso_time(scene.datetime),
            platform=scene.platform,
            item_href=scene.item_href,
            read_href=place or "",
            reader_pays=urlsplit(place or "").netloc in provider.requester_pays,
            provider=provider.name,
            baseline=baseline_of(scene),
            offset_state="none" if known is None else known.state,
            # The first band that can be looked at speaks for the scene: looking at all would be reads for nothing.
            may_hold=known.may_hold if known is not None and band.name == self._looked_at else None,
        )


def applied(known: Radiometry | None, band: Band) -> tuple[float | None, float | None]:
    """Scale and offset by which a scene's numbers become those of the cube; None where they stay as they are.

    A band with a scale of its own gets physical values on that scale. A band without keeps the numbers of its source,
    as in cube-builder, but for an offset that only some scenes have: without that, scenes of Sentinel-2 before and
    after baseline 04.00 would differ by 1000.
    """
    if known is None:
        return None, None
    if band.scale_factor is not None:
        return known.scale, known.offset
    return (1.0, known.shift) if known.shift else (None, None)


def _nodata(found: BandOfScene) -> float | None:
    if found.asset.nodata is not None:
        return found.asset.nodata
    if found.band is not None and found.band.nodata is not None:
        return found.band.nodata
    return found.sensor.nodata if found.sensor is not None and found.is_reflectance else None


def _nearer(stack: Stack, provider: Provider, href: str) -> str | None:
    """The address in S3 of a file that its item gives by https, where this stack may read it there."""
    place = provider.nearer(href)
    return place if place is not None and urlsplit(place).netloc in stack.settings.allowed_buckets else None


def _api_hosts(plan: BuildPlan) -> frozenset[str]:
    urls = [source.stac_url for source in plan.definition.parameters.scene_sources]
    return frozenset((urlsplit(url).hostname or "").lower() for url in urls if not is_item_collection(url))
