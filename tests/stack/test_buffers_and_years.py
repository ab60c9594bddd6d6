"""Margins of clouds across tiles, what a composite is made of, the year of its pixels: on the embedded stack."""

from __future__ import annotations

import copy
import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from rasterio.io import MemoryFile
from scipy import ndimage

from tests.stack import independent
from tests.stack.conftest import DEMO, Application

pytestmark = pytest.mark.slow

SHIFT = timedelta(days=225)
"""The demo's dates in August become the turn of the year."""
PIXEL = 120
CLOUD, SHADOW = [9, 8, 10], [3]
BUFFERS = [{"values": CLOUD, "dilate_m": 3 * PIXEL}, {"values": SHADOW, "dilate_m": 2 * PIXEL}]
REACH = 3
"""Pixels a margin is wide, at most."""
NORTH, SOUTH = "000000", "000001"


def _definition(app: Application) -> dict[str, Any]:
    plain = app.example("cube_lcf")
    parameters = copy.deepcopy(plain["parameters"]) | {"no_post_process": True}
    parameters["mask"]["buffers"] = BUFFERS
    return plain | {
        "datacube": "BUFFERED-31D",
        "datacube_identity": "BUFFERED",
        "bands": [band for band in plain["bands"] if band["name"] in ("B04", "SCL")],
        "indexes": [],
        "bands_quicklook": [],
        "temporal_composition": {"schema": "Continuous", "step": 31, "unit": "day"},
        "parameters": parameters,
    }


@pytest.fixture(scope="module")
def build(app: Application) -> dict[str, Any]:
    """The cube, built; its definition."""
    collection = json.loads((DEMO / "scenes" / "items.json").read_text())
    for item in collection["features"]:
        day, _, hour = item["properties"]["datetime"].partition("T")
        item["properties"]["datetime"] = f"{date.fromisoformat(day) - SHIFT}T{hour}"
    app.stack.client("s3").put_object(
        Bucket=app.landing, Key="demo/new-year.json", Body=json.dumps(collection).encode()
    )
    definition = _definition(app)
    app.stack.call("POST", "/cubes", definition)
    request = app.example(
        "start_lcf",
        datacube="BUFFERED-31D-1",
        stac_url=f"s3://{app.landing}/demo/new-year.json",
        start_date="2022-12-15",
        end_date="2023-01-14",
    )
    built = app.build(request)
    assert built.status == "SUCCEEDED", built.failed_units
    return definition


def _composite(app: Application, tile: str) -> dict[str, Any]:
    return app.item(f"buffered-31d/v1/{tile[:3]}/{tile[3:]}/2022/12/15/")


def _read(app: Application, folder: str, item: dict[str, Any], band: str) -> tuple[np.ndarray, Any]:
    body = app.read(folder + item["assets"][band]["href"].removeprefix("./"))
    with MemoryFile(body) as memory, memory.open() as raster:
        return raster.read(1), raster.profile


def _layer(app: Application, tile: str, band: str) -> np.ndarray:
    folder = f"buffered-31d/v1/{tile[:3]}/{tile[3:]}/2022/12/15/"
    return _read(app, folder, _composite(app, tile), band)[0]


def _quality(app: Application, tile: str, day: date) -> tuple[np.ndarray, Any]:
    folder = f"buffered/v1/{tile[:3]}/{tile[3:]}/{day:%Y/%m/%d}/"
    return _read(app, folder, app.item(folder), "SCL")


def _widened(quality: np.ndarray, mask: dict[str, Any]) -> np.ndarray:
    """The buffers by distances between the centres of pixels."""
    result = quality.copy()
    free = ~np.isin(quality, [mask["nodata"], *mask["not_clear_data"], *mask["saturated_data"]])
    for buffer in BUFFERS:
        for value in buffer["values"]:
            if not (quality == value).any():
                continue
            near = ndimage.distance_transform_edt(quality != value) * PIXEL <= buffer["dilate_m"]
            result[free & near] = value
            free &= ~near
    return result


def test_clouds_of_the_neighbouring_tile_have_their_margin_here(app: Application, build: dict[str, Any]) -> None:
    profile = _quality(app, NORTH, date(2022, 12, 28))[1]
    rows, columns = profile["height"], profile["width"]
    both = independent.Target(profile["crs"], profile["transform"], (2 * rows, columns))
    seen = [
        independent.observe(build, DEMO / "scenes", both, 15.2, "2023-08-01", "2023-08-31", moved=moved)
        for moved in independent.AROUND
    ]
    mask, changed = build["parameters"]["mask"], 0
    for day, bands in seen[0].days.items():
        found = np.vstack([_quality(app, tile, date.fromisoformat(day) - SHIFT)[0] for tile in (NORTH, SOUTH)])
        wants = np.stack([_widened(stack.days[day]["SCL"], mask) for stack in seen])
        inside = slice(REACH, -REACH), slice(REACH, -REACH)  # beyond the two tiles the test does not look
        assert (found == wants).any(axis=0)[inside].all(), day
        assert (found != wants[0])[inside].mean() < 0.001, day
        across = slice(rows - REACH, rows + REACH), slice(None)
        apart = np.vstack([_widened(part, mask) for part in np.split(bands["SCL"], 2)])
        changed += np.count_nonzero(apart[across] != wants[0][across])
    assert len(seen[0].days) == 5
    assert changed, "no cloud at the seam: the scenes do not show what is tested"


@pytest.mark.parametrize("tile", [NORTH, SOUTH])
def test_the_item_tells_the_share_of_every_date(app: Application, build: dict[str, Any], tile: str) -> None:
    properties = _composite(app, tile)["properties"]
    day, year = _layer(app, tile, "PROVENANCE"), _layer(app, tile, "PROVENANCE_YEAR")
    assert [entry["date"] for entry in properties["stratocube:composition"]] == properties["stratocube:dates"]
    for entry in properties["stratocube:composition"]:
        moment = date.fromisoformat(entry["date"])
        taken = (day == moment.timetuple().tm_yday) & (year == moment.year)
        assert entry["share"] == round(taken.sum() / taken.size, 6)
    shares = properties["stratocube:pixel_shares"]
    assert shares["clear"] == round((_layer(app, tile, "CLEAROB") > 0).mean(), 6)
    assert shares["empty"] == round((day == -1).mean(), 6)
    assert abs(sum(shares.values()) - 1) < 2e-6


@pytest.mark.parametrize("tile", [NORTH, SOUTH])
def test_the_year_of_every_pixel_stands_beside_the_day(app: Application, build: dict[str, Any], tile: str) -> None:
    item = _composite(app, tile)
    assert "stratocube:provenance_year" not in item["properties"]
    said = item["assets"]["PROVENANCE_YEAR"]["raster:bands"][0]
    assert (said["nodata"], said["data_type"], said["spatial_resolution"]) == (-1, "int16", PIXEL)
    day, year = _layer(app, tile, "PROVENANCE"), _layer(app, tile, "PROVENANCE_YEAR")
    assert_array_equal(year, np.select([day > 300, day > 0], [2022, 2023], -1))
    assert set(np.unique(year)) >= {2022, 2023}
