"""What the functions that hear of scenes, dispatch and reconcile do, in the smallest form that uses each permission."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stratocube.state.arrivals import Arrivals
from stratocube.state.build_values import Build
from stratocube.state.builds import Builds
from tests.stack.journeys import OTHERS, SECRET, Bench
from tests.unit.workflow.small_build import CUBE, START, UNIT, scene

Journey = Callable[[], str | None]

COLLECTION = "arriving"
"""Announced and not searched: what is landed for these journeys is in no build of the others."""

_serial = itertools.count()


def arrival_journeys(bench: Bench) -> dict[str, list[Journey]]:
    """By function, as in :func:`tests.stack.journeys.journeys`."""
    _configure(bench, "reconcile", RECONCILE_DAYS="36500")
    return {"scene-arrival": _scene_arrival(bench), "dispatch": _dispatch(bench), "reconcile": _reconcile(bench)}


def api_journeys(bench: Bench) -> list[Journey]:
    """What the API does beside."""

    def sent() -> str | None:
        return _watch(bench) or bench.ask("POST", "/scenes", _news())

    return [
        lambda: _watch(bench),
        sent,
        lambda: bench.ask("GET", f"/watches/{CUBE}"),
        lambda: bench.ask("DELETE", f"/watches/{CUBE}"),
    ]


def _watch(bench: Bench, **changes: Any) -> str | None:
    form = {name: value for name, value in START.items() if name not in {"datacube", "end_date"}}
    form |= {"cube_id": CUBE, "stac_url": f"s3://{bench.app.landing}/items.json", "announced_as": [COLLECTION]}
    return bench.ask("POST", "/watches", form | changes)


def _news() -> dict[str, Any]:
    found = scene("s3://nowhere/red.tif", "s3://nowhere/scl.tif", f"NEWS{next(_serial)}")
    return found | {"collection": COLLECTION}


def _scene_arrival(bench: Bench) -> list[Journey]:
    s3 = bench.stack.client("s3")

    def heard(body: str) -> str | None:
        """A message is worked through by a function that has read nothing yet."""
        error = _watch(bench)
        if error:
            return error
        _configure(bench, "scene-arrival", FRESH=str(next(_serial)))
        record = {"messageId": "m", "body": body, "attributes": {"ApproximateReceiveCount": "1"}}
        answer = bench.stack.client("lambda").invoke(
            FunctionName="stratocube-scene-arrival", Payload=json.dumps({"Records": [record]})
        )
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            return str(payload)
        return "handed out again" if payload["batchItemFailures"] else None

    def landed() -> str | None:
        s3.put_object(Bucket=bench.app.landing, Key="news.json", Body=json.dumps(_news()).encode())
        detail = {"bucket": {"name": bench.app.landing}, "object": {"key": "news.json"}}
        return heard(json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail}))

    def product() -> str | None:
        name = f"LC08_L2SP_028030_20200114_{20200824 + next(_serial)}_02_T1"
        s3.put_object(Bucket=OTHERS, Key=f"c2/{name}/{name}_SR_stac.json", Body=json.dumps(_news()).encode())
        return heard(json.dumps({"landsat_product_id": name, "s3_location": f"s3://{OTHERS}/c2/{name}/"}))

    return [landed, product, lambda: heard("poison")]


def _dispatch(bench: Bench) -> list[Journey]:
    table = bench.stack.outputs["ArrivalsTable"]
    arrivals = Arrivals(table, region="us-east-1")
    builds = Builds(bench.stack.outputs["BuildsTable"], region="us-east-1")

    def due() -> None:
        """The unit is due, and no build has ever been given it."""
        key = {"partition": {"S": f"ARRIVED#{CUBE}"}, "name": {"S": UNIT}}
        bench.stack.client("dynamodb").delete_item(TableName=table, Key=key)
        arrivals.mark(CUBE, UNIT, due_at="2026-01-01T00:00:00.000000Z", now_epoch=1_800_000_000)
        # Builds that a permission taken away left open would keep the unit waiting, and never end.
        for build in builds.of_cube(CUBE, limit=50):
            if build.finished_at is None:
                builds.cancel(build.build_id, now="2026-01-01T00:00:00.000000Z", cause="left over")

    def dispatched() -> tuple[Build | None, str | None]:
        """The build that was begun, by this dispatch or one that the schedule made meanwhile; or what went wrong."""
        error = _watch(bench)
        due()
        before = {build.build_id for build in builds.of_cube(CUBE, limit=50)}
        answer = bench.stack.client("lambda").invoke(FunctionName="stratocube-dispatch", Payload=b"{}")
        payload = answer["Payload"].read().decode()
        if error or "FunctionError" in answer:
            return None, error or payload
        for build in builds.of_cube(CUBE, limit=50):
            if build.build_id not in before and build.options.get("skip_current"):
                return build, None
        return None, f"no build was begun: {payload}"

    def started() -> str | None:
        build, error = dispatched()
        if build is None:
            return error
        done = bench.app.wait(build.build_id)
        return None if done.status == "SUCCEEDED" else f"{done.status} {done.cause}"

    def refused() -> str | None:
        """Step Functions does not take the build: it is closed, with the reason."""
        with _configured(bench, "dispatch", STRATOCUBE_STATE_MACHINE_ARN="arn:aws:states:us-east-1:0:stateMachine:no"):
            build, error = dispatched()
        if build is None:
            return error
        return None if build.finished_at else f"{build.build_id} is open"

    def followed() -> str | None:
        """The build that the unit was given to has ended: there is nothing more to do."""
        due()
        (unit,) = (unit for unit in arrivals.units(CUBE, limit=50) if unit.unit_id == UNIT)
        arrivals.take(unit, bench.build, look_at="2026-01-01T00:00:00.000000Z")
        answer = bench.stack.client("lambda").invoke(FunctionName="stratocube-dispatch", Payload=b"{}")
        if "FunctionError" in answer:
            return str(answer["Payload"].read())
        (unit,) = (unit for unit in arrivals.units(CUBE, limit=50) if unit.unit_id == UNIT)
        return f"still due: {unit}" if unit.due_at else None

    return [started, refused, followed]


def _reconcile(bench: Bench) -> list[Journey]:
    def searched(**places: str) -> str | None:
        error = _watch(bench, **places)
        if error:
            return error
        answer = bench.stack.client("lambda").invoke(FunctionName="stratocube-reconcile", Payload=b"{}")
        payload = json.loads(answer["Payload"].read())
        failed = "FunctionError" in answer or payload["Unreconciled"] or payload["cubes"] != [CUBE]
        return str(payload) if failed else None

    return [
        searched,
        lambda: searched(stac_url=f"s3://{OTHERS}/items.json"),
        lambda: searched(stac_url=bench.api_url, token_secret=SECRET),
    ]


def _configure(bench: Bench, function: str, **variables: str) -> dict[str, str]:
    """Change environment variables of a function, which begins anew with that; what they were before."""
    functions, name = bench.stack.client("lambda"), f"stratocube-{function}"
    before: dict[str, str] = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": before | variables})
    return before


@contextmanager
def _configured(bench: Bench, function: str, **variables: str) -> Iterator[None]:
    before = _configure(bench, function, **variables)
    try:
        yield
    finally:
        _configure(bench, function, **before)
