"""The mask of a cube whose definition has none: that of the archives it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stratocube.catalog.provider_files import provider_named
from stratocube.errors import InvalidRequest


def with_provider_mask(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """A definition with the mask of its ``parameters.providers``, if it has none of its own.

    The mask is then part of the definition as it is stored: a build looks nothing up. What is wrong with the rest of
    the definition is left for its own check.

    Raises:
        InvalidRequest: there is no provider of a name, its quality band is another one, or the providers' masks differ.
    """
    parameters = payload.get("parameters")
    named = parameters.get("providers") if isinstance(parameters, Mapping) else None
    if not isinstance(parameters, Mapping) or not isinstance(named, Mapping) or not named:
        return payload
    providers = {
        collection: provider_named(str(name), field=f"parameters.providers.{collection}")
        for collection, name in named.items()
    }
    band = payload.get("quality_band")
    if parameters.get("mask") is not None or not isinstance(band, str):
        return payload
    masks: list[dict[str, Any]] = []
    for provider in providers.values():
        for sensor in provider.sensors:
            if sensor.quality is None or sensor.named(band) != {sensor.quality.band}:
                raise InvalidRequest(
                    f"is required: {provider.name} has no mask for {band} that could take its place",
                    field="parameters.mask",
                )
            if sensor.quality.mask not in masks:
                masks.append(sensor.quality.mask)
    if len(masks) != 1:
        raise InvalidRequest(
            f"is required: {', '.join(provider.name for provider in providers.values())} have different ones",
            field="parameters.mask",
        )
    return {**payload, "parameters": {**parameters, "mask": masks[0]}}
