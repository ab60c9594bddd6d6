"""Cubes of real scenes of four sensors, built on the embedded stack: every pixel equals an independent computation.

The scenes are in ``tests/fixtures/scenes``, those of CBERS-4 in the folder of ``--real-data``; the definitions in
``tests/fixtures/cubes`` have cube-builder's own form.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from numpy.testing import assert_array_equal
from rasterio.io import MemoryFile

from tests.stack import independent
from tests.stack.conftest import Application

FIXTURES = Path(__file__).parents[1] / "fixtures"


@dataclass(frozen=True)
class Cube:
    """One cube to build: a definition, what is changed in it, and which dates."""

    folder: str
    """Of ``tests/fixtures/cubes``."""
    scenes: str
    """The set of scenes."""
    periods: tuple[tuple[str, str], ...]
    """What the timeline must make of the dates from the first to the last one."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tile: str = "000000"

    @property
    def definition(self) -> dict[str, Any]:
        """As sent to the API."""
        found = json.loads((FIXTURES / "cubes" / self.folder / "cube.json").read_text())
        return found | dict(self.changes) | {"parameters": found["parameters"] | dict(self.parameters)}

    @property
    def name(self) -> str:
        return str(self.definition["datacube"])


def _every(step: int, unit: str) -> dict[str, Any]:
    return {"schema": "Continuous", "step": step, "unit": unit}


# Sentinel-2 scene classification, in the scenes' own CRS: float values, a cyclic timeline, and a period without scenes.
S2_LCF = Cube(
    "s2-ndvi-scl",
    "s2-ndvi-scl",
    periods=(
        ("2017-01-01", "2017-02-17"),
        ("2017-02-18", "2017-04-06"),
        ("2017-04-07", "2017-05-24"),
        ("2017-05-25", "2017-07-11"),
        ("2017-07-12", "2017-08-28"),
    ),
)
S2_MED = replace(
    S2_LCF,
    periods=(("2017-01-01", "2017-12-31"),),
    changes={"datacube": "NDVI-1Y-MED", "composite_function": "MED", "temporal_composition": _every(1, "year")},
)
# Landsat 5 and 7 with Fmask, combined; gaps of the failed scan-line corrector.
LANDSAT57_LCF = Cube(
    "landsat57-fmask",
    "landsat57-fmask",
    periods=(("2004-05-01", "2004-05-31"), ("2004-06-01", "2004-06-30"), ("2004-07-01", "2004-07-31")),
)
LANDSAT57_AVG = replace(
    LANDSAT57_LCF,
    periods=(("2004-03-01", "2004-05-31"),),
    changes={"datacube": "LANDSAT57-3M-AVG", "composite_function": "AVG", "temporal_composition": _every(3, "month")},
    parameters={"apply_valid_range": True},
)
# Landsat 8 with the bits of BQA, on a grid askew to the scenes: bands of two pixel sizes, one of them rescaled.
LANDSAT8_LCF = Cube(
    "landsat8-bqa", "landsat8-bqa", periods=(("2018-04-01", "2018-05-31"), ("2018-06-01", "2018-07-31"))
)
LANDSAT8_MED = replace(
    LANDSAT8_LCF,
    periods=(("2018-01-01", "2018-06-30"),),
    changes={"datacube": "LC8-6M-MED", "composite_function": "MED", "temporal_composition": _every(6, "month")},
)
# Its thermal band has holes that BQA does not have; two scenes of one day overlap, and here the first one stays.
LANDSAT8_FIRST = replace(
    LANDSAT8_LCF,
    periods=(("2018-04-01", "2018-04-30"),),
    changes={
        "datacube": "LC8-THERMAL-1M-LCF",
        "datacube_identity": "LC8-THERMAL",
        "temporal_composition": _every(1, "month"),
        "is_combined": True,
        "bands": [
            {"name": "B11", "data_type": "uint16", "nodata": 0},
            {"name": "BQA", "common_name": "quality", "data_type": "uint16", "nodata": 1},
        ],
    },
    parameters={"resampling": "nearest"},
)
# CBERS-4 with CMASK: 24 dates, in a projection without EPSG code.
CBERS_LCF = Cube(
    "cbers-cmask",
    "cbers4-awfi-cerrado-series",
    periods=(
        ("2017-08-01", "2017-10-31"),
        ("2017-11-01", "2018-01-31"),
        ("2018-02-01", "2018-04-30"),
        ("2018-05-01", "2018-07-31"),
        ("2018-08-01", "2018-10-31"),
    ),
    tile="091029",
)
CBERS_MED = replace(
    CBERS_LCF,
    periods=(("2017-01-01", "2018-12-31"),),
    changes={"datacube": "CB4-2Y-MED", "composite_function": "MED", "temporal_composition": _every(2, "year")},
)
CBERS_CLOUDS = replace(
    CBERS_LCF,
    scenes="cbers4-awfi-cerrado-clouds",
    periods=(("2017-10-01", "2017-12-31"),),
    changes={"datacube": "CB4-CLOUDS-3M-LCF", "datacube_identity": "CB4-CLOUDS"},
    tile="084028",
)

CUBES = (S2_LCF, S2_MED, LANDSAT57_LCF, LANDSAT57_AVG, LANDSAT8_LCF, LANDSAT8_MED, LANDSAT8_FIRST)
CUBES_ELSEWHERE = (CBERS_LCF, CBERS_MED, CBERS_CLOUDS)

every_cube = pytest.mark.parametrize(
    "cube",
    [pytest.param(cube, id=cube.name) for cube in CUBES]
    + [pytest.param(cube, id=cube.name, marks=pytest.mark.real_data) for cube in CUBES_ELSEWHERE],
)


@dataclass(frozen=True)
class Product:
    """A published STAC item with its rasters."""

    app: Application
    key: str
    item: Mapping[str, Any]

    def pixels(self, asset: str) -> Any:
        """The raster of an asset: (rows, columns)."""
        with MemoryFile(self._file(asset)) as memory, memory.open() as dataset:
            return dataset.read(1)

    def target(self, asset: str) -> independent.Target:
        """The grid of an asset."""
        with MemoryFile(self._file(asset)) as memory, memory.open() as dataset:
            return independent.Target(dataset.crs, dataset.transform, dataset.shape)

    def _file(self, asset: str) -> bytes:
        href = self.item["assets"][asset]["href"]
        return self.app.read(posixpath.normpath(posixpath.join(posixpath.dirname(self.key), href)))


@dataclass(frozen=True)
class Built:
    """A cube that was built, and the same computed independently."""

    cube: Cube
    app: Application
    scenes: Path

    def composite(self, start: str) -> Product:
        """The composite of the period that begins on this day."""
        return self._product(self.cube.name, start)

    def date(self, day: str) -> Product:
        """What was published of one day."""
        return self._product(self.cube.definition["datacube_identity"], day)

    def days_published(self) -> list[str]:
        """The days of which there is something."""
        prefix = self._folder(self.cube.definition["datacube_identity"])
        return sorted({"-".join(key.removeprefix(prefix).split("/")[:3]) for key in self.app.keys(prefix)})

    def stacks(self) -> Iterator[tuple[str, independent.Stack]]:
        """Every period by its first day, with its dates by the independent computation."""
        for start, end in self.cube.periods:
            product = self.composite(start)
            west, _, east, _ = product.item["bbox"]
            target = product.target(self.cube.definition["bands"][0]["name"])
            yield (
                start,
                independent.observe(self.cube.definition, self.scenes, target, (west + east) / 2, start, end),
            )

    def _product(self, name: str, day: str) -> Product:
        folder = self._folder(name) + day.replace("-", "/") + "/"
        (key,) = (key for key in self.app.keys(folder) if key.endswith(".json"))
        return Product(self.app, key, json.loads(self.app.read(key)))

    def _folder(self, name: str) -> str:
        return f"{name.lower()}/v1/{self.cube.tile[:3]}/{self.cube.tile[3:]}/"


class Builder:
    """Builds a cube when a test asks for it first."""

    def __init__(self, app: Application, request: pytest.FixtureRequest) -> None:
        self._app = app
        self._request = request
        self._built: dict[str, Built] = {}
        self._grids: set[str] = set()

    def __call__(self, cube: Cube) -> Built:
        if cube.name not in self._built:
            self._built[cube.name] = self._build(cube)
        return self._built[cube.name]

    def _build(self, cube: Cube) -> Built:
        inside = FIXTURES / "scenes" / cube.scenes
        scenes = inside if cube in CUBES else self._request.getfixturevalue("real_data") / cube.scenes
        self._app.stack.upload(scenes, self._app.landing, cube.scenes)
        if cube.folder not in self._grids:
            grid = json.loads((FIXTURES / "cubes" / cube.folder / "grid.json").read_text())
            self._app.stack.call("POST", "/create-grids", grid)
            self._grids.add(cube.folder)
        identity = self._app.stack.call("POST", "/cubes", cube.definition)["id"]
        build = self._app.build(
            {
                "datacube": identity,
                "stac_url": f"s3://{self._app.landing}/{cube.scenes}/items.json",
                "collections": [cube.scenes],
                "tiles": [cube.tile],
                "start_date": cube.periods[0][0],
                "end_date": cube.periods[-1][1],
            }
        )
        assert build.status == "SUCCEEDED", build.failures()
        assert build.units["succeeded"] == len(cube.periods)
        return Built(cube, self._app, scenes)


@pytest.fixture(scope="module")
def built(app: Application, request: pytest.FixtureRequest) -> Builder:
    return Builder(app, request)


@every_cube
def test_every_pixel_of_every_date_is_the_independent_one(built: Builder, cube: Cube) -> None:
    cubes = built(cube)
    seen = []
    for _, stack in cubes.stacks():
        for day, bands in stack.days.items():
            product = cubes.date(day)
            for band, want in bands.items():
                _assert_equal(product.pixels(band), want, f"{day} {band}")
            seen.append(day)
    assert seen
    assert set(seen) <= set(cubes.days_published())


@every_cube
def test_every_pixel_of_every_composite_is_the_independent_one(built: Builder, cube: Cube) -> None:
    cubes = built(cube)
    for start, stack in cubes.stacks():
        product = cubes.composite(start)
        bands = [band["name"] for band in stack.definition["bands"]]
        if stack.definition["composite_function"] != "LCF":
            bands.remove(stack.quality_band)
        layers = independent.layers(stack)
        assert set(product.item["assets"]) == {*bands, *layers}
        for band in bands:
            _assert_equal(product.pixels(band), independent.composite(stack, band), f"{start} {band}")
        for layer, want in layers.items():
            _assert_equal(product.pixels(layer), want, f"{start} {layer}")
        assert [day for day in product.item["properties"]["stratocube:dates"]] == stack.ranked()


def _assert_equal(found: Any, want: Any, what: str) -> None:
    assert found.dtype == want.dtype, what
    assert_array_equal(found, want, err_msg=what)
