"""Which provider's file speaks for a scene, and which of the scene's assets holds a band of a cube."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from stratocube.catalog.assets import SceneAsset
from stratocube.catalog.provider import Provider, ProviderBand, Sensor, relaxed
from stratocube.catalog.provider_files import PLAIN, provider_named, providers
from stratocube.catalog.scenes import Scene
from stratocube.errors import InvalidRequest


@dataclass(frozen=True)
class BandOfScene:
    """The asset that holds a band, and what the provider's file says of it."""

    asset: SceneAsset
    sensor: Sensor | None
    """None: the file knows no sensor of the scene's platform."""
    key: str
    """The provider's name for the band; empty where the file does not know it."""

    @property
    def band(self) -> ProviderBand | None:
        """The band as the provider's file has it; None where the file does not know it."""
        return self.sensor.bands[self.key] if self.sensor is not None and self.key else None

    @property
    def is_reflectance(self) -> bool:
        """Whether the numbers are reflectance, for bands no file knows by what the item says."""
        if self.band is not None:
            return self.band.kind == "reflectance"
        if self.sensor is None:
            return False
        if not self.sensor.bands:
            return "data" not in self.asset.roles or "reflectance" in self.asset.roles
        common = self.sensor.bands.get(self.asset.common_name or "")
        return "reflectance" in self.asset.roles or (common is not None and common.kind == "reflectance")


def provider_of(scene: Scene, api_hosts: Collection[str], named: Mapping[str, str]) -> Provider:
    """The provider of a scene that was found by a search of STAC APIs on these hosts, or in an item collection.

    ``named`` names providers by collection and decides where it speaks of the scene's. Else the first of these: a
    file with the host of the API and the collection; a file whose archive the assets lie in, if the collection is one
    of its own; the file for plain item collections, which believes items. An item says by its self link which of
    several APIs it is from; in an item collection a self link is not believed, for the files may be copies.

    Raises:
        InvalidRequest: ``named`` names a provider that there is not.
    """
    if scene.collection in named:
        return provider_named(named[scene.collection], field=f"parameters.providers.{scene.collection}")
    own = (urlsplit(scene.item_href).hostname or "").lower()
    host = own if own in api_hosts or len(api_hosts) != 1 else next(iter(api_hosts))
    candidates = [
        provider for name, provider in providers().items() if name != PLAIN and provider.holds(scene.collection)
    ]
    by_host = [provider for provider in candidates if host in api_hosts and host in provider.hosts]
    by_assets = [provider for provider in candidates if any(provider.keeps(asset.href) for asset in scene.assets)]
    return next(iter([*by_host, *by_assets]), providers()[PLAIN])


def band_of_scene(
    provider: Provider, scene: Scene, band_name: str, common_name: str | None, *, combined: bool = False
) -> BandOfScene:
    """The asset of a scene that holds a band of a cube, by the provider's names for it.

    A definition's ``B04``, ``red`` and ``sr_band4`` are one band to a file that says so. Where name and common name
    are two bands of the file, the name decides; but the common name where the number means another band on another
    satellite of the archive, and in cubes that combine several. A band the file does not know is looked up in the item
    alone, see :meth:`stratocube.catalog.scenes.Scene.asset_for`.

    Raises:
        InvalidRequest: the scene has no such asset, or several; the message lists what it offers.
    """
    sensor = provider.sensor(provider.platform(scene.id, scene.platform))
    key = "" if sensor is None else _key(provider, sensor, band_name, common_name, combined=combined)
    if sensor is None or not key:
        return BandOfScene(scene.asset_for(band_name, common_name), sensor, "")
    wanted = sensor.bands[key].assets
    for name in map(relaxed, wanted):
        for found in (
            [asset for asset in scene.assets if relaxed(asset.key) == name],
            [asset for asset in scene.assets if relaxed(asset.band_name or "") == name and asset.band_count == 1],
        ):
            if len(found) == 1:
                return BandOfScene(found[0], sensor, key)
    # An older item of the archive may use other keys; what it says of its bands may still tell which one it is.
    try:
        return BandOfScene(scene.asset_for(wanted[0], key), sensor, key)
    except InvalidRequest as error:
        raise InvalidRequest(
            f"{error.reason} ({provider.name} has {key} as {' or '.join(wanted)})", field=f"bands.{band_name}"
        ) from error


def _key(provider: Provider, sensor: Sensor, band_name: str, common_name: str | None, *, combined: bool) -> str:
    by_name = sensor.named(band_name)
    by_common = _by_common(sensor, common_name)
    both = by_name & by_common
    if both or not by_common:
        found = both or by_name
    elif not by_name:
        found = by_common
    else:
        found = by_common if combined or provider.is_ambiguous(band_name) else by_name
    exact = {key for key in found if relaxed(key) == relaxed(band_name)} or found
    return next(iter(exact)) if len(exact) == 1 else ""


def _by_common(sensor: Sensor, common_name: str | None) -> set[str]:
    if not common_name:
        return set()
    return {common_name} if common_name in sensor.bands else sensor.named(common_name)
