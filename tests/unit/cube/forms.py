"""Requests and definitions the tests of the cube model start from."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

EXAMPLES = Path(__file__).parents[3] / "examples" / "cubes"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


def example(name: str) -> dict[str, Any]:
    """One of the examples in the repository, as a caller would send it."""
    form: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return form


def small_cube(**changes: Any) -> dict[str, Any]:
    """The smallest cube that has everything."""
    found: dict[str, Any] = {
        "datacube": "TEST-1M",
        "datacube_identity": "TEST",
        "version": 2,
        "grs": "GRID",
        "resolution": 10,
        "temporal_composition": {"schema": "Continuous", "step": 1, "unit": "month"},
        "composite_function": "LCF",
        "bands": [
            {"name": "red", "common_name": "red", "data_type": "int16", "nodata": -9999},
            {"name": "nir", "common_name": "nir", "data_type": "int16", "nodata": -9999},
            {"name": "sat", "data_type": "uint16", "nodata": 1},
            {"name": "quality", "data_type": "uint8", "nodata": 255},
        ],
        "indexes": [
            {
                "name": "NDVI",
                "common_name": "ndvi",
                "data_type": "int16",
                "nodata": -9999,
                "metadata": {"expression": {"bands": ["nir", "red"], "value": "10000. * (nir - red) / (nir + red)"}},
            }
        ],
        "bands_quicklook": ["red", "nir", "red"],
        "quality_band": "quality",
        "parameters": {
            "mask": {"clear_data": [0, 1], "not_clear_data": [2, 3, 4], "nodata": 255, "saturated_band": "sat"}
        },
    }
    return found | changes


def changed(form: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of a form with one value replaced; ``...`` takes it out."""
    found = copy.deepcopy(form)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    inner: Any = found
    for step in steps:
        inner = inner[step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return found


def paths(value: Any, prefix: str = "") -> list[str]:
    """The path of every value in a form, objects and lists included."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for step, inner in steps:
        path = f"{prefix}{step}"
        found += [path, *paths(inner, f"{path}.")]
    return found
