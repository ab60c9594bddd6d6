"""Takes out of shared libraries what only debuggers and linkers read: a fifth of the layer, most of it rasterio's.

    python shed_debug.py FOLDER

`strip` does the same, but only for processors it was built for, and the layer is built on any machine for arm64 and
x86_64. Loading a library reads its program headers and the segments these name, nothing else (ELF specification, part
2); so segments are moved together over what lies between them, and the table of sections is dropped. What ends up in
memory is the same, byte for byte (tests/unit/infra/test_shed_debug.py).
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass, replace
from pathlib import Path

MAGIC = b"\x7fELF\x02\x01"
"""64 bits, little-endian: both processors of Lambda."""

_HEADER = 64
_PROGRAM_HEADER_OFFSET, _SECTION_HEADER_OFFSET, _COUNTS = 32, 40, 54
_SEGMENT = struct.Struct("<IIQQQQQQ")
_LOAD = 1


@dataclass(frozen=True)
class Segment:
    """A program header."""

    kind: int
    flags: int
    offset: int
    """In the file."""
    address: int
    physical: int
    size: int
    """In the file."""
    memory: int
    alignment: int

    @property
    def is_loaded(self) -> bool:
        """Whether bytes of the file become memory."""
        return self.kind == _LOAD and self.size > 0

    @property
    def end(self) -> int:
        """In the file."""
        return self.offset + self.size


def segments(library: bytes) -> list[Segment]:
    """The program headers of an ELF file."""
    (table,) = struct.unpack_from("<Q", library, _PROGRAM_HEADER_OFFSET)
    length, count = struct.unpack_from("<HH", library, _COUNTS)
    return [Segment(*_SEGMENT.unpack_from(library, table + number * length)) for number in range(count)]


def without_debug(library: bytes) -> bytes:
    """An ELF file without what is not loaded; as it is when it is laid out in a way that is not known here."""
    if not library.startswith(MAGIC):
        return library
    found = segments(library)
    moved = _together([segment for segment in found if segment.is_loaded])
    (table,) = struct.unpack_from("<Q", library, _PROGRAM_HEADER_OFFSET)
    places = [_moved(segment.offset, segment.size, moved) for segment in found]
    offsets = [place for place in places if place is not None]
    new_table = _moved(table, len(found) * _SEGMENT.size, moved)
    if new_table is None or len(offsets) < len(found) or _moved(0, _HEADER, moved) != 0:
        return library

    result = bytearray(moved[-1][1] + moved[-1][0].size)
    for segment, offset in moved:
        result[offset : offset + segment.size] = library[segment.offset : segment.end]
    for number, (segment, place) in enumerate(zip(found, offsets, strict=True)):
        header = replace(segment, offset=place)
        _SEGMENT.pack_into(result, new_table + number * _SEGMENT.size, *vars(header).values())
    struct.pack_into("<QQ", result, _PROGRAM_HEADER_OFFSET, new_table, 0)
    # No sections: number and index of their names are nought, as the specification has it.
    struct.pack_into("<HH", result, _COUNTS + 6, 0, 0)
    return bytes(result)


def _together(loaded: list[Segment]) -> list[tuple[Segment, int]]:
    """Loaded segments with their new offsets: one after the other, each where a page of memory can be mapped on it."""
    moved: list[tuple[Segment, int]] = []
    end = 0
    for segment in sorted(loaded, key=lambda segment: segment.offset):
        offset = end + (segment.offset - end) % max(segment.alignment, 1)
        moved.append((segment, offset))
        end = offset + segment.size
    return moved


def _moved(offset: int, size: int, moved: list[tuple[Segment, int]]) -> int | None:
    """Where bytes of the file went; None for bytes that are not loaded. No bytes stay where they are."""
    if size == 0:
        return 0
    for segment, new in moved:
        if segment.offset <= offset and offset + size <= segment.end:
            return offset + new - segment.offset
    return None


def main(folder: Path) -> None:
    """Shorten every library below a folder."""
    before = after = 0
    for path in sorted(folder.rglob("*.so*")):
        library = path.read_bytes()
        shorter = without_debug(library)
        before, after = before + len(library), after + len(shorter)
        if len(shorter) < len(library):
            path.write_bytes(shorter)
    print(f"libraries: {before / 1e6:.0f} MB, without debugging information {after / 1e6:.0f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
