"""The stack the faults are injected into, one small build after the other, and what every one of them must leave.

One tile of 64 x 64 pixels, one month, two dates, two bands and an index. Whatever was published and claimed is taken
away before each fault, so that everything is done anew and under the very names of the clean run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rasterio
from affine import Affine

from stratocube.local.stack import Stack
from tests.faults.door import Door, Effect, Exchange, Match, Rule
from tests.faults.products import Products, gather
from tests.unit.workflow.small_build import CRS, CUBE_FORM, GRID, PIXEL, SIDE, START, UNIT, collection, scene

FUNCTIONS = ("api", "plan", "search", "merge", "prepare-blend", "blend", "publish", "finish")
SOURCE = "source"
STEPS = ("merge", "prepare_dates", "publish_dates", "blend", "publish")
"""Steps whose work is claimed, in order."""
DATES = ("2023-08-10", "2023-08-15")
BUILD_SECONDS = 120.0
_POLL_SECONDS = 0.05
_ENDED = {"SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"}

FORM: dict[str, Any] = {
    **CUBE_FORM,
    "indexes": [
        {
            "name": "HALF",
            "common_name": "half",
            "data_type": "int16",
            "nodata": -9999,
            "metadata": {"expression": {"bands": ["B04"], "value": "B04 / 2"}},
        }
    ],
}
Answer = Mapping[str, Any]


def red(day: int, *, hole: bool = True, changed: bool = False) -> bytes:
    """The red band of a date: noise, which no file of half the length could hold; a corner without data."""
    shape = (2 * SIDE, 2 * SIDE)
    data = np.random.default_rng(day + 100 * changed).integers(1, 9999, shape).astype(np.int16)
    data[:8, :8] = 0 if hole else 700
    return _raster(data)


def quality(day: int) -> bytes:
    """The quality of a date: clear but for a strip of cloud."""
    data = np.full((2 * SIDE, 2 * SIDE), 4, np.uint8)
    data[:, 16 * day : 16 * day + 24] = 9
    return _raster(data)


def _raster(data: Any) -> bytes:
    half, pixel = SIDE * PIXEL / 2, PIXEL / 2
    profile = {"width": 2 * SIDE, "height": 2 * SIDE, "count": 1, "dtype": data.dtype.name, "crs": CRS, "nodata": 0}
    tiles = {"tiled": True, "blockxsize": 64, "blockysize": 64}
    with rasterio.MemoryFile() as file:
        with file.open(
            driver="GTiff", transform=Affine(pixel, 0, -half, 0, -pixel, half), **tiles, **profile
        ) as target:
            target.write(data, 1)
        return bytes(file.read())


@dataclass
class Bench:
    """The stack and its doors."""

    stack: Stack
    doors: Mapping[str, Door]
    sources: dict[str, bytes]
    clean: Products = field(default_factory=Products.nothing)
    """What the clean run published."""
    work: Mapping[str, str] = field(default_factory=dict)
    """Status by identity of every activity of the clean run."""
    clients: dict[str, Any] = field(default_factory=dict)

    # -- the clean run -------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Grid, cube, sources, and the run all others are compared with."""
        self.put_sources()
        self.stack.call("POST", "/create-grids", GRID)
        self.stack.call("POST", "/cubes", FORM)
        self.run_clean()

    def run_clean(self) -> None:
        """Build with nothing in the way, and keep what comes out as what must come out ever after."""
        self.reset()
        done = self.build()
        expect(done["status"] == "SUCCEEDED", f"the clean run is {done['status']}: {done}")
        self.clean, self.work = self.products(), self.activities()
        self.clean.check_whole()

    def recover(self) -> None:
        """After a promise that was not kept: back to what a clean run leaves, for the faults that follow."""
        self.settle()
        self.put_sources()
        self.reset()
        self.build()

    def put_sources(self, *, changed: bool = False, host: str | None = None) -> None:
        """Put the scenes back; ``changed``: the archive has processed the second date again."""
        items = []
        for number, day in enumerate(DATES):
            anew = changed and number == 1
            self.sources[f"/{day}/red.tif"] = red(number, changed=anew)
            self.sources[f"/{day}/scl.tif"] = quality(number)
            url = f"{host or self.doors[SOURCE].url}/{day}"
            item = scene(f"{url}/red.tif", f"{url}/scl.tif", item_id=f"S-{number}", day=day)
            item["properties"]["updated"] = f"2023-09-0{2 if anew else 1}T00:00:00Z"
            items.append(item)
        self.sources["/items.json"] = collection(*items)

    def client(self, service: str) -> Any:
        """A boto3 client with the rights of the account's root."""
        if service not in self.clients:
            self.clients[service] = self.stack.client(service)
        return self.clients[service]

    def reset(self, since: str = "merge") -> None:
        """Take away what was published and every trace of the work of a step and those after it.

        Nothing is found any more either: whatever is published, or found published, is to be indexed anew.
        """
        s3, table = self.client("s3"), self.client("dynamodb")
        steps = STEPS[STEPS.index(since) :]
        rows = [row for row in self.activity_rows() if row["step"]["S"] in steps]
        ids = {row["activity_id"]["S"] for row in rows}
        keys = [
            key for key in self.listed() if since == "merge" or key.endswith("catalog.json") or self._belongs(key, ids)
        ]
        for row in self.item_rows():
            key = {name: row[name] for name in ("partition", "name")}
            table.delete_item(TableName=self.table("Items"), Key=key)
        if keys:
            s3.delete_objects(Bucket=self.cubes, Delete={"Objects": [{"Key": key} for key in keys]})
        for activity_id in ids:
            table.delete_item(TableName=self.table("Activities"), Key={"activity_id": {"S": activity_id}})
        for door in self.doors.values():
            door.calls.clear()
            expect(not door.rules, f"a rule of an earlier fault is left at the door of {door.name}")

    def _belongs(self, key: str, activity_ids: set[str]) -> bool:
        if not key.endswith(".json"):
            return any(f"/{activity_id[:16]}/" in key for activity_id in activity_ids)
        item = json.loads(self.read(key))
        return item.get("properties", {}).get("stratocube:identity") in activity_ids

    # -- what operators do ---------------------------------------------------------------------------------------------

    def request(self, **changes: Any) -> dict[str, Any]:
        """A start request."""
        return {**START, "stac_url": f"{self.doors[SOURCE].url}/items.json", **changes}

    def start(self, **changes: Any) -> str:
        """Start a build; its id."""
        return str(self.stack.call("POST", "/start", self.request(**changes))["build_id"])

    def build(self, **changes: Any) -> Answer:
        """Start a build and wait until it has ended; what the API then says of it."""
        return self.wait(self.start(**changes))

    def retry(self, build_id: str) -> Answer:
        """Retry what failed of a build, and wait for the end."""
        return self.wait(self.stack.call("POST", f"/builds/{build_id}/retry")["build_id"])

    def wait(self, build_id: str, *, seconds: float = BUILD_SECONDS) -> Answer:
        """Wait until a build has ended; what the API then says of it."""
        until(lambda: self.header(build_id).get("status", {}).get("S") in _ENDED, f"build {build_id} to end", seconds)
        return self.answer(build_id)

    def answer(self, build_id: str) -> Answer:
        """``GET /builds/<id>``."""
        found: Answer = self.stack.call("GET", f"/builds/{build_id}")
        return found

    def stop(self, build_id: str) -> None:
        """Stop the execution by hand, as in the console."""
        self.client("stepfunctions").stop_execution(executionArn=self.execution(build_id), cause="by hand")

    def execution(self, build_id: str) -> str:
        """ARN of a build's execution."""
        return self.stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:") + f":{build_id}"

    def invoke(self, function: str, event: Mapping[str, Any]) -> tuple[Any, str | None]:
        """Call a function: what it returned and what it raised."""
        answer = self.client("lambda").invoke(FunctionName=f"stratocube-{function}", Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read())
        return (None, str(payload.get("errorMessage"))) if "FunctionError" in answer else (payload, None)

    def expire_claims(self, *build_ids: str) -> int:
        """Let the time pass that the functions of these builds had left; how many claims they held."""
        table, name = self.client("dynamodb"), self.table("Activities")
        held = [
            row for row in self.activity_rows() if row["status"]["S"] == "CLAIMED" and row["build_id"]["S"] in build_ids
        ]
        for row in held:
            table.update_item(
                TableName=name,
                Key={"activity_id": row["activity_id"]},
                UpdateExpression="SET claim_expires_at = :past",
                ExpressionAttributeValues={":past": {"N": "1"}},
            )
        return len(held)

    def settle(self) -> None:
        """Wait until nothing runs any more of executions that were stopped: here their children go on."""
        until(lambda: not self._children_running(), "stopped executions to come to rest", BUILD_SECONDS)

    def _children_running(self) -> bool:
        machine = self.client("stepfunctions")
        parents = machine.list_executions(stateMachineArn=self.stack.outputs["StateMachineArn"])["executions"]
        pending = [entry["executionArn"] for entry in parents if entry["status"] in {"ABORTED", "TIMED_OUT"}]
        while pending:
            for run in machine.list_map_runs(executionArn=pending.pop())["mapRuns"]:
                children = machine.list_executions(mapRunArn=run["mapRunArn"])["executions"]
                if any(child["status"] == "RUNNING" for child in children):
                    return True
                pending += [child["executionArn"] for child in children]
        return False

    # -- what is there -------------------------------------------------------------------------------------------------

    @property
    def cubes(self) -> str:
        """The bucket of products."""
        return self.stack.outputs["CubeBucket"]

    def table(self, name: str) -> str:
        """Name of a table."""
        return str(self.stack.outputs[f"{name}Table"])

    def listed(self) -> list[str]:
        """Keys of everything in the bucket of products."""
        return [entry["Key"] for entry in self.client("s3").list_objects_v2(Bucket=self.cubes).get("Contents", [])]

    def read(self, key: str) -> bytes:
        """An object of the bucket of products."""
        body: bytes = self.client("s3").get_object(Bucket=self.cubes, Key=key)["Body"].read()
        return body

    def objects(self) -> Mapping[str, bytes]:
        """Everything in the bucket of products."""
        return {key: self.read(key) for key in self.listed()}

    def products(self) -> Products:
        """What is published now."""
        return gather(self.objects())

    def item_rows(self) -> list[dict[str, Any]]:
        """Every row of the table of items as stored."""
        found: list[dict[str, Any]] = self.client("dynamodb").scan(TableName=self.table("Items"))["Items"]
        return found

    def check_found(self) -> None:
        """Every published item has its row, and subscribers were told of it as it is."""
        published = {
            str(item["id"]): f"{item['properties']['stratocube:identity']} {item['properties']['updated']}"
            for key in self.listed()
            if key.endswith(".json") and (item := json.loads(self.read(key)))["type"] == "Feature"
        }
        told = {row["item_id"]["S"]: row.get("told", {}).get("S") for row in self.item_rows() if "item_id" in row}
        expect(told == published, f"items: {differences(told, published)}")

    def activities(self) -> dict[str, str]:
        """Status of every activity."""
        return {row["activity_id"]["S"]: row["status"]["S"] for row in self.activity_rows()}

    def activity_rows(self) -> list[dict[str, Any]]:
        """Every activity as stored."""
        found: list[dict[str, Any]] = self.client("dynamodb").scan(
            TableName=self.table("Activities"), ConsistentRead=True
        )["Items"]
        return found

    def header(self, build_id: str) -> dict[str, Any]:
        """A build's record as stored."""
        key = {"build_id": {"S": build_id}, "record": {"S": "BUILD"}}
        found: dict[str, Any] = self.client("dynamodb").get_item(
            TableName=self.table("Builds"), Key=key, ConsistentRead=True
        )
        return dict(found.get("Item", {}))

    def rows(self, build_id: str) -> dict[str, dict[str, Any]]:
        """All records of a build, by what follows the build's id in the key."""
        found = self.client("dynamodb").query(
            TableName=self.table("Builds"),
            KeyConditionExpression="build_id = :build",
            ExpressionAttributeValues={":build": {"S": build_id}},
            ConsistentRead=True,
        )["Items"]
        return {row["record"]["S"]: row for row in found}

    def work_file(self, build_id: str, name: str) -> str:
        """Key of a file of a build in the bucket for work."""
        return f"builds/{build_id}/{name}"

    def read_work(self, build_id: str, name: str) -> Any:
        """A file of a build."""
        body = self.client("s3").get_object(
            Bucket=self.stack.outputs["WorkBucket"], Key=self.work_file(build_id, name)
        )["Body"]
        return json.loads(body.read())

    def tasks(self, build_id: str, name: str) -> list[dict[str, Any]]:
        """A task list of the build's unit."""
        found: list[dict[str, Any]] = self.read_work(build_id, f"units/{UNIT}/{name}.json")
        return found

    # -- faults --------------------------------------------------------------------------------------------------------

    @contextmanager
    def fault(
        self,
        doors: str | tuple[str, ...],
        match: Match,
        effect: Effect,
        *,
        nth: Callable[[int], bool] = lambda n: n == 1,
    ) -> Iterator[Rule]:
        """Let something happen to calls (to the first that matches) at one or several doors; it must happen."""
        rule = Rule(match, effect, nth=nth)
        with ExitStack() as open_rules:
            for name in (doors,) if isinstance(doors, str) else doors:
                open_rules.enter_context(self.doors[name].rule(rule))
            yield rule
        expect(rule.hits > 0, f"the fault was never injected: {rule.seen} calls matched")

    def kill(self, function: str) -> int:
        """End the processes of a function at once, as the platform does; how many there were."""
        shown = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True)
        found = 0
        for line in shown.stdout.splitlines():
            pid, parent, command = line.split(None, 2)
            if int(parent) == self.stack.emulator.pid and f"ministack-lambda-stratocube-{function}-" in command:
                os.kill(int(pid), signal.SIGKILL)
                found += 1
        return found

    def kill_before(self, exchange: Exchange) -> None:
        """The caller is killed; its call is never made."""
        expect(self.kill(exchange.call.door) > 0, f"no process of {exchange.call.door} to kill")

    def kill_after(self, exchange: Exchange) -> None:
        """The call is made, and the caller killed before it has the answer."""
        exchange.forward()
        self.kill_before(exchange)

    # -- what must hold ------------------------------------------------------------------------------------------------

    def check_failed(self, build: Answer, *, step: str, says: str, status: str = "FAILED") -> None:
        """The record of a build says which step failed, and why."""
        expect(build["status"] == status, f"the build is {build['status']}, not {status}: {build.get('cause')}")
        failed = [(unit["step"], unit["cause"]) for unit in build["failed_units"]]
        said = f"{build.get('cause')} {failed}"
        steps = {found for found, _ in failed}
        # What fails before there are units, or outside of them, is told by the build; units it had are closed with it.
        outside = step == "plan" and steps <= {"build"}
        expect(outside or step in steps, f"not {step}: {said}")
        expect(says in said, f"nothing of {says!r} in {said}")
        self.check_closed(build["build_id"])

    def check_succeeded(self, build: Answer) -> None:
        """The build succeeded with all of its units, none of them twice."""
        expect(build["status"] == "SUCCEEDED", f"{build['status']}: {build.get('cause')} {build.get('failed_units')}")
        units = build["units"]
        expect(units["succeeded"] == units["total"], f"units: {units}")
        for name, step in build["steps"].items():
            done = step["built"] + step["reused"] + step["failed"]
            expect(step["failed"] == 0 and done == step["total"], f"{name}: {step}")
        self.check_closed(build["build_id"])

    def check_closed(self, build_id: str) -> None:
        """No record of an ended build is open."""
        rows = self.rows(build_id)
        still = {name: row["status"]["S"] for name, row in rows.items() if name.startswith("UNIT#")}
        expect(not {"PLANNED", "RUNNING"} & set(still.values()), f"units are open: {still}")
        expect("finished_at" in rows["BUILD"], "the build has no end")

    def check_nothing_half(self) -> None:
        """What is listed now is whole, and what the clean run published."""
        now = self.products()
        now.check_whole()
        now.check_part_of(self.clean)

    def check_as_clean(self) -> None:
        """Products and records of work are those of the clean run: every pixel, every item, nothing more."""
        now = self.products()
        now.check_whole()
        now.check_equal(self.clean)
        self.check_found()
        found = self.activities()
        expect(found == dict(self.work), f"work: {differences(found, self.work)}")

    def heal(self, failed: Answer) -> Answer:
        """Retry a build that failed, as an operator does; the products must then be those of the clean run."""
        self.check_nothing_half()
        self.expire_claims(failed["build_id"])
        again = self.retry(failed["build_id"])
        self.check_succeeded(again)
        self.check_as_clean()
        return again


class NotHeld(AssertionError):
    """A promise that was not kept."""


def expect(holds: bool, otherwise: str) -> None:
    """Raises NotHeld where something does not hold."""
    if not holds:
        raise NotHeld(otherwise)


def until(holds: Callable[[], bool], what: str, seconds: float) -> None:
    """Ask until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        expect(time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}")
        time.sleep(_POLL_SECONDS)


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Where two mappings differ: (found, wanted) by key."""
    return {
        key: (found.get(key), wanted.get(key)) for key in sorted({*found, *wanted}) if found.get(key) != wanted.get(key)
    }
