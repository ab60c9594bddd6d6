"""Hostile requests: answered 4xx with the field named, and nothing of them is kept."""

from __future__ import annotations

import copy
import json
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aws_tables import REGION
from tests.unit.api.api_client import Client
from tests.unit.api.forms import start_form
from tests.unit.api.test_api_properties import FEW, FORMS, paths

RETRY: dict[str, Any] = {"states": ["FAILED"]}
FORMS_WITH_OPERATIONS: dict[str, dict[str, Any]] = {
    **FORMS,
    "/complete": start_form(),
    "/stale": start_form(dry_run=True),
    "/builds/20260810T120000250Z-0000000000/retry": RETRY,
}
HOSTILE = st.sampled_from(
    [
        "../../etc/passwd", "a/b", "a" * 10_000, "", " ", "\x00", "\ud800", "<script>", "${jndi:ldap://x}", "NaN",
        "http://169.254.169.254/latest/meta-data/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/x.json",
        "s3://scenes", "s3://other/items.json", "https://stac.example.org.evil.example/", "javascript:alert(1)",
        "__import__('os').system('id')", "B04 ** 10 ** 10", "(" * 500, "2023-02-30", "0001-01-01", "9999-12-31",
        "+proj=pipeline +nadgrids=/etc/passwd", "/vsicurl/http://169.254.169.254/", 0, -1, 2**63, 10**400, 1e308, -0.0,
        True, None, [], {}, [[]], {"a": {}}, ["a"] * 10_000, [None], {"": ""}, [1, "a", None],
    ]
)  # fmt: skip


@st.composite
def hostile_forms(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A good form and its route; one member, somewhere in it, is hostile, missing, or has a stranger beside it."""
    path = draw(st.sampled_from(sorted(FORMS_WITH_OPERATIONS)))
    form: dict[str, Any] = json.loads(json.dumps(FORMS_WITH_OPERATIONS[path]))
    *way, last = draw(st.sampled_from(paths(form)))
    holder: Any = form
    for key in way:
        holder = holder[key]
    change = draw(st.sampled_from(["replace", "replace", "replace", "remove", "add"]))
    if change == "replace":
        holder[last] = copy.deepcopy(draw(HOSTILE))
    elif isinstance(holder, dict):
        if change == "remove":
            del holder[last]
        else:
            holder[draw(st.sampled_from(["token", "x", "__class__", "a" * 300, "é"]))] = copy.deepcopy(draw(HOSTILE))
    return path, form


@pytest.fixture(scope="module")
def filled_client(shared_client: Client) -> Client:
    """An API that has the forms' grid, cube and a build, so that what is asked for gets as far as it can."""
    for path, form in FORMS.items():
        assert shared_client.post(path, form).status < 300
    return shared_client


def kept() -> dict[str, int]:
    """Rows of every table."""
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    return {
        name: dynamodb.scan(TableName=name, Select="COUNT")["Count"] for name in dynamodb.list_tables()["TableNames"]
    }


@settings(FEW, max_examples=200)
@given(request=hostile_forms())
def test_a_hostile_form_is_refused_by_its_field_and_leaves_nothing_behind(
    filled_client: Client, request: tuple[str, dict[str, Any]]
) -> None:
    path, form = request
    before, launched = kept(), list(filled_client.launcher.launched)

    reply = filled_client.post(path, form)

    assert reply.status < 500, reply.body
    if reply.status >= 400:
        assert (kept(), filled_client.launcher.launched) == (before, launched)
    if reply.status == 400:
        assert [error["field"] for error in reply.body["errors"]], reply.body


@pytest.mark.parametrize("path", sorted(FORMS_WITH_OPERATIONS))
@pytest.mark.parametrize(
    "body",
    [
        "[" * 50_000,
        '{"a":' * 50_000,
        "1" * 10_000,
        "NaN",
        '{"a": NaN}',
        "\ufeff{}",
        '"text"',
        "[1]",
        '{"a": 1, "a": 2}',
    ],
)
def test_a_body_that_is_no_form_is_refused(filled_client: Client, path: str, body: str) -> None:
    before = kept()
    assert filled_client.post(path, body).status in {400, 404, 409, 413}
    assert kept() == before
