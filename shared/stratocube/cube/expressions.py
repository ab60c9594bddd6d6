"""Formulas that users write, as checked data.

An index (``10000. * (nir - red) / (nir + red)``) or a confidence rule (``cloud >= MEDIUM``) arrives as text
from outside. It is parsed into a syntax tree whose every node is on an allow-list, and it is never handed to
the Python executor: :mod:`stratocube.pixels.evaluate` walks the tree. A formula may hold

* names (of bands, or of the variables of a rule) and numbers,
* ``+ - * / **``, unary ``+`` and ``-``; the exponent of ``**`` is a plain number of at most
  :data:`MAX_EXPONENT`,
* comparisons, and ``& | ~`` between comparisons (each in its own parentheses, as numpy wants it),
* calls of the functions in :data:`FUNCTIONS`, by position,
* parentheses.

Anything else is refused with :class:`~stratocube.errors.InvalidRequest` that says where and why.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, NoReturn

from stratocube.errors import InvalidRequest

Kind = Literal["number", "truth"]
"""What a formula yields for a pixel: a number, or true/false."""

FUNCTIONS: Final[Mapping[str, int]] = MappingProxyType(
    {
        **dict.fromkeys(("abs", "sqrt", "exp", "log", "log2", "log10", "floor", "ceil", "sign"), 1),
        **dict.fromkeys(("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"), 1),
        **dict.fromkeys(("minimum", "maximum", "arctan2"), 2),
        **dict.fromkeys(("where", "clip"), 3),
    }
)
"""Functions a formula may call and how many arguments each takes; named and defined as in numpy."""

NO_FUNCTIONS: Final[Mapping[str, int]] = MappingProxyType({})

MAX_LENGTH: Final = 1000
"""Characters of a formula."""
MAX_NODES: Final = 300
"""Names, numbers and operations of a formula."""
MAX_DEPTH: Final = 60
"""Levels of nesting."""
MAX_EXPONENT: Final = 16
MAX_NUMBER: Final = 1e30
"""Far beyond any band, and still a float32."""

_FORMULA: Final = "a formula has names, numbers, + - * / **, comparisons, & | ~ and parentheses"
_TOKEN: Final = re.compile(
    r"\s+"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<open>\()|(?P<close>\))"
    r"|\*\*|<=|>=|==|!=|[-+*/<>&|~,]",
    re.ASCII,
)
_COMPARISONS: Final = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(frozen=True)
class Expression:
    """A formula that passed the checks. Make one with :func:`parse_expression`, never by hand."""

    text: str
    """As the user wrote it; two expressions are equal when their texts are."""
    names: frozenset[str] = field(compare=False)
    """The names it reads (bands or variables), without functions."""
    kind: Kind = field(compare=False)
    tree: ast.expr = field(compare=False, repr=False)
    """The checked tree: only node types that :func:`stratocube.pixels.evaluate.evaluate` knows."""

    def __str__(self) -> str:
        return self.text


def parse_expression(
    text: str,
    *,
    allowed_names: Collection[str] | None = None,
    functions: Mapping[str, int] = FUNCTIONS,
    field: str = "expression",
) -> Expression:
    """Check a formula and return it as data.

    ``allowed_names`` are the names it may read; None allows any that do not begin with an underscore.
    ``functions`` are the functions it may call with their number of arguments, out of :data:`FUNCTIONS`.
    ``field`` is where the text came from, for the error.

    Raises :class:`InvalidRequest` for everything that is not on the allow-list, naming the column (1 is the
    first character), the reason and what may stand there.

    >>> sorted(parse_expression("where(nir > red, nir / red, 0)").names)
    ['nir', 'red']
    >>> parse_expression("nir.real")
    Traceback (most recent call last):
    stratocube.errors.InvalidRequest: expression: attributes are not allowed (column 4 of 'nir.real')
    """
    if not isinstance(text, str):
        raise InvalidRequest(f"a formula is text, got {type(text).__name__}", field=field)
    check = _Check(text, allowed_names, functions, field)
    check.characters()
    tree = check.syntax()
    kind = check.node(tree, depth=1)
    return Expression(text=text, names=frozenset(check.names), kind=kind, tree=tree)


def parse_index(text: str, *, bands: Collection[str], field: str = "expression") -> Expression:
    """Check the expression of an index band, which may read the named bands and must read at least one.

    Raises :class:`InvalidRequest` as :func:`parse_expression` does, and for an expression that uses no band.

    >>> parse_index("10000 * (nir - red) / (nir + red)", bands=["red", "nir"]).kind
    'number'
    """
    expression = parse_expression(text, allowed_names=bands, field=field)
    if not expression.names:
        raise InvalidRequest(f"uses no band; bands are {', '.join(sorted(bands))}", field=field)
    return expression


class _Check:
    """One text on its way from characters to a checked tree."""

    def __init__(
        self, text: str, allowed_names: Collection[str] | None, functions: Mapping[str, int], field: str
    ) -> None:
        self.text = text
        self.allowed_names = allowed_names
        self.functions = functions
        self.field = field
        self.indent = len(text) - len(text.lstrip())
        self.names: set[str] = set()
        self.nodes = 0

    def refuse(self, column: int, reason: str) -> NoReturn:
        raise InvalidRequest(f"{reason} (column {column} of {_shortened(self.text)!r})", field=self.field)

    def characters(self) -> None:
        """Refuse what is no formula before Python's parser sees it: it would warn, normalise or recurse."""
        if not self.text.strip():
            self.refuse(1, "the formula is empty")
        if len(self.text) > MAX_LENGTH:
            self.refuse(MAX_LENGTH + 1, f"the formula is longer than {MAX_LENGTH} characters")
        position = depth = 0
        while position < len(self.text):
            token = _TOKEN.match(self.text, position)
            if token is None:
                self.refuse_character(position)
            name = token["name"]
            if name is not None:
                self.refuse_reserved(name, position + 1)
            depth += (token["open"] is not None) - (token["close"] is not None)
            if depth > MAX_DEPTH:
                self.refuse(position + 1, f"nested deeper than {MAX_DEPTH} levels")
            position = token.end()

    def refuse_character(self, position: int) -> NoReturn:
        character = self.text[position]
        if character == ".":
            self.refuse(position + 1, "attributes are not allowed")
        if character.isdigit() and character.isascii():
            self.refuse(position + 1, "not a number; write 12, 0.5 or 1e-4")
        self.refuse(position + 1, f"{character!r} is not allowed; {_FORMULA}")

    def refuse_reserved(self, name: str, column: int) -> None:
        if name in ("and", "or", "not"):
            self.refuse(column, f"{name!r} is not allowed; use & | ~ between comparisons in parentheses")
        if keyword.iskeyword(name):
            self.refuse(column, f"{name!r} is a word of Python; {_FORMULA}")
        if name.startswith("_"):
            self.refuse(column, f"the name {_shortened(name)!r} begins with an underscore")

    def syntax(self) -> ast.expr:
        # Line breaks become blanks of the same length: columns stay right, a formula may span lines.
        line = re.sub(r"\s", " ", self.text).strip()
        try:
            return ast.parse(line, mode="eval").body
        except SyntaxError as error:
            column = min((error.offset or 1) + self.indent, len(self.text))
            self.refuse(column, "the formula is incomplete or has two values side by side")
        except (ValueError, MemoryError, RecursionError):
            self.refuse(1, "the formula is too deeply nested")

    def node(self, node: ast.expr, depth: int) -> Kind:
        """Check one node and all below it; return what it yields."""
        self.nodes += 1
        column = node.col_offset + self.indent + 1
        if depth > MAX_DEPTH:
            self.refuse(column, f"nested deeper than {MAX_DEPTH} levels")
        if self.nodes > MAX_NODES:
            self.refuse(column, f"more than {MAX_NODES} names, numbers and operations")
        match node:
            case ast.Name(id=name):
                kind = self.name(name, column)
            case ast.Constant(value=value):
                kind = self.number(value, column)
            case ast.UnaryOp(op=op, operand=operand):
                kind = self.unary(op, operand, column, depth + 1)
            case ast.BinOp(left=left, op=op, right=right):
                kind = self.binary(left, op, right, column, depth + 1)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                kind = self.comparison([left, *comparators], ops, column, depth + 1)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                kind = self.call(name, args, column, depth + 1)
            case ast.Call():
                self.refuse(column, "only function(value, ...) can be called")
            case _:
                self.refuse(column, f"{type(node).__name__} is not allowed; {_FORMULA}")
        return kind

    def unary(self, op: ast.unaryop, operand: ast.expr, column: int, depth: int) -> Kind:
        if isinstance(op, ast.Invert):
            self.truth(operand, "~", depth)
            return "truth"
        if not isinstance(op, ast.UAdd | ast.USub):
            self.refuse(column, f"the operator {type(op).__name__} is not allowed; {_FORMULA}")
        self.node(operand, depth)
        return "number"

    def binary(self, left: ast.expr, op: ast.operator, right: ast.expr, column: int, depth: int) -> Kind:
        if isinstance(op, ast.BitAnd | ast.BitOr):
            sign = "&" if isinstance(op, ast.BitAnd) else "|"
            self.truth(left, sign, depth)
            self.truth(right, sign, depth)
            return "truth"
        if not isinstance(op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.Pow):
            self.refuse(column, f"the operator {type(op).__name__} is not allowed; {_FORMULA}")
        self.node(left, depth)
        if isinstance(op, ast.Pow):
            self.exponent(right, depth)
        else:
            self.node(right, depth)
        return "number"

    def name(self, name: str, column: int) -> Kind:
        if self.allowed_names is not None and name not in self.allowed_names:
            known = ", ".join(sorted(self.allowed_names)) or "none"
            self.refuse(column, f"unknown name {_shortened(name)!r}; allowed names: {known}")
        if self.allowed_names is None and name in self.functions:
            self.refuse(column, f"the function {name!r} needs its arguments in parentheses")
        self.names.add(name)
        return "number"

    def number(self, value: object, column: int) -> Kind:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(column, f"{_shortened(repr(value))} is not a number")
        if not abs(value) <= MAX_NUMBER:
            self.refuse(column, f"the number is larger than {MAX_NUMBER:g}")
        return "number"

    def exponent(self, node: ast.expr, depth: int) -> None:
        self.node(node, depth)
        negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        number = node.operand if isinstance(node, ast.UnaryOp) and negative else node
        column = node.col_offset + self.indent + 1
        if not (isinstance(number, ast.Constant) and isinstance(number.value, int | float)):
            self.refuse(column, "an exponent must be a plain number")
        if not (math.isfinite(number.value) and abs(number.value) <= MAX_EXPONENT):
            self.refuse(column, f"an exponent must lie between -{MAX_EXPONENT} and {MAX_EXPONENT}")

    def truth(self, node: ast.expr, sign: str, depth: int) -> None:
        if self.node(node, depth) != "truth":
            column = node.col_offset + self.indent + 1
            self.refuse(column, f"{sign!r} joins comparisons; put each in parentheses: (a > 1) & (b < 2)")

    def comparison(self, operands: list[ast.expr], ops: list[ast.cmpop], column: int, depth: int) -> Kind:
        if not all(isinstance(op, _COMPARISONS) for op in ops):
            self.refuse(column, "only < <= > >= == != compare")
        for operand in operands:
            self.node(operand, depth)
        return "truth"

    def call(self, name: str, arguments: list[ast.expr], column: int, depth: int) -> Kind:
        wanted = self.functions.get(name)
        if wanted is None:
            known = ", ".join(sorted(self.functions)) or "none"
            self.refuse(column, f"unknown function {_shortened(name)!r}; allowed functions: {known}")
        if len(arguments) != wanted:
            self.refuse(column, f"{name} takes {wanted} argument(s), got {len(arguments)}")
        if name == "where":
            self.truth(arguments[0], "where", depth)
            arguments = arguments[1:]
        for argument in arguments:
            self.node(argument, depth)
        return "number"


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
