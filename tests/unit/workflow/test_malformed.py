"""Malformed events and scene items: refused with the field named, and nothing written.

The functions' own handlers are called, with the stack they would make from their environment.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from stratocube.errors import InvalidRequest, NotFound, StratocubeError
from stratocube.settings import Settings
from stratocube.workflow.context import Stack
from stratocube.workflow.events import merge_task_of
from tests.aws_tables import REGION, create_tables
from tests.unit.workflow.small_build import BUILD, UNIT, collection, planned, scene, written

FUNCTIONS = Path(__file__).parents[3] / "functions"
CONTEXT = SimpleNamespace(
    aws_request_id="request",
    function_name="function",
    function_version="1",
    invoked_function_arn="arn",
    memory_limit_in_mb=1024,
    get_remaining_time_in_millis=lambda: 240_000,
)
IDENTITY = "a" * 64
DATE = "2023-08-15"
SOURCE: dict[str, Any] = {
    "scene_id": "S-1",
    "collection": "s2",
    "href": "s3://landing/red.tif",
    "version": "",
    "dataset": "sentinel-2a",
    "nodata": None,
    "scale": None,
    "offset": None,
    "file_band": 1,
    "acquired": "2023-08-15T10:00:00Z",
    "platform": "sentinel-2a",
    "item_href": "",
}
UNIT_EVENT = {"build_id": BUILD, "unit_id": UNIT}
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:cube-build-cube"
EVENTS: dict[str, list[dict[str, Any]]] = {
    "plan": [{"build_id": BUILD}],
    "search": [UNIT_EVENT],
    "merge": [
        {**UNIT_EVENT, "date": DATE, "band": "B04", "activity_id": IDENTITY, "key": "small/a.tif"}
        | {"sources": [SOURCE], "datasets": []}
    ],
    "prepare_blend": [UNIT_EVENT, {**UNIT_EVENT, "date": DATE, "merges": {"B04": IDENTITY, "SCL": IDENTITY}}],
    "blend": [{**UNIT_EVENT, "band": "B04"}],
    "publish": [UNIT_EVENT, {**UNIT_EVENT, "date": DATE}],
    "finish": [
        {**UNIT_EVENT, "failed_step": "merge", "error": {"Error": "E", "Cause": "C"}},
        {"detail": {"stateMachineArn": MACHINE, "name": "none-of-this-name", "status": "ABORTED"}},
        {"detail": {"stateMachineArn": f"{MACHINE}/Units", "status": "TIMED_OUT", "input": json.dumps(UNIT_EVENT)}},
    ],
}
"""A good event of each kind, by function."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
HOSTILE = st.sampled_from(
    [
        "../../etc/passwd", "b1/../b2", "b" * 10_000, "", " ", "\x00", "{}", "${jndi:x}", "000000_2023-08-01",
        "000000_2023-08-31_2023-08-01", "000000_2023-13-01_2023-13-31", "999999_0001-01-01_9999-12-31",
        "2023-02-30", "2023-08-15T00:00:00Z", "1969-12-31", "file:///etc/passwd", "http://169.254.169.254/",
        "s3://elsewhere/a.tif", "/etc/passwd", "https://user:pw@h/a.tif", 0, -1, 2**63, 1e308, float("nan"), 10**400,
        [], {}, None, True, [[]], {"a": {}}, ["a"] * 1000,
    ]
)  # fmt: skip
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

seen: dict[str, int] = {}
"""How many malformed inputs each test has tried: the last test counts them."""


def count(kind: str) -> None:
    seen[kind] = seen.get(kind, 0) + 1


# -- a stack whose functions are loaded -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def environment() -> Iterator[Stack]:
    """A stack in memory with a planned build, its names in the environment as Lambda has them."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}.items():
            patch.setenv(name, value)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        s3 = boto3.client("s3", region_name=REGION)
        for bucket in ("work", "cubes", "landing"):
            s3.create_bucket(Bucket=bucket)
        tables = create_tables(boto3.client("dynamodb", region_name=REGION))
        named = {**tables, "work_bucket": "work", "cube_bucket": "cubes", "state_machine_arn": "arn"}
        for field, value in {**named, "allowed_buckets": "landing"}.items():
            patch.setenv(f"STRATOCUBE_{field.upper()}", value)
        patch.setenv("POWERTOOLS_LOG_LEVEL", "CRITICAL")
        stack = Stack.from_env(dict(os.environ))
        planned(stack, stac_url="s3://landing/items.json")
        yield stack


@pytest.fixture(scope="module")
def handlers(environment: Stack) -> dict[str, Callable[[Any, Any], Any]]:
    """The handler of each function."""
    found = {}
    for name in EVENTS:
        spec = importlib.util.spec_from_file_location(f"functions_{name}", FUNCTIONS / name / "app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found[name] = module.handler
    return found


@contextmanager
def nothing_written(stack: Stack) -> Iterator[None]:
    """Checks that no object appears in the block, and that nothing counts as made."""
    before = written(stack)
    yield
    assert written(stack) == before
    rows = boto3.client("dynamodb", region_name=REGION).scan(TableName="test-activities")["Items"]
    assert {row["status"]["S"] for row in rows} <= {"FAILED"}


# -- events ----------------------------------------------------------------------------------------------------------


def places(value: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every member of a JSON value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, member in members for found in [(*trail, key), *places(member, (*trail, key))]]


def test_the_good_events_are_good(environment: Stack, handlers: dict[str, Any]) -> None:
    """So that what the other tests refuse is refused for what they broke."""
    assert handlers["plan"](EVENTS["plan"][0], CONTEXT)["build_id"] == BUILD
    with pytest.raises(InvalidRequest, match="not the identity of this merge"):
        handlers["merge"](EVENTS["merge"][0], CONTEXT)
    for name, event in (("search", 0), ("blend", 0), ("publish", 0), ("prepare_blend", 0)):
        with pytest.raises(StratocubeError, match=r"s3://(landing|work)/"):
            handlers[name](EVENTS[name][event], CONTEXT)


@st.composite
def broken_events(draw: st.DrawFn) -> tuple[str, Any]:
    """A function, and a good event of it with a member, somewhere in it, missing or replaced by anything."""
    name = draw(st.sampled_from(sorted(EVENTS)))
    event: Any = json.loads(json.dumps(draw(st.sampled_from(EVENTS[name]))))
    *way, last = draw(st.sampled_from(places(event)))
    holder = event
    for key in way:
        holder = holder[key]
    if draw(st.booleans()):
        holder[last] = copy.deepcopy(draw(HOSTILE | JSON))
    elif isinstance(holder, dict):
        del holder[last]
    return name, event


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(broken=broken_events())
def test_a_broken_event_is_refused_with_the_field_or_changes_nothing_of_what_is_made(
    environment: Stack, handlers: dict[str, Any], broken: tuple[str, Any]
) -> None:
    name, event = broken
    assume(event not in EVENTS[name])
    count("events")
    with nothing_written(environment):
        try:
            handlers[name](event, CONTEXT)
        except InvalidRequest as error:
            assert error.field or not isinstance(event, dict)
        except StratocubeError:
            pass  # well formed after all, of a build, unit or file that is not there: the message names it


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(name=st.sampled_from(sorted(EVENTS)), event=JSON | HOSTILE)
def test_anything_in_place_of_an_event_is_refused_with_the_first_field_it_lacks(
    environment: Stack, handlers: dict[str, Any], name: str, event: Any
) -> None:
    count("events")
    with nothing_written(environment), pytest.raises((InvalidRequest, NotFound)) as caught:
        handlers[name](event, CONTEXT)
    assert "build_id" in str(caught.value) or "object" in str(caught.value)


def test_an_event_names_every_field_of_a_merge_task() -> None:
    (event,) = EVENTS["merge"]
    task = merge_task_of(event)
    assert {field.name for field in fields(task)} == set(event)
    for name in set(event):
        with pytest.raises(InvalidRequest) as caught:
            merge_task_of({key: value for key, value in event.items() if key != name})
        assert caught.value.field == name


# -- scene items -----------------------------------------------------------------------------------------------------

ITEM = scene("s3://landing/red.tif", "s3://landing/scl.tif") | {
    "links": [{"rel": "self", "href": "s3://landing/item.json"}],
}
ITEM["assets"]["red"] |= {"roles": ["data"], "raster:bands": [{"nodata": 0, "scale": 0.0001, "offset": 0}]}
ITEM["properties"] |= {"updated": "2023-08-16T00:00:00Z", "eo:cloud_cover": 10.5, "created": "2023-08-16T00:00:00Z"}
HOSTILE_IN_ITEMS = HOSTILE | st.sampled_from(
    [
        "not a date", "2023-08-15", "0000-00-00T00:00:00Z", "2023-08-15T10:00:00+99:00", "https://example.org/a.tif",
        "javascript:alert(1)", {"type": "Point", "coordinates": [1, 2]}, {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1e400, 0], [0, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[["a", "b"], [1, 0], [0, 1], ["a", "b"]]]},
        [14.8, 45.8, 15.2], ["a", 1, 2, 3], [{"nodata": "x"}], [{"scale": 0}], [{"scale": "1"}], [{"nodata": "nan"}],
        {"red": {"href": 5}}, {"red": []}, [{"name": 5}],
    ]
)  # fmt: skip


@st.composite
def broken_items(draw: st.DrawFn) -> Any:
    """A good item with up to two members, somewhere in it, missing or replaced by anything."""
    item: Any = json.loads(json.dumps(ITEM))
    for _ in range(draw(st.integers(1, 2))):
        way = draw(st.sampled_from(places(item)))
        holder = item
        for key in way[:-1]:
            holder = holder[key]
        if isinstance(holder, dict) and draw(st.booleans()):
            del holder[way[-1]]
        else:
            holder[way[-1]] = copy.deepcopy(draw(HOSTILE_IN_ITEMS | JSON))
    return item


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(item=broken_items() | JSON)
def test_a_broken_item_fails_its_unit_with_item_and_field_or_is_used_as_it_says(
    environment: Stack, handlers: dict[str, Any], item: Any
) -> None:
    environment.work.s3.put_object(Bucket="landing", Key="items.json", Body=collection(item))
    before = written(environment)
    try:
        answer = handlers["search"](UNIT_EVENT, CONTEXT)
    except InvalidRequest as error:
        count("items")
        assert error.field
        told = str(error)
        named = isinstance(item, dict) and isinstance(item.get("id"), str) and item["id"]
        assert not named or item["id"] in told or error.field in {"features.0", "id"}, told
        assert written(environment) == before
    else:
        # It was an item of something else, of another time or place, or good after all: then its task is whole.
        tasks = environment.work.read_json(answer["merges"]["key"])
        for task in tasks:
            assert all(source.href.startswith("s3://landing/") for source in merge_task_of(task).sources)
        for key in set(written(environment)["work"]) - set(before["work"]):
            environment.work.s3.delete_object(Bucket="work", Key=key)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"type": "FeatureCollection"}',
        b'{"type": "FeatureCollection", "features": {}}', b'{"type": "FeatureCollection", "features": [1]}',
        b'{"type": "FeatureCollection", "features": [{}]}', b"<html>", b'{"type": "FeatureCollection", "features": [',
    ],
)  # fmt: skip
def test_a_document_that_is_no_item_collection_fails_its_unit(
    environment: Stack, handlers: dict[str, Any], body: bytes
) -> None:
    count("items")
    environment.work.s3.put_object(Bucket="landing", Key="items.json", Body=body)
    try:
        answer = handlers["search"](UNIT_EVENT, CONTEXT)
    except InvalidRequest as error:
        assert error.field
    else:
        assert environment.work.read_json(answer["merges"]["key"]) == []


def test_enough_was_tried() -> None:
    """Runs last in this file: these tests are worth what they try."""
    assert seen["events"] >= 200, seen
    assert seen["items"] >= 100, seen


def test_settings_of_the_functions_are_those_of_the_stack(environment: Stack) -> None:
    assert Settings.from_env(environment.environment) == environment.settings
