"""Small rasters on one grid for tests of the blend."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio import Affine

from stratocube.cube.mask import QualityMask
from stratocube.pixels.blend import Observation

FMASK = QualityMask(clear=(0, 1), not_clear=(2, 3, 4), nodata=255)
NODATA = -9999
BAND: dict[str, Any] = {"mask": FMASK, "data_type": "int16", "nodata": NODATA}
"""What most blends of these tests have in common."""


@dataclass(frozen=True)
class Files:
    """Writes rasters into one folder."""

    folder: Path

    def write(self, name: str, data: Any, dtype: str = "int16", **profile: Any) -> str:
        """Write one raster: rows of values, 30 m pixels in UTM 22 S unless ``profile`` says otherwise."""
        pixels = np.asarray(data, dtype=dtype)
        defaults = {"crs": "EPSG:32722", "transform": Affine(30, 0, 600000, 0, -30, 8000000)}
        path = self.folder / f"{name}.tif"
        height, width = pixels.shape
        with rasterio.open(
            path, "w", driver="GTiff", count=1, height=height, width=width, dtype=dtype, **{**defaults, **profile}
        ) as raster:
            raster.write(pixels, 1)
        return str(path)

    def observation(self, day: int, quality: Any, band: Any = None, **more: Any) -> Observation:
        """A date in January 2020; without ``band`` the quality band itself is composited."""
        name = f"2020-01-{day:02}"
        quality_path = self.write(f"{name}_quality", quality, "uint8", nodata=255)
        band_path = quality_path if band is None else self.write(f"{name}_nir", band, nodata=NODATA)
        given: dict[str, Any] = {"date": dt.date(2020, 1, day), "efficacy": 50.0, "resolution": 30}
        return Observation(**given | {"band": band_path, "quality": quality_path} | more)
