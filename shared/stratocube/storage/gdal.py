"""How GDAL reads rasters from S3 and the web inside a function."""

from __future__ import annotations

from collections.abc import Mapping
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
    # Bytes of decoded blocks (rasterio wants a number, and takes it for bytes): every block is read once, so more
    # would only take memory from the arrays.
    "GDAL_CACHEMAX": 128 * 1024 * 1024,
}


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
    endpoint = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL")
    if endpoint:
        parts = urlsplit(endpoint)
        settings["AWS_S3_ENDPOINT"] = parts.netloc
        settings["AWS_HTTPS"] = "YES" if parts.scheme == "https" else "NO"
        settings["AWS_VIRTUAL_HOSTING"] = "FALSE"
    return rasterio.Env(session=DummySession(), **settings)
