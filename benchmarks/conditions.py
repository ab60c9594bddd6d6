"""DynamoDB's condition and update expressions, as far as stratocube's state classes use them.

Values are DynamoDB's typed JSON (``{"S": "x"}``, ``{"N": "1"}``).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
_Rule = Callable[[Item, Mapping[str, Any]], bool]

_TOKEN = re.compile(r"\s*(#\d+|:\d+|\w+|<>|<=|>=|[=<>(),])")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def holds(expression: str, names: Mapping[str, str], values: Mapping[str, Any], item: Item) -> bool:
    """Whether a condition holds of an item; a missing item is an empty one.

    Raises:
        ValueError: for an expression beyond what the state classes write.
    """
    return _parsed(expression, tuple(sorted(names.items())))(item, values)


def updated(expression: str, names: Mapping[str, str], values: Mapping[str, Any], item: Item) -> dict[str, Any]:
    """The item after ``SET a = v, … REMOVE b, … ADD c n, …``.

    Raises:
        ValueError: for any other expression.
    """
    result = dict(item)
    parts = re.split(r"\b(SET|REMOVE|ADD)\b", expression)
    for clause, body in zip(parts[1::2], parts[2::2], strict=True):
        for action in body.split(","):
            name, _, value = (part.strip() for part in action.strip().partition(" " if clause == "ADD" else "="))
            if clause == "ADD":
                before = result.get(names[name], {"N": "0"})
                result[names[name]] = {"N": repr(_plain(before) + _plain(values[value]))}
            elif clause == "REMOVE":
                result.pop(names[name], None)
            elif value in values:
                result[names[name]] = values[value]
            else:
                raise ValueError(f"an update this cannot do: {expression}")
    return result


@lru_cache(maxsize=256)
def _parsed(expression: str, names: tuple[tuple[str, str], ...]) -> _Rule:
    parser = _Parser(_TOKEN.findall(expression), dict(names))
    rule = parser.either()
    if parser.tokens:
        raise ValueError(f"a condition this cannot read: {expression}")
    return rule


class _Parser:
    """Recursive descent: OR over AND over NOT over comparisons and functions."""

    def __init__(self, tokens: list[str], names: Mapping[str, str]) -> None:
        self.tokens = tokens[::-1]
        self._names = names

    def either(self) -> _Rule:
        rules = [self._both()]
        while self._accept("OR"):
            rules.append(self._both())
        return lambda item, values: any(rule(item, values) for rule in rules)

    def _both(self) -> _Rule:
        rules = [self._single()]
        while self._accept("AND"):
            rules.append(self._single())
        return lambda item, values: all(rule(item, values) for rule in rules)

    def _single(self) -> _Rule:
        if self._accept("NOT"):
            denied = self._single()
            return lambda item, values: not denied(item, values)
        if self._accept("("):
            inner = self.either()
            self._expect(")")
            return inner
        token = self.tokens.pop()
        return self._comparison(self._names[token]) if token.startswith("#") else self._function(token)

    def _function(self, function: str) -> _Rule:
        self._expect("(")
        name = self._names[self.tokens.pop()]
        if function == "begins_with":
            self._expect(",")
            value = self.tokens.pop()
            self._expect(")")
            return lambda item, values: name in item and _plain(item[name]).startswith(_plain(values[value]))
        self._expect(")")
        if function == "attribute_exists":
            return lambda item, _: name in item
        if function == "attribute_not_exists":
            return lambda item, _: name not in item
        raise ValueError(f"a function this cannot do: {function}")

    def _comparison(self, name: str) -> _Rule:
        sign = self.tokens.pop()
        if sign == "IN":
            self._expect("(")
            options = [self.tokens.pop()]
            while self._accept(","):
                options.append(self.tokens.pop())
            self._expect(")")
            return lambda item, values: name in item and item[name] in [values[option] for option in options]
        value, compare = self.tokens.pop(), _COMPARE[sign]
        # an attribute that is not there is unlike every value
        return lambda item, values: compare(_plain(item[name]), _plain(values[value])) if name in item else sign == "<>"

    def _accept(self, token: str) -> bool:
        if self.tokens and self.tokens[-1] == token:
            self.tokens.pop()
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            raise ValueError(f"expected {token}, found {self.tokens[-1:]}")


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    return float(content) if kind == "N" else content
