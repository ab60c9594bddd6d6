"""What a notice may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SceneItem:
    """A STAC Item: everything there is to know."""

    item: Mapping[str, Any]


@dataclass(frozen=True)
class LandedObject:
    """An object was written, which may be a STAC Item."""

    bucket: str
    key: str

    @property
    def href(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class ProductFolder:
    """A product was written into a folder, its STAC Items with it."""

    product_id: str
    bucket: str
    prefix: str
    """Ends with a slash."""


@dataclass(frozen=True)
class Passed:
    """Nothing to do."""

    reason: str
    known: bool = True
    """Whether the shape of the message is one that is expected."""


Notice = SceneItem | LandedObject | ProductFolder | Passed
