"""Messages and what is made of them: recorded pairs, and whatever else may lie in a queue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.arrivals.notices import MAX_BYTES, notice_of
from stratocube.arrivals.values import LandedObject, Notice, Passed, ProductFolder, SceneItem
from stratocube.errors import InvalidRequest

EVENTS = Path(__file__).parents[2] / "fixtures" / "events"
EXPECTED: dict[str, dict[str, Any]] = json.loads((EVENTS / "expected.json").read_text())


def described(notice: Notice) -> dict[str, Any]:
    """A notice as expected.json writes it."""
    name = type(notice).__name__
    if isinstance(notice, SceneItem):
        return {"notice": name, "id": notice.item["id"], "collection": notice.item["collection"]}
    return {"notice": name} | vars(notice)


def test_every_event_has_its_expected_notice() -> None:
    assert set(EXPECTED) == {path.name for path in EVENTS.glob("*.json")} - {"expected.json"}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_recorded_event_becomes_its_notice(name: str) -> None:
    assert described(notice_of((EVENTS / name).read_text())) == EXPECTED[name]


@pytest.mark.parametrize("name", ["earth_search.json", "usgs.json"])
def test_a_message_without_its_envelope_is_the_same(name: str) -> None:
    raw = json.loads((EVENTS / name).read_text())["Message"]
    assert described(notice_of(raw)) == EXPECTED[name]


def test_a_message_in_several_envelopes_is_the_same_and_envelopes_end_somewhere() -> None:
    body = json.dumps({"type": "Collection"})
    for _ in range(3):
        body = json.dumps({"Type": "Notification", "Message": body})
    assert notice_of(body) == Passed("a Collection")
    body = json.dumps({"Type": "Notification", "Message": body})
    assert notice_of(body) == Passed("a message with Message, Type", known=False)


def landsat(**changes: Any) -> str:
    message = json.loads(json.loads((EVENTS / "usgs.json").read_text())["Message"])
    return json.dumps({**message, **changes})


def s3_event(detail: Any) -> str:
    return json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "the message is no JSON"),
        ("not json", "the message is no JSON"),
        ("[" * 100_000, "the message is no JSON"),
        ("[1, 2]", "the message must be a JSON object, it is a list"),
        ("x" * (MAX_BYTES + 1), "longer than"),
        (json.dumps({"Type": "Notification", "Message": "{"}), "the message is no JSON"),
        (json.dumps({"Type": "Notification", "Message": {}}), "the message must be text"),
        (landsat(landsat_product_id=None), "landsat_product_id: is no product of Collection 2: None"),
        (landsat(landsat_product_id="LC08"), "landsat_product_id: is no product of Collection 2: 'LC08'"),
        (landsat(s3_location="https://x/y"), "s3_location: must be a folder such as s3://bucket/folder/"),
        (landsat(s3_location="s3://usgs-landsat/a/../b/"), "s3_location: must be a folder such as"),
        (landsat(s3_location="s3://usgs-landsat/another/product/"), "s3_location: does not end with LC08_"),
        (s3_event(None), "detail.bucket.name: is required"),
        (s3_event({"bucket": {"name": "b"}, "object": {"key": 7}}), "detail.object.key: is required"),
        (s3_event({"bucket": {"name": "b"}, "object": {"key": "k" * 1025 + ".json"}}), "longer than a key of S3"),
    ],
)
def test_a_malformed_message_is_refused_with_the_reason(body: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        notice_of(body)
    assert said in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SHAPES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["Feature", "Catalog"]) | JSON,
        "Type": st.just("Notification") | JSON,
        "Message": JSON,
        "source": st.just("aws.s3") | JSON,
        "detail-type": st.just("Object Created") | JSON,
        "detail": st.dictionaries(st.sampled_from(["bucket", "object"]), JSON) | JSON,
        "landsat_product_id": JSON,
        "s3_location": JSON,
    },
)


@given(SHAPES | JSON)
def test_whatever_is_in_a_message_becomes_a_notice_or_is_refused(message: Any) -> None:
    try:
        notice = notice_of(json.dumps(message))
    except InvalidRequest:
        return
    assert isinstance(notice, SceneItem | LandedObject | ProductFolder | Passed)
