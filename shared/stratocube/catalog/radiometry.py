"""What the stored numbers of a scene mean: decided once a scene and band, by archive and processing baseline.

Sentinel-2 products of baseline 04.00 and later hold numbers that are 1000 higher (reflectance -0.1), so that dark
pixels need not be negative; archives differ in whether their copies still do, and their items are not always right
about it (FACTS: Element84/earth-search issues 66 and 71). So the provider's file decides, by archive and baseline,
never by date; a definition may overrule it; and what was decided is kept with the product.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from stratocube.catalog.assets import SceneAsset
from stratocube.catalog.provider import BASELINE, ChangingOffset, Provider
from stratocube.catalog.provider_choice import BandOfScene
from stratocube.catalog.scenes import Scene
from stratocube.cube.radiometry import RadiometryRule
from stratocube.cube.scene_ids import sentinel2_scene_id
from stratocube.errors import InvalidRequest

OffsetState = Literal["none", "in pixels", "removed by archive", "as the item says", "as the definition says"]


@dataclass(frozen=True)
class Radiometry:
    """Physical value = stored value × scale + offset. None: nobody says."""

    scale: float | None
    offset: float | None
    usual_offset: float | None
    """The offset of scenes of the collection whose pixels hold no changing one: what the archive's numbers are
    without it."""
    state: OffsetState
    """Of the changing offset: ``none`` where there is none to speak of."""
    may_hold: float | None = None
    """The changing offset in stored units (-1000), where the product was made with it."""

    @property
    def shift(self) -> float:
        """What to add to a stored value so that scenes with and without the changing offset are alike, whatever the
        scale of the cube; 0 as a rule."""
        if not self.scale or self.offset is None or self.usual_offset is None:
            return 0.0
        return round((self.offset - self.usual_offset) / self.scale, 6)


def radiometry_of(
    provider: Provider, scene: Scene, found: BandOfScene, band_name: str, rules: Iterable[RadiometryRule] = ()
) -> Radiometry:
    """What the numbers of a band of a scene mean. ``rules`` are the definition's, the first that applies overrules.

    Raises:
        InvalidRequest: the archive's pixels hold an offset from some baseline on, and neither the scene nor its item
            tells which baseline or offset it has.
    """
    baseline = baseline_of(scene)
    rule = next((r for r in rules if r.applies(scene.collection, scene.id, baseline, band_name)), None)
    known = _archives(provider, scene, found, baseline, overruled=rule is not None and rule.offset is not None)
    if rule is None:
        return known
    changed = replace(known, state="as the definition says")
    if rule.scale is not None:
        changed = replace(changed, scale=rule.scale)
    return changed if rule.offset is None else replace(changed, offset=rule.offset)


def baseline_of(scene: Scene) -> str:
    """Processing baseline of a Sentinel-2 scene, ``05.09``: the item's, else that of its product name; else empty."""
    match = BASELINE.fullmatch(scene.processing_baseline)
    if match:
        return f"{match['major']}.{match['minor']}"
    parsed = sentinel2_scene_id(scene.id)
    return f"{parsed.baseline_major:02}.{parsed.baseline_minor:02}" if parsed else ""


def _archives(provider: Provider, scene: Scene, found: BandOfScene, baseline: str, *, overruled: bool) -> Radiometry:
    asset, band, sensor = found.asset, found.band, found.sensor
    default_scale, default_offset = None, None
    if sensor is not None and found.is_reflectance:
        default_scale, default_offset = sensor.scale, sensor.offset
    if band is not None:
        default_scale = default_scale if band.scale is None else band.scale
        default_offset = default_offset if band.offset is None else band.offset
    scale = default_scale if asset.scale is None else asset.scale
    changing = sensor.changing_offset if sensor is not None and found.is_reflectance else None
    if changing is None:
        offset = default_offset if asset.offset is None else asset.offset
        return Radiometry(scale, offset, offset, "none")
    usual = default_offset or 0.0
    made_with = bool(baseline) and baseline >= changing.since_baseline
    may_hold = round(changing.value / scale, 6) if made_with and scale else None
    if changing.rule == "declared":
        return _declared(scene, asset, scale, usual, may_hold)
    if changing.rule == "removed" and not asset.href.startswith(changing.in_pixels_below or ("\0",)):
        state: OffsetState = "removed by archive" if made_with else "none"
        return Radiometry(scale, usual, usual, state, may_hold)
    if not baseline and not overruled:
        return _without_baseline(provider, scene, asset, scale, usual, changing)
    if made_with:
        return Radiometry(scale, usual + changing.value, usual, "in pixels", may_hold)
    return Radiometry(scale, usual, usual, "none")


def _declared(scene: Scene, asset: SceneAsset, scale: float | None, usual: float, may_hold: float | None) -> Radiometry:
    if scene.boa_offset_applied:
        return Radiometry(scale, usual, usual, "removed by archive", may_hold)
    if scale is None and asset.offset is None:
        # The item says nothing of its numbers, so they are taken as they are.
        return Radiometry(None, None, None, "none", may_hold)
    offset = usual if asset.offset is None else asset.offset
    return Radiometry(scale, offset, usual, "none" if offset == usual else "as the item says", may_hold)


def _without_baseline(
    provider: Provider,
    scene: Scene,
    asset: SceneAsset,
    scale: float | None,
    usual: float,
    changing: ChangingOffset,
) -> Radiometry:
    if asset.offset is None:
        raise InvalidRequest(
            f"scene {scene.id} does not say its processing baseline, and pixels of {provider.title} hold an offset of "
            f"{changing.value:g} since {changing.since_baseline}: say which offset it has, for example "
            f'{{"scenes": ["{scene.id}"], "offset": 0}}',
            field="parameters.radiometry",
        )
    state: OffsetState = "none" if asset.offset == usual else "as the item says"
    return Radiometry(scale, asset.offset, usual, state)
