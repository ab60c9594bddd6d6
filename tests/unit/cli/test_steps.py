"""``stratocube run``: the steps of a build on files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from click.testing import Result
from typer.testing import CliRunner

from stratocube.cli.main import app
from stratocube.cube.geobox import GeoBox
from stratocube.pixels.cog import save_as_cog

BOX = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=4, height=4)
AT = ("--grid", "grid.json", "--tile", "000000")
MASK = {"clear_data": [0, 1], "not_clear_data": [2, 3, 4], "nodata": 255}
CUBE: dict[str, Any] = {
    "datacube": "TEST",
    "version": 1,
    "grs": "TINY",
    "resolution": 30,
    "temporal_composition": {"schema": "Continuous", "step": 1, "unit": "month"},
    "composite_function": "LCF",
    "bands": [
        {"name": "red", "common_name": "red", "data_type": "int16", "nodata": -9999, "scale": 0.0001},
        {"name": "nir", "common_name": "nir", "data_type": "int16", "nodata": -9999, "scale": 0.0001},
        {"name": "Fmask", "common_name": "quality", "data_type": "uint8", "nodata": 255},
    ],
    "indexes": [
        {
            "name": "NDVI",
            "common_name": "ndvi",
            "data_type": "int16",
            "nodata": -9999,
            "metadata": {"expression": {"bands": ["nir", "red"], "value": "10000. * ((nir - red)/(nir + red))"}},
        }
    ],
    "bands_quicklook": ["red", "nir", "red"],
    "quality_band": "Fmask",
    "parameters": {"mask": MASK},
}


class Folder:
    """A folder with rasters and definitions, and the command line in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def raster(self, name: str, rows: Any, dtype: str = "int16", nodata: float = -9999) -> str:
        data = np.broadcast_to(np.asarray(rows, dtype=dtype), BOX.shape).copy()
        save_as_cog(self.path / name, data, BOX, nodata=nodata, kind="categorical")
        return name

    def file(self, name: str, content: Any) -> str:
        (self.path / name).write_text(json.dumps(content))
        return name

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["run", *words])

    def read(self, name: str) -> Any:
        with rasterio.open(self.path / name) as dataset:
            return dataset.read(1).tolist()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("stratocube.cli.session._state_dir", lambda: None)
    made = Folder(tmp_path)
    made.file("cube.json", CUBE)
    tiny = {"name": "TINY", "crs": BOX.crs, "tile_size": [120, 120], "origin": [300000, 8000000]}
    made.file("grid.json", tiny | {"bbox": [-46.88944, -18.08018, -46.88906, -18.07983]})
    return made


def test_merge_on_the_grid_of_a_raster(folder: Folder) -> None:
    morning = folder.raster("morning.tif", [[10, 20, -9999, -9999]])
    noon = folder.raster("noon.tif", [[-9999, 21, 31, -9999]])
    words = ("--scene", morning, "--scene", noon, "--like", morning, "--nodata", "-9999", "-o", "merged.tif")
    answer = folder.run("merge", *words)
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.splitlines() == [
        "merged.tif: 4 x 4 pixels, 75.0 % valid",
        "  morning.tif: used",
        "  noon.tif: used",
    ]
    assert folder.read("merged.tif") == [[10, 21, 31, -9999]] * 4
    first = folder.run("merge", *words, "--overlap", "first", "--json")
    assert json.loads(first.stdout)["scenes_used"] == ["morning.tif", "noon.tif"]
    assert folder.read("merged.tif") == [[10, 20, 31, -9999]] * 4


def test_merge_on_a_tile_as_the_cube_has_it(folder: Folder) -> None:
    scene = folder.raster("scene.tif", 7)
    words = ("--scene", scene, "--cube", "cube.json", "--band", "red", "--grid", "grid.json", "--tile", "000000")
    answer = folder.run("merge", *words, "-o", "red.tif")
    assert answer.exit_code == 0, answer.output
    with rasterio.open("red.tif") as dataset:
        assert (dataset.nodata, dataset.dtypes, dataset.scales) == (-9999, ("int16",), (0.0001,))
        assert (dataset.transform.c, dataset.transform.f, dataset.shape) == (300000, 8000000, (4, 4))
    assert folder.read("red.tif") == [[7] * 4] * 4


def dated(folder: Folder) -> list[str]:
    """Two dates: the first is clear on the left, the second everywhere but the first column."""
    folder.raster("10.tif", [[100, 200, 300, 400]])
    folder.raster("10q.tif", [[0, 0, 4, 255]], "uint8", 255)
    folder.raster("15.tif", [[900, 600, 700, 800]])
    folder.raster("15q.tif", [[4, 0, 1, 1]], "uint8", 255)
    return ["2023-08-10=10.tif,10q.tif", "2023-08-15=15.tif,15q.tif"]


@pytest.mark.parametrize(
    ("function", "row"), [("LCF", [100, 600, 700, 800]), ("MED", [100, 400, 700, 800]), ("avg", [100, 400, 700, 800])]
)
def test_blend_composites_by_each_function(folder: Folder, function: str, row: list[int]) -> None:
    words = ("--mask", folder.file("mask.json", MASK), "--nodata", "-9999", "--function", function, "-o", "out.tif")
    answer = folder.run("blend", *dated(folder), *words)
    assert answer.exit_code == 0, answer.output
    assert folder.read("out.tif") == [row] * 4


def test_blend_says_what_it_is_made_of_and_writes_the_layers(folder: Folder) -> None:
    words = ("--cube", "cube.json", "--band", "nir", "--layers", "--json", "-o", "nir.tif")
    answer = json.loads(folder.run("blend", *dated(folder), *words).stdout)
    assert answer["function"] == "LCF"
    assert answer["dates"] == [
        {"date": "2023-08-15", "efficacy": 75.0, "pixels_percent": 75.0},
        {"date": "2023-08-10", "efficacy": 50.0, "pixels_percent": 25.0},
    ]
    assert answer["files"] == ["nir.tif", "nir_CLEAROB.tif", "nir_TOTALOB.tif", "nir_PROVENANCE.tif"]
    assert folder.read("nir_CLEAROB.tif") == [[1, 2, 1, 1]] * 4
    assert folder.read("nir_PROVENANCE.tif") == [[222, 227, 227, 227]] * 4


def test_publish_writes_the_item_the_index_and_the_picture(folder: Folder) -> None:
    red, nir = folder.raster("red.tif", 500), folder.raster("nir.tif", 3500)
    quality = folder.raster("q.tif", [[0, 0, 0, 4]], "uint8", 255)
    words = ("--cube", "cube.json", "--grid", "grid.json", "--tile", "000000", "--period", "2023-08-17", "-o", "item")
    answer = folder.run("publish", f"red={red}", f"nir={nir}", f"Fmask={quality}", *words, "--json")
    assert answer.exit_code == 0, answer.output
    made = json.loads(answer.stdout)
    item = json.loads(Path(made["item"]).read_text())
    assert item["id"] == made["id"] == "TEST_V1_000000_20230801"
    assert (item["properties"]["start_datetime"][:10], item["properties"]["end_datetime"][:10]) == (
        "2023-08-01",
        "2023-08-31",
    )
    assert item["properties"]["stratocube:efficacy"] == 75.0
    assert folder.read("item/TEST_V1_000000_20230801_NDVI.tif") == [[7500] * 4] * 4
    assert Path(made["quicklook"]).read_bytes()[1:4] == b"PNG"
    assert item["assets"]["red"]["href"] == "../red.tif"
    assert all((folder.path / "item" / asset["href"]).is_file() for asset in item["assets"].values())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("merge", "--scene", "a.tif", "--nodata", "0", "-o", "x.tif"), "--like RASTER"),
        (("merge", "--scene", "a.tif", "--like", "a.tif", "-o", "x.tif"), "nodata"),
        (("merge", "--scene", "a.tif", "--like", "a.tif", "--nodata", "0", "--overlap", "mean", "-o", "x"), "overlap"),
        (("merge", "--scene", "a.tif", "--cube", "cube.json", "--like", "a.tif", "-o", "x"), "red, nir, Fmask"),
        (
            ("merge", "--scene", "a.tif", "--nodata", "0", "--grid", "grid.json", "--tile", "9", "-o", "x"),
            "none is 9: 000000",
        ),
        (("blend", "2023-08-10", "--nodata", "0", "-o", "x.tif"), "DATE=BAND,QUALITY"),
        (("blend", "2023-08-10=a.tif,q.tif", "--nodata", "0", "-o", "x.tif"), "--mask FILE"),
        (
            (
                "publish",
                "rde=a.tif",
                *["--cube", "cube.json", "--grid", "grid.json", "--tile", "000000", "--period", "2023-08-01"],
            ),
            "did you mean red?",
        ),
    ],
)
def test_wrong_use_is_told_with_the_remedy(folder: Folder, words: tuple[str, ...], said: str) -> None:
    folder.raster("a.tif", 1)
    answer = folder.run(*words)
    assert (answer.exit_code, said in answer.stderr) == (2, True), answer.output
    assert "Traceback" not in answer.output


def test_a_raster_that_is_not_there_is_named(folder: Folder) -> None:
    folder.raster("a.tif", 1)
    answer = folder.run("merge", "--scene", "none.tif", "--like", "a.tif", "--nodata", "0", "-o", "x.tif")
    assert (answer.exit_code, "none.tif" in answer.stderr) == (1, True)
    assert not (folder.path / "x.tif").exists()
