"""Cubes of real scenes of four sensors: what they are made of, how they are built, where their pixels are.

Scenes are in ``tests/fixtures/scenes``, those of CBERS-4 in the folder of ``--real-data``. Definitions are in
``tests/fixtures/cubes``, one a set of scenes, in cube-builder's own form; what differs between cubes of a set is here.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from rasterio.io import MemoryFile

from stratocube.local.progress import BuildProgress
from tests.stack import independent
from tests.stack.conftest import Application

FIXTURES = Path(__file__).parents[1] / "fixtures"


@dataclass(frozen=True)
class Cube:
    """One cube to build: a definition, what is changed in it, and which dates."""

    folder: str
    """Of ``tests/fixtures/cubes``."""
    scenes: str
    """The set of scenes, and the name of its collection."""
    periods: tuple[tuple[str, str], ...]
    """What the timeline must make of the dates from the first to the last one."""
    changes: Mapping[str, Any] = field(default_factory=dict, hash=False)
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    tile: str = "000000"

    @cached_property
    def definition(self) -> dict[str, Any]:
        """As sent to the API."""
        found: dict[str, Any] = json.loads((FIXTURES / "cubes" / self.folder / "cube.json").read_text())
        return found | dict(self.changes) | {"parameters": found["parameters"] | dict(self.parameters)}

    @property
    def grid(self) -> dict[str, Any]:
        """As sent to the API."""
        found: dict[str, Any] = json.loads((FIXTURES / "cubes" / self.folder / "grid.json").read_text())
        return found

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
        ("2017-02-18", "2017-04-06"),
        ("2017-04-07", "2017-05-24"),
        ("2017-05-25", "2017-07-11"),
        ("2017-07-12", "2017-08-28"),
    ),
)
S2_MED = replace(
    S2_LCF,
    periods=(("2017-03-01", "2017-07-31"),),
    changes={"datacube": "NDVI-5M-MED", "composite_function": "MED", "temporal_composition": _every(5, "month")},
)
# Landsat 5 and 7 with Fmask, combined; gaps of the failed scan-line corrector. Ranked by a reference day.
LANDSAT57_LCF = Cube(
    "landsat57-fmask", "landsat57-fmask", periods=(("2004-06-01", "2004-06-30"), ("2004-07-01", "2004-07-31"))
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
        "metadata": {"license": "PDDL-1.0", "platforms": ["landsat-8"]},
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
    periods=(("2017-08-01", "2018-01-31"), ("2018-02-01", "2018-07-31"), ("2018-08-01", "2019-01-31")),
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
    periods=(("2017-11-05", "2017-12-04"),),
    changes={
        "datacube": "CB4-CLOUDS-30D-LCF",
        "datacube_identity": "CB4-CLOUDS",
        "temporal_composition": _every(30, "day"),
    },
    tile="084028",
)

IN_REPOSITORY = (S2_LCF, S2_MED, LANDSAT57_LCF, LANDSAT57_AVG, LANDSAT8_LCF, LANDSAT8_MED, LANDSAT8_FIRST)
ELSEWHERE = (CBERS_LCF, CBERS_MED, CBERS_CLOUDS)


class CubeBucket:
    """Reads what was published. Keeps one client: making one takes longer than most reads."""

    def __init__(self, app: Application) -> None:
        self._bucket = app.cubes
        self._s3 = app.stack.client("s3")

    def keys(self, prefix: str) -> list[str]:
        """Keys below a prefix that has fewer than a page of them."""
        found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix)
        assert not found["IsTruncated"]
        return [entry["Key"] for entry in found.get("Contents", [])]

    def read(self, key: str) -> bytes:
        """An object."""
        body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body


@dataclass(frozen=True)
class Product:
    """A published STAC item with its rasters."""

    bucket: CubeBucket
    key: str
    item: Mapping[str, Any]

    def pixels(self, asset: str) -> independent.Array:
        """The raster of an asset: (rows, columns)."""
        with MemoryFile(self._file(asset)) as memory, memory.open() as dataset:
            found: independent.Array = dataset.read(1)
        return found

    def target(self, asset: str) -> independent.Target:
        """The grid of an asset."""
        with MemoryFile(self._file(asset)) as memory, memory.open() as dataset:
            return independent.Target(dataset.crs, dataset.transform, dataset.shape)

    def _file(self, asset: str) -> bytes:
        href = self.item["assets"][asset]["href"]
        return self.bucket.read(posixpath.normpath(posixpath.join(posixpath.dirname(self.key), href)))


@dataclass(frozen=True)
class BuiltCube:
    """A cube that was built, and the same computed independently."""

    cube: Cube
    bucket: CubeBucket
    scenes: Path

    def composite(self, start: str) -> Product:
        """The composite of the period that begins on this day."""
        return self._product(self.cube.name, start)

    def date(self, day: str) -> Product:
        """What was published of one day."""
        return self._product(self.cube.definition["datacube_identity"], day)

    def stacks(self) -> Iterator[tuple[str, independent.Stack]]:
        """Every period by its first day, with its dates by the independent computation."""
        for start, _ in self.cube.periods:
            yield start, self.stack(start)

    def published(self, stack: independent.Stack) -> independent.Stack:
        """The same dates with the pixels that were published of them."""
        products = {day: self.date(day) for day in stack.days}
        days = {day: {band: products[day].pixels(band) for band in bands} for day, bands in stack.days.items()}
        sources = {
            day: product.pixels("DATASOURCE") if "DATASOURCE" in product.item["assets"] else stack.sources[day]
            for day, product in products.items()
        }
        return replace(stack, days=days, sources=sources)

    def stack(self, start: str, moved: tuple[float, float] = independent.EXACT, **parameters: Any) -> independent.Stack:
        """The dates of the period that begins on this day by the independent computation.

        ``parameters`` take the place of the cube's own: what would be without them.
        """
        product = self.composite(start)
        west, _, east, _ = product.item["bbox"]
        definition = self.cube.definition
        definition = definition | {"parameters": definition["parameters"] | parameters}
        target = product.target(definition["quality_band"] if self.has_quality else definition["bands"][0]["name"])
        return independent.observe(
            definition, self.scenes, target, (west + east) / 2, start, dict(self.cube.periods)[start], moved=moved
        )

    @property
    def has_quality(self) -> bool:
        """Whether the composites have a quality band: classes and bits have neither median nor average."""
        return bool(self.cube.definition["composite_function"] == "LCF")

    def _product(self, name: str, day: str) -> Product:
        folder = f"{name.lower()}/v1/{self.cube.tile[:3]}/{self.cube.tile[3:]}/{day.replace('-', '/')}/"
        (key,) = (key for key in self.bucket.keys(folder) if key.endswith(".json"))
        return Product(self.bucket, key, json.loads(self.bucket.read(key)))


class Builder:
    """Builds a cube through the REST API when a test asks for it first."""

    def __init__(self, app: Application, request: pytest.FixtureRequest) -> None:
        self._app = app
        self._bucket = CubeBucket(app)
        self._request = request
        self._grids: set[str] = set()
        self._builds: dict[str, BuildProgress] = {}

    def __call__(self, cube: Cube) -> BuiltCube:
        inside = FIXTURES / "scenes" / cube.scenes
        scenes = inside if cube in IN_REPOSITORY else self._request.getfixturevalue("real_data") / cube.scenes
        if cube.name not in self._builds:
            self._builds[cube.name] = self._build(cube, scenes)
        build = self._builds[cube.name]
        assert build.status == "SUCCEEDED", build.failures()
        assert build.units["succeeded"] == len(cube.periods)
        return BuiltCube(cube, self._bucket, scenes)

    def _build(self, cube: Cube, scenes: Path) -> BuildProgress:
        stack = self._app.stack
        stack.upload(scenes, self._app.landing, cube.scenes)
        if cube.folder not in self._grids:
            stack.call("POST", "/create-grids", cube.grid)
            self._grids.add(cube.folder)
        return self._app.build(
            {
                "datacube": stack.call("POST", "/cubes", cube.definition)["id"],
                "stac_url": f"s3://{self._app.landing}/{cube.scenes}/items.json",
                "collections": [cube.scenes],
                "tiles": [cube.tile],
                "start_date": cube.periods[0][0],
                "end_date": cube.periods[-1][1],
            }
        )
