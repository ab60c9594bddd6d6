"""A COG made piece by piece: each is encoded when it comes, and only its bytes and a sixteenth of its pixels are kept.

So the full image need not be in memory, nor be encoded twice. :mod:`stratocube.pixels.tile_encoding` compresses the
tiles, :mod:`stratocube.pixels.cog_layout` puts them in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from stratocube.cube.geobox import GeoBox
from stratocube.pixels.band_statistics import BandStatistics, GatheredStatistics
from stratocube.pixels.cog_layout import Image, Tag, directory_of, georeference_of, lay_out
from stratocube.pixels.cog_profile import CogProfile
from stratocube.pixels.overviews import average_half, nearest_half
from stratocube.pixels.sources import crs_of, environment
from stratocube.pixels.tile_encoding import SOMEWHERE, encode_tiles


class _Place(NamedTuple):
    """Of a tile: in which resolution (0 is the full one), and which one."""

    level: int
    row: int
    column: int


class CogWriter:
    """Takes the pieces of an image in any order, from several threads, and gives the file at the end."""

    def __init__(self, profile: CogProfile) -> None:
        self._profile = profile
        block, (rows, columns) = profile.meaning.block_size, profile.geobox.shape
        self._shapes = [(rows, columns)]
        while max(self._shapes[-1]) > block:
            rows, columns = -(-rows // 2), -(-columns // 2)
            self._shapes.append((rows, columns))
        self._tiles: dict[_Place, bytes] = {}
        self._plain: dict[bytes, bytes] = {}
        """Tiles of one value all over, by the value: CLEAROB, TOTALOB and nodata have many."""
        self._statistics = GatheredStatistics(profile.dtype, profile.nodata, profile.bands, self.piece_size)
        self._small: NDArray[Any] | None = None
        if len(self._shapes) > 2:  # the second overview, from which the coarser ones are made
            self._small = np.empty((profile.bands, *self._shapes[2]), dtype=profile.dtype)

    @property
    def piece_size(self) -> int:
        """Pieces start at multiples of this, and have as many rows and columns or a multiple, but at the far edges."""
        return 2 * self._profile.meaning.block_size

    @property
    def statistics(self) -> tuple[BandStatistics, ...]:
        """Of each band, of the pixels taken so far."""
        return self._statistics.result()

    def add(self, row: int, column: int, piece: NDArray[Any]) -> None:
        """Encode a piece, (rows, columns) or (bands, rows, columns), whose first pixel is at ``row``, ``column``."""
        pixels = piece if piece.ndim > 2 else piece[np.newaxis]
        self._statistics.add(row, column, pixels)
        tiles = self._cut(0, row, column, pixels)
        if len(self._shapes) > 1:
            pixels = self._half(pixels)
            tiles |= self._cut(1, row >> 1, column >> 1, pixels)
        self._encode(tiles)
        if self._small is not None:
            pixels = self._half(pixels)
            top, left = row >> 2, column >> 2
            self._small[:, top : top + pixels.shape[1], left : left + pixels.shape[2]] = pixels

    def complete(self) -> None:
        """Encode the coarser overviews, which need all pieces: to be called after the last one, from any thread."""
        small, self._small = self._small, None
        for level in range(2, len(self._shapes)):
            if small is not None:
                self._encode(self._cut(level, 0, 0, small))
                small = self._half(small) if level + 1 < len(self._shapes) else None

    def finish(self) -> Iterator[bytes]:
        """The parts of the file in order. The writer is used up: each part may be let go once it is written."""
        self.complete()
        images = []
        for level, (rows, columns) in enumerate(self._shapes):
            places = sorted(place for place in self._tiles if place.level == level)
            images.append(Image(rows, columns, [self._tiles[place] for place in places]))
        self._tiles.clear()
        return lay_out({**directory_of(self._empty()), **_georeference(self._profile.geobox)}, images)

    def _half(self, pixels: NDArray[Any]) -> NDArray[Any]:
        if self._profile.meaning.kind == "continuous":
            return average_half(pixels, self._profile.nodata)
        return nearest_half(pixels)

    def _cut(self, level: int, top: int, left: int, pixels: NDArray[Any]) -> dict[_Place, NDArray[Any]]:
        """The tiles of a part of one resolution, whose first pixel is at ``top``, ``left``."""
        block = self._profile.meaning.block_size
        _, rows, columns = pixels.shape
        if rows % block or columns % block:
            # Tiles are whole in the file. What lies beyond the image must not be left to chance.
            beyond = ((0, 0), (0, -rows % block), (0, -columns % block))
            fill = 0 if self._profile.nodata is None else self._profile.nodata
            pixels = np.pad(pixels, beyond, constant_values=fill)
        _, rows, columns = pixels.shape
        return {
            _Place(level, (top + row) // block, (left + column) // block): pixels[
                :, row : row + block, column : column + block
            ]
            for row in range(0, rows, block)
            for column in range(0, columns, block)
        }

    def _encode(self, tiles: Mapping[_Place, NDArray[Any]]) -> None:
        """Encode tiles; those of one value all over once for each value."""
        waiting = {}
        for place, tile in tiles.items():
            value = _only_value(tile)
            if value is None:
                waiting[place] = tile
                continue
            if value not in self._plain:
                (self._plain[value],) = encode_tiles([tile], self._profile)
            self._tiles[place] = self._plain[value]
        encoded = encode_tiles(list(waiting.values()), self._profile)
        self._tiles.update(zip(waiting, encoded, strict=True))

    def _empty(self) -> bytes:
        """A TIFF without pixels that has all the tags of the image but those of its place."""
        profile, meaning = self._profile, self._profile.meaning
        with environment(), MemoryFile(ext=".tif") as memory:
            with memory.open(
                **profile.options(), width=1, height=1, sparse_ok=True, transform=SOMEWHERE, nodata=profile.nodata
            ) as raster:
                if meaning.description:
                    raster.set_band_description(1, meaning.description)
                if meaning.tags:
                    raster.update_tags(**meaning.tags)
                if profile.has_colours:
                    raster.write_colormap(1, {value: _rgb(color) for value, color in meaning.colors.items()})
                for band, statistics in enumerate(self.statistics, start=1):
                    named = {"long_name": meaning.long_name} if meaning.long_name else {}
                    raster.update_tags(band, **named, **statistics.to_tags())
                if meaning.scale is not None:
                    raster.scales = (meaning.scale,) * profile.bands
                if meaning.offset is not None:
                    raster.offsets = (meaning.offset,) * profile.bands
                if meaning.unit:
                    raster.units = (meaning.unit,) * profile.bands
            return bytes(memory.getbuffer())


@lru_cache(maxsize=8)
def _georeference(geobox: GeoBox) -> Mapping[int, Tag]:
    """The GeoTIFF tags of a grid. Remembered, because PROJ takes 5 ms and the products of a tile share a grid."""
    with environment(), MemoryFile(ext=".tif") as memory:
        with memory.open(
            driver="GTiff",
            width=1,
            height=1,
            count=1,
            dtype="uint8",
            sparse_ok=True,
            crs=crs_of(geobox),
            transform=Affine(*geobox.transform),
        ):
            pass
        return georeference_of(memory.getbuffer())


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color)
    return red, green, blue


def _only_value(tile: NDArray[Any]) -> bytes | None:
    """The value of each band, bit by bit, where it is the same in all pixels; None where it is not."""
    bits = tile.view(f"u{tile.dtype.itemsize}")
    first = bits[:, :1, :1]
    # The first row tells in most cases.
    same = bool((bits[:, :1] == first).all()) and bool((bits == first).all())
    return first.tobytes() if same else None
