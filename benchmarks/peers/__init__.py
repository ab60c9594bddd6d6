"""Everybody who takes part: ours, other tools on the same inputs, and the least that any tool has to do.

One small module each, made of one function a job::

    blend(inputs, out, threads)       five COGs <out>/<product>.tif
    merge(inputs, out, threads)       one COG <out>/MERGE.tif
    encode(products, like, out, threads)   the five arrays as COGs, on the grid of the file ``like``

This list names them without importing them, so that a process has only the packages in it that its contender needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PRODUCTS: Final = ("LCF", "MED", "CLEAROB", "TOTALOB", "PROVENANCE")
MOSAIC: Final = "MERGE"


@dataclass(frozen=True)
class Contender:
    """One tool that does one job."""

    name: str
    """As in the table and in results.json."""
    module: str
    """In this package."""
    makes: tuple[str, ...] = PRODUCTS
    """The products it can make; none: it only stands for a limit."""
    falls_back: bool = True
    """Whether its LCF takes the best not clear observation where no date is clear."""
    leaves_out: str = ""
    """What it does not do, for the table."""


_NO_FALL_BACK: Final = "PROVENANCE, LCF where no date is clear"
_FOUR: Final = PRODUCTS[:4]

BLEND: Final = (
    Contender("ours", "ours"),
    Contender("limit", "limit", makes=(), leaves_out="compositing, TIFF structure; tiles by ISA-L"),
    Contender("limit-gdal", "limit_gdal", makes=(), leaves_out="compositing; COGs by GDAL"),
    Contender("bottleneck", "bottleneck_strips"),
    Contender("numpy", "numpy_nanmedian"),
    Contender("numpy.ma", "numpy_ma"),
    Contender("rio-tiler", "rio_tiler_mosaic", _FOUR[:3], falls_back=False, leaves_out=f"TOTALOB, {_NO_FALL_BACK}"),
    Contender("xarray-dask", "xarray_dask", _FOUR, falls_back=False, leaves_out=_NO_FALL_BACK),
    Contender("odc-stac", "odc_stac_load", _FOUR, falls_back=False, leaves_out=_NO_FALL_BACK),
)

MERGE: Final = (
    Contender("ours", "ours", (MOSAIC,)),
    Contender("limit", "limit", makes=(), leaves_out="warping, TIFF structure; tiles by ISA-L"),
    Contender("gdalwarp", "gdal_warp", (MOSAIC,)),
    Contender("warped-vrt", "warped_vrt", (MOSAIC,)),
    Contender("whole-scenes", "whole_scenes", (MOSAIC,)),
    Contender("rio-tiler", "rio_tiler_mosaic", (MOSAIC,)),
    Contender("odc-stac", "odc_stac_load", (MOSAIC,)),
)

ENCODE: Final = (
    Contender("ours", "ours"),
    Contender("limit", "limit", makes=(), leaves_out="TIFF structure; tiles by ISA-L"),
    Contender("gdal-cog", "gdal_cog"),
    Contender("gdal-cog-fast", "limit_gdal"),
    Contender("rio-cogeo", "rio_cogeo_translate"),
)

JOBS: Final = {"blend": BLEND, "merge": MERGE, "encode": ENCODE}
