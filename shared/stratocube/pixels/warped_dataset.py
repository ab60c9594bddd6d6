"""Pixels in memory, seen by GDAL's warper on a piece of a tile.

A warped dataset and not rasterio's ``reproject``: that one makes four boto3 sessions a call (30 ms) wherever AWS
credentials are in the environment, as they are in every Lambda function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.dtypes import dtype_rev, typename_fwd
from rasterio.enums import Resampling
from rasterio.session import DummySession
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window
from rasterio.windows import transform as window_transform

from stratocube.pixels.coordinates import ORDER, Coordinates
from stratocube.pixels.target import Piece, Target

_EXACT: Final = 1e-9
"""Tolerance in source pixels that stands for none, which GDAL's warped datasets do not know."""

_MEGABYTES: Final = 512
"""What the warper may use before it cuts a piece into smaller ones."""

_NAMES: Final = {
    Resampling.nearest: "NearestNeighbour",
    Resampling.cubic_spline: "CubicSpline",
    Resampling.rms: "RootMeanSquare",
    Resampling.max: "Maximum",
    Resampling.min: "Minimum",
    Resampling.med: "Median",
    Resampling.q1: "Quartile1",
    Resampling.q3: "Quartile3",
}
"""Kernels whose names in a VRT are not those of rasterio with a capital letter."""


@dataclass(frozen=True)
class Pixels:
    """Part of a scene in memory."""

    data: NDArray[Any]
    """(rows, columns); pixels of a row lie next to each other."""
    window: Window
    """Which pixels of the scene these are."""
    crs: CRS
    transform: Affine
    """Pixel corner to CRS, of the whole scene."""


@dataclass(frozen=True)
class Kernel:
    """How pixels are made."""

    dtype: np.dtype[Any]
    """What is computed in, and the type of the result."""
    nodata: float
    """Of the result, where the scene gives nothing."""
    hole: float | None
    """What marks pixels of the scene that are missing. None: all of them count, which takes half the time."""
    ratio: tuple[float, float]
    """Columns and rows of the scene under a pixel of the tile. Left alone, GDAL takes them from the extents it is
    given. A scene that covers a corner of the tile then counts as enlarged, and is sampled instead of averaged
    (measured: noise of a quarter of the signal from 10 m to 30 m)."""

    @property
    def options(self) -> dict[str, str]:
        """Options of GDAL's warper."""
        return {
            "INIT_DEST": f"{self.nodata:.17g}",
            "XSCALE": f"{1 / self.ratio[0]:.12g}",
            "YSCALE": f"{1 / self.ratio[1]:.12g}",
        }


def projected_on(
    pixels: Pixels, piece: Piece, target: Target, kernel: Kernel, out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """A piece of the tile, for which PROJ tells the coordinates. Array of its shape; ``out`` if that is given."""
    masked = kernel.hole is not None
    with (
        _allowed(),
        rasterio.open(_in_place(pixels), driver="MEM") as source,
        WarpedVRT(
            source,
            src_crs=pixels.crs,
            crs=target.crs,
            transform=window_transform(piece.window, target.transform),
            width=piece.columns,
            height=piece.rows,
            resampling=target.method,
            tolerance=max(target.tolerance, _EXACT),
            init_dest_nodata=False,
            warp_mem_limit=_MEGABYTES,
            dtype=kernel.dtype.name,
            src_nodata=kernel.hole,
            nodata=kernel.nodata if masked else None,
            **kernel.options,
        ) as on_tile,
    ):
        result: NDArray[Any] = on_tile.read(1, out=out)
    return result


def fitted_on(
    pixels: Pixels,
    piece: Piece,
    target: Target,
    kernel: Kernel,
    coordinates: Coordinates,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """The same, where a polynomial tells the coordinates: three quarters of the time."""
    with _allowed(), rasterio.open(_description(pixels, piece, target, kernel, coordinates)) as on_tile:
        result: NDArray[Any] = on_tile.read(1, out=out)
    return result


def _allowed() -> rasterio.Env:
    """GDAL opens addresses of memory by name only where it is told to, as names may come from strangers."""
    return rasterio.Env(session=DummySession(), GDAL_MEM_ENABLE_OPEN=True)


def _in_place(pixels: Pixels) -> str:
    """The name of an array as a dataset, without a copy."""
    data = pixels.data
    grid = window_transform(pixels.window, pixels.transform)
    return ",".join(
        (
            f"MEM:::DATAPOINTER={data.ctypes.data:#x}",
            f"PIXELS={data.shape[1]}",
            f"LINES={data.shape[0]}",
            f"LINEOFFSET={data.strides[0]}",
            f"DATATYPE={dtype_rev[data.dtype.name]}",
            "GEOTRANSFORM=" + "/".join(f"{number:.17g}" for number in grid.to_gdal()),
        )
    )


def _description(pixels: Pixels, piece: Piece, target: Target, kernel: Kernel, coordinates: Coordinates) -> str:
    """The warp as GDAL's XML: the only way to a polynomial with a tolerance, by rasterio (GDAL's manual, "VRT")."""
    middle_column, middle_row, half_width, half_height = coordinates.box
    # Pixels of the piece in the units of the control points, and back.
    left, top = (piece.column - middle_column) / half_width, (piece.row - middle_row) / half_height
    there = Affine(1 / half_width, 0, left, 0, 1 / half_height, top)
    forth, back = (",".join(f"{number:.17g}" for number in grid.to_gdal()) for grid in (there, ~there))
    points = "".join(
        f'<GCP Id="" Pixel="{column:.15g}" Line="{row:.15g}" X="{x:.15g}" Y="{y:.15g}"/>'
        for x, y, column, row in zip(
            coordinates.x,
            coordinates.y,
            coordinates.columns - pixels.window.col_off,
            coordinates.rows - pixels.window.row_off,
            strict=True,
        )
    )
    holes = (
        ""
        if kernel.hole is None
        else f"<SrcNoDataReal>{kernel.hole:.17g}</SrcNoDataReal><SrcNoDataImag>0</SrcNoDataImag>"
        f"<DstNoDataReal>{kernel.nodata:.17g}</DstNoDataReal><DstNoDataImag>0</DstNoDataImag>"
    )
    options = "".join(
        f'<Option name="{name}">{value}</Option>'
        for name, value in (kernel.options | {"UNIFIED_SRC_NODATA": "YES"}).items()
    )
    name, dtype = _NAMES.get(target.method, target.method.name.capitalize()), typename_fwd[dtype_rev[kernel.dtype.name]]
    return (
        f'<VRTDataset rasterXSize="{piece.columns}" rasterYSize="{piece.rows}" subClass="VRTWarpedDataset">'
        f"<GeoTransform>{forth}</GeoTransform>"
        f'<VRTRasterBand dataType="{dtype}" band="1" subClass="VRTWarpedRasterBand"/>'
        "<GDALWarpOptions>"
        f"<WarpMemoryLimit>{_MEGABYTES << 20}</WarpMemoryLimit>"
        f"<ResampleAlg>{name}</ResampleAlg>"
        f"<WorkingDataType>{dtype}</WorkingDataType>"
        f"{options}"
        f'<SourceDataset relativeToVRT="0">{_in_place(pixels)}</SourceDataset>'
        "<Transformer><ApproxTransformer>"
        f"<MaxError>{target.tolerance - coordinates.error:.17g}</MaxError>"
        "<BaseTransformer><GenImgProjTransformer>"
        f"<SrcGCPTransformer><GCPTransformer><Order>{ORDER}</Order><Reversed>0</Reversed>"
        f"<GCPList>{points}</GCPList></GCPTransformer></SrcGCPTransformer>"
        f"<DstGeoTransform>{forth}</DstGeoTransform><DstInvGeoTransform>{back}</DstInvGeoTransform>"
        "</GenImgProjTransformer></BaseTransformer></ApproxTransformer></Transformer>"
        f'<BandList><BandMapping src="1" dst="1">{holes}</BandMapping></BandList>'
        "</GDALWarpOptions></VRTDataset>"
    )
