"""stac-api-validator finds nothing wrong with the STAC API, for every conformance class that is declared.

It fetches the schemas of STAC from the network: here it is given those that pystac brings and those in
``tests/fixtures/stac-schemas``, which are the same documents.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pystac.validation
import pytest
import stac_validator.utilities  # type: ignore[import-untyped]  # has no stubs
from stac_api_validator.validations import QueryConfig, validate_api

from stratocube.api.stac import CONFORMS_TO
from tests.stack.conftest import Application

pytestmark = pytest.mark.slow

SCHEMAS = Path(__file__).parents[1] / "fixtures" / "stac-schemas"
CLASSES = ["core", "collections", "features", "item-search"]
AROUND = {"type": "Polygon", "coordinates": [[[14, 45.5], [16, 45.5], [16, 47], [14, 47], [14, 45.5]]]}
CUBE = "CONF-1M-1"


@cache
def schemas() -> dict[str, Any]:
    """Schemas by the address they are published under."""
    brought = (Path(pystac.validation.__file__).parent / "jsonschemas").rglob("*.json")
    found = [json.loads(path.read_text()) for path in sorted([*brought, *SCHEMAS.glob("*.json")])]
    # STAC 1.1.0 misspells the address of one of its own
    return {
        schema["$id"].rstrip("#").replace("/commonjson", "/common.json"): schema for schema in found if "$id" in schema
    }


def schema(address: str) -> Any:
    """A schema, by its address."""
    return schemas()[address.partition("#")[0]]


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stac_validator.utilities, "_schema_cache", schema)
    validator: Any = pystac.validation.RegisteredValidator.get_validator()
    known = {uri: one for address, one in schemas().items() for uri in (address, f"{address}#")}
    monkeypatch.setattr(validator, "schema_cache", validator.schema_cache | known)


def test_every_declared_class_is_looked_at() -> None:
    declared = {uri.rsplit("/", 1)[1].removeprefix("ogcapi-") for uri in CONFORMS_TO if "stacspec" in uri}

    assert declared == set(CLASSES)


def test_the_validator_finds_no_error(app: Application, without_network: None) -> None:
    app.stack.call("POST", "/cubes", app.example("cube_lcf", datacube="CONF-1M"))
    assert app.build(app.example("start_lcf", datacube=CUBE)).status == "SUCCEEDED"

    warnings, errors = validate_api(
        root_url=f"{app.stack.url}/stac",
        ccs_to_validate=CLASSES,
        collection=CUBE,
        geometry=json.dumps(AROUND),
        auth_bearer_token=None,
        auth_query_parameter=None,
        fields_nested_property=None,
        validate_pagination=True,
        query_config=QueryConfig(*[None] * len(QueryConfig.__dataclass_fields__)),
        transaction_collection=None,
        headers={"x-api-key": app.stack.api_key},
        open_assets_urls=False,
    )

    assert errors.as_list() == []
    # recommendations of stac-check about ids in capitals, which are Brazil Data Cube's, and about many properties
    expected = ("stac-check recommendations", "to validate ids does not override all other parameters")
    assert [warning for warning in warnings if not any(text in str(warning) for text in expected)] == []
