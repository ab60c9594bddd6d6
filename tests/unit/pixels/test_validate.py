"""Files checked against the definition of their cube."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.session import DummySession

from stratocube.cube.geobox import GeoBox
from stratocube.errors import TransientRead
from stratocube.pixels.cog import save_as_cog
from stratocube.pixels.validate import Expected, Problem, check_file_integrity, validate, validate_merges
from tests.unit.pixels.rasters_on_disk import grid, serving, write_raster

NIR, QUALITY = Expected("int16", -9999), Expected("uint8", 255)


def cut(path: str) -> str:
    file = Path(path)
    file.write_bytes(file.read_bytes()[:-40])
    return path


def test_a_good_file_has_no_problem_whatever_the_crs_is_written_like(tmp_path: Path) -> None:
    albers = "+proj=aea +lat_0=-12 +lon_0=-54 +lat_1=-2 +lat_2=-22 +x_0=5000000 +y_0=10000000 +ellps=GRS80 +units=m"
    for crs in (albers, "EPSG:32722"):
        box = GeoBox(crs, 5_000_000.5, 9e6, 10.003574, 9.98744, 3, 2)
        save_as_cog(tmp_path / "a.tif", np.ones((2, 3), "int16"), box, nodata=-9999, kind="continuous")
        assert validate(str(tmp_path / "a.tif"), NIR, box, read_bytes=True) == ()


def test_every_difference_is_told(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", [[1, 2]], dtype="uint16", nodata=0)
    other = GeoBox("EPSG:32721", 500_000, 8_000_010, 10, 10, 3, 1)
    assert validate(path, NIR, other) == (
        "is uint16, not int16",
        "has nodata 0.0, not -9999",
        "has another CRS than the tile",
        "has (1, 2) pixels (rows, columns), not (1, 3)",
        "lies at (10.0, 0.0, 500000.0, 0.0, -10.0, 8000000.0), not (10, 0.0, 500000, 0.0, -10, 8000010)",
    )
    assert validate(path, Expected("uint16", None), grid(2, 1)) == ("has nodata 0.0, not None",)


def test_not_a_number_is_a_nodata_like_any_other(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", [[1]], dtype="float32", nodata=float("nan"))
    assert validate(path, Expected("float32", float("nan")), grid(1, 1)) == ()
    assert validate(path, Expected("float32", -9999), grid(1, 1)) == ("has nodata nan, not -9999",)


def test_a_file_with_more_bands_is_no_merge(tmp_path: Path) -> None:
    data = np.ones((3, 1, 1), "uint8")
    save_as_cog(tmp_path / "a.tif", data, grid(1, 1), nodata=255, kind="continuous")
    assert validate(str(tmp_path / "a.tif"), QUALITY, grid(1, 1)) == ("has 3 bands, not one",)


def test_problems_of_a_period_come_by_date_and_band(tmp_path: Path) -> None:
    good = write_raster(tmp_path / "good.tif", [[1, 2]])
    wrong = write_raster(tmp_path / "wrong.tif", [[1, 2]], dtype="uint8", nodata=255)
    broken = cut(write_raster(tmp_path / "broken.tif", np.ones((1, 2)), dtype="uint8", nodata=255))
    merges = {
        "2023-08-01": {"nir": good, "quality": wrong},
        "2023-08-06": {"nir": wrong, "extra": good},
        "2023-08-11": {"nir": good, "quality": broken},
    }
    found = validate_merges(merges, {"nir": NIR, "quality": QUALITY}, grid(2, 1), read_bytes=True)
    assert found[:4] == (
        Problem("2023-08-06", "quality", "", "is missing"),
        Problem("2023-08-06", "nir", wrong, "is uint8, not int16"),
        Problem("2023-08-06", "nir", wrong, "has nodata 255.0, not -9999"),
        Problem("2023-08-06", "extra", good, "is no band of the cube"),
    )
    assert [(problem.date, problem.band) for problem in found[4:]] == [("2023-08-11", "quality")]
    assert found[4].reason.startswith(f"cannot be read: {broken}: ")


def test_integrity_is_opening_and_if_asked_reading(tmp_path: Path) -> None:
    good = write_raster(tmp_path / "good.tif", [[1, 2]])
    broken = cut(write_raster(tmp_path / "broken.tif", np.ones((300, 300))))
    (tmp_path / "text.tif").write_text("no raster")
    assert check_file_integrity(good, read_bytes=True)
    assert check_file_integrity(broken, read_bytes=False)
    assert not check_file_integrity(broken, read_bytes=True)
    assert not check_file_integrity(str(tmp_path / "text.tif"))
    assert not check_file_integrity(str(tmp_path / "none.tif"))


def test_a_server_that_fails_says_nothing_about_the_file(tmp_path: Path) -> None:
    write_raster(tmp_path / "a.tif", [[1, 2]])
    with serving(tmp_path) as server, rasterio.Env(session=DummySession(), GDAL_HTTP_MAX_RETRY="0"):
        server.failure = 503
        with pytest.raises(TransientRead):
            check_file_integrity(server.path("a.tif"))
        server.failure = 404
        assert not check_file_integrity(server.path("b.tif"))
