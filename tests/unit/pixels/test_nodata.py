"""Whether an array lacks anything, told at a glance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.pixels.nodata import has_none


@given(
    st.sampled_from(["uint8", "int16", "uint16", "float32"]),
    st.lists(st.sampled_from([0, 1, 7, 200]), max_size=5),
    st.sampled_from([-9999, 0, 7, 255, None, float("nan")]),
    st.booleans(),
)
def test_what_is_said_to_lack_nothing_lacks_nothing(
    dtype: str, numbers: list[int], nodata: float | None, nan: bool
) -> None:
    values = np.array(numbers, dtype=dtype)
    if nan and values.size and values.dtype.kind == "f":
        values[0] = np.nan
    if has_none(values, nodata):
        assert not np.isnan(values.astype(float)).any()
        assert nodata not in values.tolist()


@pytest.mark.parametrize(("nodata", "expected"), [(-9999, True), (255, True), (3, False), (None, True), (0, True)])
def test_values_beside_nodata_are_told_where_it_lies_beyond_them(nodata: float | None, expected: bool) -> None:
    assert has_none(np.array([1, 5], dtype=np.int16), nodata) is expected
    assert not has_none(np.array([1.0, np.nan], dtype=np.float32), nodata)
