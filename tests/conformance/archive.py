"""The packed copy of the golden cases.

``python -m tests.conformance.archive DIR`` packs a directory of cases again. The archive depends on the
files' names and contents alone, so that packing the same cases twice gives the same bytes.
"""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

PACKED = Path(__file__).with_name("golden.tar.xz")


def pack(source: Path, target: Path = PACKED) -> None:
    """Write every file below ``source`` to the archive ``target``."""
    with tarfile.open(target, "w:xz", format=tarfile.PAX_FORMAT, preset=9) as archive:
        for path in sorted(entry for entry in source.rglob("*") if entry.is_file()):
            member = tarfile.TarInfo(path.relative_to(source).as_posix())
            member.size = path.stat().st_size
            member.mode = 0o644
            with path.open("rb") as content:
                archive.addfile(member, content)


def unpack(target: Path, archive: Path = PACKED) -> Path:
    """Unpack the archive into the directory ``target`` and return it."""
    with tarfile.open(archive, "r:xz") as packed:
        packed.extractall(target, filter="data")
    return target


def names(archive: Path = PACKED) -> list[str]:
    """Paths of the files in the archive, without unpacking it."""
    with tarfile.open(archive, "r:xz") as packed:
        return [member.name for member in packed.getmembers() if member.isfile()]


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
