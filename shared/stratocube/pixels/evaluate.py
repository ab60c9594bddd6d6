"""Checked formulas over arrays: walks the tree, executes nothing.

Every step carries two arrays: the values and where they are *undefined*. A pixel is undefined where a
division by zero, a root or logarithm of a number that has none, or an overflow went into it; ``where`` asks
only the branch it takes. numpy's own infinities would not do: ``1 / (1 / 0)`` is a tidy 0.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stratocube.cube.expressions import Expression
from stratocube.errors import InvalidRequest

Array = NDArray[Any]

_BINARY: Final[Mapping[type[ast.operator], Callable[[Array, Array], Array]]] = MappingProxyType(
    {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Pow: np.power}
)
_JOIN: Final[Mapping[type[ast.operator], Callable[[Array, Array], Array]]] = MappingProxyType(
    {ast.BitAnd: np.logical_and, ast.BitOr: np.logical_or}
)
_COMPARE: Final[Mapping[type[ast.cmpop], Callable[[Array, Array], Array]]] = MappingProxyType(
    {
        ast.Eq: np.equal,
        ast.NotEq: np.not_equal,
        ast.Lt: np.less,
        ast.LtE: np.less_equal,
        ast.Gt: np.greater,
        ast.GtE: np.greater_equal,
    }
)
_CALL: Final[Mapping[str, Callable[..., Array]]] = MappingProxyType(
    {
        name: getattr(np, name)
        for name in (
            *("abs", "sqrt", "exp", "log", "log2", "log10", "floor", "ceil", "sign"),
            *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"),
            *("minimum", "maximum", "arctan2", "clip"),
        )
    }
)


@dataclass(frozen=True)
class Evaluated:
    """The outcome of a formula: two arrays of the same shape."""

    values: Array
    """Of the arithmetic's type for a number, bool for a comparison. Without meaning where ``undefined``."""
    undefined: NDArray[np.bool_]


def evaluate(
    expression: Expression,
    values: Mapping[str, Array | float],
    *,
    dtype: np.dtype[Any] | type[np.floating[Any]] = np.float32,
) -> Evaluated:
    """Evaluate a formula pixel by pixel.

    ``values`` gives every name of the expression as an array or a number; arrays broadcast together.
    ``dtype`` is the floating type of the whole arithmetic: no integer wraps around. Nodata is not looked at:
    mask before or after.

    Raises :class:`InvalidRequest` when a name has no value.
    """
    missing = sorted(expression.names - set(values))
    if missing:
        raise InvalidRequest(f"no values for {', '.join(missing)}", field="expression")
    walk = _Walk({name: np.asarray(values[name], dtype=dtype) for name in expression.names}, np.dtype(dtype))
    with np.errstate(all="ignore"):
        result = walk.node(expression.tree)
        undefined = result.undefined
        if result.values.dtype != np.bool_:
            undefined = _either(undefined, ~np.isfinite(result.values))
    shape = np.broadcast_shapes(*(np.shape(values[name]) for name in expression.names), result.values.shape)
    return Evaluated(
        np.broadcast_to(result.values, shape),
        np.broadcast_to(np.False_ if undefined is None else undefined, shape),
    )


@dataclass(frozen=True)
class _Part:
    """The outcome of one node; ``undefined`` is None where nothing can be undefined, which is most of a
    formula.
    """

    values: Array
    undefined: NDArray[np.bool_] | None = None


class _Walk:
    def __init__(self, values: Mapping[str, Array], dtype: np.dtype[Any]) -> None:
        self.values = values
        self.dtype = dtype

    def node(self, node: ast.expr) -> _Part:
        match node:
            case ast.Name(id=name):
                part = _Part(self.values[name])
            case ast.Constant(value=int() | float() as value):
                part = _Part(np.asarray(value, dtype=self.dtype))
            case ast.UnaryOp(op=op, operand=operand):
                part = self.unary(op, operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _JOIN:
                part = self.join(op, self.node(left), self.node(right))
            case ast.BinOp(left=left, op=op, right=right):
                part = self.binary(op, self.number(left), self.number(right))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                part = self.compare(left, ops, comparators)
            case ast.Call(func=ast.Name(id="where"), args=[condition, yes, no]):
                part = self.where(condition, yes, no)
            case ast.Call(func=ast.Name(id=name), args=args):
                part = self.call(name, args)
            case _:
                raise InvalidRequest(f"a formula cannot hold {type(node).__name__}", field="expression")
        return part

    def number(self, node: ast.expr) -> _Part:
        """As :meth:`node`, with true and false as 1 and 0: ``(nir > 0) * red``."""
        part = self.node(node)
        if part.values.dtype == np.bool_:
            return _Part(part.values.astype(self.dtype), part.undefined)
        return part

    def unary(self, op: ast.unaryop, operand: ast.expr) -> _Part:
        if isinstance(op, ast.Invert):
            part = self.node(operand)
            return _Part(np.logical_not(part.values), part.undefined)
        part = self.number(operand)
        return _Part(np.negative(part.values), part.undefined) if isinstance(op, ast.USub) else part

    def join(self, op: ast.operator, one: _Part, two: _Part) -> _Part:
        return _Part(_JOIN[type(op)](one.values, two.values), _either(one.undefined, two.undefined))

    def binary(self, op: ast.operator, one: _Part, two: _Part) -> _Part:
        values = _BINARY[type(op)](one.values, two.values)
        undefined = _either(one.undefined, two.undefined)
        if isinstance(op, ast.Div):
            undefined = _either(undefined, two.values == 0)
        elif isinstance(op, ast.Pow):
            undefined = _either(undefined, ~np.isfinite(values))
        return _Part(values, undefined)

    def compare(self, left: ast.expr, ops: list[ast.cmpop], comparators: list[ast.expr]) -> _Part:
        one = self.number(left)
        outcome: Array | None = None
        undefined = one.undefined
        for op, comparator in zip(ops, comparators, strict=True):
            two = self.number(comparator)
            step = _COMPARE[type(op)](one.values, two.values)
            outcome = step if outcome is None else np.logical_and(outcome, step)
            undefined = _either(undefined, two.undefined)
            one = two
        return _Part(np.asarray(outcome), undefined)

    def where(self, condition: ast.expr, yes: ast.expr, no: ast.expr) -> _Part:
        test, one, two = self.node(condition), self.number(yes), self.number(no)
        values = np.where(test.values, one.values, two.values)
        undefined = test.undefined
        if one.undefined is not None or two.undefined is not None:
            chosen = np.where(test.values, _known(one.undefined), _known(two.undefined))
            undefined = _either(undefined, chosen)
        return _Part(values, undefined)

    def call(self, name: str, arguments: list[ast.expr]) -> _Part:
        parts = [self.number(argument) for argument in arguments]
        values = np.asarray(_CALL[name](*(part.values for part in parts)))
        undefined = ~np.isfinite(values)
        for part in parts:
            undefined = undefined if part.undefined is None else undefined | part.undefined
        return _Part(values, undefined)


def _either(one: NDArray[np.bool_] | None, two: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    if one is None or two is None:
        return two if one is None else one
    return np.logical_or(one, two)


def _known(undefined: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    return np.asarray(np.False_) if undefined is None else undefined
