"""The query extension of STAC APIs, for items at hand: ``{"eo:cloud_cover": {"lt": 60}}``."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from stratocube.errors import InvalidRequest

Conditions = tuple[tuple[str, str, Any], ...]


def _equal(value: Any, wanted: Any) -> bool:
    # Properties such as bdc:tiles are lists; catalogues and their users ask for one member.
    return bool(value == wanted) or (isinstance(value, list) and wanted in value)


def _among(value: Any, wanted: Any) -> bool:
    return any(_equal(value, one) for one in wanted)


OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": _equal,
    "neq": lambda value, wanted: not _equal(value, wanted),
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "in": _among,
    "startsWith": lambda value, wanted: str(value).startswith(wanted),
    "endsWith": lambda value, wanted: str(value).endswith(wanted),
    "contains": lambda value, wanted: wanted in value,
}


def read_query(query: Mapping[str, Any]) -> Conditions:
    """(property, operator, wanted value) of each condition; all of them must hold.

    Raises:
        InvalidRequest: an operator that the query extension does not have, naming its place.
    """
    conditions: list[tuple[str, str, Any]] = []
    for name, tests in query.items():
        if not isinstance(tests, Mapping) or not tests:
            raise InvalidRequest('must be an object such as {"lt": 60}', field=f"query.{name}")
        for sign, wanted in tests.items():
            if sign not in OPERATORS:
                raise InvalidRequest(f"is no operator: use one of {', '.join(OPERATORS)}", field=f"query.{name}.{sign}")
            if sign == "in" and not isinstance(wanted, list | tuple):
                raise InvalidRequest("must be a list", field=f"query.{name}.in")
            conditions.append((name.removeprefix("properties."), sign, wanted))
    return tuple(conditions)


def matches(properties: object, conditions: Conditions) -> bool:
    """Whether an item's properties meet all conditions. A property that is missing or of another kind meets none."""
    if not conditions:
        return True
    if not isinstance(properties, Mapping):
        return False
    return all(_holds(properties.get(name), sign, wanted) for name, sign, wanted in conditions)


def _holds(value: object, sign: str, wanted: object) -> bool:
    if value is None:
        return False
    try:
        return OPERATORS[sign](value, wanted)
    except TypeError:
        return False
