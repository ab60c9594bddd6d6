"""How GDAL and the threads fit the memory of a function."""

from __future__ import annotations

import pytest
from rasterio.env import getenv

from stratocube.storage.gdal import cache_bytes, gdal_environment, threads_for

MEGABYTE = 1 << 20


@pytest.mark.parametrize(
    ("megabytes", "threads", "cache"),
    [("128", 1, 32), ("1024", 1, 64), ("1769", 1, 110), ("1770", 2, 110), ("3538", 2, 128), ("10240", 6, 128)],
)
def test_threads_and_cache_grow_with_the_memory_of_the_function(megabytes: str, threads: int, cache: int) -> None:
    env = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": megabytes}
    assert (threads_for(env), cache_bytes(env)) == (threads, cache * MEGABYTE)


def test_outside_of_lambda_the_processors_of_the_machine_count() -> None:
    assert threads_for({}) >= 1
    assert cache_bytes({}) == 128 * MEGABYTE


def test_the_environment_has_the_cache_keeps_nothing_and_leads_to_the_emulator() -> None:
    with gdal_environment({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024", "AWS_ENDPOINT_URL": "http://localhost:4566"}):
        found = getenv()
    assert found["GDAL_CACHEMAX"] == 64 * MEGABYTE
    assert found["CPL_VSIL_CURL_NON_CACHED"] == "/vsis3/:/vsicurl/"
    assert (found["AWS_S3_ENDPOINT"], found["AWS_HTTPS"], found["AWS_VIRTUAL_HOSTING"]) == (
        "localhost:4566",
        "NO",
        "FALSE",
    )
