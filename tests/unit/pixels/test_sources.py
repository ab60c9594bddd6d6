"""Sources that are there, are not, or fail half way; and a cache that must not answer for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.env import getenv
from rasterio.session import DummySession

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest, SourceMissing, StratocubeError, TransientRead
from stratocube.pixels.merge import merge
from stratocube.pixels.sources import (
    SAFE_SETTINGS,
    SourceRaster,
    crs_of,
    environment,
    geobox_of,
    is_remote,
    open_raster,
    read_pixels,
    read_raster,
)
from tests.unit.pixels.rasters_on_disk import UTM, Server, grid, serving, write_raster

IMPATIENT = {"GDAL_HTTP_MAX_RETRY": "0", "GDAL_HTTP_TIMEOUT": "5", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
NOT_CACHED = {"CPL_VSIL_CURL_NON_CACHED": "/vsis3/:/vsicurl/"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as running:
        yield running


def read(path: str, href: str | None = None) -> list[list[int]]:
    with open_raster(path, href=href) as dataset:
        return read_pixels(dataset).tolist()


def big(path: Path) -> str:
    """A raster whose pixels are not in the first 16 kB that GDAL reads."""
    noise = np.random.default_rng(1).integers(0, 9999, (256, 256))
    return write_raster(path, noise, tiled=True, blockxsize=64, blockysize=64)


def test_a_raster_is_read_with_its_grid_and_nodata(tmp_path: Path) -> None:
    raster = read_raster(write_raster(tmp_path / "a.tif", [[1, 2, 3], [4, 5, -9999]]))
    assert raster.data.tolist() == [[1, 2, 3], [4, 5, -9999]]
    assert raster.nodata == -9999
    assert (raster.geobox.shape, raster.geobox.transform) == ((2, 3), grid(3, 2).transform)
    assert crs_of(raster.geobox) == crs_of(grid(3, 2))


def test_pixels_can_be_read_fewer_than_there_are(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", [[1, 1, 2, 2], [1, 1, 2, 2]])
    with open_raster(path) as dataset:
        assert read_pixels(dataset, out_shape=(1, 2)).tolist() == [[1, 2]]


def test_what_is_not_there_or_no_raster_is_missing_and_named_as_the_user_knows_it(tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("no raster")
    for name in ("absent.tif", "text.tif", ""):
        with pytest.raises(SourceMissing, match=r"^s3://archive/scene\.tif: ") as caught:
            read(str(tmp_path / name), "s3://archive/scene.tif")
        assert caught.value.href == "s3://archive/scene.tif"
        assert str(tmp_path) not in str(caught.value)


def test_a_file_that_ends_too_early_is_a_failed_read(tmp_path: Path) -> None:
    path = Path(big(tmp_path / "a.tif"))
    path.write_bytes(path.read_bytes()[:40_000])
    with pytest.raises(TransientRead, match=r"^scene: .*(Read error|IReadBlock failed)"):
        read(str(path), "scene")


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (404, SourceMissing),
        (410, SourceMissing),
        (403, SourceMissing),
        (401, SourceMissing),
        (429, TransientRead),
        (500, TransientRead),
        (503, TransientRead),
        ("drop", TransientRead),
        ("html", TransientRead),
        ("after header", TransientRead),
    ],
)
def test_a_failing_server_is_told_from_a_missing_object(
    tmp_path: Path, server: Server, failure: int | str, error: type[StratocubeError]
) -> None:
    big(tmp_path / "a.tif")
    server.failure = failure
    with rasterio.Env(session=DummySession(), **IMPATIENT, **NOT_CACHED), pytest.raises(error, match=r"^the scene: "):
        read(server.path("a.tif"), "the scene")


def test_a_failure_is_not_remembered(tmp_path: Path, server: Server) -> None:
    write_raster(tmp_path / "a.tif", [[1, 2]])
    server.failure = 503
    with rasterio.Env(session=DummySession(), **IMPATIENT, **NOT_CACHED):
        with pytest.raises(TransientRead):
            read(server.path("a.tif"))
        server.failure = None
        assert read(server.path("a.tif")) == [[1, 2]]


def test_an_object_rewritten_under_its_url_is_read_anew(tmp_path: Path, server: Server) -> None:
    for values in ([[1, 2]], [[3, 4]]):
        write_raster(tmp_path / "a.tif", values)
        assert read(server.path("a.tif")) == values


def test_without_the_setting_gdal_answers_from_its_cache(tmp_path: Path, server: Server) -> None:
    # Says why the setting is there: should GDAL change this, the setting can go.
    with rasterio.Env(session=DummySession(), CPL_VSIL_CURL_NON_CACHED="", **IMPATIENT):
        for values in ([[1, 2]], [[3, 4]]):
            write_raster(tmp_path / "a.tif", values)
            assert read(server.path("a.tif")) == [[1, 2]]


def test_an_environment_of_others_lacks_nothing_and_keeps_what_it_says(tmp_path: Path, server: Server) -> None:
    with rasterio.Env(session=DummySession(), GDAL_HTTP_TIMEOUT="7"):
        for values in ([[1, 2]], [[3, 4]]):
            write_raster(tmp_path / "a.tif", values)
            assert read(server.path("a.tif")) == values
        outside = getenv()
        with environment():
            assert getenv() == {**SAFE_SETTINGS, **outside, "GDAL_HTTP_TIMEOUT": "7"}
        assert getenv() == outside


@pytest.fixture
def bucket(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that GDAL reads as /vsis3/bucket/, with credentials in the environment and boto3 out of order."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_S3_ENDPOINT": server.host,
        "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
    }.items():
        monkeypatch.setenv(name, value)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a boto3 session was made")

    monkeypatch.setattr(boto3, "Session", refuse)
    (tmp_path / "bucket").mkdir()
    return tmp_path / "bucket"


def test_s3_is_read_without_a_boto3_session_and_never_from_the_cache(bucket: Path) -> None:
    with pytest.raises(AssertionError, match="boto3"):
        rasterio.Env()
    for values in ([[1, 2]], [[3, 4]]):
        write_file(bucket / "a.tif", values)
        assert read("/vsis3/bucket/a.tif") == values
    source = SourceRaster("s3://bucket/a.tif", "/vsis3/bucket/a.tif")
    merged = merge([source], grid(2, 1), data_type="int16", nodata=-9999, threads=2)
    assert merged.data.tolist() == [[3, 4]]


def test_a_key_that_is_not_in_the_bucket_is_missing(bucket: Path) -> None:
    with pytest.raises(SourceMissing, match=r"^s3://bucket/none\.tif: "):
        read("/vsis3/bucket/none.tif", "s3://bucket/none.tif")


def write_file(path: Path, values: list[list[int]]) -> None:
    with environment():
        write_raster(path, values)


def test_the_token_of_a_signed_url_stays_out_of_errors(server: Server) -> None:
    path = server.path("none.tif?sig=SECRET")
    with pytest.raises(SourceMissing) as caught:
        read(path, f"http://{server.host}/none.tif")
    assert "SECRET" not in str(caught.value)


def test_settings_of_the_caller_count() -> None:
    with rasterio.Env(session=DummySession(), GDAL_HTTP_MAX_RETRY="7"), environment():
        assert rasterio.env.getenv()["GDAL_HTTP_MAX_RETRY"] == "7"
    with environment():
        assert rasterio.env.getenv()["CPL_VSIL_CURL_NON_CACHED"] == "/vsis3/:/vsicurl/"


def test_network_paths_are_told_from_local_ones() -> None:
    assert [is_remote(p) for p in ("/vsis3/b/k", "/vsicurl/https://h/k", "s3://b/k", "/vsizip//vsicurl/h")] == [
        True
    ] * 4
    assert [is_remote(p) for p in ("/data/a.tif", "a.tif", "/vsimem/a.tif", "vsis3.tif")] == [False] * 4


def test_a_grid_that_is_not_north_up_is_refused(tmp_path: Path) -> None:
    for transform in (Affine(10, 1, 0, 0, -10, 0), Affine(10, 0, 0, 0, 10, 5)):
        profile = {"driver": "GTiff", "width": 2, "height": 1, "count": 1, "dtype": "uint8", "crs": UTM}
        with rasterio.open(tmp_path / "r.tif", "w", transform=transform, **profile) as raster:
            raster.write(np.ones((1, 2), "uint8"), 1)
        with open_raster(str(tmp_path / "r.tif")) as dataset, pytest.raises(InvalidRequest, match="north up"):
            geobox_of(dataset)


def test_a_crs_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="crs: 'EPSG:0' is no coordinate reference system"):
        crs_of(GeoBox("EPSG:0", 0, 0, 1, 1, 1, 1))
