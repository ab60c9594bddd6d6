"""Which part of a file a job needs at least, and how many bytes that part is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.warp import transform_bounds
from rasterio.windows import Window, from_bounds

from benchmarks.workload import MergeInputs


@dataclass(frozen=True)
class Raster:
    """A raster, or a window of it."""

    path: Path
    window: Window | None = None


def needed_window(path: Path, inputs: MergeInputs) -> Window:
    """The pixels of a scene that bilinear resampling of the tile draws on."""
    with rasterio.open(path) as dataset:
        box = transform_bounds(inputs.crs, dataset.crs, *inputs.bounds, densify_pts=101)
        exact = from_bounds(*box, transform=dataset.transform)
        left, top = (max(int(np.floor(edge)) - 1, 0) for edge in (exact.col_off, exact.row_off))
        right = min(int(np.ceil(exact.col_off + exact.width)) + 1, dataset.width)
        bottom = min(int(np.ceil(exact.row_off + exact.height)) + 1, dataset.height)
    return Window(left, top, right - left, bottom - top)


def bytes_of(raster: Raster) -> int:
    """Compressed bytes of the blocks that a window touches (the whole band without one), full resolution alone."""
    with rasterio.open(raster.path) as dataset:
        rows, columns = dataset.block_shapes[0]
        window = raster.window or Window(0, 0, dataset.width, dataset.height)
        vertical = range(int(window.row_off) // rows, -(-int(window.row_off + window.height) // rows))
        horizontal = range(int(window.col_off) // columns, -(-int(window.col_off + window.width) // columns))
        return sum(
            int(dataset.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", 1) or 0)
            for row in vertical
            for column in horizontal
        )


def compressed_blocks(path: Path) -> list[bytes]:
    """The blocks of a COG's full resolution as they are stored, but for empty ones."""
    with rasterio.open(path) as dataset, path.open("rb") as file:
        rows, columns = dataset.block_shapes[0]
        blocks = []
        for row in range(-(-dataset.height // rows)):
            for column in range(-(-dataset.width // columns)):
                offset = dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", 1)
                if offset is not None:
                    file.seek(int(offset))
                    blocks.append(file.read(int(dataset.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", 1))))
    return blocks
