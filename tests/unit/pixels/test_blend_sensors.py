"""Which sources have an OLI sensor, and which masks care."""

from __future__ import annotations

import numpy as np
import pytest

from stratocube.cube.mask import QualityMask, parse_mask
from stratocube.pixels.sensors import depends_on_sensor, has_oli, oli_pixels, sources_without_oli

BITS = {"bits": True, "nodata": 1, "clear_data": [6], "not_clear_data": [3]}


@pytest.mark.parametrize("name", ["LANDSAT_7", "LANDSAT-7", "landsat 5", "Landsat-4", "LE07", "LT05_SR-1", "LT04_L2SP"])
def test_landsat_before_8_has_no_oli(name: str) -> None:
    assert not has_oli(name)


@pytest.mark.parametrize(
    "name", ["LANDSAT_8", "landsat-9", "LC08", "LC9_SR", "landsat-c2l2-sr", "S2-16D", "", "landsat70"]
)
def test_what_is_not_known_to_lack_oli_has_it(name: str) -> None:
    assert has_oli(name)


def test_pixels_of_sources_without_oli_are_told_by_their_index() -> None:
    without = sources_without_oli(["LANDSAT_8", "LANDSAT_7", "LANDSAT_5"])
    assert without == {1, 2}
    assert oli_pixels(np.array([0, 1, 2, 255], dtype=np.uint8), without).tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("mask", "depends"),
    [
        (BITS, False),
        (BITS | {"not_clear_data": [2, 3]}, True),
        (BITS | {"confidence": {"cirrus": "cirrus == HIGH"}}, True),
        (BITS | {"confidence": {"cloud": "cloud == HIGH"}}, False),
        (BITS | {"not_clear_data": [2], "confidence": {"cloud": "cloud == HIGH", "oli": True}}, False),
        ({"nodata": 255, "clear_data": [0], "not_clear_data": [2]}, False),
    ],
)
def test_masks_depend_on_the_sensor_through_cirrus_alone(mask: dict[str, object], depends: bool) -> None:
    parsed: QualityMask = parse_mask(mask)
    assert depends_on_sensor(parsed) is depends
