"""Dilation by a disk, against the definition and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from stratocube.errors import InvalidRequest
from stratocube.pixels import morphology
from stratocube.pixels.morphology import MOST_PIXELS, Disk, dilate

SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, max_side=12)
MASKS = arrays.arrays(np.bool_, SHAPES)
RADII = st.floats(0, 6) | st.sampled_from([1, 2**0.5, 2, 5**0.5, 5])


def footprint(disk: Disk) -> np.ndarray:
    """The disk as scipy wants it."""
    reach = disk.reach
    picture = np.zeros((2 * reach + 1, 2 * reach + 1), dtype=np.bool_)
    for row, column in disk.offsets():
        picture[reach + row, reach + column] = True
    return picture


def test_a_disk_of_two_pixels_has_thirteen() -> None:
    assert footprint(Disk.of_radius(2)).astype(int).tolist() == [
        [0, 0, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 0, 0],
    ]


def test_a_pixel_exactly_at_the_distance_belongs_to_the_disk() -> None:
    assert Disk.of_radius(5).heights == (5, 4, 4, 4, 3, 0)  # 3, 4, 5
    assert Disk.of_radius(120, 10, 10) == Disk.of_radius(12)
    assert Disk.of_radius(0.3, 0.1, 0.1) == Disk.of_radius(3)  # 0.3 / 0.1 is less than 3 in floating point


def test_pixels_that_are_not_square_make_a_disk_in_the_unit_of_their_size() -> None:
    assert Disk.of_radius(20, 10, 20).heights == (1, 0, 0)
    assert Disk.of_radius(20, 20, 10).heights == (2, 0)


def test_a_radius_below_one_pixel_is_the_pixel_itself() -> None:
    assert Disk.of_radius(0.99).offsets() == [(0, 0)]
    values = np.array([[0, 7], [0, 0]], np.uint8)
    result = dilate(values, Disk.of_radius(0.99))
    assert result.tolist() == values.tolist()
    assert result is not values


@given(st.floats(0, 40), st.sampled_from([(1.0, 1.0), (2.0, 1.0), (0.9, 1.1)]))
def test_a_disk_holds_the_offsets_within_the_radius(radius: float, pixel: tuple[float, float]) -> None:
    width, height = pixel
    inside = radius**2 * (1 + 1e-9)
    expected = {
        (row, column)
        for row in range(-45, 46)
        for column in range(-45, 46)
        if (row * height) ** 2 + (column * width) ** 2 <= inside
    }
    offsets = Disk.of_radius(radius, width, height).offsets()
    assert len(offsets) == len(expected)
    assert set(offsets) == expected


@pytest.mark.parametrize("radius", [-1, MOST_PIXELS + 1, float("nan"), float("inf")])
def test_a_radius_that_makes_no_sense_or_takes_too_long_is_refused(radius: float) -> None:
    with pytest.raises(InvalidRequest, match=f"from 0 to {MOST_PIXELS}"):
        Disk.of_radius(radius)


def test_one_pixel_becomes_the_disk() -> None:
    one = np.zeros((7, 7), np.bool_)
    one[3, 3] = True
    assert np.array_equal(dilate(one, Disk.of_radius(3)), footprint(Disk.of_radius(3)))


@given(MASKS, RADII)
def test_dilation_is_what_scipy_makes_with_the_same_disk(mask: np.ndarray, radius: float) -> None:
    disk = Disk.of_radius(radius)
    before = mask.copy()
    assert np.array_equal(dilate(mask, disk), ndimage.binary_dilation(mask, footprint(disk)))
    assert np.array_equal(mask, before)


@given(MASKS, st.integers(1, 25))
def test_dilation_is_nearness_of_centres(mask: np.ndarray, square: int) -> None:
    # By integers: a pixel is reached when its squared distance to a set pixel is at most the squared radius.
    rows, columns = np.indices(mask.shape)
    expected = np.zeros(mask.shape, np.bool_)
    for row, column in np.argwhere(mask):
        expected |= (rows - row) ** 2 + (columns - column) ** 2 <= square
    assert np.array_equal(dilate(mask, Disk.of_radius(square**0.5)), expected)


@given(arrays.arrays(np.uint8, SHAPES, elements=st.integers(0, 3)), RADII)
def test_the_greatest_number_within_reach_wins(values: np.ndarray, radius: float) -> None:
    disk = Disk.of_radius(radius)
    expected = ndimage.grey_dilation(values, footprint=footprint(disk), mode="constant", cval=0)
    assert np.array_equal(dilate(values, disk), expected)


@given(arrays.arrays(np.uint16, SHAPES, elements=st.sampled_from([0, 0, 1, 2, 6, 0x8000])), RADII)
def test_bits_are_dilated_each_on_its_own(values: np.ndarray, radius: float) -> None:
    disk = Disk.of_radius(radius)
    result = dilate(values, disk, combine=np.bitwise_or)
    assert result.dtype == np.uint16
    for bit in range(16):
        one = (values >> bit & 1).astype(np.bool_)
        assert np.array_equal(result >> bit & 1, dilate(one, disk))


@settings(max_examples=30)
@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 60), st.integers(1, 5))), RADII, st.integers(1, 60))
def test_the_strips_a_raster_is_worked_in_do_not_show(mask: np.ndarray, radius: float, strip_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(morphology, "_STRIP_BYTES", strip_bytes)
        found = dilate(mask, Disk.of_radius(radius))
    assert np.array_equal(found, ndimage.binary_dilation(mask, footprint(Disk.of_radius(radius))))
