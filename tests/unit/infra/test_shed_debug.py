"""What is taken out of the layer's libraries is nothing a process would ever see."""

from __future__ import annotations

import importlib.util
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pydantic_core
import pytest
import rasterio

ROOT = Path(__file__).parents[3]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


SHED = load(ROOT / "infra" / "layer" / "shed_debug.py")

LIBRARIES = sorted(
    path
    for package in (rasterio, np)
    for folder in (Path(package.__path__[0]), Path(package.__path__[0]).with_suffix(".libs"))
    for path in folder.rglob("*.so*")
)


def image(library: bytes) -> dict[int, tuple[Any, ...]]:
    """What a process gets of a library: the bytes at each address, but for the headers, which tell where they were."""
    found = SHED.segments(library)
    (table,) = struct.unpack_from("<Q", library, 32)
    headers = {0: 64, table: len(found) * 56}
    memory: dict[int, tuple[Any, ...]] = {}
    for segment in found:
        if segment.kind == 1:
            held = bytearray(library[segment.offset : segment.end])
            for start, length in headers.items():
                if segment.offset <= start < segment.end:
                    held[start - segment.offset : start - segment.offset + length] = bytes(length)
            memory[segment.address] = (segment.memory, segment.flags, segment.alignment, bytes(held))
    return memory


@pytest.mark.parametrize("path", LIBRARIES, ids=lambda path: path.name)
def test_the_same_bytes_come_to_the_same_addresses(path: Path) -> None:
    before = path.read_bytes()
    after = SHED.without_debug(before)
    assert len(after) <= len(before)
    assert image(after) == image(before)
    for old, new in zip(SHED.segments(before), SHED.segments(after), strict=True):
        assert (old.kind, old.flags, old.address, old.size, old.memory) == (
            new.kind,
            new.flags,
            new.address,
            new.size,
            new.memory,
        )
        # what the dynamic linker asks of a segment it maps
        assert new.kind != 1 or (new.address - new.offset) % new.alignment == 0


def test_rasterio_loses_most_of_itself() -> None:
    libraries = [path.read_bytes() for path in LIBRARIES if path.parent == Path(rasterio.__path__[0])]
    assert sum(len(SHED.without_debug(library)) for library in libraries) < 0.25 * sum(map(len, libraries))


def test_doing_it_again_changes_nothing() -> None:
    once = SHED.without_debug(LIBRARIES[0].read_bytes())
    assert SHED.without_debug(once) == once


@pytest.mark.parametrize("other", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(60), b"PK\x03\x04"])
def test_what_is_no_such_library_stays_as_it_is(other: bytes) -> None:
    assert SHED.without_debug(other) == other


def test_a_library_with_loaded_bytes_no_segment_holds_stays_as_it_is() -> None:
    library = bytearray(LIBRARIES[0].read_bytes())
    (table,) = struct.unpack_from("<Q", library, 32)
    number = next(n for n, segment in enumerate(SHED.segments(library)) if segment.kind == 2)
    struct.pack_into("<Q", library, table + number * 56 + 8, len(library) - 8)  # .dynamic, beyond every segment
    assert SHED.without_debug(bytes(library)) == bytes(library)


def test_a_shortened_module_can_be_imported_and_works(tmp_path: Path) -> None:
    (original,) = Path(pydantic_core.__path__[0]).glob("_pydantic_core*.so")
    (tmp_path / original.name).write_bytes(SHED.without_debug(original.read_bytes()))
    code = "import _pydantic_core; print(_pydantic_core.__file__, _pydantic_core.from_json('[1]'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(tmp_path / original.name), "[1]"]
