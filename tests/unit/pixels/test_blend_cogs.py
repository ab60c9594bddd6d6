"""Composites encoded while they are made: the same files as of the whole, in one pass over the dates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rio_cogeo import cog_validate

from stratocube.cube.geobox import GeoBox
from stratocube.cube.layers import OBSERVATION_LAYERS
from stratocube.errors import InvalidRequest
from stratocube.pixels.blend import blend
from stratocube.pixels.blend_cogs import Meaning, blend_cogs
from stratocube.pixels.cog import encode_cog
from tests.unit.pixels.blend_files import BAND, Files
from tests.unit.pixels.test_blend_windows import noisy_dates, reads  # noqa: F401 - reads is a fixture

SMALL = Meaning("continuous", description="NIR", scale=0.0001, offset=0.0, block_size=16)
PLACE = GeoBox(crs="EPSG:32722", x_min=600000, y_max=8000000, resolution_x=30, resolution_y=30, width=40, height=20)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("tiled", [True, False])
def test_the_files_are_those_of_the_whole(
    files: Files, monkeypatch: pytest.MonkeyPatch, threads: int, tiled: bool
) -> None:
    if not tiled:
        monkeypatch.setattr("tests.unit.pixels.test_blend_windows.TILED", {})
    dates, _, _ = noisy_dates(files, (150, 90), 5)
    made = blend_cogs(dates, functions=("LCF", "MED"), layers=True, meaning=SMALL, threads=threads, **BAND)
    assert list(made.cogs) == ["LCF", "MED", "CLEAROB", "TOTALOB", "PROVENANCE"]
    whole = blend(dates, function=("LCF", "MED"), layers=True, **BAND)
    assert whole.layers is not None
    for function, data in whole.composites.items():
        described: dict[str, Any] = {"description": "NIR", "scale": 0.0001, "offset": 0.0, "block_size": 16}
        expected = encode_cog(data, whole.geobox, nodata=-9999, kind="continuous", threads=1, **described)
        assert b"".join(made.cogs[function].finish()) == expected
    assert whole.layers.provenance is not None
    for name, data in (
        ("CLEAROB", whole.layers.clear_observations),
        ("TOTALOB", whole.layers.total_observations),
        ("PROVENANCE", whole.layers.provenance),
    ):
        layer = OBSERVATION_LAYERS[name]
        named: dict[str, Any] = {"description": name, "long_name": layer.description}
        expected = encode_cog(data, whole.geobox, nodata=layer.nodata, kind="categorical", threads=2, **named)
        assert b"".join(made.cogs[name].finish()) == expected
    assert made.layers is not None
    assert (made.layers.efficacy, made.layers.cloud_ratio) == (whole.layers.efficacy, whole.layers.cloud_ratio)
    assert made.layers.composition.of_dates.tolist() == whole.layers.composition.of_dates.tolist()
    assert (made.dates, made.geobox) == (whole.dates, whole.geobox)


def test_several_functions_are_each_as_if_alone_but_read_once(
    files: Files,
    reads: Any,  # noqa: F811 - the fixture imported above
) -> None:
    dates, _, _ = noisy_dates(files, (40, 40), 6)
    together = blend(dates, function=("LCF", "MED", "AVG"), layers=True, **BAND)
    assert len(reads) == 2 * len(dates)
    assert together.layers is not None
    for function, data in together.composites.items():
        alone = blend(dates, function=function, layers=True, **BAND)
        np.testing.assert_array_equal(data, alone.data)
        if function == "LCF":
            assert alone.layers is not None
            assert together.layers.provenance is not None
            np.testing.assert_array_equal(together.layers.provenance, alone.layers.provenance)
    assert together.data is together.composites["LCF"]


def test_a_period_without_observations_is_nodata_all_over(tmp_path: Path) -> None:
    made = blend_cogs([], functions=("LCF",), layers=True, meaning=SMALL, geobox=PLACE, **BAND)
    for name, nodata in (("LCF", -9999), ("CLEAROB", 0), ("TOTALOB", 0), ("PROVENANCE", -1)):
        path = tmp_path / f"{name}.tif"
        path.write_bytes(b"".join(made.cogs[name].finish()))
        assert cog_validate(str(path), strict=True, quiet=True) == (True, [], [])
        with rasterio.open(path) as cog:
            assert (cog.nodata, np.unique(cog.read(1)).tolist()) == (nodata, [nodata])
    assert made.layers is not None
    assert (made.layers.efficacy, made.layers.cloud_ratio) == (0.0, 100.0)


def test_without_layers_there_are_none(files: Files) -> None:
    made = blend_cogs([files.observation(1, [[0]], [[7]])], functions=("MED",), layers=False, meaning=SMALL, **BAND)
    assert (list(made.cogs), made.layers) == (["MED"], None)


def test_what_a_cog_cannot_be_is_refused_before_reading(files: Files, tmp_path: Path) -> None:
    date = files.observation(1, [[0]], [[7]])
    Path(date.band).unlink()
    with pytest.raises(InvalidRequest, match="block_size"):
        blend_cogs([date], functions=("MED",), layers=False, meaning=Meaning("continuous", block_size=100), **BAND)
