"""Formulas that pass: what they read, what they yield, and their values over arrays."""

from __future__ import annotations

import dataclasses
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stratocube.cube.expressions import FUNCTIONS, MAX_EXPONENT, parse_expression, parse_index
from stratocube.errors import InvalidRequest
from stratocube.pixels.evaluate import evaluate

NDVI = "10000. * ((B8A - B04)/(B8A + B04))"
EVI = "(10000. * 2.5 * (B8A - B04) / (B8A + 6. * B04 - 7.5 * B02 + 10000.))"


def values_of(text: str, **bands: object) -> tuple[list[float], list[bool]]:
    """Values and undefined pixels of a formula over small arrays; NaN-free values only where defined."""
    expression = parse_expression(text, allowed_names=list(bands))
    outcome = evaluate(expression, {name: np.asarray(band) for name, band in bands.items()})
    defined = np.where(outcome.undefined, 0, outcome.values)
    return defined.tolist(), outcome.undefined.tolist()


def test_names_are_the_bands_without_the_functions() -> None:
    assert parse_expression("sqrt(nir) + where(red > 0, 1, swir_1)").names == {"nir", "red", "swir_1"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("nir", "number"),
        ("nir > 0", "truth"),
        ("~(nir > 0)", "truth"),
        ("(nir > 0) & (red > 0)", "truth"),
        ("where(nir > 0, 1, 2)", "number"),
        ("-(nir > 0)", "number"),
    ],
)
def test_the_kind_tells_numbers_from_comparisons(text: str, kind: str) -> None:
    assert parse_expression(text).kind == kind


def test_an_expression_is_a_frozen_value_equal_by_its_text() -> None:
    one, two = parse_expression(NDVI), parse_expression(NDVI)
    assert one == two
    assert hash(one) == hash(two)
    assert str(one) == NDVI
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.text = "red"  # type: ignore[misc]  # the point of the test


def test_an_expression_survives_being_sent_to_another_process() -> None:
    expression = pickle.loads(pickle.dumps(parse_expression("nir * 2")))  # noqa: S301  # our own bytes
    assert evaluate(expression, {"nir": np.array([3])}).values.tolist() == [6.0]


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("nir + blue", 7, "unknown name 'blue'; allowed names: nir, red"),
        ("nir.data", 4, "attributes are not allowed"),
        ("  nir.data", 6, "attributes are not allowed"),
        ("nir + sqr(red)", 7, "unknown function 'sqr'; allowed functions: abs, arccos"),
        ("nir + sqrt(red, 1)", 7, "sqrt takes 1 argument(s), got 2"),
        ("nir ** red", 8, "an exponent must be a plain number"),
        (f"  nir ** {MAX_EXPONENT + 1}", 10, "an exponent must lie between -16 and 16"),
        ("nir and red", 5, "'and' is not allowed; use & | ~"),
        ("(nir > 0) & red", 13, "put each in parentheses"),
        ("nir % red", 5, "'%' is not allowed; a formula has names, numbers, + - * / **"),
        ("[nir]", 1, "'[' is not allowed"),
        ("nir // red", 1, "the operator FloorDiv is not allowed"),
        ("\nnir * 1e31", 8, "the number is larger than 1e+30"),
        ("", 1, "the formula is empty"),
    ],
)
def test_a_refusal_names_column_reason_and_field(text: str, column: int, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse_expression(text, allowed_names=["red", "nir"], field="bands.3.expression")
    assert refusal.value.field == "bands.3.expression"
    assert reason in str(refusal.value)
    assert f"(column {column} of " in str(refusal.value)


def test_a_formula_is_text() -> None:
    with pytest.raises(InvalidRequest, match="is text, got float"):
        parse_expression(1.5)  # type: ignore[arg-type]  # what arrives from outside


def test_functions_can_be_withheld() -> None:
    with pytest.raises(InvalidRequest, match="unknown function 'sqrt'; allowed functions: none"):
        parse_expression("sqrt(nir)", functions={})


def test_a_band_may_have_the_name_of_a_function() -> None:
    assert values_of("log + log(log)", log=[1.0]) == ([1.0], [False])


def test_an_index_must_read_a_band() -> None:
    with pytest.raises(InvalidRequest, match="uses no band; bands are nir, red"):
        parse_index("5 + 1", bands=["red", "nir"])
    assert parse_index("nir", bands=["red", "nir"]).names == {"nir"}


def test_a_formula_may_span_lines() -> None:
    assert values_of("\n  (nir\n\t- red)\n", nir=[3], red=[1]) == ([2.0], [False])


def test_ndvi_and_evi_have_their_textbook_values() -> None:
    bands = {"B8A": [5000, 3000], "B04": [1000, 3000], "B02": [500, 1000]}
    expected = [10000 * 2.5 * 4000 / (5000 + 6000 - 3750 + 10000), 0.0]
    values, undefined = values_of(EVI, **bands)
    assert values == pytest.approx(expected, rel=1e-6)
    assert undefined == [False, False]
    values, undefined = values_of(NDVI, B8A=bands["B8A"], B04=bands["B04"])
    assert values == pytest.approx([6666.6667, 0.0], rel=1e-6)


def test_unsigned_bands_do_not_wrap_around() -> None:
    assert values_of("a - b", a=np.array([1], "uint16"), b=np.array([3], "uint16")) == ([-2.0], [False])


def test_operators_bind_as_in_python() -> None:
    assert values_of("2 + 3 * a ** 2", a=[2]) == ([14.0], [False])
    assert values_of("-a ** 2", a=[3]) == ([-9.0], [False])
    assert values_of("2 * a ** -1", a=[4]) == ([0.5], [False])
    assert values_of("10 - a - 1", a=[2]) == ([7.0], [False])
    assert values_of("+a", a=[2]) == ([2.0], [False])


def test_comparisons_and_their_joints() -> None:
    a = [0, 1, 2, 3]
    assert values_of("(a > 0) & (a < 3)", a=a)[0] == [0, 1, 1, 0]
    assert values_of("(a == 0) | (a >= 3)", a=a)[0] == [1, 0, 0, 1]
    assert values_of("~(a != 2)", a=a)[0] == [0, 0, 1, 0]
    assert values_of("0 < a <= 2", a=a)[0] == [0, 1, 1, 0]
    assert values_of("(a > 1) * 10 + a", a=a)[0] == [0.0, 1.0, 12.0, 13.0]


def test_division_by_zero_is_undefined_and_stays_so() -> None:
    assert values_of("a / b", a=[1, 0, 4], b=[0, 0, 2]) == ([0.0, 0.0, 2.0], [True, True, False])
    assert values_of("1 / (1 / a)", a=[0, 2]) == ([0.0, 2.0], [True, False])
    assert values_of("(1 / a) > 5", a=[0, 2]) == ([False, False], [True, False])
    assert values_of("5 > (1 / a) > 0", a=[0, 2]) == ([False, True], [True, False])
    assert values_of("5 > (1 / a)", a=[0, 2]) == ([False, True], [True, False])
    assert values_of("(1 / a) ** 0", a=[0, 2]) == ([0.0, 1.0], [True, False])
    assert values_of("minimum(1 / a, 7)", a=[0, 2]) == ([0.0, 0.5], [True, False])
    assert values_of("-(1 / a) + 1", a=[0, 1]) == ([0.0, 0.0], [True, False])
    assert values_of("a / 0", a=[1, 2]) == ([0.0, 0.0], [True, True])
    assert values_of("~((1 / a) > 5)", a=[0, 2]) == ([False, True], [True, False])


def test_roots_logarithms_and_overflow_without_a_value_are_undefined() -> None:
    assert values_of("sqrt(a)", a=[-1, 4]) == ([0.0, 2.0], [True, False])
    assert values_of("log10(a)", a=[0, 1]) == ([0.0, 0.0], [True, False])
    assert values_of("1 / log(a)", a=[0.0]) == ([0.0], [True])
    assert values_of("a ** -1", a=[0, 2]) == ([0.0, 0.5], [True, False])
    assert values_of("a ** 0.5", a=[-4, 4]) == ([0.0, 2.0], [True, False])
    assert values_of("a * 1e30", a=[1e20, 0]) == ([0.0, 0.0], [True, False])
    assert values_of("1 / a ** 16", a=[1e20, 1]) == ([0.0, 1.0], [True, False])


def test_where_asks_only_the_branch_it_takes() -> None:
    assert values_of("where(b == 0, -1, a / b)", a=[6, 6], b=[0, 2]) == ([-1.0, 3.0], [False, False])
    assert values_of("where(b != 0, a / b, 1 / b)", a=[6, 6], b=[0, 2]) == ([0.0, 3.0], [True, False])
    assert values_of("where(1 / b > 0, 1, 2)", b=[0, 2]) == ([0.0, 1.0], [True, False])


@pytest.mark.parametrize("name", [name for name, count in FUNCTIONS.items() if count == 1])
def test_functions_of_one_value_are_those_of_numpy(name: str) -> None:
    a = np.array([0.25, 0.5, 0.75], dtype=np.float32)
    values, undefined = values_of(f"{name}(a)", a=a)
    assert values == pytest.approx(getattr(np, name)(a).tolist(), rel=1e-6)
    assert undefined == [False] * 3


def test_functions_of_several_values_are_those_of_numpy() -> None:
    assert values_of("minimum(a, 2)", a=[1, 3])[0] == [1.0, 2.0]
    assert values_of("maximum(a, 2)", a=[1, 3])[0] == [2.0, 3.0]
    assert values_of("clip(a, 0, 2)", a=[-1, 1, 3])[0] == [0.0, 1.0, 2.0]
    assert values_of("arctan2(a, 1)", a=[0, 1])[0] == pytest.approx([0, np.pi / 4], rel=1e-6)


def test_the_arithmetic_has_the_asked_precision() -> None:
    expression = parse_expression("a + 1")
    a = np.array([2**24], dtype=np.int32)
    assert evaluate(expression, {"a": a}).values.tolist() == [2.0**24]
    assert evaluate(expression, {"a": a}, dtype=np.float64).values.tolist() == [2.0**24 + 1]


def test_a_constant_fills_the_shape_of_the_bands() -> None:
    outcome = evaluate(parse_expression("where(a > 9, 1, 2) * 0 + 5"), {"a": np.zeros((2, 3))})
    assert outcome.values.tolist() == [[5.0] * 3] * 2
    assert outcome.undefined.shape == (2, 3)


def test_numbers_broadcast_against_arrays() -> None:
    outcome = evaluate(parse_expression("a >= LEVEL"), {"a": np.array([1, 2, 3]), "LEVEL": 2})
    assert outcome.values.tolist() == [False, True, True]


def test_a_name_without_values_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no values for red"):
        evaluate(parse_expression("nir - red"), {"nir": np.array([1])})


def test_the_arrays_given_are_left_alone() -> None:
    a = np.array([1.0, 2.0], dtype=np.float32)
    evaluate(parse_expression("-a * 3 + a"), {"a": a})
    assert a.tolist() == [1.0, 2.0]


Formula = tuple[str, NDArray[np.float64]]
A = np.array([1.0, 2.0, -3.0])
B = np.array([0.5, -4.0, 7.0])
LEAVES = st.one_of(
    st.just(("a", A)),
    st.just(("b", B)),
    st.integers(0, 9).map(lambda number: (str(number), np.full(3, float(number)))),
)


def joined(parts: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    """Formulas one level higher, with the numpy result they must have."""

    def combine(one: Formula, sign: str, two: Formula) -> Formula:
        ways = {"+": np.add, "-": np.subtract, "*": np.multiply}
        return f"({one[0]} {sign} {two[0]})", ways[sign](one[1], two[1])

    negative = parts.map(lambda one: (f"-{one[0]}", -one[1]))
    return st.one_of(st.builds(combine, parts, st.sampled_from("+-*"), parts), negative)


@given(st.recursive(LEAVES, joined, max_leaves=12))
def test_any_arithmetic_has_the_value_numpy_gives(formula: Formula) -> None:
    text, expected = formula
    outcome = evaluate(parse_expression(text), {"a": A, "b": B}, dtype=np.float64)
    assert np.broadcast_to(outcome.values, 3).tolist() == expected.tolist()
    assert not outcome.undefined.any()


@given(st.text(max_size=60))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    try:
        expression = parse_expression(text)
    except InvalidRequest:
        return
    assert expression.names <= set(re.findall(r"[A-Za-z]\w*", text, re.ASCII))


@given(st.text(alphabet="ab01.+-*/()<>=&|~, ewhrsqtx", max_size=40))
def test_no_formula_like_text_crashes_parser_or_evaluation(text: str) -> None:
    try:
        expression = parse_expression(text, allowed_names=["a", "b"])
    except InvalidRequest:
        return
    outcome = evaluate(expression, {"a": A, "b": B})
    assert outcome.values.shape == outcome.undefined.shape
