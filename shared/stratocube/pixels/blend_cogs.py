"""The composites of one band over a period as COGs: the tile is encoded part by part while it is made.

The bytes are those of :func:`stratocube.pixels.blend.blend` and :func:`stratocube.pixels.cog.encode_cog` after each
other. What is in memory at a time are the encoded products and a few parts of the tile, not its pixels.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from numpy.typing import DTypeLike, NDArray
from rasterio.windows import Window

from stratocube.cube.geobox import GeoBox
from stratocube.cube.mask import QualityMask
from stratocube.pixels.blend_plan import BlendPlan, Observation, Product, make_plan
from stratocube.pixels.blend_run import grid_of, run
from stratocube.pixels.cog import CogProfile, CogWriter, Meaning, cog_writer
from stratocube.pixels.composite import CompositeFunction
from stratocube.pixels.composition import Composition
from stratocube.pixels.pixel_memory import PixelMemory

__all__ = ["BlendedCogs", "LayerStatistics", "Meaning", "blend_cogs"]


_KEPT_BYTES: Final = 24 << 20
"""Of the pixels of encoded parts, for the next ones: two parts of five products."""
_NO_MEANINGS: Final[Mapping[str, Meaning]] = MappingProxyType({})


@dataclass(frozen=True)
class LayerStatistics:
    """What comes with the observation layers; see :class:`stratocube.pixels.blend.ObservationLayers`."""

    efficacy: float
    cloud_ratio: float
    composition: Composition


@dataclass(frozen=True)
class BlendedCogs:
    """One band of a period, encoded."""

    cogs: Mapping[str, CogWriter]
    """By composite function and name of the observation layer. Each gives its file once, by ``finish``."""
    geobox: GeoBox
    dates: tuple[dt.date, ...]
    """The dates in rank order, best first."""
    layers: LayerStatistics | None
    """None when no layers were asked for."""


def blend_cogs(
    observations: Sequence[Observation],
    *,
    functions: Sequence[CompositeFunction],
    mask: QualityMask,
    data_type: DTypeLike,
    nodata: float,
    layers: bool,
    meaning: Meaning,
    quality_nodata: float | None = None,
    valid_range: tuple[float, float] | None = None,
    sources: Sequence[str] = (),
    reference_day: int | None = None,
    period_start: dt.date | None = None,
    geobox: GeoBox | None = None,
    threads: int = 1,
    layer_meanings: Mapping[str, Meaning] = _NO_MEANINGS,
) -> BlendedCogs:
    """Composite one band over the dates of a period and encode what comes out.

    Arguments and errors as :func:`stratocube.pixels.blend.blend`, and those of
    :func:`stratocube.pixels.cog.save_as_cog` for ``meaning``, which is of the composites. ``layer_meanings`` are those
    of the layers, by name; a layer that is not there has its name and its description.

    >>> import numpy as np
    >>> from stratocube.processing import GeoBox, Observation, QualityMask, save_as_cog
    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> for name, row in {"10_nir": [702, 7000], "10_fmask": [0, 2]}.items():
    ...     save_as_cog(f"{name}.tif", np.array([row], dtype=np.int16), grid, nodata=-9999, kind="continuous")
    >>> dates = [Observation(dt.date(2020, 1, 10), "10_nir.tif", "10_fmask.tif", efficacy=50, resolution=30)]
    >>> fmask = QualityMask(clear=(0, 1), not_clear=(2, 3, 4), nodata=255)
    >>> made = blend_cogs(dates, functions=["LCF", "MED"], mask=fmask, data_type="int16", nodata=-9999, layers=True,
    ...                   meaning=Meaning("continuous"))
    >>> list(made.cogs)
    ['LCF', 'MED', 'CLEAROB', 'TOTALOB', 'PROVENANCE']
    """
    plan = make_plan(
        observations,
        functions,
        mask,
        data_type,
        nodata,
        layers=layers,
        quality_nodata=quality_nodata,
        valid_range=valid_range,
        sources=sources,
        reference_day=reference_day,
        period_start=period_start,
    )
    grid = grid_of(plan, geobox, meaning.block_size)
    encoder = _Encoder(
        {p.name: cog_writer(_profile(p, meaning, layer_meanings, grid.geobox)) for p in plan.products}, plan
    )
    parts = list(grid.parts(encoder.side))
    totals = run(plan, grid, iter(parts), encoder, threads)
    if not plan.observations:
        _encode_nothing(encoder, parts)
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        list(pool.map(CogWriter.complete, encoder.cogs.values()))
    return BlendedCogs(
        cogs=encoder.cogs,
        geobox=grid.geobox,
        dates=tuple(observation.date for observation in plan.observations),
        layers=None if totals is None else LayerStatistics(*totals.counts.statistics(), totals.composition),
    )


@dataclass(frozen=True)
class _Encoder:
    """Encodes each part as soon as it is made."""

    cogs: Mapping[str, CogWriter]
    plan: BlendPlan
    memory: PixelMemory = field(default_factory=lambda: PixelMemory(_KEPT_BYTES))

    @property
    def side(self) -> int:
        """Parts are multiples of this, for every product."""
        return math.lcm(*(cog.piece_size for cog in self.cogs.values()))

    def begin(self, part: Window) -> Mapping[str, NDArray[Any]]:
        """An array for each product."""
        shape = int(part.height), int(part.width)
        return {p.name: self.memory.empty(shape, p.dtype) for p in self.plan.products}

    def end(self, part: Window, products: Mapping[str, NDArray[Any]]) -> None:
        """Encode them."""
        for name, data in products.items():
            self.cogs[name].add(int(part.row_off), int(part.col_off), data)
            self.memory.give_back(data)


def _encode_nothing(encoder: _Encoder, parts: Sequence[Window]) -> None:
    """The tile of a period without observations: nodata all over."""
    for part in parts:
        products = encoder.begin(part)
        for product in encoder.plan.products:
            products[product.name].fill(product.nodata)
        encoder.end(part, products)


def _profile(product: Product, meaning: Meaning, of_layers: Mapping[str, Meaning], geobox: GeoBox) -> CogProfile:
    layer = product.layer
    if layer is not None:
        plain = Meaning("categorical", description=layer.name, long_name=layer.description)
        meaning = of_layers.get(layer.name, plain)
    return CogProfile(geobox, product.dtype, product.nodata, meaning)
