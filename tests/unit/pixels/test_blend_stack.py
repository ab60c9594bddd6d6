"""Stacks in memory: every product exact, whatever the number of dates and the type."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratocube.cube.mask import QualityMask
from stratocube.errors import InvalidRequest
from stratocube.pixels import median, strip
from stratocube.pixels.blend_stack import blend_stack
from stratocube.pixels.median import Workspace
from tests.unit.pixels.blend_files import FMASK

NODATA = {"int16": -9999, "uint16": 0, "uint8": 255, "int32": -9999, "float32": -9999.0}


def stack(dtype: str, count: int, seed: int, clear: float) -> tuple[np.ndarray, np.ndarray, list[dt.date]]:
    """Values over the whole range of the type, quality with every class, dates best first."""
    random = np.random.default_rng(seed)
    shape = (count, 3, 70)
    if dtype == "float32":
        values = random.normal(0, 1e3, shape).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        values = random.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
    values[random.random(shape) < 0.1] = NODATA[dtype]
    quality = np.where(random.random(shape) < clear, 0, random.choice([2, 4, 77, 255], shape)).astype(np.uint8)
    dates = [dt.date(2023, 12, 1) + dt.timedelta(days=int(day)) for day in random.permutation(count)]
    return values, quality, dates


def expected(values: np.ndarray, quality: np.ndarray, dates: list[dt.date], nodata: float) -> dict[str, np.ndarray]:
    """The same by plain numpy, pixel by pixel."""
    seen, good = quality != FMASK.nodata, np.isin(quality, FMASK.clear)
    exists, clear = seen & (values != nodata), good & (values != nodata)
    shape = values.shape[1:]
    lcf, med = np.full(shape, nodata, values.dtype), np.full(shape, nodata, values.dtype)
    day, year = np.full(shape, -1, np.int16), np.full(shape, -1, np.int16)
    for place in np.ndindex(shape):
        at = (slice(None), *place)
        for flags in (exists[at], clear[at]):
            if flags.any():
                lcf[place] = values[at][flags][0]
        if clear[at].any():
            med[place] = middle(values[at][clear[at]])
        for flags in (seen[at], good[at]):
            if flags.any():
                chosen = dates[int(flags.argmax())]
                day[place], year[place] = chosen.timetuple().tm_yday, chosen.year
    counts = {"CLEAROB": good.sum(axis=0), "TOTALOB": seen.sum(axis=0)}
    made = {"LCF": lcf, "MED": med, **counts, "PROVENANCE": day}
    return made | ({"PROVENANCE_YEAR": year} if len({date.year for date in dates}) > 1 else {})


def middle(values: np.ndarray) -> Any:
    """The median, integers truncated toward zero."""
    ordered = sorted(values.tolist())
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    if values.dtype.kind == "f":
        return values.dtype.type(low) * values.dtype.type(0.5) + values.dtype.type(high) * values.dtype.type(0.5)
    return abs(low + high) // 2 * (1 if low + high >= 0 else -1)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(NODATA)),
    st.integers(1, 64),
    st.integers(0, 1 << 30),
    st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]),
)
def test_every_product_is_exact_for_1_to_64_dates(dtype: str, count: int, seed: int, clear: float) -> None:
    values, quality, dates = stack(dtype, count, seed, clear)
    nodata = NODATA[dtype]
    made = blend_stack(
        list(values), list(quality), dates, functions=("LCF", "MED"), mask=FMASK, nodata=nodata, layers=True
    )
    wanted = expected(values, quality, dates, nodata)
    assert list(made) == list(wanted)
    for name, data in wanted.items():
        np.testing.assert_array_equal(made[name], data, err_msg=name)
        assert made[name].dtype == (np.uint8 if name in {"CLEAROB", "TOTALOB"} else data.dtype)


def test_neither_strips_nor_runs_nor_used_memory_show(monkeypatch: pytest.MonkeyPatch) -> None:
    values, quality, dates = stack("int16", 11, 3, 0.6)
    given: dict[str, Any] = {"functions": ("MED", "LCF", "AVG"), "mask": FMASK, "nodata": -9999, "layers": True}
    whole = blend_stack(list(values), list(quality), dates, **given)
    monkeypatch.setattr(strip, "_STRIP_PIXELS", 70)
    monkeypatch.setattr(median, "_CACHE_BYTES", 1)
    monkeypatch.setattr(median, "_SHORTEST_RUN", 16)
    workspace = Workspace()
    for _ in range(2):
        parts = blend_stack(list(values), list(quality), dates, workspace=workspace, **given)
        assert list(parts) == ["MED", "LCF", "AVG", "CLEAROB", "TOTALOB", "PROVENANCE"]
        for name, data in whole.items():
            np.testing.assert_array_equal(parts[name], data, err_msg=name)


def test_stacks_that_make_no_sense_are_refused() -> None:
    data, quality, date = np.zeros((2, 3), np.int16), np.zeros((2, 3), np.uint8), dt.date(2020, 1, 1)
    given: dict[str, Any] = {"functions": ("LCF",), "mask": FMASK, "nodata": -9999, "layers": False}
    for values, classes, dates in (
        ([], [], []),
        ([data], [quality], []),
        ([data, data[:1]], [quality] * 2, [date] * 2),
        ([data, data.astype(np.int32)], [quality] * 2, [date] * 2),
    ):
        with pytest.raises(InvalidRequest):
            blend_stack(values, classes, dates, **given)
    for functions in ((), ("LCF", "LCF"), ("BEST",)):
        with pytest.raises(InvalidRequest, match="composite_function"):
            blend_stack([data], [quality], [date], **(given | {"functions": functions}))
    mask = QualityMask(clear=(0,), nodata=255, saturated_band="radsat")
    with pytest.raises(InvalidRequest, match="radsat"):
        blend_stack([data], [quality], [date], **(given | {"mask": mask}))
