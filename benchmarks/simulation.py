"""A whole build in one process: the workflow's own functions in the order of the state machine, without pixels.

Real: the state machine's definition, plan, search of a static item collection, claims, task lists, ranking, STAC items,
counting and closing. Left out: what reads or makes rasters. Tables and buckets are in memory and count.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest import mock

from benchmarks.memory_aws import Counts, MemoryS3, MemoryTables, tables_in_memory
from benchmarks.state_machine import Function, StateMachine
from stratocube.cube.grid_creation import create_grids
from stratocube.cube.requests import GridRequest
from stratocube.pixels.ranking import BlendTask
from stratocube.settings import Settings
from stratocube.state.activities import Activities
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.storage.objects import ObjectStore
from stratocube.workflow import blend, dates, merge, publish
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.finish import fail_unit, finish_build
from stratocube.workflow.pictures import Seen
from stratocube.workflow.plan import plan_build
from stratocube.workflow.prepare_blend import prepare_unit
from stratocube.workflow.products import blend_key
from stratocube.workflow.search import search_unit
from stratocube.workflow.tasks import DateTask, MergeTask, StoredFile

BUILD = "20260810T120000000Z-9f3c2a1b4d"
CUBE = "SCALE-16D-1"
REGION = "us-east-1"
COG_BYTES = 64
"""Of the object that stands for a COG: sizes of rasters are no matter of this measurement."""

_FIRST_DAY = date(2023, 1, 1)
_PERIOD_DAYS = 16
_SCENES = "s3://landing/items.json"
_KEYS: Mapping[str, tuple[str, str | None]] = {
    "cubes": ("kind", "cube_id"),
    "grids": ("partition", "name"),
    "builds": ("build_id", "record"),
    "activities": ("activity_id", None),
}


@dataclass(frozen=True)
class Size:
    """What a build is made of."""

    tiles: int
    periods: int
    dates: int
    """Of each period."""
    bands: int
    """The quality band included."""

    @property
    def units(self) -> int:
        """Tiles times periods."""
        return self.tiles * self.periods

    @property
    def merges(self) -> int:
        """Of the whole build."""
        return self.units * self.dates * self.bands


def cube_form(size: Size) -> dict[str, Any]:
    """A cube of as many bands, LCF; its periods as long as they need to be for a date a day."""
    bands: list[dict[str, Any]] = [
        {"name": f"B{n:02d}", "common_name": f"b{n:02d}", "data_type": "int16", "nodata": -9999}
        for n in range(1, size.bands)
    ]
    name, _, version = CUBE.rpartition("-")
    return {
        "datacube": name,
        "version": int(version),
        "grs": "SCALE",
        "resolution": 1000,
        "temporal_composition": {"schema": "Continuous", "step": period_days(size), "unit": "day"},
        "composite_function": "LCF",
        "bands": [*bands, {"name": "SCL", "common_name": "quality", "data_type": "uint8", "nodata": 0}],
        "quality_band": "SCL",
        "parameters": {
            "mask": {
                "clear_data": [4, 5, 6],
                "not_clear_data": [2, 3, 7, 8, 9, 10, 11],
                "saturated_data": [1],
                "nodata": 0,
            }
        },
    }


def period_days(size: Size) -> int:
    """Days of a period: 16, or more where there are more dates."""
    return max(_PERIOD_DAYS, size.dates)


def start_form(size: Size, tiles: list[str]) -> dict[str, Any]:
    """A request of everything."""
    last = _FIRST_DAY + timedelta(days=size.periods * period_days(size) - 1)
    return {
        "datacube": CUBE,
        "collections": ["s2"],
        "tiles": tiles,
        "start_date": _FIRST_DAY.isoformat(),
        "end_date": last.isoformat(),
        "stac_url": _SCENES,
    }


def scenes(size: Size) -> bytes:
    """An item collection: on each date one scene that covers every tile."""
    ring = [[-75, -34], [-34, -34], [-34, 6], [-75, 6], [-75, -34]]
    names = [*(f"B{n:02d}" for n in range(1, size.bands)), "SCL"]
    features = []
    for period in range(size.periods):
        for n in range(size.dates):
            day = _FIRST_DAY + timedelta(days=period * period_days(size) + n)
            scene = f"S2B_22LLG_{day:%Y%m%d}_0_L2A"
            features.append(
                {
                    "type": "Feature",
                    "stac_version": "1.0.0",
                    "id": scene,
                    "collection": "s2",
                    "bbox": [-75, -34, -34, 6],
                    "geometry": {"type": "Polygon", "coordinates": [ring]},
                    "properties": {
                        "datetime": f"{day}T13:00:00Z",
                        "updated": f"{day}T20:00:00Z",
                        "platform": "sentinel-2b",
                        "s2:processing_baseline": "05.09",
                    },
                    "links": [],
                    "assets": {
                        name: {"href": f"s3://landing/{day:%Y/%m/%d}/{scene}/{name}.tif", "type": "image/tiff"}
                        for name in names
                    },
                }
            )
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


class Simulation:
    """An application of its own, with a cube and the tiles of a build."""

    def __init__(self, size: Size, *, forgetful: bool = False) -> None:
        self.size = size
        self.counts = Counts()
        self.s3 = MemoryS3(self.counts, forgetful=forgetful)
        self.tables = MemoryTables(self.counts, _KEYS)
        self._clock = datetime(2026, 8, 10, 12, tzinfo=UTC)
        document = scenes(size)
        self.stack = Stack(
            settings=Settings(
                cubes_table="cubes",
                grids_table="grids",
                builds_table="builds",
                activities_table="activities",
                work_bucket="work",
                cube_bucket="cubes",
                state_machine_arn="arn",
                allowed_buckets=("landing",),
            ),
            environment={},
            cubes=Cubes("cubes", region=REGION),
            grids=Grids("grids", region=REGION),
            builds=Builds("builds", region=REGION),
            activities=Activities("activities", region=REGION),
            work=ObjectStore(self.s3, "work"),
            products=ObjectStore(self.s3, "cubes"),
            fetch=lambda _: document,
            clock=self._now,
        )
        with self.running():
            self._define()
        self.tables.forgetful = forgetful
        self.forget_counts()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Within the block tables are in memory and nothing makes pixels."""
        with ExitStack() as entered:
            entered.enter_context(tables_in_memory(self.tables))
            for module, name, made in (
                (merge, "_make", _merged),
                (dates, "_check_merges", lambda *_: None),
                (blend, "_make", _blended),
                (publish, "_indexes", lambda *_: {}),
                (publish, "look", lambda *_, **__: Seen()),
            ):
                entered.enter_context(mock.patch.object(module, name, made))
            yield

    def machine(self) -> StateMachine:
        """The state machine over this application's functions."""
        return StateMachine(self._functions(), lambda bucket, key: json.loads(self.s3.stored(bucket, key)))

    def build(self) -> StateMachine:
        """Run the build to its end."""
        machine = self.machine()
        with self.running():
            machine.run({"build_id": BUILD})
        return machine

    def forget_counts(self) -> None:
        """Count from here on."""
        fresh = Counts()
        self.counts.__dict__.update(fresh.__dict__)

    def _now(self) -> datetime:
        self._clock += timedelta(milliseconds=1)
        return self._clock

    def _define(self) -> None:
        # A third of a degree or so a tile, and a few more than are needed.
        reach = 0.2 * (math.isqrt(self.size.tiles) + 3)
        box = [-54 - reach, -15 - reach, -54 + reach, -15 + reach]
        request = {"name": "SCALE", "crs": "EPSG:5880", "bbox": box, "tile_size": [40_000, 40_000]}
        ((grid, tiles),) = create_grids(GridRequest.parse(request))
        chosen = {tile.id: tile.to_json() for tile, _ in zip(tiles, range(self.size.tiles), strict=False)}
        if len(chosen) < self.size.tiles:
            raise ValueError(f"the grid has {len(chosen)} tiles: ask for no more")
        self.stack.grids.create(grid.name, grid.to_json(), chosen)
        self.stack.cubes.create(CUBE, cube_form(self.size), now="t")
        self.stack.builds.create(BUILD, CUBE, start_form(self.size, list(chosen)), now="t")

    def _functions(self) -> Mapping[str, Function]:
        """What the handlers in ``functions/`` do, by the names the definition calls them."""
        stack, invocations = self.stack, iter(range(10**9))

        def invocation() -> Invocation:
            return Invocation(f"call-{next(invocations)}", 240.0)

        def prepare(event: Any) -> Any:
            if "date" in event:
                return {"outcome": dates.prepare_date(stack, invocation(), DateTask.from_json(event))}
            return prepare_unit(stack, event["build_id"], event["unit_id"])

        def published(event: Any) -> Any:
            ids = event["build_id"], event["unit_id"]
            if "date" in event:
                return {"outcome": publish.publish_date(stack, invocation(), *ids, event["date"])}
            return {"outcome": publish.publish_composite(stack, invocation(), *ids)}

        def finish(event: Any) -> Any:
            if "unit_id" in event:
                return fail_unit(stack, event["build_id"], event["unit_id"], event["failed_step"], event["error"])
            return finish_build(stack, event["build_id"], event.get("error"))

        return {
            "Plan": lambda event: plan_build(stack, event["build_id"]),
            "Search": lambda event: search_unit(stack, event["build_id"], event["unit_id"]),
            "Merge": lambda event: {"outcome": merge.merge_date(stack, invocation(), MergeTask.from_json(event))},
            "PrepareBlend": prepare,
            "Blend": lambda event: {
                "outcome": blend.blend_band(stack, invocation(), event["build_id"], event["unit_id"], event["band"])
            },
            "Publish": published,
            "Finish": finish,
        }


def _stored(stack: Stack, key: str) -> dict[str, Any]:
    stack.products.put(key, b"0" * COG_BYTES, content_type="image/tiff")
    numbers = ("valid_percent", "minimum", "maximum", "mean", "stddev")
    return asdict(StoredFile(key, COG_BYTES, "1220" + "0" * 64, dict.fromkeys(numbers, 1234.56789)))


def _merged(stack: Stack, *arguments: Any) -> Mapping[str, Any]:
    """In place of a merge: everything valid, and clearer the later the date is."""
    (unit,) = (found for found in arguments if isinstance(found, UnitPlan))
    (task,) = (found for found in arguments if isinstance(found, MergeTask))
    result = {
        "file": _stored(stack, task.key),
        "valid_pixels": unit.geobox.width * unit.geobox.height,
        "valid_fingerprint": "0" * 64,
    }
    if task.band == unit.plan.definition.quality_band:
        result |= {"efficacy": 1.0 + task.date.toordinal() % 97, "cloud_ratio": 2.5}
    return result


def _blended(stack: Stack, *arguments: Any) -> Mapping[str, Any]:
    """In place of a blend: the band, and the observation layers where they are due."""
    (unit,) = (found for found in arguments if isinstance(found, UnitPlan))
    (wanted,) = (found for found in arguments if isinstance(found, BlendTask))
    activity_id = arguments[-1]
    names = [wanted.band, *(("CLEAROB", "TOTALOB", "PROVENANCE") if wanted.observation_layers else ())]
    files = {name: _stored(stack, blend_key(unit, name, activity_id)) for name in names}
    return {"files": files} | ({"efficacy": 99.5, "cloud_ratio": 0.5} if wanted.observation_layers else {})
