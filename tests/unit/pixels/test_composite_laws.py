"""Laws of composites, and a comparison with the definition written out pixel by pixel."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stratocube.cube.mask import QualityMask
from stratocube.pixels.choice import Choice
from stratocube.pixels.composite import CompositeFunction, Counter, composite, within
from stratocube.pixels.judge import observed
from stratocube.pixels.masks import PixelClass, classify

FUNCTIONS: tuple[CompositeFunction, ...] = ("LCF", "MED", "AVG")
NODATA = {"uint8": 255, "int16": -9999, "uint16": 0, "int32": -9999, "float32": -9999}
GONE, OTHER, CLOUD, BRIGHT, CLEAR = (int(code) for code in PixelClass)

Stack = tuple[np.ndarray, np.ndarray]  # values and class codes, dates × pixels


@st.composite
def stacks(draw: st.DrawFn, dtypes: tuple[str, ...] = tuple(NODATA), most_dates: int = 9) -> Stack:
    """Dates × pixels, where small values and nodata are frequent."""
    shape = draw(st.integers(1, most_dates)), draw(st.integers(1, 5))
    dtype = draw(st.sampled_from(dtypes))
    some: st.SearchStrategy[Any] = st.sampled_from([NODATA[dtype], 1, 2, 100])
    if dtype == "float32":
        some |= st.floats(-(2.0**100), 2.0**100, width=32)
    else:
        some |= st.integers(np.iinfo(dtype).min, np.iinfo(dtype).max)
    values = draw(arrays.arrays(dtype, shape, elements=some))
    codes = draw(arrays.arrays(np.uint8, shape, elements=st.sampled_from([GONE, OTHER, CLOUD, BRIGHT, CLEAR])))
    return values, codes


def composited(stack: Stack, function: CompositeFunction) -> np.ndarray:
    values, codes = stack
    nodata = NODATA[values.dtype.name]
    return composite(list(values), list(codes), function=function, nodata=nodata)


def by_definition(values: list[Any], codes: list[int], nodata: float, function: CompositeFunction) -> Any:
    """The composite of one pixel."""
    pairs = zip(values, codes, strict=True)
    existing = [(value, code) for value, code in pairs if code != GONE and value != nodata]
    clear = [value for value, code in existing if code == CLEAR]
    if function == "LCF":
        return (clear or [value for value, _ in existing] or [nodata])[0]
    if not clear:
        return nodata
    if function == "AVG":
        return sum(map(Fraction, clear)) / len(clear)
    middle = sorted(map(Fraction, clear))
    return (middle[(len(middle) - 1) // 2] + middle[len(middle) // 2]) / 2


@given(stacks(), st.sampled_from(FUNCTIONS))
def test_the_composite_is_what_the_definition_says(stack: Stack, function: CompositeFunction) -> None:
    values, codes = stack
    result = composited(stack, function)
    for pixel in range(values.shape[1]):
        exact = by_definition(values[:, pixel].tolist(), codes[:, pixel].tolist(), NODATA[values.dtype.name], function)
        if values.dtype.kind == "f":
            assert np.isclose(result[pixel], float(exact), rtol=1e-6, atol=1e-36)
        else:
            assert result[pixel] == int(exact)  # toward zero


@given(stacks(dtypes=("int16", "uint16"), most_dates=70))
def test_the_median_of_many_dates_is_what_the_definition_says(stack: Stack) -> None:
    test = composited(stack, "MED")
    values, codes = stack
    for pixel in range(values.shape[1]):
        exact = by_definition(values[:, pixel].tolist(), codes[:, pixel].tolist(), NODATA[values.dtype.name], "MED")
        assert test[pixel] == int(exact)


@given(stacks(), st.sampled_from(("MED", "AVG")), st.randoms(use_true_random=False))
def test_median_and_average_do_not_depend_on_the_order_of_dates(
    stack: Stack, function: CompositeFunction, random: Any
) -> None:
    values, codes = stack
    order = list(range(len(values)))
    random.shuffle(order)
    here, there = composited(stack, function), composited((values[order], codes[order]), function)
    if function == "AVG" and values.dtype.kind == "f":
        np.testing.assert_allclose(here, there, rtol=1e-6, atol=1e-7 * np.abs(values).max())
    else:
        np.testing.assert_array_equal(here, there)


@given(stacks())
def test_counts_do_not_depend_on_the_order_of_dates(stack: Stack) -> None:
    def counted(codes: np.ndarray) -> list[list[int]]:
        counter = Counter(codes[0].shape, len(codes))
        for date in codes:
            counter.add(observed(date))
        return [counter.clear_observations().tolist(), counter.total_observations().tolist()]

    assert counted(stack[1]) == counted(stack[1][::-1])


@given(stacks(), st.sampled_from(FUNCTIONS), st.integers(0, 9), st.sampled_from([GONE, OTHER, CLOUD, BRIGHT]))
def test_a_date_without_clear_pixels_changes_only_where_nothing_else_exists(
    stack: Stack, function: CompositeFunction, place: int, code: int
) -> None:
    values, codes = stack
    extra = np.insert(codes, min(place, len(codes)), code, axis=0)
    with_extra = composited((np.insert(values, min(place, len(values)), 7, axis=0), extra), function)
    without = composited(stack, function)
    present = (codes != GONE) & (values != NODATA[values.dtype.name])
    clear = (present & (codes == CLEAR)).any(axis=0)
    # Least cloud first may fall back on it, as on any other date: where that is so nothing was clear.
    settled = clear if function == "LCF" and code != GONE else np.ones_like(clear)
    np.testing.assert_array_equal(with_extra[settled], without[settled])


@given(stacks())
def test_a_fully_masked_date_adds_to_the_observations_what_exists_and_nothing_to_the_clear_ones(stack: Stack) -> None:
    _, codes = stack
    counter, longer = Counter(codes[0].shape, len(codes) + 1), Counter(codes[0].shape, len(codes) + 1)
    for date in codes:
        counter.add(observed(date))
        longer.add(observed(date))
    longer.add(observed(np.full_like(codes[0], CLOUD)))
    np.testing.assert_array_equal(longer.clear_observations(), counter.clear_observations())
    np.testing.assert_array_equal(longer.total_observations(), counter.total_observations() + 1)


@given(stacks())
def test_every_value_of_lcf_comes_from_the_date_that_was_chosen(stack: Stack) -> None:
    values, codes = stack
    # Where the band has what the quality promises, its choice is that of the quality, and PROVENANCE tells the truth.
    codes = np.where(values == NODATA[values.dtype.name], GONE, codes).astype(np.uint8)
    result = composited((values, codes), "LCF")
    choice = Choice(codes[0].shape, len(codes))
    for rank, date in enumerate(codes):
        choice.take(rank, observed(date))
    for pixel, rank in enumerate(choice.rank.tolist()):
        assert result[pixel] == (NODATA[values.dtype.name] if rank < 0 else values[rank, pixel])


@given(stacks(), st.sampled_from(("MED", "AVG")))
def test_median_and_average_lie_between_the_clear_inputs(stack: Stack, function: CompositeFunction) -> None:
    values, codes = stack
    nodata = NODATA[values.dtype.name]
    result = composited(stack, function)
    clear = (codes == CLEAR) & (values != nodata)
    for pixel in range(values.shape[1]):
        good = values[clear[:, pixel], pixel]
        slack = 1e-6 * np.abs(good).max(initial=0) if good.dtype.kind == "f" else 0
        assert good.size == 0 or good.min() - slack <= result[pixel] <= good.max() + slack


@given(
    arrays.arrays(np.uint8, (4, 6)),
    st.sets(st.integers(0, 255), max_size=6),
    st.sets(st.integers(0, 255), max_size=6),
    st.sets(st.integers(0, 255), max_size=6),
)
def test_a_longer_list_of_not_clear_values_never_adds_clear_pixels(
    quality: np.ndarray, clear: set[int], not_clear: set[int], more: set[int]
) -> None:
    def counted(cloudy: set[int]) -> np.ndarray:
        mask = QualityMask(nodata=255, clear=tuple(clear), not_clear=tuple(cloudy))
        counter = Counter(quality[0].shape, len(quality))
        for date in quality:
            counter.add(observed(classify(date, mask)))
        return counter.clear_observations()

    assert (counted(not_clear | more) <= counted(not_clear)).all()


@given(stacks(), st.integers(0, 50), st.integers(0, 50))
def test_a_wider_valid_range_never_takes_clear_pixels_away(stack: Stack, lower: int, higher: int) -> None:
    values, codes = stack[0][0], stack[1][0]
    quality, nodata = observed(codes), NODATA[values.dtype.name]
    narrow = within(quality, values, nodata, (50, 90)).clear
    wide = within(quality, values, nodata, (50 - lower, 90 + higher)).clear
    assert (wide | ~narrow).all()
    assert (quality.clear | ~wide).all()
