"""What every function does, in the smallest form that uses each of its permissions.

One tile of 64 x 64 pixels, one month, one date, two bands. A build is made once; then its functions are called
directly, with the events the state machine gave them, after the state they need has been put back.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rasterio
import requests
from affine import Affine

from stratocube.local.stack import Stack
from stratocube.state.builds import Builds
from stratocube.state.items import Items
from stratocube.state.status import BuildStatus
from stratocube.workflow.item_index import stored_item
from tests.stack.conftest import Application
from tests.unit.workflow.small_build import CRS, CUBE, CUBE_FORM, GRID, PIXEL, SIDE, START, UNIT, collection, scene

OTHERS = "somebody-elses-scenes"
"""A bucket in the parameter SceneBuckets."""
SECRET = "token"  # noqa: S105 - the name of a secret

Journey = Callable[[], str | None]
"""Does one thing; says what went wrong, None when nothing did."""

_serial = itertools.count()


def quality(value: int) -> bytes:
    """The scene's quality: the same class everywhere."""
    return _raster(np.full((SIDE, SIDE), value, np.uint8))


def red(hole: bool) -> bytes:
    """The scene's red band, without data in one corner: so that the quality has to be brought in line."""
    data = np.full((SIDE, SIDE), 700, np.int16)
    data[:8, :8] = 0 if hole else 700
    return _raster(data)


def _raster(data: Any) -> bytes:
    half = SIDE * PIXEL / 2
    profile = {"width": SIDE, "height": SIDE, "count": 1, "dtype": data.dtype.name, "crs": CRS, "nodata": 0}
    with rasterio.MemoryFile() as file:
        with file.open(driver="GTiff", transform=Affine(PIXEL, 0, -half, 0, -PIXEL, half), **profile) as target:
            target.write(data, 1)
        return bytes(file.read())


@dataclass
class Bench:
    """The stack with one finished build, and ways to put back what a function changes."""

    app: Application
    api_url: str
    """Of a STAC API that wants the token of SECRET."""
    build: str = ""
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Rows of the activities table after the build, by step."""
    products: dict[str, bytes] = field(default_factory=dict)
    """Objects of the cube bucket after the build."""

    @property
    def stack(self) -> Stack:
        return self.app.stack

    def prepare(self, token: str) -> None:
        """Upload scenes, create grid and cube, build once."""
        s3, landing = self.stack.client("s3"), self.app.landing
        s3.create_bucket(Bucket=OTHERS)
        for bucket in (landing, OTHERS):
            s3.put_object(Bucket=bucket, Key="red.tif", Body=red(hole=True))
            s3.put_object(Bucket=bucket, Key="scl.tif", Body=quality(4))
            item = scene(f"s3://{bucket}/red.tif", f"s3://{bucket}/scl.tif", item_id=f"in-{bucket}")
            s3.put_object(Bucket=bucket, Key="items.json", Body=collection(item))
        self.stack.client("secretsmanager").create_secret(Name=f"stratocube/{SECRET}", SecretString=token)
        self.stack.call("POST", "/create-grids", GRID)
        self.stack.call("POST", "/cubes", CUBE_FORM)
        done = self.app.build(self.request())
        assert done.status == "SUCCEEDED", done.failed_units
        self.build = done.build_id
        table = self.stack.client("dynamodb")
        for row in table.scan(TableName=self.stack.outputs["ActivitiesTable"])["Items"]:
            self.rows.setdefault(row["step"]["S"], []).append(row)
        self.products = {key: self.app.read(key) for key in self.app.keys("")}

    def request(self, **changes: Any) -> dict[str, Any]:
        """A start request."""
        return {**START, "stac_url": f"s3://{self.app.landing}/items.json", **changes}

    # -- putting things back -----------------------------------------------------------------------------------------

    def forget(self, step: str) -> None:
        """Take the work of a step away: its activities and their products."""
        self.forget_products(step)
        table = self.stack.client("dynamodb")
        for row in self.rows[step]:
            table.delete_item(TableName=self.stack.outputs["ActivitiesTable"], Key={"activity_id": row["activity_id"]})

    def forget_products(self, step: str) -> None:
        """Take the products of a step away; its activities still say that they are there."""
        for row in self.rows[step]:
            for key in _keys(row["result"]):
                self.stack.client("s3").delete_object(Bucket=self.app.cubes, Key=key)

    def restore(self, *steps: str) -> None:
        """Put the finished activities of steps back, and their products."""
        table, s3 = self.stack.client("dynamodb"), self.stack.client("s3")
        for row in itertools.chain.from_iterable(self.rows[step] for step in steps):
            table.put_item(TableName=self.stack.outputs["ActivitiesTable"], Item=row)
            for key in _keys(row["result"]):
                s3.put_object(Bucket=self.app.cubes, Key=key, Body=self.products[key])

    def delete(self, key: str) -> None:
        """Delete an object of the cube bucket."""
        self.stack.client("s3").delete_object(Bucket=self.app.cubes, Key=key)

    def task_list(self, name: str, build: str = "") -> list[dict[str, Any]]:
        """A task list of the unit."""
        key = f"builds/{build or self.build}/units/{UNIT}/{name}.json"
        body = self.stack.client("s3").get_object(Bucket=self.stack.outputs["WorkBucket"], Key=key)["Body"].read()
        tasks: list[dict[str, Any]] = json.loads(body)
        return tasks

    # -- doing things ------------------------------------------------------------------------------------------------

    def invoke(self, function: str, event: dict[str, Any]) -> str | None:
        """Call a function; what it raised, or that it could not do its work now."""
        answer = self.stack.client("lambda").invoke(FunctionName=f"stratocube-{function}", Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            return str(payload.get("errorMessage", payload))
        return "BUSY" if payload.get("outcome") == "BUSY" else None

    def ask(self, method: str, path: str, body: Any = None) -> str | None:
        """Call the API; what it answered, if that is no success."""
        status, content = self.stack.request(method, path, body)
        return None if status < 400 else f"{status} {content}"

    def record(self, options: dict[str, Any] | None = None, **changes: Any) -> str:
        """The record of a build that nobody has started; its id."""
        build_id = f"bench-{next(_serial)}"
        builds = Builds(self.stack.outputs["BuildsTable"], region="us-east-1")
        builds.create(build_id, CUBE, self.request(**changes), now="2026-01-01T00:00:00.000000Z", options=options)
        return build_id

    def planned(self, options: dict[str, Any] | None = None, **changes: Any) -> str:
        """A build that is planned; its id."""
        build_id = self.record(options, **changes)
        error = self.invoke("plan", {"build_id": build_id})
        assert error is None, error
        return build_id


def _keys(result: Any) -> Iterable[str]:
    """Every key in a stored result (DynamoDB's JSON)."""
    if isinstance(result, dict):
        if isinstance(result.get("key"), dict):
            yield result["key"]["S"]
        for part in result.values():
            yield from _keys(part)


def journeys(bench: Bench) -> dict[str, list[Journey]]:
    """By function: what it does. Together they need every permission it has."""
    return {
        "api": _api(bench),
        "plan": _plan(bench),
        "search": _search(bench),
        "merge": _merge(bench),
        "prepare-blend": _prepare_blend(bench),
        "blend": _blend(bench),
        "publish": _publish(bench),
        "finish": _finish(bench),
        "sweep": _sweep(bench),
    }


def _unit(build: str, **more: Any) -> dict[str, Any]:
    return {"build_id": build, "unit_id": UNIT, **more}


def _api(bench: Bench) -> list[Journey]:
    def new_cube() -> str | None:
        return bench.ask("POST", "/cubes", {**CUBE_FORM, "datacube": f"NEW{next(_serial)}-1M-LCF"})

    def new_grid() -> str | None:
        return bench.ask("POST", "/create-grids", {**GRID, "name": f"NEW{next(_serial)}"})

    def cancel() -> str | None:
        build = bench.planned()
        error = bench.invoke("search", _unit(build))
        assert error is None, error
        bench.forget("merge")
        (first, *_) = bench.task_list("merges", build)
        claim = {"activity_id": {"S": first["activity_id"]}, "build_id": {"S": build}, "status": {"S": "CLAIMED"}}
        others = {"step": {"S": "merge"}, "cube_id": {"S": CUBE}, "subject": {"S": "x"}, "holder": {"S": "nobody"}}
        bench.stack.client("dynamodb").put_item(
            TableName=bench.stack.outputs["ActivitiesTable"],
            Item=claim | others | {"claim_expires_at": {"N": "9999999999"}, "updated_at": {"S": "2026"}},
        )
        status, answer = bench.stack.request("POST", f"/builds/{build}/cancel")
        bench.restore("merge")
        # A claim that cannot be found is not released: nobody would see that from the status.
        return None if status == 200 and answer["claims_released"] == 1 else f"{status} {answer}"

    def start() -> str | None:
        status, content = bench.stack.request("POST", "/start", bench.request())
        if status >= 400:
            return f"{status} {content}"
        bench.app.wait(content["build_id"])
        return None

    def signed_file() -> str | None:
        status, found = bench.stack.request("GET", f"/stac/collections/{CUBE}/items")
        if status >= 400 or not found["features"]:
            return f"{status} {found}"
        path = f"/assets/{CUBE}/{found['features'][0]['id']}"
        status, links = bench.stack.request("GET", path)
        if status >= 400:
            return f"{status} {links}"
        answers = {name: requests.get(asset["href"], timeout=60) for name, asset in links["assets"].items()}
        refused = {name: answer.status_code for name, answer in answers.items() if not answer.ok}
        return f"{refused}" if refused else None

    def deleted_item() -> str | None:
        """An item of a collection that no build makes, with a file, and another item beside it."""
        (source, *_) = (key for key in bench.products if key.endswith(f"_{START['start_date'].replace('-', '')}.json"))
        item = json.loads(bench.products[source]) | {"id": "GONE", "collection": "GONE-1"}
        item["assets"] = {"B04": {"href": "./GONE.tif"}}
        folder, s3 = "gone/v1/000/000/2023/08/01", bench.stack.client("s3")
        catalog = {"type": "Catalog", "id": "GONE-1-000000", "links": []}
        for key, document in {
            f"{folder}/GONE.json": item,
            f"{folder}/BESIDE.json": item | {"id": "BESIDE", "assets": {}},
            "gone/v1/000/000/catalog.json": catalog,
        }.items():
            s3.put_object(Bucket=bench.app.cubes, Key=key, Body=json.dumps(document))
        s3.put_object(Bucket=bench.app.cubes, Key=f"{folder}/GONE.tif", Body=b"pixels")
        stored = stored_item(item, f"{folder}/GONE.json", CUBE)
        items = Items(bench.stack.outputs["ItemsTable"], region="us-east-1")
        items.put(stored, collection_key="gone/v1/collection.json")
        return bench.ask("DELETE", "/stac/collections/GONE-1/items/GONE")

    def new_bucket() -> str | None:
        body = {"name": f"stratocube-data-{next(_serial)}", "requester_pay": True}
        return bench.ask("POST", "/create-bucket", body)

    reads = ["/cubes", f"/cubes/{CUBE}", "/grids", f"/grids/{GRID['name']}", f"/builds/{bench.build}"]
    reads += [f"/builds/{bench.build}/units/{UNIT}", f"/builds?cube_id={CUBE}", f"/failures?cube_id={CUBE}"]

    def start_with_token() -> str | None:
        form = bench.request(stac_url=bench.api_url, token=f"sent{next(_serial)}")
        status, content = bench.stack.request("POST", "/start", form)
        if status >= 400:
            return f"{status} {content}"
        status, content = bench.stack.request("POST", f"/builds/{content['build_id']}/cancel")
        return None if status < 400 else f"{status} {content}"

    reads += [
        "/stac/collections",
        f"/stac/collections/{CUBE}",
        f"/stac/search?ids={CUBE}",
        "/builds",
        f"/cubes/{CUBE}/items",
        f"/cubes/{CUBE}/items?tiles={UNIT[:6]}",
    ]
    return [
        *(lambda path=path: bench.ask("GET", path) for path in reads),
        signed_file,
        deleted_item,
        new_bucket,
        start_with_token,
        lambda: bench.ask("POST", "/start", bench.request(validate_only=True)),
        new_cube,
        new_grid,
        cancel,
        start,
    ]


def _plan(bench: Bench) -> list[Journey]:
    def plain() -> str | None:
        return bench.invoke("plan", {"build_id": bench.record()})

    def first_of_its_cube() -> str | None:
        for name in ("small", "small-1m-lcf"):
            bench.delete(f"{name}/v1/collection.json")
        return plain()

    def missing() -> str | None:
        return bench.invoke("plan", {"build_id": bench.record({"only_missing": True})})

    def retry() -> str | None:
        again = {"retry_of": bench.build, "retry": {"states": ["FAILED"]}}
        return bench.invoke("plan", {"build_id": bench.record(again)})

    return [plain, first_of_its_cube, missing, retry]


def _search(bench: Bench) -> list[Journey]:
    builds = {
        "landing": bench.planned(),
        "others": bench.planned(stac_url=f"s3://{OTHERS}/items.json"),
        "token": bench.planned(stac_url=bench.api_url, token_secret=SECRET),
        "stale": bench.planned({"only_stale": True}),
        "absent": bench.planned(stac_url=f"s3://{bench.app.landing}/none/items.json"),
    }

    def absent() -> str | None:
        error = bench.invoke("search", _unit(builds["absent"]))
        return None if error and "no such object" in error else f"not told from forbidden: {error}"

    return [
        *(
            lambda build=builds[name]: bench.invoke("search", _unit(build))
            for name in ("landing", "others", "token", "stale")
        ),
        absent,
    ]


def _merge(bench: Bench) -> list[Journey]:
    elsewhere = bench.planned(stac_url=f"s3://{OTHERS}/items.json")
    error = bench.invoke("search", _unit(elsewhere))
    assert error is None, error
    (task, *_), (other, *_) = bench.task_list("merges"), bench.task_list("merges", elsewhere)

    def of_others() -> str | None:
        bench.delete(other["key"])
        bench.stack.client("dynamodb").delete_item(
            TableName=bench.stack.outputs["ActivitiesTable"], Key={"activity_id": {"S": other["activity_id"]}}
        )
        return bench.invoke("merge", other)

    return [*_claimed(bench, "merge", lambda: bench.invoke("merge", task)), of_others]


def _claimed(bench: Bench, step: str, call: Journey, *, needs: tuple[str, ...] = ()) -> list[Journey]:
    """Work done for the first time, found done, and done over because its product is gone. ``needs``: steps before."""

    def anew() -> str | None:
        bench.restore(*needs)
        bench.forget(step)
        return call()

    def found() -> str | None:
        bench.restore(*needs, step)
        return call()

    def over() -> str | None:
        bench.restore(*needs, step)
        bench.forget_products(step)
        return call()

    return [anew, found, over]


def _prepare_blend(bench: Bench) -> list[Journey]:
    (date,) = bench.task_list("dates")

    def unit() -> str | None:
        bench.restore("merge", "prepare_dates")
        return bench.invoke("prepare-blend", _unit(bench.build))

    return [*_claimed(bench, "prepare_dates", lambda: bench.invoke("prepare-blend", date), needs=("merge",)), unit]


def _blend(bench: Bench) -> list[Journey]:
    call = lambda: bench.invoke("blend", _unit(bench.build, band="B04"))  # noqa: E731 - a journey, as the others
    return _claimed(bench, "blend", call, needs=("merge", "prepare_dates"))


def _publish(bench: Bench) -> list[Journey]:
    (date,) = bench.task_list("dates")
    of_date = _unit(bench.build, date=date["date"])
    merged = ("merge", "prepare_dates")

    def not_in_the_catalog() -> str | None:
        """The first item of a tile: its catalog is made of the table."""
        for key in bench.app.keys("small/"):
            if key.endswith("catalog.json"):
                bench.delete(key)
        bench.restore(*merged, "publish_dates")
        return bench.invoke("publish", of_date)

    return [
        not_in_the_catalog,
        *_claimed(bench, "publish_dates", lambda: bench.invoke("publish", of_date), needs=merged),
        *_claimed(bench, "publish", lambda: bench.invoke("publish", _unit(bench.build)), needs=(*merged, "blend")),
    ]


def _finish(bench: Bench) -> list[Journey]:
    def failed_unit() -> str | None:
        failure = {"failed_step": "merge", "error": {"Error": "E", "Cause": "C"}}
        return bench.invoke("finish", _unit(bench.planned(), **failure))

    def ended() -> str | None:
        """A build whose unit succeeded."""
        table, name = bench.stack.client("dynamodb"), bench.stack.outputs["BuildsTable"]
        key = {"build_id": {"S": bench.build}, "record": {"S": "BUILD"}}
        header = table.get_item(TableName=name, Key=key)["Item"]
        open_again = {key: value for key, value in header.items() if key not in {"finished_at", "summary"}}
        table.put_item(TableName=name, Item=open_again | {"status": {"S": BuildStatus.RUNNING.value}})
        return bench.invoke("finish", {"build_id": bench.build})

    def first_of_its_cube() -> str | None:
        bench.delete("small/v1/collection.json")
        return ended()

    return [failed_unit, ended, first_of_its_cube]


def _sweep(bench: Bench) -> list[Journey]:
    def lost() -> str | None:
        """A build whose unit succeeded, and that the state machine never had."""
        build = bench.planned()
        builds = Builds(bench.stack.outputs["BuildsTable"], region="us-east-1")
        builds.unit_succeeded(build, UNIT, now="2026-01-01T00:01:00.000000Z")
        bench.delete("small-1m-lcf/v1/collection.json")
        error = bench.invoke("sweep", {})
        closed = builds.get(build).finished_at is not None
        return error or (None if closed else f"{build} is open")

    return [lost]
