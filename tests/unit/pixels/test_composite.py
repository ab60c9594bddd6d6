"""Composites of small stacks, with the whole expected output."""

from __future__ import annotations

import numpy as np
import pytest

from stratocube.errors import InvalidRequest
from stratocube.pixels.choice import Choice
from stratocube.pixels.composite import (
    CompositeFunction,
    Counter,
    composite,
    is_present,
    make_reducer,
    provenance,
    within,
)
from stratocube.pixels.judge import observed
from stratocube.pixels.masks import PixelClass

NODATA = -9999
GONE, OTHER, CLOUD, BRIGHT, CLEAR = PixelClass


def classes(*rows: list[PixelClass]) -> list[np.ndarray]:
    return [np.array(row, dtype=np.uint8) for row in rows]


def values(*rows: list[float], dtype: str = "int16") -> list[np.ndarray]:
    return [np.array(row, dtype=dtype) for row in rows]


def test_lcf_takes_the_best_ranked_clear_value_else_the_best_ranked_one_that_exists() -> None:
    result = composite(
        values([1, 2, 3, 4, 5], [10, 20, 30, 40, 50], [100, 200, 300, 400, 500]),
        classes(
            [CLEAR, CLOUD, CLOUD, GONE, GONE],
            [CLEAR, CLOUD, GONE, BRIGHT, GONE],
            [CLEAR, CLEAR, OTHER, CLOUD, GONE],
        ),
        function="LCF",
        nodata=NODATA,
    )
    assert result.tolist() == [1, 200, 3, 40, NODATA]
    assert result.dtype == np.int16


def test_an_observation_needs_both_its_quality_and_its_band() -> None:
    # The worked example of the API document: quality nodata over a value, and a value missing under clear quality.
    result = composite(
        values([9800, NODATA, 5000], [7000, 30, NODATA]),
        classes([GONE, CLEAR, CLOUD], [CLOUD, CLOUD, CLEAR]),
        function="LCF",
        nodata=NODATA,
    )
    assert result.tolist() == [7000, 30, 5000]


@pytest.mark.parametrize("function", ["MED", "AVG"])
def test_where_nothing_is_clear_median_and_average_are_nodata(function: CompositeFunction) -> None:
    result = composite(
        values([7, 100, NODATA, 3], [8, 200, 40, 4]),
        classes([CLOUD, CLEAR, CLEAR, BRIGHT], [OTHER, CLOUD, CLEAR, GONE]),
        function=function,
        nodata=NODATA,
    )
    assert result.tolist() == [NODATA, 100, 40, NODATA]


@pytest.mark.parametrize("function", ["MED", "AVG"])
def test_halves_of_integers_are_truncated_toward_zero(function: CompositeFunction) -> None:
    result = composite(
        values([421, -3, -1, 1, 32767, -32768], [402, -4, 0, 0, 32766, -32767]),
        classes([CLEAR] * 6, [CLEAR] * 6),
        function=function,
        nodata=NODATA,
    )
    assert result.tolist() == [411, -3, 0, 0, 32766, -32767]


def test_median_and_average_of_three() -> None:
    stack = values([10, -7], [11, -8], [300, -20])
    clear = classes([CLEAR, CLEAR], [CLEAR, CLEAR], [CLEAR, CLEAR])
    assert composite(stack, clear, function="MED", nodata=NODATA).tolist() == [11, -8]
    assert composite(stack, clear, function="AVG", nodata=NODATA).tolist() == [107, -11]


@pytest.mark.parametrize("function", ["LCF", "MED", "AVG"])
def test_values_in_the_upper_half_of_unsigned_types_are_no_negative_ones(function: CompositeFunction) -> None:
    result = composite(
        values([20000], [40000], [60000], dtype="uint16"),
        classes([CLOUD], [CLEAR], [CLEAR]),
        function=function,
        nodata=0,
    )
    assert result.tolist() == [{"LCF": 40000, "MED": 50000, "AVG": 50000}[function]]
    assert result.dtype == np.uint16


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floating_values_keep_their_fraction(dtype: str) -> None:
    stack, clear = values([0.25], [1.75], [0.5], dtype=dtype), classes([CLEAR], [CLEAR], [CLOUD])
    assert composite(stack, clear, function="MED", nodata=NODATA).tolist() == [1.0]
    assert composite(stack, clear, function="AVG", nodata=NODATA).tolist() == [1.0]
    assert composite(stack, clear, function="MED", nodata=NODATA).dtype == dtype


@pytest.mark.parametrize("function", ["LCF", "MED", "AVG"])
def test_not_a_number_does_not_exist(function: CompositeFunction) -> None:
    stack = values([np.nan, np.nan], [0.5, np.nan], dtype="float32")
    result = composite(stack, classes([CLEAR] * 2, [CLEAR] * 2), function=function, nodata=np.nan)
    assert result[0] == 0.5
    assert np.isnan(result[1])


def test_values_outside_the_valid_range_are_fall_back_only() -> None:
    stack = values([12000, 12000, 10000], [300, -1, 5])
    clear = classes([CLEAR] * 3, [CLEAR] * 3)
    in_range = (0, 10000)
    assert composite(stack, clear, function="LCF", nodata=NODATA, valid_range=in_range).tolist() == [300, 12000, 10000]
    assert composite(stack, clear, function="MED", nodata=NODATA, valid_range=in_range).tolist() == [300, NODATA, 5002]


def test_saturated_pixels_are_fall_back_only() -> None:
    stack, clear = values([20, 20], [200, 200]), classes([CLEAR] * 2, [CLEAR] * 2)
    saturated = [np.array([True, True]), np.array([False, True])]
    assert composite(stack, clear, function="LCF", nodata=NODATA, saturated=saturated).tolist() == [200, 20]
    assert composite(stack, clear, function="MED", nodata=NODATA, saturated=saturated).tolist() == [200, NODATA]


def test_counters_stay_at_255() -> None:
    counter = Counter((3,), dates=300)
    for rank in range(300):
        counter.add(observed(np.array([CLEAR, CLEAR if rank < 200 else CLOUD, GONE], dtype=np.uint8)))
    assert counter.clear_observations().tolist() == [255, 200, 0]
    assert counter.total_observations().tolist() == [255, 255, 0]
    assert counter.clear_observations().dtype == counter.total_observations().dtype == np.uint8


@pytest.mark.parametrize("dates", [1, 127, 128, 200, 400])
def test_provenance_tells_the_day_of_the_date_taken(dates: int) -> None:
    choice = Choice((3,), dates)
    for rank in range(dates):
        last = rank == dates - 1
        choice.take(rank, observed(np.array([CLEAR, CLEAR if last else GONE, GONE], dtype=np.uint8)))
    days = provenance(choice.rank, list(range(1000, 1000 + dates)))
    assert days.tolist() == [1000, 999 + dates, -1]
    assert days.dtype == np.int16


def test_lcf_wants_no_date_that_would_change_nothing() -> None:
    reducer = make_reducer("LCF", (2,), "int16", NODATA, dates=4)
    cloud_and_clear = observed(np.array([CLOUD, CLEAR], dtype=np.uint8))
    assert reducer.wants(cloud_and_clear)
    reducer.add(0, np.array([1, 2], dtype=np.int16), cloud_and_clear)
    assert not reducer.done
    assert not reducer.wants(observed(np.array([CLOUD, CLEAR], dtype=np.uint8)))
    clear_and_gone = observed(np.array([CLEAR, GONE], dtype=np.uint8))
    assert reducer.wants(clear_and_gone)
    reducer.add(1, np.array([3, 4], dtype=np.int16), clear_and_gone)
    assert reducer.done
    assert reducer.result().tolist() == [3, 2]


@pytest.mark.parametrize("function", ["MED", "AVG"])
def test_median_and_average_want_dates_with_clear_pixels_alone(function: CompositeFunction) -> None:
    reducer = make_reducer(function, (2,), "int16", NODATA, dates=2)
    assert not reducer.wants(observed(np.array([CLOUD, GONE], dtype=np.uint8)))
    assert reducer.wants(observed(np.array([CLOUD, CLEAR], dtype=np.uint8)))
    assert reducer.result().tolist() == [NODATA, NODATA]


def test_a_block_may_have_any_shape() -> None:
    stack = [np.array([[1, 2], [3, 4]], dtype=np.int32)]
    clear = [np.array([[CLEAR, GONE], [CLOUD, CLEAR]], dtype=np.uint8)]
    assert composite(stack, clear, function="LCF", nodata=0).tolist() == [[1, 0], [3, 4]]
    assert composite(stack, clear, function="MED", nodata=0).tolist() == [[1, 0], [0, 4]]


def test_inputs_are_left_as_they_are() -> None:
    stack, clear = values([1, NODATA], [3, 4]), classes([CLEAR, CLOUD], [CLEAR, CLEAR])
    before = [array.copy() for array in (*stack, *clear)]
    for function in ("LCF", "MED", "AVG"):
        composite(stack, clear, function=function, nodata=NODATA, valid_range=(0, 3))
    assert all(np.array_equal(array, copy) for array, copy in zip((*stack, *clear), before, strict=True))


def test_a_nodata_that_the_type_cannot_hold_is_no_value_of_it() -> None:
    assert is_present(np.array([1, 2], dtype=np.uint8), -9999) is None
    assert is_present(np.array([1, 2], dtype=np.uint8), None) is None


def test_within_leaves_the_offer_of_the_quality_alone() -> None:
    quality = observed(np.array([CLEAR, CLEAR], dtype=np.uint8))
    within(quality, np.array([NODATA, 20000], dtype=np.int16), NODATA, (0, 10000))
    assert quality.exists.tolist() == quality.clear.tolist() == [True, True]


@pytest.mark.parametrize(
    ("function", "dtype", "nodata", "field"),
    [
        ("MODE", "int16", 0, "composite_function"),
        ("LCF", "uint8", -9999, "nodata"),
        ("LCF", "int16", 0.5, "nodata"),
        ("LCF", "int16", float("nan"), "nodata"),
        ("AVG", "int64", 0, "data_type"),
    ],
)
def test_what_cannot_be_composited_is_refused(
    function: CompositeFunction, dtype: str, nodata: float, field: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        make_reducer(function, (1,), dtype, nodata, dates=2)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("stack", "codes"),
    [
        ([], []),
        (values([1]), []),
        (values([1]), classes([CLEAR, CLEAR])),
        ([*values([1]), *values([1], dtype="int32")], classes([CLEAR], [CLEAR])),
    ],
)
def test_stacks_that_do_not_fit_together_are_refused(stack: list[np.ndarray], codes: list[np.ndarray]) -> None:
    with pytest.raises(InvalidRequest):
        composite(stack, codes, function="LCF", nodata=NODATA)


@pytest.mark.parametrize("shape", [(300, 300), (301, 301), (3, 4)])
def test_days_are_those_of_the_ranks_in_small_and_large_blocks(shape: tuple[int, int]) -> None:
    days = [7, 360, 12, 1]
    ranks = np.random.default_rng(1).integers(-1, 4, shape).astype(np.int8)
    expected = np.array([*days, -1], dtype=np.int16)[ranks]
    room = np.zeros(shape, np.int16)
    np.testing.assert_array_equal(provenance(ranks, days), expected)
    provenance(ranks, days, room)
    np.testing.assert_array_equal(room, expected)
