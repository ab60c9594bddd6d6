"""The contract and the routes are the same thing, and the document says what they do."""

import json
import re
import subprocess
import sys
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from stratocube.api.contract import Operation
from stratocube.api.contract.rooms import OPERATIONS, TAGS
from stratocube.api.openapi.document import document
from tests.api_gateway import routes
from tests.unit.api.api_client import Client

DOCUMENT = json.loads(json.dumps(document(OPERATIONS, TAGS)))
SHOWN = [operation for operation in OPERATIONS if not operation.hidden]


def _named(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _request_of(operation: Operation) -> tuple[str, str]:
    return operation.method, re.sub(r"{[^}]+}", "x", operation.path)


def _objects(schema: Any, place: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every schema of an object with named properties, and where it stands."""
    if isinstance(schema, list):
        return [found for entry in schema for found in _objects(entry, place)]
    if not isinstance(schema, dict):
        return []
    inner = [found for name, value in schema.items() for found in _objects(value, f"{place}/{name}")]
    # a property may itself be called properties, or type
    is_object = isinstance(schema.get("properties"), dict) and isinstance(schema.get("type"), str | list)
    return [(place, schema), *inner] if is_object else inner


def test_routes_and_contract_are_the_same_set(client: Client) -> None:
    resolver = client.api._app
    served = {
        (route.method, re.sub(r"<(\w+)>", r"{\1}", route.path))
        for route in (*resolver._static_routes, *resolver._dynamic_routes)
    }

    assert served == {(operation.method, operation.path) for operation in OPERATIONS}


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_every_operation_has_its_own_id_and_a_tag_of_the_page() -> None:
    ids = [operation.id for operation in OPERATIONS]

    assert len(set(ids)) == len(ids)
    assert {operation.tag for operation in SHOWN} == set(TAGS)


def test_objects_are_closed_but_for_those_that_say_otherwise() -> None:
    open_objects = {
        place.rpartition("/")[2] for place, schema in _objects(DOCUMENT["components"]["schemas"]) if _is_open(schema)
    }

    # metadata of an index is free, and STAC documents are STAC's
    assert {name for name in open_objects if not name.endswith("Open")} == {"IndexMetadata"}


def _is_open(schema: dict[str, Any]) -> bool:
    return schema.get("additionalProperties") is not False


def test_no_word_is_in_a_schema_that_json_schema_does_not_know() -> None:
    text = json.dumps(DOCUMENT["components"]["schemas"])

    assert not re.search(r'"(ge|gt|le|lt)": [0-9]', text.replace('{"lt": 60}', ""))
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("operation", [found for found in SHOWN if found.request_examples], ids=_named)
def test_examples_of_requests_fit_their_schema(operation: Operation) -> None:
    body = DOCUMENT["paths"][operation.path][operation.method.lower()]["requestBody"]["content"]["application/json"]

    for example in body["examples"].values():
        jsonschema.Draft202012Validator(
            {**body["schema"], "components": DOCUMENT["components"]}, format_checker=jsonschema.FormatChecker()
        ).validate(example["value"])


@pytest.mark.parametrize("operation", OPERATIONS, ids=_named)
def test_a_parameter_that_a_route_does_not_have_is_refused_by_name(client: Client, operation: Operation) -> None:
    method, path = _request_of(operation)

    reply = client.send(method, path, query={"nonsense": "1"}, body=None if operation.request is None else "{}")

    assert reply.status == 400
    assert reply.body["errors"][0]["field"] == "nonsense"
    assert reply.body["errors"][0]["message"].startswith("unknown parameter: leave it out (")


def test_a_misspelt_parameter_is_told_apart_from_an_unknown_one(client: Client) -> None:
    reply = client.get("/cubes?limt=5")

    assert reply.body["errors"] == [{"field": "limt", "message": "unknown parameter: did you mean 'limit'?"}]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_method_that_a_path_does_not_have_is_answered_with_those_it_has(client: Client, method: str) -> None:
    for path in {operation.path for operation in OPERATIONS}:
        allowed = sorted({operation.method for operation in OPERATIONS if operation.path == path})
        if method in allowed:
            continue
        reply = client.send(method, re.sub(r"{[^}]+}", "x", path))
        assert (reply.status, reply.headers["Allow"]) == (405, ", ".join(allowed)), path


def test_the_root_lists_every_route(client: Client) -> None:
    links = client.get("/").body["links"]

    listed = {(method, "/" + link["rel"]) for link in links for method in link.get("method", "").split(", ") if method}
    assert listed == {(operation.method, operation.path) for operation in SHOWN if operation.path != "/"}
    by_rel = {link["rel"]: link for link in links}
    assert by_rel["service-desc"]["href"].endswith("/v1/openapi.json")
    assert by_rel["cubes/{cube_id}"]["templated"] is True


def test_the_served_document_names_the_server_it_came_from(client: Client) -> None:
    reply = client.get("/openapi.json")

    assert reply.status == 200
    assert reply.body["servers"] == [{"url": "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/v1"}]
    assert {name: value for name, value in reply.body.items() if name != "servers"} == DOCUMENT


def test_what_needs_no_key_is_what_the_template_lets_through_without_one() -> None:
    public = {(operation.method, operation.path) for operation in OPERATIONS if operation.public}

    without_key = {(route.method, route.resource) for route in routes() if not route.needs_key}
    assert {found for found in without_key if found[0] != "OPTIONS"} == public
    assert {found for found in without_key if found[0] == "OPTIONS"} == {("OPTIONS", "/"), ("OPTIONS", "/{proxy+}")}


def test_the_page_loads_from_here_only(client: Client) -> None:
    response = client.api.resolve({"httpMethod": "GET", "path": "/docs", "headers": {"Host": "example.org"}}, None)

    page, policy = response["body"], response["multiValueHeaders"]["Content-Security-Policy"][0]
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert loaded
    assert all(address.startswith(("http://example.org/", "data:,")) for address in loaded)
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    for address in loaded:
        if "/docs/" in address:
            name = address.rpartition("/")[2]
            file = client.api.resolve({"httpMethod": "GET", "path": f"/docs/{name}", "headers": {}}, None)
            assert file["statusCode"] == 200
            assert file["body"]


def test_requests_for_data_load_no_schemas() -> None:
    script = """
import sys
from stratocube.api import app, documentation, root, parameters, requests, replies
print([name for name in sys.modules if name.startswith(("stratocube.api.contract", "stratocube.api.openapi"))])
import stratocube.api.contract.rooms
print([name for name in sys.modules if name.startswith("stratocube.api.openapi")])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    # the contract itself is light: GET / and requests with a query read it
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]
