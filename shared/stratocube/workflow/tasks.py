"""What one step writes for the next: task lists and the stack of a unit, with their JSON forms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from stratocube.catalog.assets import nodata_to_json

Json = dict[str, Any]


@dataclass(frozen=True)
class SourceAsset:
    """One scene's raster of one band, as Search found it."""

    scene_id: str
    collection: str
    href: str
    version: str
    """What tells two versions of the same scene apart; part of a merge's identity."""
    dataset: str
    """What DATASOURCE names: the platform, or the collection where several are combined."""
    nodata: float | None
    scale: float | None
    offset: float | None
    file_band: int
    """Band of the file, counted from 1."""
    acquired: str
    """ISO 8601, UTC."""
    platform: str
    item_href: str
    """Where the scene's STAC Item can be read; empty when it does not say."""
    read_href: str = ""
    """Another address of the same file, nearer to the stack, which is no part of what it is; empty: ``href``."""
    reader_pays: bool = False
    """Whether reading there costs whoever reads."""
    provider: str = ""
    """Name of the provider's file that told what its numbers mean."""
    baseline: str = ""
    """Processing baseline, of Sentinel-2."""
    offset_state: str = "none"
    """What became of an offset that only some scenes have, see :class:`stratocube.catalog.radiometry.Radiometry`."""
    may_hold: float | None = None
    """That offset in stored numbers, where the product was made with it: the values are looked at for it."""

    def identifying(self) -> Json:
        """What of this decides the pixels of a merge."""
        return {
            "scene": f"{self.collection}/{self.scene_id}",
            "version": self.version,
            "href": self.href,
            "file_band": self.file_band,
            "nodata": _plain(self.nodata),
            "scale": self.scale,
            "offset": self.offset,
        }

    def to_json(self) -> Json:
        """Plain JSON, which has no NaN and no infinity."""
        return {**asdict(self), "nodata": _plain(self.nodata)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SourceAsset:
        """The inverse of :meth:`to_json`."""
        nodata = value["nodata"]
        return cls(**{**value, "nodata": float(nodata) if isinstance(nodata, str) else nodata})


def _plain(nodata: float | None) -> float | str | None:
    return None if nodata is None else nodata_to_json(nodata)


@dataclass(frozen=True)
class MergeTask:
    """One element of ``merges.json``: everything Merge needs beside the plan."""

    build_id: str
    unit_id: str
    date: date
    band: str
    activity_id: str
    """Content identity of the merge."""
    key: str
    """Where its COG goes."""
    sources: tuple[SourceAsset, ...]
    """In acquisition order: the order of the mosaic."""
    datasets: tuple[str, ...]
    """What the values 0, 1, … of DATASOURCE stand for: the same on all dates of the build."""

    def to_json(self) -> Json:
        """As stored in ``merges.json``."""
        return {**asdict(self), "date": self.date.isoformat(), "sources": [source.to_json() for source in self.sources]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> MergeTask:
        """The inverse of :meth:`to_json`."""
        return cls(
            build_id=value["build_id"],
            unit_id=value["unit_id"],
            date=date.fromisoformat(value["date"]),
            band=value["band"],
            activity_id=value["activity_id"],
            key=value["key"],
            sources=tuple(SourceAsset.from_json(source) for source in value["sources"]),
            datasets=tuple(value["datasets"]),
        )

    @property
    def part(self) -> str:
        """Which of the unit's merges: ``2023-08-10#B04``."""
        return f"{self.date.isoformat()}#{self.band}"


@dataclass(frozen=True)
class DateTask:
    """One element of ``dates.json``: a date of a unit, and which merges it has."""

    build_id: str
    unit_id: str
    date: date
    merges: Mapping[str, str]
    """Content identities by band: with these a date is prepared without reading the merges of all dates."""

    def to_json(self) -> Json:
        """As stored in ``dates.json``."""
        return {
            "build_id": self.build_id,
            "unit_id": self.unit_id,
            "date": self.date.isoformat(),
            "merges": dict(self.merges),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DateTask:
        """The inverse of :meth:`to_json`."""
        return cls(value["build_id"], value["unit_id"], date.fromisoformat(value["date"]), value["merges"])


@dataclass(frozen=True)
class StoredFile:
    """A product's file as it was written."""

    key: str
    size: int
    """Bytes."""
    checksum: str
    """SHA-256 as multihash in hex (file:checksum of STAC)."""
    statistics: Mapping[str, float] | None = None
    """Of the stored numbers of a raster of one band, as in the file; None for others and for files of old builds."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> StoredFile:
        """The inverse of ``dataclasses.asdict``."""
        return cls(**value)

    def address(self) -> Json:
        """What finds the file and tells it from others, without what it holds."""
        return {"key": self.key, "size": self.size, "checksum": self.checksum}


@dataclass(frozen=True)
class SceneRef:
    """A scene as lineage names it."""

    scene_id: str
    collection: str
    platform: str
    acquired: str
    """ISO 8601, UTC."""
    item_href: str


@dataclass(frozen=True)
class DateStack:
    """One date of a unit: its merges and what the quality band says of it."""

    date: date
    efficacy: float
    """Percent of the tile's pixels that are clear."""
    cloud_ratio: float
    """Percent of the pixels with data that are not clear."""
    scenes: tuple[SceneRef, ...]
    merges: Mapping[str, StoredFile]
    """By band."""
    activity_ids: Mapping[str, str]
    """Content identity of each merge, by band."""
    datasets: tuple[str, ...]
    """What the values 0, 1, … of the DATASOURCE merge stand for; empty where there is none."""
    radiometry: tuple[Json, ...] = ()
    """How the numbers of the scenes were taken, see :mod:`stratocube.workflow.radiometry_facts`."""
    warnings: tuple[str, ...] = ()
    """What a look at the values made doubtful."""

    def with_only(self, names: Collection[str]) -> DateStack:
        """The date as a blend needs it: with the merges that are its inputs, and without scenes."""
        return replace(
            self,
            scenes=(),
            radiometry=(),
            warnings=(),
            merges={name: stored for name, stored in self.merges.items() if name in names},
            activity_ids={name: activity for name, activity in self.activity_ids.items() if name in names},
        )

    def to_json(self) -> Json:
        """As stored in ``stack.json``."""
        return {
            "date": self.date.isoformat(),
            "efficacy": self.efficacy,
            "cloud_ratio": self.cloud_ratio,
            "scenes": [asdict(scene) for scene in self.scenes],
            "merges": {band: asdict(stored) for band, stored in self.merges.items()},
            "activity_ids": dict(self.activity_ids),
            "datasets": list(self.datasets),
            "radiometry": list(self.radiometry),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DateStack:
        """The inverse of :meth:`to_json`."""
        return cls(
            date=date.fromisoformat(value["date"]),
            efficacy=value["efficacy"],
            cloud_ratio=value["cloud_ratio"],
            scenes=tuple(SceneRef(**scene) for scene in value["scenes"]),
            merges={band: StoredFile.from_json(stored) for band, stored in value["merges"].items()},
            activity_ids=value["activity_ids"],
            datasets=tuple(value["datasets"]),
            radiometry=tuple(value.get("radiometry", ())),
            warnings=tuple(value.get("warnings", ())),
        )


@dataclass(frozen=True)
class UnitStack:
    """A unit's dates, best first."""

    dates: tuple[DateStack, ...]

    def to_json(self) -> Json:
        """As stored in ``stack.json``."""
        return {"dates": [entry.to_json() for entry in self.dates]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> UnitStack:
        """The inverse of :meth:`to_json`."""
        return cls(tuple(DateStack.from_json(entry) for entry in value["dates"]))


def datasets_of(dates: Iterable[DateStack]) -> tuple[str, ...]:
    """What the values 0, 1, … of DATASOURCE stand for in all dates of a unit; empty where none has such a raster."""
    return next((entry.datasets for entry in dates if entry.datasets), ())
