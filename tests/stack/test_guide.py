"""The cubes of cube-builder's user guide build as the guide defines them, and its web client reads what came of it.

Definitions are sent unchanged, grids with another bounding box: that around real scenes in this repository, whose
files stand for the bands the guide names. A start says the guide's name of the cube (``LC8_30_1M_LCF``), and ``shape``
to keep tiles small; what the guide's archive cannot give, dates and tile, is where the scenes are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from shapely.geometry import Point, shape

from tests.stack.conftest import DEMO, Application

pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).parents[1] / "fixtures"
SIDE = 240
"""Pixels of a tile's side."""


def guide(name: str) -> dict[str, Any]:
    """A request of the guide."""
    found: dict[str, Any] = json.loads((FIXTURES / "guide" / f"{name}.json").read_text())
    return found


def cmask(scl: NDArray[Any]) -> NDArray[Any]:
    """Clouds of the scene classification as CBERS masks have them: 127 clear, 255 cloud, 0 nothing."""
    found: NDArray[Any] = np.where(scl == 0, 0, np.where(np.isin(scl, (3, 8, 9, 10)), 255, 127)).astype("uint8")
    return found


def fmask(bqa: NDArray[Any]) -> NDArray[Any]:
    """Bits of Collection 1 as classes of Fmask: bit 0 fill, bit 4 cloud."""
    found: NDArray[Any] = np.where(bqa & 1, 255, np.where(bqa & 16, 4, 0)).astype("uint8")
    return found


@dataclass(frozen=True)
class Sensor:
    """A cube of the guide, and the scenes that stand for its archive."""

    cube: str
    scenes: Path
    start: tuple[str, str]
    place: tuple[float, float]
    """Longitude and latitude in the tile."""
    assets: Mapping[str, str]
    """Assets of the scenes by band; other bands are those of ``any_band``."""
    any_band: str
    quality: tuple[str, Callable[[NDArray[Any]], NDArray[Any]] | None]
    """The asset the quality is made of, and how; None for as it is."""
    periods: tuple[str, ...]
    """Beginnings of the periods with scenes."""

    @property
    def definition(self) -> dict[str, Any]:
        return guide(self.cube)


SENSORS = (
    Sensor(
        "sentinel2",
        DEMO / "scenes",
        ("2023-07-28", "2023-08-31"),
        (15.26, 46.21),
        {"B02": "blue", "B03": "green", "B08": "nir", "B8A": "nir"},
        "red",
        ("scl", None),
        ("2023-07-28", "2023-08-13"),
    ),
    Sensor(
        "landsat8",
        FIXTURES / "scenes" / "landsat8-bqa",
        ("2018-04-01", "2018-04-30"),
        (-74.3, 41.5),
        {"sr_band5": "B5", "sr_band4": "B8"},
        "B5",
        ("BQA", fmask),
        ("2018-04-01",),
    ),
    Sensor(
        "cbers4",
        DEMO / "scenes",
        ("2023-08-13", "2023-08-20"),
        (15.26, 46.21),
        {"BAND13": "blue", "BAND14": "green", "BAND16": "nir"},
        "red",
        ("scl", cmask),
        ("2023-08-13",),
    ),
)


class Archive:
    """Uploads scenes as an ItemCollection with the bands of a definition."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def upload(self, sensor: Sensor) -> str:
        """The href of the collection."""
        prefix = f"guide/{sensor.cube}"
        self._app.stack.upload(sensor.scenes, self._app.landing, prefix)
        collection = json.loads((sensor.scenes / "items.json").read_text())
        for item in collection["features"]:
            item["collection"] = sensor.cube
            item["assets"] = self._assets(sensor, item["assets"], prefix)
        body = json.dumps(collection).encode()
        self._app.stack.client("s3").put_object(Bucket=self._app.landing, Key=f"{prefix}/guide.json", Body=body)
        return f"s3://{self._app.landing}/{prefix}/guide.json"

    def _assets(self, sensor: Sensor, assets: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        name, change = sensor.quality
        href = assets[name]["href"]
        quality = {"href": href if change is None else self._changed(sensor, href, prefix, change)}
        bands = [band["name"] for band in sensor.definition["bands"]]
        found = {band: assets[sensor.assets.get(band, sensor.any_band)] for band in bands}
        # without what an asset says of the band it was: it stands for another one
        kept = ("href", "type", "raster:bands")
        plain = {band: {part: asset[part] for part in kept if part in asset} for band, asset in found.items()}
        return plain | {sensor.definition["quality_band"]: quality}

    def _changed(self, sensor: Sensor, href: str, prefix: str, change: Callable[[NDArray[Any]], NDArray[Any]]) -> str:
        with rasterio.open(sensor.scenes / href) as source:
            values, profile = change(source.read(1)), source.profile
        profile.update(dtype="uint8", nodata=None, driver="GTiff")
        changed = f"{href.rpartition('.')[0]}_quality.tif"
        with MemoryFile() as memory:
            with memory.open(**profile) as target:
                target.write(values, 1)
            key = f"{prefix}/{changed.removeprefix('./')}"
            self._app.stack.client("s3").put_object(Bucket=self._app.landing, Key=key, Body=memory.read())
        return changed


@pytest.fixture(scope="module", params=SENSORS, ids=[sensor.cube for sensor in SENSORS])
def built(app: Application, request: pytest.FixtureRequest) -> Iterator[tuple[Application, Sensor, str]]:
    """The application with the cube of one sensor built: the sensor, and the tile."""
    sensor: Sensor = request.param
    definition, start = sensor.definition, guide(f"start_{sensor.cube}")
    grids = guide("grids")
    position = grids["names"].index(definition["grs"])
    west, south = sensor.place
    one_grid = {
        **grids,
        "names": [definition["grs"]],
        "tile_factor": [grids["tile_factor"][position]],
        "bbox": [west - 1, south - 1, west + 1, south + 1],
    }
    app.stack.call("POST", "/create-grids", one_grid)
    assert app.stack.call("POST", "/cubes", definition)["id"] == f"{definition['datacube']}-1"
    place = Point(sensor.place)
    tiles = app.stack.call("GET", f"/grids/{definition['grs']}?bbox={west},{south},{west},{south}")["tiles"]
    tile = next(tile["id"] for tile in tiles if shape(tile["geom_wgs84"]).contains(place))
    start.pop("token", None)
    start |= {
        "stac_url": Archive(app).upload(sensor),
        "collections": [sensor.cube],
        "tiles": [tile],
        "start_date": sensor.start[0],
        "end_date": sensor.start[1],
        "shape": [SIDE, SIDE],
    }
    progress = app.wait(app.stack.call("POST", "/start-cube", start)["build_id"])
    assert progress.status == "SUCCEEDED", progress
    yield app, sensor, tile


def test_the_guides_cube_is_built_with_all_its_bands(built: tuple[Application, Sensor, str]) -> None:
    app, sensor, tile = built
    definition = sensor.definition
    name = definition["datacube"]
    bands = {band["name"]: band for band in (*definition["bands"], *definition["indexes"])}
    found = {item["start_date"][:10]: item for item in _items(app, f"{name}-1")}

    assert set(sensor.periods) <= set(found)
    for period in sensor.periods:
        item = _document(app, found[period]["href"])
        assert item["id"] == f"{name}_V1_{tile}_{period.replace('-', '')}"
        assert set(bands) | {"CLEAROB", "TOTALOB", "PROVENANCE", "thumbnail"} <= set(item["assets"])
        for band in (definition["bands_quicklook"][0], definition["quality_band"], "NDVI"):
            pixels, nodata = _pixels(app, found[period]["href"], item["assets"][band]["href"])
            assert pixels.shape == (SIDE, SIDE)
            assert nodata == bands[band]["nodata"]
            assert (pixels != nodata).sum() > 100, f"{period} {band}"


def test_the_web_client_reads_what_it_needs(built: tuple[Application, Sensor, str]) -> None:
    app, sensor, tile = built
    name = sensor.definition["datacube"]
    call = app.stack.call

    (listed,) = call("GET", f"/cubes?name={name}-1&collection_type=cube&public=true")
    assert (listed["name"], listed["version"], listed["status"]) == (name, 1, "Finished")
    cube = call("GET", f"/cubes/{listed['id']}")
    assert (cube["start_date"], cube["end_date"]) == sensor.start
    periods = {"start_date": cube["start_date"], "last_date": cube["end_date"], **cube["temporal_composition_schema"]}
    assert call("POST", "/list-periods", periods)["timeline"]
    status = call("GET", f"/cube-status?cube_name={name}-1")
    assert (status["finished"], status["error"], status["not_done"]) == (True, 0, 0)
    assert status["collection_item"] == len(_items(app, f"{name}-1"))
    assert call("GET", f"/cubes/{name}-1/tiles") == [tile]
    (outline,) = call("GET", f"/cubes/{name}-1/tiles/geom")
    assert shape(outline["geometry"]).contains(Point(sensor.place))

    merges = call("GET", f"/list-merges?cube_id={name}-1&tile_id={tile}&start_date=2018-01-01&end_date=2024-01-01")
    assert merges
    for merge in merges.values():
        assert merge["errors"] == []
        assert merge["collections"] == [sensor.cube]
        band = merge["bands"][sensor.definition["bands"][0]["name"]]
        assert band["merge"].startswith(f"s3://{app.cubes}/")
        assert band["scenes"]
    meta = call("GET", f"/cubes/{name}-1/meta")
    call("PUT", f"/cubes/{name}-1/parameters", meta)
    assert call("PUT", f"/cubes/{name}-1", {"title": "From the guide", "public": False})["is_public"] is False


def _items(app: Application, cube_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = app.stack.call("GET", f"/cubes/{cube_id}/items?page=1&per_page=10000")["items"]
    return found


def _document(app: Application, href: str) -> dict[str, Any]:
    item: dict[str, Any] = json.loads(app.read(href.removeprefix(f"s3://{app.cubes}/")))
    return item


def _pixels(app: Application, item: str, href: str) -> tuple[NDArray[Any], float]:
    folder = item.removeprefix(f"s3://{app.cubes}/").rpartition("/")[0]
    with MemoryFile(app.read(f"{folder}/{href.removeprefix('./')}")) as memory, memory.open() as dataset:
        found: NDArray[Any] = dataset.read(1)
        return found, float(dataset.nodata)
