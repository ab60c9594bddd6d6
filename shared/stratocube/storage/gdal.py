"""How GDAL reads rasters from S3 and the web inside a function."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import rasterio
from rasterio.session import DummySession

_SETTINGS: Mapping[str, str | int] = {
    # A COG is one file: listing the folder beside it would cost a request and a permission.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    # One request brings the header and the tile index of most COGs.
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    # Throttled and failed requests are tried again before the read fails; then the caller names the URL (D6).
    "GDAL_HTTP_MAX_RETRY": "4",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "60",
    # A source that holds the line and sends nothing is given up before the function's time is, so that the failure
    # can name it.
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1024",
    "GDAL_HTTP_LOW_SPEED_TIME": "15",
    "VSI_CACHE": "FALSE",
}


_MEMORY: Final = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
"""Variable in which Lambda tells a function its megabytes."""

_MEGABYTES_OF_A_CPU: Final = 1769
"""Lambda gives a function one processor for so much memory, and parts of processors in proportion."""

_MEGABYTE: Final = 1 << 20

_CACHE_SHARE: Final = 16
_CACHE_MEGABYTES: Final = (32, 128)
"""Least and most for decoded blocks. Every block is read once, so what counts is that a row of blocks of each raster
that is read at the moment fits in (11 MB for 10980 columns of 16 bits); more would only take memory from the arrays."""

NOT_CACHED: Mapping[str, str] = {"CPL_VSIL_CURL_NON_CACHED": "/vsis3/:/vsicurl/"}
"""Nothing that was read, and no failure to read, outlives the open file."""


def gdal_environment(env: Mapping[str, str]) -> rasterio.Env:
    """GDAL's settings for one invocation, to be entered with ``with``.

    Credentials are those of the function's role, which GDAL reads from the environment itself (so rasterio need not
    import boto3). ``AWS_ENDPOINT_URL`` in ``env`` leads to an emulator. Blocks read in an earlier invocation of a warm
    function are not trusted: nothing of S3 or the web is kept once a file is closed (D6).
    """
    settings: dict[str, str | int] = dict(_SETTINGS)
    settings |= NOT_CACHED
    settings["GDAL_CACHEMAX"] = cache_bytes(env)  # rasterio wants a number, and takes it for bytes
    endpoint = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL")
    if endpoint:
        parts = urlsplit(endpoint)
        settings["AWS_S3_ENDPOINT"] = parts.netloc
        settings["AWS_HTTPS"] = "YES" if parts.scheme == "https" else "NO"
        settings["AWS_VIRTUAL_HOSTING"] = "FALSE"
    return rasterio.Env(session=DummySession(), **settings)


def threads_for(env: Mapping[str, str]) -> int:
    """How many threads have work in this process: the processors of a Lambda function of its memory, a part counted as
    one; elsewhere those the process may use.

    >>> [threads_for({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": megabytes}) for megabytes in ("512", "1769", "3008")]
    [1, 1, 2]
    """
    megabytes = _megabytes(env)
    if megabytes is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(megabytes / _MEGABYTES_OF_A_CPU))


def cache_bytes(env: Mapping[str, str]) -> int:
    """The size of GDAL's cache of decoded blocks in a function of this memory.

    >>> cache_bytes({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024"}) // 2**20
    64
    """
    least, most = _CACHE_MEGABYTES
    megabytes = _megabytes(env)
    return (most if megabytes is None else min(most, max(least, megabytes // _CACHE_SHARE))) * _MEGABYTE


def _megabytes(env: Mapping[str, str]) -> int | None:
    told = env.get(_MEMORY, "")
    return int(told) if told.isdecimal() else None
