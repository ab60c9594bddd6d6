"""What a blend is asked for: the observations of a period, and what to make of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stratocube.cube.layers import OBSERVATION_LAYERS, ObservationLayer
from stratocube.cube.mask import QualityMask
from stratocube.errors import InvalidRequest
from stratocube.pixels.composite import CompositeFunction, make_reducer
from stratocube.pixels.confidence import OliFlag
from stratocube.pixels.ranking import DateScore, rank_dates
from stratocube.pixels.sensors import depends_on_sensor, oli_pixels, sources_without_oli


@dataclass(frozen=True)
class Observation:
    """The rasters of one date on the tile. Paths are whatever GDAL opens: file names, /vsis3/…"""

    date: dt.date
    band: str
    """The band to composite; the same path as ``quality`` when that is the quality band."""
    quality: str
    efficacy: float
    """Percent of clear pixels of the quality raster, for the rank."""
    resolution: float
    """Pixel size of the source, for the rank."""
    saturation: str | None = None
    """Raster of saturation bits, where the mask has a saturation band."""
    datasource: str | int | None = None
    """Raster of source indices (uint8, 255 none), or the one index of all pixels. None: one source, OLI."""


@dataclass(frozen=True)
class Product:
    """One raster of the result."""

    name: str
    """A composite function, or the name of an observation layer."""
    dtype: np.dtype[Any]
    nodata: float
    layer: ObservationLayer | None
    """None for composites."""


@dataclass(frozen=True)
class BlendPlan:
    """What is asked for; see :func:`stratocube.pixels.blend.blend` for the fields."""

    observations: tuple[Observation, ...]
    """In rank order."""
    functions: tuple[CompositeFunction, ...]
    """At least one, each once."""
    mask: QualityMask
    dtype: np.dtype[Any]
    nodata: float
    with_layers: bool
    quality_nodata: float | None
    """None when it is the one of the mask."""
    valid_range: tuple[float, float] | None
    without_oli: frozenset[int]
    """Source indices whose pixels are judged without cirrus."""

    def check(self) -> None:
        """Raise InvalidRequest for what cannot be composited, before anything is read."""
        if not self.functions or len(set(self.functions)) < len(self.functions):
            raise InvalidRequest(f"needs functions, each once, got {list(self.functions)}", field="composite_function")
        for function in self.functions:
            make_reducer(function, (0,), self.dtype, self.nodata, len(self.observations))
        if self.mask.saturated_band is None:
            return
        for observation in self.observations:
            if observation.saturation is None:
                message = f"{observation.date} has no raster of {self.mask.saturated_band}, which the mask reads"
                raise InvalidRequest(message, field="observations")

    def oli(self, sources: NDArray[np.uint8] | int | None) -> OliFlag:
        """Which pixels are judged as of an OLI sensor, by their source indices."""
        if sources is None or not self.without_oli:
            return True
        return sources not in self.without_oli if isinstance(sources, int) else oli_pixels(sources, self.without_oli)

    @property
    def makes_quality(self) -> bool:
        """Whether the composite is that of the quality which the layers need anyway."""
        of_quality = all(observation.band == observation.quality for observation in self.observations)
        plain = self.functions == ("LCF",) and self.valid_range is None and self.nodata == self.mask.nodata
        return self.with_layers and plain and of_quality

    @property
    def names_sources(self) -> bool:
        """Whether there is anything for DATASOURCE to tell."""
        return any(observation.datasource is not None for observation in self.observations)

    @property
    def spans_years(self) -> bool:
        """Whether the day of the year does not tell the date."""
        return len({observation.date.year for observation in self.observations}) > 1

    @property
    def products(self) -> tuple[Product, ...]:
        """The rasters of the result: the composites in the order of the functions, then the layers."""
        composites = tuple(Product(function, self.dtype, self.nodata, None) for function in self.functions)
        return composites + tuple(
            Product(name, np.dtype(layer.data_type), layer.nodata, layer)
            for name, layer in OBSERVATION_LAYERS.items()
            if self._makes(name)
        )

    def _makes(self, layer: str) -> bool:
        if not self.with_layers or layer in {"CLEAROB", "TOTALOB"}:
            return self.with_layers
        chosen = "LCF" in self.functions  # nothing else comes from one date
        return chosen and {"PROVENANCE_YEAR": self.spans_years, "DATASOURCE": self.names_sources}.get(layer, True)


def make_plan(
    observations: Sequence[Observation],
    functions: Sequence[CompositeFunction],
    mask: QualityMask,
    data_type: DTypeLike,
    nodata: float,
    *,
    layers: bool,
    quality_nodata: float | None,
    valid_range: tuple[float, float] | None,
    sources: Sequence[str],
    reference_day: int | None,
    period_start: dt.date | None,
) -> BlendPlan:
    """The plan of a blend, checked. Arguments and errors as :func:`stratocube.pixels.blend.blend`."""
    plan = BlendPlan(
        observations=_in_rank_order(observations, reference_day, period_start),
        functions=tuple(functions),
        mask=mask,
        dtype=np.dtype(data_type),
        nodata=nodata,
        with_layers=layers,
        quality_nodata=None if quality_nodata == mask.nodata else quality_nodata,
        valid_range=valid_range,
        without_oli=sources_without_oli(sources) if depends_on_sensor(mask) else frozenset(),
    )
    plan.check()
    return plan


def _in_rank_order(
    observations: Sequence[Observation], reference_day: int | None, period_start: dt.date | None
) -> tuple[Observation, ...]:
    by_date = {observation.date: observation for observation in observations}
    scores = [DateScore(given.date, given.efficacy, given.resolution) for given in observations]
    ranked = rank_dates(scores, reference_day=reference_day, period_start=period_start)
    return tuple(by_date[place.date] for place in ranked)
