"""A zipped SAFE product in the landing bucket gives the pixels that the archive's COGs of the same scene give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.testing import assert_array_equal
from rasterio.io import MemoryFile
from typer.testing import CliRunner

from stratocube.cli.main import app as command
from stratocube.pixels.sources import geobox_of
from tests.safe_product import write_safe_zip
from tests.stack.conftest import DEMO, Application

pytestmark = pytest.mark.slow

SCENE = "S2A_33TWL_20230815_0_L2A"
OFFSET = 1000
"""ESA's products of baseline 05.09 hold it, Earth Search's COGs of the demo do not."""
RING = "46.0 14.9 46.0 16.4 45.0 16.4 45.0 14.9 46.0 14.9"


def _read(name: str) -> tuple[Any, Any]:
    with rasterio.open(DEMO / "scenes" / SCENE / f"{SCENE}_{name}.tif") as dataset:
        return dataset.read(1), geobox_of(dataset)


def _cube(app: Application, name: str) -> dict[str, Any]:
    plain = app.example("cube_lcf")
    return plain | {
        "datacube": f"{name}-31D",
        "datacube_identity": name,
        "bands": [band for band in plain["bands"] if band["name"] in ("B04", "SCL")],
        "indexes": [],
        "bands_quicklook": [],
    }


def _built(app: Application, name: str, **request: Any) -> dict[str, np.ndarray]:
    app.stack.call("POST", "/cubes", _cube(app, name))
    built = app.build(app.example("start_lcf", datacube=f"{name}-31D-1", tiles=["000001"], **request))
    assert built.status == "SUCCEEDED", built.failed_units
    folder = f"{name.lower()}-31d/v1/000/001/"
    item = app.item(folder)
    place = next(key for key in app.keys(folder) if key.endswith(f"{item['id']}.json")).rpartition("/")[0]
    found = {}
    for band in ("B04", "SCL"):
        body = app.read(f"{place}/{item['assets'][band]['href'].removeprefix('./')}")
        with MemoryFile(body) as memory, memory.open() as raster:
            found[band] = raster.read(1)
    return found


def test_a_safe_product_gives_the_pixels_of_the_cogs(
    app: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    red, geobox = _read("B04")
    classes, coarse = _read("SCL")
    assert coarse == geobox, "the demo's bands share a grid"
    shifted = np.where(red == 0, 0, red.astype(np.int32) + OFFSET).astype(np.uint16)
    write_safe_zip(tmp_path, {"B04_10m": shifted, "SCL_20m": classes.astype(np.uint8)}, geobox, ring=RING)
    emulator = app.stack.emulator
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", emulator.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", emulator.secret_access_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    place = f"s3://{app.landing}/safe"
    options = ["--at", place, "--collection", "safe", "--output", str(tmp_path / "items.json"), "--upload"]
    answer = CliRunner().invoke(command, ["scenes", "index", str(tmp_path), "--pattern", ".zip", *options])
    assert answer.exit_code == 0, answer.output

    items = json.loads((DEMO / "scenes" / "items.json").read_text())
    items["features"] = [item for item in items["features"] if item["id"] == SCENE]
    app.stack.client("s3").put_object(Bucket=app.landing, Key="demo/one.json", Body=json.dumps(items).encode())

    of_cogs = _built(app, "OFCOGS", stac_url=f"s3://{app.landing}/demo/one.json")
    of_safe = _built(app, "OFSAFE", stac_url=f"{place}/items.json", collections=["safe"])
    assert (of_cogs["B04"] != 0).any()
    for band, data in of_cogs.items():
        assert_array_equal(of_safe[band], data, err_msg=band)
