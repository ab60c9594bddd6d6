"""Scenes arrive at the deployed application: through S3, EventBridge, SNS, SQS and the API, and become builds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from stratocube.local.stack import running_stack
from tests.stack.conftest import Application
from tests.stack.journeys import quality, red
from tests.unit.workflow.small_build import CUBE, CUBE_FORM, GRID, TILE, collection, scene

pytestmark = pytest.mark.slow

SECONDS = 240.0
T = TypeVar("T")
JULY, AUGUST = f"{TILE}_2023-07-01_2023-07-31", f"{TILE}_2023-08-01_2023-08-31"
START: dict[str, Any] = {
    "datacube": CUBE,
    "collections": ["s2"],
    "tiles": [TILE],
    "start_date": "2023-07-01",
    "end_date": "2023-08-31",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """A stack of its own: a cube of two months, built of one scene each, that watches."""
    with running_stack(port=0, state_dir=tmp_path_factory.mktemp("stack")) as stack:
        application = Application(stack)
        s3, landing = stack.client("s3"), application.landing
        s3.put_object(Bucket=landing, Key="red.tif", Body=red(hole=False))
        s3.put_object(Bucket=landing, Key="scl.tif", Body=quality(4))
        first = [item(application, "J1", "2023-07-10"), item(application, "A1", "2023-08-10")]
        s3.put_object(Bucket=landing, Key="items.json", Body=collection(*first))
        stack.call("POST", "/create-grids", GRID)
        stack.call("POST", "/cubes", CUBE_FORM)
        done = application.build(START | {"stac_url": f"s3://{landing}/items.json"})
        assert done.status == "SUCCEEDED", done.failed_units
        watch = stack.call("POST", "/watches", {"cube_id": CUBE})
        assert watch["hears_of"] == ["s2"]
        yield application


def item(app: Application, item_id: str, day: str) -> dict[str, Any]:
    return scene(f"s3://{app.landing}/red.tif", f"s3://{app.landing}/scl.tif", item_id, day)


def wait_for(what: str, find: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = find()
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError(f"{what} did not come to pass within {SECONDS:.0f} s")


def builds(app: Application) -> list[str]:
    """Ids of the cube's builds, oldest first."""
    return [build["build_id"] for build in app.stack.call("GET", f"/builds?cube_id={CUBE}")["builds"]][::-1]


def next_build(app: Application, before: list[str]) -> tuple[str, list[dict[str, Any]]]:
    """The build that begins by itself, its end awaited: its id and units."""
    build_id = wait_for("a build", lambda: next(iter(set(builds(app)) - set(before)), None))
    done = app.wait(build_id)
    assert done.status == "SUCCEEDED", done.failed_units
    names = [JULY, AUGUST]
    answers = [app.stack.request("GET", f"/builds/{build_id}/units/{name}") for name in names]
    return build_id, [unit for status, unit in answers if status == 200]


def merges(units: list[dict[str, Any]]) -> dict[str, str]:
    return {
        activity["part"]: activity["outcome"]
        for unit in units
        for activity in unit["activities"]
        if activity["step"] == "merge"
    }


def test_an_item_that_is_dropped_updates_its_unit_by_itself_and_no_other(app: Application) -> None:
    before = builds(app)
    late = item(app, "A2", "2023-08-20")
    late["assets"]["red"]["href"] = "./red.tif"
    app.stack.client("s3").put_object(Bucket=app.landing, Key="A2.json", Body=json.dumps(late).encode())
    build_id, units = next_build(app, before)
    assert [unit["unit_id"] for unit in units] == [AUGUST]
    assert merges(units) == {
        "2023-08-10#B04": "REUSED",
        "2023-08-10#SCL": "REUSED",
        "2023-08-20#B04": "BUILT",
        "2023-08-20#SCL": "BUILT",
    }
    inputs = app.item("small-1m-lcf/v1/000/000/2023/08")["properties"]["stratocube:inputs"]
    assert sorted(inputs) == ["2023-08-10", "2023-08-20"]
    shown = app.stack.call("GET", f"/watches/{CUBE}")
    assert {unit["unit_id"]: unit["build_id"] for unit in shown["units"]}[AUGUST] == build_id


def test_a_scene_posted_to_the_api_says_what_it_touches_and_is_built(app: Application) -> None:
    before = builds(app)
    status, answer = app.stack.request("POST", "/scenes", item(app, "J2", "2023-07-20"))
    assert (status, answer["units"]) == (202, [{"cube_id": CUBE, "unit_id": JULY}])
    _, units = next_build(app, before)
    assert [unit["unit_id"] for unit in units] == [JULY]
    assert set(merges(units)) == {f"2023-07-{day}#{band}" for day in ("10", "20") for band in ("B04", "SCL")}
    status, answer = app.stack.request("POST", "/scenes", {"type": "Feature"})
    assert (status, answer["errors"][0]["field"]) == (400, "id")


def test_a_replay_through_sns_and_sqs_builds_what_is_stale_once_and_buries_two(app: Application) -> None:
    stack, before = app.stack, builds(app)
    sns, sqs = stack.client("sns"), stack.client("sqs")
    queue, dead = stack.outputs["ScenesQueue"], stack.outputs["SceneDeadLetters"]
    topic = sns.create_topic(Name="items")["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    # the archive's index knows the new scenes of July, and that is how builds find them
    news = [item(app, f"N{number}", "2023-07-25") for number in range(4)]
    old = [item(app, "J1", "2023-07-10"), item(app, "A1", "2023-08-10")]
    stack.client("s3").put_object(Bucket=app.landing, Key="items.json", Body=collection(*old, *news))
    for found in [*news, *news, *old]:
        sns.publish(TopicArn=topic, Message=json.dumps(found))
    folder = Path(__file__).parents[1] / "fixtures" / "events"
    bodies = [
        (folder / name).read_text() for name in ("s3_test_event.json", "usgs_real_time.json", "s3_object_deleted.json")
    ]
    bodies += [json.dumps(found) for found in news]
    bodies += ["this is no JSON", json.dumps(news[0] | {"properties": {}})]
    for body in bodies:
        sqs.send_message(QueueUrl=queue, MessageBody=body)

    letters = wait_for("two dead letters", lambda: _all_letters(sqs, dead))
    assert letters == [
        "InvalidRequest: properties.datetime: is missing, and so is start_datetime (item N0)",
        "InvalidRequest: the message is no JSON: Expecting value: line 1 column 1 (char 0)",
    ]
    wait_for("the end of all builds", lambda: _settled(app))
    begun = [name for name in builds(app) if name not in before]
    # July: four scenes of one day, one merge a band, however many messages told of them and however many builds looked
    made = [merges(_units(app, build_id)) for build_id in begun]
    new = [part for of_build in made for part, outcome in of_build.items() if outcome == "BUILT"]
    assert sorted(new) == ["2023-07-25#B04", "2023-07-25#SCL"]
    assert not [part for of_build in made for part in of_build if part.startswith("2023-08")]


def _units(app: Application, build_id: str) -> list[dict[str, Any]]:
    answers = [app.stack.request("GET", f"/builds/{build_id}/units/{name}") for name in (JULY, AUGUST)]
    return [unit for status, unit in answers if status == 200]


_LETTERS: dict[str, str] = {}


def _all_letters(sqs: Any, queue: str) -> list[str] | None:
    answer = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"], MaxNumberOfMessages=10)
    for letter in answer.get("Messages", []):
        _LETTERS[letter["MessageId"]] = letter["MessageAttributes"]["reason"]["StringValue"]
    return sorted(_LETTERS.values()) if len(_LETTERS) >= 2 else None


def _settled(app: Application) -> bool:
    """Whether every message was heard, and every unit that was marked has a build that has ended with it."""
    attributes = app.stack.client("sqs").get_queue_attributes(
        QueueUrl=app.stack.outputs["ScenesQueue"], AttributeNames=["All"]
    )["Attributes"]
    waiting = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    if any(int(attributes[name]) for name in waiting):
        return False
    if any(unit["pending"] for unit in app.stack.call("GET", f"/watches/{CUBE}")["units"]):
        return False
    listed = app.stack.call("GET", f"/builds?cube_id={CUBE}")["builds"]
    return all(build["finished_at"] for build in listed)


def test_the_reconciliation_finds_what_nobody_announced(app: Application) -> None:
    before = builds(app)
    stack = app.stack
    stack.call("POST", "/watches", {"cube_id": CUBE, "start_date": "2023-07-01"})
    functions = stack.client("lambda")
    functions.update_function_configuration(
        FunctionName="stratocube-reconcile",
        Environment={
            "Variables": functions.get_function_configuration(FunctionName="stratocube-reconcile")["Environment"][
                "Variables"
            ]
            | {"RECONCILE_DAYS": "36500"}
        },
    )
    found = json.loads(functions.invoke(FunctionName="stratocube-reconcile", Payload=b"{}")["Payload"].read())
    assert (found["cubes"], found["Unreconciled"], found["SilentCollections"]) == ([CUBE], 0, 0)
    assert found["units"] == 2
    functions.invoke(FunctionName="stratocube-dispatch", Payload=b"{}")
    _, units = next_build(app, before)
    # everything is current: both units end at their search
    assert merges(units) == {}
    again = json.loads(functions.invoke(FunctionName="stratocube-reconcile", Payload=b"{}")["Payload"].read())
    assert again["units"] == 0


def test_a_watch_can_be_ended(app: Application) -> None:
    assert app.stack.call("DELETE", f"/watches/{CUBE}") == {"cube_id": CUBE, "watched": False}
    assert app.stack.request("GET", f"/watches/{CUBE}")[0] == 404
    status, answer = app.stack.request("POST", "/scenes", item(app, "J3", "2023-07-22"))
    assert (status, answer["units"]) == (202, [])
