"""All bands of a least-cloud-first pixel are of one date, once the quality is in line with the bands."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stratocube.cube.mask import QualityMask
from stratocube.pixels.blend import Observation, blend
from stratocube.pixels.choice import Choice
from stratocube.pixels.composite import composite, observed, provenance
from stratocube.pixels.masks import classify
from stratocube.pixels.postprocess import post_process_quality, post_processing_quality
from tests.unit.pixels.blend_files import NODATA, Files

SCL = QualityMask(clear=(4, 5, 6), not_clear=(3, 8, 9), saturated=(1,), nodata=0)
BANDS = ("blue", "red", "nir")
Dates = list[dict[str, np.ndarray]]


def value(rank: int, band: str) -> int:
    """What a band holds on a date, everywhere: tells the date it comes from."""
    return 100 * rank + BANDS.index(band) + 1


def in_line(dates: Dates) -> Dates:
    """The dates with the quality nodata wherever a band is."""
    return [
        date
        | {"quality": post_process_quality(date["quality"], 0, {band: date[band] for band in BANDS}, NODATA_BY_BAND)}
        for date in dates
    ]


NODATA_BY_BAND = dict.fromkeys(BANDS, NODATA)


def dates_used(dates: Dates, saturated: np.ndarray | None = None) -> dict[str, list[int]]:
    """Which date (by rank) each pixel comes from: by every band, by the quality and by PROVENANCE; -1 for none."""
    classes = [classify(date["quality"], SCL) for date in dates]
    sat = None if saturated is None else list(saturated)
    used = {}
    for band in BANDS:
        made = composite([date[band] for date in dates], classes, function="LCF", nodata=NODATA, saturated=sat)
        used[band] = np.where(made == NODATA, -1, made // 100).tolist()
    choice = Choice(classes[0].shape, len(dates))
    for rank, codes in enumerate(classes):
        choice.take(rank, observed(codes, None if sat is None else sat[rank]))
    used["PROVENANCE"] = provenance(choice.rank, range(len(dates))).tolist()
    quality = composite([date["quality"] for date in dates], classes, function="LCF", nodata=0, saturated=sat)
    # The quality has few values, so it cannot tell its date: it says that of PROVENANCE where it has that value there.
    stack = np.stack([*(date["quality"] for date in dates), np.zeros_like(quality)])
    there = np.take_along_axis(stack, choice.rank[np.newaxis].astype(np.intp), axis=0)[0]
    used["quality"] = np.where(quality == there, used["PROVENANCE"], -2).tolist()
    return used


@st.composite
def stacks(draw: st.DrawFn, pixels: int = 6) -> tuple[Dates, np.ndarray]:
    """Dates in rank order with gaps that differ by band, and which pixels are saturated."""
    count = draw(st.integers(1, 5))
    gaps = draw(arrays.arrays(np.bool_, (count, len(BANDS), pixels)))
    quality = draw(arrays.arrays(np.uint8, (count, pixels), elements=st.sampled_from([0, 1, 4, 4, 5, 7, 9])))
    dates = [
        {"quality": quality[rank]}
        | {
            band: np.where(gaps[rank, place], NODATA, value(rank, band)).astype(np.int16)
            for place, band in enumerate(BANDS)
        }
        for rank in range(count)
    ]
    return dates, draw(arrays.arrays(np.bool_, (count, pixels)))


@given(stacks())
def test_every_band_the_quality_and_provenance_agree_on_one_date(case: tuple[Dates, np.ndarray]) -> None:
    dates, saturated = case
    for flags in (None, saturated):
        used = dates_used(in_line(dates), flags)
        assert all(ranks == used["PROVENANCE"] for ranks in used.values()), used


@given(stacks())
def test_a_pixel_is_empty_only_where_no_date_has_all_bands(case: tuple[Dates, np.ndarray]) -> None:
    dates, _ = case
    whole = [np.all([date[band] != NODATA for band in BANDS], axis=0) & (date["quality"] != 0) for date in dates]
    empty = ~np.any(whole, axis=0)
    assert (np.array(dates_used(in_line(dates))["PROVENANCE"]) == -1).tolist() == empty.tolist()


def test_without_it_a_gap_in_one_band_mixes_dates() -> None:
    dates: Dates = [
        {"quality": np.array([4], np.uint8)}
        | {band: np.array([NODATA if band == "red" else value(0, band)], np.int16) for band in BANDS},
        {"quality": np.array([4], np.uint8)} | {band: np.array([value(1, band)], np.int16) for band in BANDS},
    ]
    assert dates_used(dates) == {"blue": [0], "red": [1], "nir": [0], "PROVENANCE": [0], "quality": [0]}
    assert dates_used(in_line(dates)) == {"blue": [1], "red": [1], "nir": [1], "PROVENANCE": [1], "quality": [1]}


def test_rasters_on_disk_agree_as_arrays_do(tmp_path: Path) -> None:
    files, random = Files(tmp_path), np.random.default_rng(11)
    shape, count = (40, 60), 6
    used: dict[str, np.ndarray] = {}
    made: list[dict[str, str]] = []
    for rank in range(count):
        bands = {
            band: files.write(
                f"{rank}_{band}", np.where(random.random(shape) < 0.2, NODATA, value(rank, band)), nodata=NODATA
            )
            for band in BANDS
        }
        raw = files.write(f"{rank}_raw", random.choice([0, 4, 9], shape), "uint8", nodata=0)
        quality = post_processing_quality(raw, bands, quality_nodata=0, nodata_by_band={})
        made.append(bands | {"quality": files.write(f"{rank}_quality", quality, "uint8", nodata=0)})
    for band in BANDS:
        result = blend(
            _observations(made, band), function="LCF", mask=SCL, data_type="int16", nodata=NODATA, layers=False
        )
        used[band] = np.where(result.data == NODATA, -1, result.data // 100 + 1)
    layers = blend(
        _observations(made, "quality"), function="LCF", mask=SCL, data_type="uint8", nodata=0, layers=True
    ).layers
    assert layers is not None
    assert layers.provenance is not None
    for band in BANDS:
        np.testing.assert_array_equal(used[band], layers.provenance)
    assert len(np.unique(layers.provenance)) == count + 1  # every date has a part in it, and nodata


def _observations(made: list[dict[str, str]], band: str) -> list[Observation]:
    return [
        Observation(dt.date(2020, 1, 1 + rank), paths[band], paths["quality"], efficacy=90.0 - rank, resolution=30)
        for rank, paths in enumerate(made)
    ]
