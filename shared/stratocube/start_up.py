"""What a raster function loads while Lambda starts it: numpy and GDAL, and nothing they do not need.

The rest of a function (the workflow with pydantic, the tables with pynamodb, S3 with botocore) is loaded by its first
call. ``docs/speed.md`` has what each part takes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def load_rasters() -> None:
    """Import rasterio, as the first of the process to do so.

    Two things are saved, which together are half of the time:

    * rasterio imports boto3 where it is installed, only to look for credentials. Functions give it none:
      :func:`stratocube.storage.gdal.gdal_environment` leaves them to GDAL.
    * numpy's OpenBLAS starts a thread a processor for linear algebra, of which there is none here.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with _not_installed("boto3"):
        import rasterio  # noqa: F401, PLC0415 - loading it is the purpose, and only here boto3 is out of its sight


@contextmanager
def _not_installed(package: str) -> Iterator[None]:
    """Within it ``import package`` raises ModuleNotFoundError, unless it is imported already.

    None in ``sys.modules`` says so to Python (language reference, "The module cache").
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # typeshed knows of modules only
    try:
        yield
    finally:
        del sys.modules[package]
