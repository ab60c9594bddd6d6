"""Whatever a client sends, the answer is about what it sent: never a 5xx."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.api.api_client import Client
from tests.unit.api.forms import cube_form, grid_form, start_form

GETS = st.sampled_from(
    [
        "/cubes",
        "/cubes/{}",
        "/grids",
        "/grids/{}",
        "/builds",
        "/builds/{}",
        "/builds/{}/units/{}",
        "/failures",
        "/cube-status",
    ]
)
FORMS: dict[str, dict[str, Any]] = {
    "/create-grids": grid_form(),
    "/cubes": cube_form(),
    "/start": start_form(),
    "/complete": start_form(),
    "/stale": start_form(dry_run=True),
    "/list-periods": {
        "schema": "Cyclic",
        "step": 16,
        "unit": "day",
        "cycle": {"unit": "year", "step": 1},
        "start_date": "2019-01-01",
        "last_date": "2019-03-31",
    },
}
POSTS = st.sampled_from(sorted(FORMS))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
# the tables of a module serve all examples: nothing here depends on what is in them
FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def paths(value: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every member of a JSON value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, member in members for found in [(*trail, key), *paths(member, (*trail, key))]]


@st.composite
def mutated_forms(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A good form and its route, one member, somewhere in it, replaced by anything."""
    path = draw(st.sampled_from(sorted(FORMS)))
    form: dict[str, Any] = json.loads(json.dumps(FORMS[path]))
    *way, last = draw(st.sampled_from(paths(form)))
    holder: Any = form
    for key in way:
        holder = holder[key]
    holder[last] = draw(JSON)
    return path, form


@pytest.fixture(scope="module")
def filled_client(shared_client: Client) -> Client:
    """An API that has the forms' grid and cube, so that what is asked for gets as far as it can."""
    for (path, form), status in zip(FORMS.items(), (201, 201, 202, 202, 202, 200), strict=True):
        assert shared_client.post(path, form).status == status
    return shared_client


@FEW
@given(path=POSTS, body=st.text(max_size=200))
def test_any_text_as_body_is_answered_below_500(shared_client: Client, path: str, body: str) -> None:
    assert shared_client.post(path, body).status in {400, 413}


@FEW
@given(path=POSTS, body=st.dictionaries(st.text(max_size=10), JSON, max_size=5))
def test_any_object_as_body_is_answered_below_500(shared_client: Client, path: str, body: dict[str, Any]) -> None:
    assert shared_client.post(path, body).status == 400


@settings(FEW, max_examples=250)
@given(request=mutated_forms())
def test_a_form_with_anything_in_it_is_answered_below_500(
    filled_client: Client, request: tuple[str, dict[str, Any]]
) -> None:
    path, form = request

    reply = filled_client.post(path, form)

    assert reply.status < 500, reply.body
    if reply.status >= 400:
        assert {"type", "title", "status", "detail", "errors"} <= set(reply.body)


@settings(FEW, max_examples=150)
@given(
    route=GETS,
    identifier=st.text(min_size=1, max_size=30),
    query=st.dictionaries(
        st.sampled_from(["limit", "next", "cube_id", "cube_name", "since", "step"]), st.text(max_size=30), max_size=4
    ),
)
def test_any_id_and_query_is_answered_below_500(
    filled_client: Client, route: str, identifier: str, query: dict[str, str]
) -> None:
    path = route.replace("{}", identifier.replace("?", "x").replace("#", "y"))

    reply = filled_client.send("GET", path, query=query)

    assert reply.status < 500, reply.body
