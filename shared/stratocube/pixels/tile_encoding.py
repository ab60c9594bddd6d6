"""The tiles of a COG, compressed: DEFLATE behind TIFF's predictors.

One band of integers that vary smoothly (reflectance, which is nearly all bytes of a cube) is encoded here: differences
along rows, then ISA-L (https://github.com/intel/isa-l), in two thirds of libdeflate's time and 1 % more bytes. All else
GDAL's GeoTIFF driver encodes. ``docs/adr/0009-isal-for-tiles.md`` has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from affine import Affine
from isal import isal_zlib
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from stratocube.pixels.cog_layout import tiles_of
from stratocube.pixels.cog_profile import HORIZONTAL, CogProfile
from stratocube.pixels.sources import environment

_ISAL_LEVEL: Final = 2
"""Level 1 is a tenth faster and 2 % larger. Level 3 exists in vector instructions on x86-64 only."""
_AT_A_TIME: Final = 8
"""Tiles that GDAL encodes as one image: to make one costs as much as a tenth of a tile."""
SOMEWHERE: Final = Affine(2, 0, 0, 0, -2, 0)
"""Where rasters lie that only pass through GDAL; it warns of those that lie nowhere."""


def encode_tiles(tiles: Sequence[NDArray[Any]], profile: CogProfile) -> list[bytes]:
    """The bytes of tiles in their order; each is (bands, rows, columns) of the profile's block size and type.

    >>> from stratocube.cube.geobox import GeoBox
    >>> from stratocube.pixels.cog_profile import Meaning
    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=16, height=16)
    >>> profile = CogProfile(grid, np.dtype("int16"), -9999, Meaning("continuous", block_size=16))
    >>> (tile,) = encode_tiles([np.full((1, 16, 16), 700, dtype=np.int16)], profile)
    >>> np.frombuffer(isal_zlib.decompress(tile), dtype="<i2").reshape(16, 16)[0, :3].tolist()
    [700, 0, 0]
    """
    if profile.bands == 1 and profile.dtype.kind in "iu" and profile.encoding.predictor == HORIZONTAL:
        return [isal_zlib.compress(differences(tile[0]), _ISAL_LEVEL) for tile in tiles]
    groups = [tiles[start : start + _AT_A_TIME] for start in range(0, len(tiles), _AT_A_TIME)]
    return [tile for group in groups for tile in _encoded_by_gdal(group, profile)]


def differences(tile: NDArray[Any]) -> NDArray[Any]:
    """Each pixel of a tile, (rows, columns) of integers, less the one on its left; the first column as it is.

    Modulo the width of the type, least byte first: TIFF 6.0, section 14, "Differencing Predictor".

    >>> differences(np.array([[700, 702, 690]], dtype=np.uint16)).tolist()
    [[700, 2, 65524]]
    """
    result = np.empty(tile.shape, dtype=tile.dtype.newbyteorder("<"))
    result[:, 0] = tile[:, 0]
    np.subtract(tile[:, 1:], tile[:, :-1], out=result[:, 1:])
    return result


def _encoded_by_gdal(tiles: Sequence[NDArray[Any]], profile: CogProfile) -> list[bytes]:
    """As one image: one tile below the other."""
    column = np.concatenate(tiles, axis=1) if len(tiles) > 1 else np.ascontiguousarray(tiles[0])
    _, height, width = column.shape
    with environment(), MemoryFile(ext=".tif") as memory:
        with memory.open(**profile.options(), width=width, height=height, transform=SOMEWHERE) as raster:
            raster.write(column)
        return tiles_of(memory.getbuffer())
