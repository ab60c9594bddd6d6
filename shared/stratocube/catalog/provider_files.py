"""The files in ``providers``, read and checked once a process."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from stratocube.catalog.provider import Provider, parse_provider
from stratocube.errors import InvalidRequest

PLAIN: Final = "item-collection"
"""The provider of items that no other file speaks of: they are believed."""

_SUFFIX: Final = ".toml"


@cache
def providers() -> Mapping[str, Provider]:
    """All providers by name.

    Raises:
        InvalidRequest: a file is not what it should be; the message names it and the field.
    """
    folder = files("stratocube.catalog") / "providers"
    texts = {
        entry.name.removesuffix(_SUFFIX): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(_SUFFIX)
    }
    return read_providers(texts)


def read_providers(texts: Mapping[str, str]) -> Mapping[str, Provider]:
    """Providers by name from the texts of their files.

    Raises:
        InvalidRequest: a text is no TOML, holds what no provider has, or names sensors of a file that has none.
    """
    read: dict[str, Provider] = {}
    for name, text in sorted(texts.items()):
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidRequest(f"is no TOML: {error} (provider file {name})", field="providers") from error
        read[name] = parse_provider(name, document)
    return MappingProxyType({name: _with_sensors(provider, read) for name, provider in read.items()})


def provider_named(name: str, *, field: str) -> Provider:
    """The provider of a name.

    Raises:
        InvalidRequest: there is none; ``field`` is where the name stands.
    """
    found = providers().get(name)
    if found is None:
        raise InvalidRequest(f"{name[:40]!r} is no provider: there are {', '.join(providers())}", field=field)
    return found


def _with_sensors(provider: Provider, known: Mapping[str, Provider]) -> Provider:
    if provider.sensors_of is None:
        return provider
    other = known.get(provider.sensors_of)
    if other is None or not other.sensors:
        raise InvalidRequest(
            f"{provider.sensors_of!r} is no provider file with sensors (provider file {provider.name})",
            field="sensors_of",
        )
    return provider.model_copy(update={"sensors": other.sensors})
