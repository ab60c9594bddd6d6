"""Some rows of a tile on their way to the composites: they take the dates of a period in rank order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from stratocube.cube.layers import DATASOURCE
from stratocube.errors import InvalidRequest
from stratocube.pixels.blend_plan import BlendPlan
from stratocube.pixels.choice import NOWHERE, Choice, Taken
from stratocube.pixels.composite import Counter, LeastCloudFirst, Reducer, make_reducer, provenance, within
from stratocube.pixels.composition import Composition, Participation, of_one_date
from stratocube.pixels.judge import Observed
from stratocube.pixels.statistics import QualityCounts, count_quality
from stratocube.pixels.workspace import Workspace

_STRIP_PIXELS: Final = 1 << 19
"""Pixels composited at a time: enough to hide what a call of numpy costs, few enough to stay in the cache."""


class DateRasters(Protocol):
    """The rasters of one date; arrays are (rows, columns)."""

    @property
    def quality(self) -> NDArray[Any]:
        """The quality."""

    @property
    def values(self) -> NDArray[Any]:
        """The band in the type of the result, nodata as the plan has it."""

    def offer(self, rows: slice, into: Observed, workspace: Workspace) -> Observed:
        """What the quality and the saturation band offer in these rows; ``into`` are arrays it may be put in."""

    def sources_of(self, rows: slice) -> NDArray[np.uint8] | int | None:
        """The source indices of these rows, or the one of all pixels."""


@dataclass(frozen=True)
class Totals:
    """What the pixels of a part of the tile add up to."""

    counts: QualityCounts
    """Of the LCF composite of the quality."""
    composition: Composition

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.counts + other.counts, self.composition + other.composition)


class Strip:
    """Some rows of a window on their way to the composites."""

    def __init__(self, plan: BlendPlan, rows: slice, into: Mapping[str, NDArray[Any]], workspace: Workspace) -> None:
        self._into = {name: data[rows] for name, data in into.items()}
        shape, dates = next(iter(self._into.values())).shape, len(plan.observations)
        self._rows, self._workspace = rows, workspace
        self._nodata, self._valid_range = plan.nodata, plan.valid_range
        self._layers = _Layers(plan, shape, workspace) if plan.with_layers else None
        self._offer = Observed(workspace.empty(shape, np.bool_), workspace.empty(shape, np.bool_))
        """Room for what a date offers."""
        self._makes_quality = plan.makes_quality
        self._dtype = plan.dtype
        self._lcf: LeastCloudFirst | None = None
        if "LCF" in plan.functions and not self._makes_quality:
            # Until a pixel of the band lacks what the quality promises, both choose the same dates.
            choice = Choice(shape, dates, workspace) if self._layers is None else self._layers.choice
            values = self._room("LCF")
            values.fill(plan.nodata)
            self._lcf = LeastCloudFirst(values, choice)
        self._others: dict[str, Reducer] = {
            function: make_reducer(function, shape, plan.dtype, plan.nodata, dates, workspace)
            for function in plan.functions
            if function != "LCF"
        }

    @property
    def done(self) -> bool:
        """Whether further dates change nothing."""
        return self._layers is None and not self._others and (self._lcf is None or self._lcf.done)

    def add(self, rank: int, date: DateRasters) -> None:
        """Take the next date."""
        offer = date.offer(self._rows, self._offer, self._workspace)
        wanting = [reducer for reducer in self._others.values() if reducer.wants(offer)]
        lcf = self._lcf if self._lcf is not None and not self._lcf.done else None
        if not wanting and (lcf is None or not lcf.wants(offer)):
            if self._layers is not None:
                self._layers.add(rank, date, self._rows, offer)
            return
        values = date.values[self._rows]
        seen = within(offer, values, self._nodata, self._valid_range, self._workspace)
        for reducer in wanting:
            reducer.add(rank, values, seen)
        self._choose(rank, date, values, offer, seen, lcf)

    def _choose(
        self,
        rank: int,
        date: DateRasters,
        values: NDArray[Any],
        offer: Observed,
        seen: Observed,
        lcf: LeastCloudFirst | None,
    ) -> None:
        """Let the layers choose by the quality's ``offer``, the composite by what the band has of it."""
        if self._layers is None:
            if lcf is not None:
                lcf.add(rank, values, seen)
            return
        if lcf is not None and seen is not offer and lcf.choice is self._layers.choice:
            lcf.choice = lcf.choice.copy()
        shared = lcf is not None and lcf.choice is self._layers.choice
        taken = self._layers.add(rank, date, self._rows, offer)
        if lcf is None:
            return
        if shared:
            lcf.put(values, taken)
        else:
            lcf.add(rank, values, seen)

    def finish(self) -> Totals | None:
        """Write the rows composited to their place."""
        made = {function: reducer.result(self._room(function)) for function, reducer in self._others.items()}
        if self._lcf is not None:
            made["LCF"] = self._lcf.result()
        totals = None
        if self._layers is not None:
            if self._makes_quality:
                made["LCF"] = self._layers.quality_composite(self._dtype)
            made |= self._layers.made({name: self._room(name) for name in self._into if name not in made})
            totals = self._layers.totals()
        for name, data in made.items():
            if not np.may_share_memory(data, self._into[name]):
                self._into[name][...] = data
        return totals

    def _room(self, product: str) -> NDArray[Any]:
        """An array in one piece for a product: its place in the result, where that is one."""
        place = self._into[product]
        return place if place.flags.c_contiguous else self._workspace.empty(place.shape, place.dtype)


class _Layers:
    """The observation layers of a strip: counts, and what the LCF composite of the quality takes."""

    def __init__(self, plan: BlendPlan, shape: tuple[int, ...], workspace: Workspace) -> None:
        self._plan = plan
        self._counter = Counter(shape, len(plan.observations), workspace)
        self.choice = Choice(shape, len(plan.observations), workspace)
        # The quality of the date taken; where nobody wants it as a raster, only of what pixels without a clear
        # observation fall back on, which is all that the statistics need.
        self._quality = workspace.full(shape, plan.mask.nodata, np.min_scalar_type(plan.mask.nodata))
        self._sources: NDArray[np.uint8] | None = None
        if plan.names_sources:
            self._sources = workspace.full(shape, DATASOURCE.nodata, np.uint8)
        self._participation = None if plan.functions[0] == "LCF" else Participation(shape, len(plan.observations))

    def add(self, rank: int, date: DateRasters, rows: slice, offer: Observed) -> Taken:
        """Take the next date: the pixels that do."""
        self._counter.add(offer)
        sources = date.sources_of(rows)
        if self._participation is not None:
            self._participation.add(rank, offer.clear, sources)
        if self.choice.done:
            return NOWHERE
        taken, first = self.choice.take(rank, offer)
        quality = date.quality[rows]
        if quality.dtype != self._quality.dtype:  # once, unless the dates have different types
            self._quality = self._quality.astype(np.promote_types(quality.dtype, self._quality.dtype))
        (taken if self._plan.makes_quality else first).put(self._quality, quality)
        if self._sources is not None and sources is not None:
            taken.put(self._sources, sources)
        return taken

    def quality_composite(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """The LCF composite of the quality. Raises InvalidRequest when the type cannot hold it."""
        if not np.can_cast(self._quality.dtype, dtype, "safe"):
            message = f"the quality is {self._quality.dtype}, which {dtype} cannot hold without loss"
            raise InvalidRequest(message, field="data_type")
        return self._quality.astype(dtype, copy=False)

    def made(self, room: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The layers by name; ``room`` has an array in one piece for each that is wanted."""
        dates = [observation.date for observation in self._plan.observations]
        layers: dict[str, NDArray[Any]] = {
            "CLEAROB": self._counter.clear_observations(),
            "TOTALOB": self._counter.total_observations(),
        }
        if "PROVENANCE" in room:
            days = [date.timetuple().tm_yday for date in dates]
            layers["PROVENANCE"] = provenance(self._rank, days, room["PROVENANCE"])
        if "PROVENANCE_YEAR" in room:
            layers["PROVENANCE_YEAR"] = provenance(self._rank, [date.year for date in dates], room["PROVENANCE_YEAR"])
        if "DATASOURCE" in room and self._sources is not None:
            layers["DATASOURCE"] = self._sources
        return layers

    def totals(self) -> Totals:
        """What the pixels add up to."""
        if self._participation is None:
            composition = of_one_date(self.choice, self._rank, self._sources, len(self._plan.observations))
        else:
            composition = self._participation.result()
        return Totals(self._counts(), composition)

    @cached_property
    def _rank(self) -> NDArray[Any]:
        """Of the date each pixel takes, when all have been added."""
        return self.choice.rank

    def _counts(self) -> QualityCounts:
        rest = self.choice.not_clear
        certain = self._quality.size - rest.size
        sources = None if self._sources is None else self._sources.reshape(-1)[rest]
        others = count_quality(self._quality.reshape(-1)[rest], self._plan.mask, oli=self._plan.oli(sources))
        return QualityCounts(total=certain, clear=certain) + others


def strips_of(plan: BlendPlan, into: Mapping[str, NDArray[Any]], workspace: Workspace) -> list[Strip]:
    """The strips of a window, whose products go ``into`` arrays of its shape.

    They are in the memory of the ``workspace``, until somebody rewinds it.
    """
    return [Strip(plan, rows, into, workspace) for rows in rows_of_strips(into)]


def rows_of_strips(into: Mapping[str, NDArray[Any]]) -> list[slice]:
    """The rows that are composited at a time."""
    height, width = next(iter(into.values())).shape
    rows = max(_STRIP_PIXELS // width, 1)
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]
