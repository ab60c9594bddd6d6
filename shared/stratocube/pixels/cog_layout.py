"""The bytes of a Cloud Optimized GeoTIFF: directories first, then the tiles, overviews before full resolution.

A GeoTIFF that GDAL wrote tells the tags; the tiles are put in place as they are, so nothing is encoded twice. Sources:
TIFF 6.0 (Adobe, 1992); the tags and the structural metadata of GDAL's COG driver
(https://gdal.org/en/stable/drivers/raster/cog.html).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from stratocube.errors import InvalidRequest

_STRUCTURE: Final = (
    b"LAYOUT=IFDS_BEFORE_DATA\n"
    b"BLOCK_ORDER=ROW_MAJOR\n"
    b"BLOCK_LEADER=SIZE_AS_UINT4\n"
    b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED\n"
    b"KNOWN_INCOMPATIBLE_EDITION=NO\n "
)
"""What GDAL may rely on: tiles in order, each after its size and before a copy of its last four bytes. The blank at the
end is where a program that changes the file in place would say so."""

_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Size of one value of each TIFF type."""
_LONG: Final = 4
_SUBFILE, _WIDTH, _HEIGHT, _OFFSETS, _SIZES = 254, 256, 257, 324, 325
_PLACE: Final = frozenset({33550, 33922, 34264, 34735, 34736, 34737})
"""Where on the Earth (OGC GeoTIFF 1.1, annex A)."""
_OF_IMAGE_ALONE: Final = _PLACE | {42112}
"""Place and GDAL's metadata: said once, not for overviews."""
_LARGEST: Final = (1 << 32) - 1


class Tag(NamedTuple):
    """One entry of a directory."""

    kind: int
    """TIFF type."""
    length: int
    """How many values of it."""
    value: bytes


Directory = Mapping[int, Tag]
"""Tags by number."""


@dataclass(frozen=True)
class Image:
    """One resolution: its size and its tiles in rows from the top left."""

    height: int
    width: int
    tiles: Sequence[bytes]


def directory_of(tiff: bytes | memoryview) -> dict[int, Tag]:
    """The first directory of a classic little-endian TIFF."""
    (start,) = struct.unpack_from("<I", tiff, 4)
    (entries,) = struct.unpack_from("<H", tiff, start)
    tags = {}
    for entry in range(start + 2, start + 2 + 12 * entries, 12):
        number, kind, length = struct.unpack_from("<HHI", tiff, entry)
        size = _BYTES[kind] * length
        place = entry + 8 if size <= _LONG else struct.unpack_from("<I", tiff, entry + 8)[0]
        tags[number] = Tag(kind, length, bytes(tiff[place : place + size]))
    return tags


def georeference_of(tiff: bytes | memoryview) -> dict[int, Tag]:
    """The tags of the first image that say where it lies."""
    return {number: tag for number, tag in directory_of(tiff).items() if number in _PLACE}


def tiles_of(tiff: bytes | memoryview) -> list[bytes]:
    """The encoded tiles of the first image, in the order of its directory."""
    tags = directory_of(tiff)
    places, sizes = _numbers(tags[_OFFSETS]), _numbers(tags[_SIZES])
    return [bytes(tiff[place : place + size]) for place, size in zip(places, sizes, strict=True)]


def lay_out(tags: Directory, images: Sequence[Image]) -> Iterator[bytes]:
    """The file, part by part. ``tags`` are those of the full image, ``images`` the resolutions from full to coarsest.

    Raises InvalidRequest for more than a classic TIFF holds, 4 GiB.
    """
    header = _Header(tags, images)
    yield header.encoded()
    for image in reversed(images):
        for tile in image.tiles:
            yield struct.pack("<I", len(tile))
            yield tile
            yield tile[-4:]


class _Header:
    """Everything before the first tile."""

    def __init__(self, tags: Directory, images: Sequence[Image]) -> None:
        # The size of the directories does not depend on the places of the tiles: first how large, then what.
        self._ghost = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(_STRUCTURE) + _STRUCTURE
        self._directories = [_tags_of(tags, image, full=level == 0) for level, image in enumerate(images)]
        self._starts: list[int] = []
        self._size = _even(8 + len(self._ghost))
        for directory in self._directories:
            self._starts.append(self._size)
            self._size += _size_of(directory)
        end = self._size
        for directory, image in zip(reversed(self._directories), reversed(images), strict=True):
            sizes = [len(tile) for tile in image.tiles]
            places = []
            for size in sizes:
                places.append(end + 4)
                end += size + 8
            if end > _LARGEST:
                raise InvalidRequest("would be larger than 4 GiB as a COG; cut it into tiles", field="data")
            directory[_OFFSETS] = _longs(places)
            directory[_SIZES] = _longs(sizes)

    def encoded(self) -> bytes:
        parts = [b"II*\0" + struct.pack("<I", self._starts[0]) + self._ghost]
        parts.append(bytes(self._starts[0] - len(parts[0])))
        following = [*self._starts[1:], 0]
        for start, after, directory in zip(self._starts, following, self._directories, strict=True):
            parts.append(_encoded(directory, start, after))
        return b"".join(parts)


def _tags_of(tags: Directory, image: Image, *, full: bool) -> dict[int, Tag]:
    own = {number: tag for number, tag in tags.items() if full or number not in _OF_IMAGE_ALONE}
    own[_WIDTH], own[_HEIGHT] = _longs([image.width]), _longs([image.height])
    own[_OFFSETS] = own[_SIZES] = _longs([0] * len(image.tiles))
    if not full:
        own[_SUBFILE] = _longs([1])  # a smaller version of another image
    return own


def _encoded(directory: Directory, start: int, following: int) -> bytes:
    entries, values = [], b""
    after = start + 2 + 12 * len(directory) + 4
    for number, tag in sorted(directory.items()):
        value = tag.value.ljust(_LONG, b"\0")
        if len(tag.value) > _LONG:
            value = struct.pack("<I", after + len(values))
            values += tag.value.ljust(_even(len(tag.value)), b"\0")
        entries.append(struct.pack("<HHI", number, tag.kind, tag.length) + value)
    return struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", following) + values


def _size_of(directory: Directory) -> int:
    outside = sum(_even(len(tag.value)) for tag in directory.values() if len(tag.value) > _LONG)
    return 2 + 12 * len(directory) + 4 + outside


def _longs(numbers: Sequence[int]) -> Tag:
    return Tag(4, len(numbers), struct.pack(f"<{len(numbers)}I", *numbers))


def _numbers(tag: Tag) -> tuple[int, ...]:
    letter = {2: "H", _LONG: "I"}[_BYTES[tag.kind]]
    return struct.unpack(f"<{tag.length}{letter}", tag.value)


def _even(size: int) -> int:
    return size + size % 2
