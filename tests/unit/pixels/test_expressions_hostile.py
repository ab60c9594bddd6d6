"""Formulas that must never pass, whatever names are allowed."""

from __future__ import annotations

import builtins
import re
import sys

import pytest

from stratocube.cube.expressions import FUNCTIONS, MAX_DEPTH, MAX_LENGTH, MAX_NODES, parse_expression
from stratocube.cube.mask import parse_rule
from stratocube.errors import InvalidRequest

ATTRIBUTES = [
    "nir.data",
    "nir.__class__",
    "nir.__class__.__mro__",
    "nir.__class__.__base__.__subclasses__()",
    "nir.__array_interface__",
    "nir.base.base",
    "nir.tofile('/tmp/x')",
    "nir.dump('/tmp/x')",
    "nir.astype(int)",
    "nir . data",
    "(nir).data",
    "(nir + red).T",
    "sqrt.__call__(nir)",
    "sqrt.__globals__",
    "where.__module__",
    "np.sqrt(nir)",
    "numpy.log(nir)",
    "math.pi",
    "os.environ",
    "sys.modules",
    "nir.real",
    "nir.__init__.__globals__",
    "(1).__class__",
    "1..__class__",
    "1.0.hex()",
    "1.real",
    "nir.\ndata",
    "nir.ctypes.data",
    "nir.flat[0]",
]

DUNDERS = [
    "__import__('os')",
    "__import__",
    "__builtins__",
    "__builtins__['eval']",
    "__name__",
    "__file__",
    "__doc__",
    "__loader__",
    "__spec__",
    "__class__",
    "__debug__",
    "_",
    "_nir",
    "__nir__ + red",
    "nir + __import__(1)",
    "_private(nir)",
]

# Only builtins that could hurt, called every way a formula could try.
CALLS_OF_BUILTINS = [
    f"{name}(nir)"
    for name in (
        *("eval", "exec", "compile", "open", "input", "print", "globals", "locals", "vars", "dir", "getattr"),
        *("setattr", "delattr", "hasattr", "type", "object", "super", "classmethod", "property", "memoryview"),
        *("bytes", "bytearray", "str", "repr", "format", "chr", "ord", "list", "tuple", "dict", "set", "iter"),
        *("next", "map", "filter", "zip", "range", "sorted", "sum", "pow", "breakpoint", "help", "exit", "quit"),
        *("id", "hash", "callable", "isinstance", "int", "float", "complex", "divmod", "slice"),
    )
]

CALLS = [
    "system(1)",
    "nir(red)",
    "nir()",
    "1(2)",
    "(nir + red)(1)",
    "sqrt(nir)(red)",
    "sqrt()",
    "sqrt(nir, red)",
    "sqrt(x=nir)",
    "sqrt(*nir)",
    "sqrt(**nir)",
    "sqrt(nir, out=red)",
    "sqrt(nir, dtype=red)",
    "minimum(nir)",
    "minimum(nir, red, nir)",
    "where(nir)",
    "where(nir, red, nir)",
    "where(nir > 0, red)",
    "where(nir > 0, red, nir, red)",
    "clip(nir, 0)",
    "clip(nir, 0, 1, red)",
    "load(nir)",
    "fromfile(nir)",
    "save(nir, red)",
    "frompyfunc(nir, 1, 1)",
    "vectorize(nir)",
    "sqrt(sqrt)",
    "sqrt + nir",
    "Sqrt(nir)",
    "abs",
    "(lambda: nir)()",
]

STATEMENTS = [
    "nir; import os",
    "nir;",
    ";",
    "import os",
    "from os import system",
    "nir = 1",
    "nir += 1",
    "nir == red = 1",
    "del nir",
    "pass",
    "return nir",
    "raise nir",
    "assert nir",
    "global nir",
    "nonlocal nir",
    "if nir: red",
    "while 1: nir",
    "for x in nir: red",
    "with nir: red",
    "try: nir",
    "def f(): nir",
    "class A: nir",
    "async def f(): nir",
    "await nir",
    "yield nir",
    "yield from nir",
    "print nir",
    "exec nir",
    "nir\nred",
    "nir\nimport os",
    "nir # comment",
    "# nir",
    "nir \\\n + red",
    "@nir",
    "match nir: red",
    "type X = nir",
    "nir -> red",
    "...",
    "nir ...",
]

OTHER_EXPRESSIONS = [
    "lambda: nir",
    "lambda nir: nir",
    "(lambda x: x)(nir)",
    "nir if red else nir",
    "nir if red > 0 else nir",
    "(x := nir)",
    "x := nir",
    "[nir]",
    "[nir][0]",
    "[b for b in [nir]][0]",
    "[x for x in nir]",
    "(x for x in nir)",
    "{x for x in nir}",
    "{x: x for x in nir}",
    "{nir}",
    "{nir: red}",
    "{}",
    "[]",
    "()",
    "(nir,)",
    "nir, red",
    "(nir, red)",
    "*nir",
    "**nir",
    "nir[0]",
    "nir[0:1]",
    "nir[::2]",
    "nir[nir > 0]",
    "nir and red",
    "nir or red",
    "not nir",
    "nir in red",
    "nir not in red",
    "nir is red",
    "nir is not red",
    "None",
    "True",
    "False",
    "nir == None",
    "nir + True",
    "Ellipsis if nir else red",
    "'nir'",
    '"nir"',
    "'''nir'''",
    "b'nir'",
    "r'nir'",
    "u'nir'",
    "f'{nir}'",
    "f'{__import__(\"os\")}'",
    'f"{nir!r}"',
    "'a' * 1000000000",
    "nir @ red",
    "nir // red",
    "nir % red",
    "'%s' % nir",
    "nir << 2",
    "nir >> 2",
    "nir ^ red",
    "nir <> red",
    "nir === red",
    "nir ! red",
    "!nir",
    "nir ? red",
    "$nir",
    "`nir`",
    "nir && red",
    "nir || red",
    "nir ++",
    "nir & red",
    "nir | 1",
    "~nir",
    "nir == 1 & red == 2",
    "nir > 0 | red > 0",
]

NUMBERS = [
    "nir ** 17",
    "nir ** -17",
    "nir ** red",
    "nir ** (1 + 1)",
    "nir ** sqrt(4)",
    "nir ** -(-(2))",
    "10 ** 10 ** 10",
    "9 ** 9 ** 9",
    "9**9**9**9**9",
    "2 ** 1000000",
    "nir ** 1e9",
    "1e31",
    "1e999",
    "nir + 1e400",
    "-1e999",
    "9" * 400,
    "1j",
    "nir * 1J",
    "0x10",
    "0b1",
    "0o7",
    "0777",
    "1_000",
    "1__0",
    "1.2.3",
    "1e",
    "1e+",
    "0x",
    "5nir",
    "1if nir else 2",
    "1and nir",
    "0or red",
    "nan()",
    "1 2",
    "nir red",
    "nir 2",
]

BROKEN = [
    "",
    " ",
    "\n",
    "\t",
    "nir +",
    "+",
    "* nir",
    "nir * / red",
    "(nir",
    "nir)",
    ")(",
    "((nir)",
    "nir == ",
    "== nir",
    "nir < > red",
    "sqrt(nir",
    "sqrt(,)",
    "sqrt(nir,)(",
    ",",
    "~",
    "&",
    "nir &",
]

SIZES = [
    "(" * 200 + "nir" + ")" * 200,
    "(" * (MAX_DEPTH + 1) + "nir" + ")" * (MAX_DEPTH + 1),
    "-" * 900 + "nir",
    "~" * 900 + "(nir > 0)",
    "- " * 400 + "nir",
    "+".join(["nir"] * (MAX_DEPTH + 5)),
    "sqrt(" * 70 + "nir" + ")" * 70,
    "maximum(nir, " * 60 + "1" + ")" * 60,
    "(nir)" * 20,
    "n" * (MAX_LENGTH + 1),
    "nir+" * 100_000 + "nir",
    "nir" + " " * MAX_LENGTH,
    "nir ** 2 " * 200,
    "(nir)" * 2000,
    "<".join(["1"] * (MAX_NODES + 1)),
    "where(nir > 0, " * 65 + "1" + ", 0)" * 65,
]

UNICODE = [
    "ｎｉｒ + red",
    "nir．data",
    "ｅｖａｌ(nir)",
    "_＿import__(nir)",
    "𝐧𝐢𝐫",
    "nir − red",
    "nir × red",
    "nir ÷ red",
    "nir ≥ red",
    "nir² + red",
    "½ * nir",
    "٣ + nir",
    "nir\u00a0+ red",
    "nir\u2028import os",
    "nir\u200b + red",
    "\ufeffnir",
    "nir\x00",
    "\x00",
    "nir\x1b[31m",
    "nir\x0c\x85red",
    "ñir",
    "ªnir",
    "nir \u202e+ red",
    "π * nir",
    "sqrt\u0301(nir)",
    "\ud800nir",
]

HOSTILE = [
    *ATTRIBUTES,
    *DUNDERS,
    *CALLS_OF_BUILTINS,
    *CALLS,
    *STATEMENTS,
    *OTHER_EXPRESSIONS,
    *NUMBERS,
    *BROKEN,
    *SIZES,
    *UNICODE,
]


def test_there_are_more_than_two_hundred_different_hostile_formulas() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) > 200


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_formula_is_refused_with_a_column_even_when_any_name_is_allowed(text: str) -> None:
    with pytest.raises(InvalidRequest, match=re.compile(r"^expression: .+ \(column \d+ of ", re.DOTALL)) as refusal:
        parse_expression(text)
    column = int(re.findall(r"column (\d+) of", str(refusal.value))[-1])
    assert 1 <= column <= max(len(text), 1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_formula_is_refused_when_bands_are_named(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_expression(text, allowed_names=["nir", "red"])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_formula_is_refused_as_a_rule(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_rule("cloud", text.replace("nir", "cloud").replace("red", "snow"), field="confidence.cloud")


def test_refusing_leaves_the_interpreter_as_it_was() -> None:
    before = set(vars(sys)), set(vars(builtins))
    for text in (
        '[cloud, setattr(__import__("sys"), "marker", 42)][0] >= MEDIUM',
        "(marker := 42) > 1",
        "exec('import sys; sys.marker = 1')",
    ):
        with pytest.raises(InvalidRequest):
            parse_rule("cloud", text, field="confidence.cloud")
    assert (set(vars(sys)), set(vars(builtins))) == before


def test_a_message_never_repeats_a_huge_text() -> None:
    for text in SIZES:
        with pytest.raises(InvalidRequest) as refusal:
            parse_expression(text)
        assert len(str(refusal.value)) < 400


def test_no_function_on_the_list_reaches_files_or_code() -> None:
    arithmetic = {"abs", "sqrt", "exp", "log", "log2", "log10", "floor", "ceil", "sign", "sin", "cos", "tan"}
    arithmetic |= {"arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "minimum", "maximum", "arctan2"}
    assert set(FUNCTIONS) == arithmetic | {"where", "clip"}
