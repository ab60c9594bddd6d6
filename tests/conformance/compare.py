"""Values against values: every function here returns None, or the first difference as ``path: what``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from tests.conformance.tolerances import TEXT_PRECISION, Tolerance, near_unrounded

Difference = str | None


def compare(path: str, actual: Any, expected: Any, allowed: Tolerance, *, loose_numbers: bool = False) -> Difference:
    """Compare a value of any form. Objects may hold more than is expected, lists may not.

    ``loose_numbers`` applies the tolerance's differences to the numbers in lists (bounds, coordinates);
    single numbers always agree up to their decimal text.
    """
    if isinstance(expected, np.ndarray):
        return compare_array(path, actual, expected, allowed)
    if isinstance(expected, Mapping):
        if is_geometry(expected):
            return compare_geometry(path, actual, expected, allowed)
        return compare_mapping(path, actual, expected, allowed, loose_numbers=loose_numbers)
    if isinstance(expected, list | tuple):
        return _compare_list(path, actual, expected, allowed, loose_numbers=loose_numbers)
    return compare_scalar(path, actual, expected)


def compare_mapping(
    path: str, actual: Any, expected: Mapping[str, Any], allowed: Tolerance, *, loose_numbers: bool = False
) -> Difference:
    """Compare field by field; what ``actual`` holds besides is not looked at."""
    if not isinstance(actual, Mapping):
        return f"{path}: expected fields {sorted(expected)}, got {_short(actual)}"
    for name, value in expected.items():
        inner = f"{path}.{name}" if path else name
        if name not in actual:
            return f"{inner}: missing"
        difference = compare(inner, actual[name], value, allowed, loose_numbers=loose_numbers)
        if difference is not None:
            return difference
    return None


def _compare_list(
    path: str, actual: Any, expected: list[Any] | tuple[Any, ...], allowed: Tolerance, *, loose_numbers: bool
) -> Difference:
    values = actual.tolist() if isinstance(actual, np.ndarray) else actual
    if not isinstance(values, list | tuple):
        return f"{path}: expected {_short(expected)}, got {_short(actual)}"
    if len(values) != len(expected):
        return f"{path}: expected {len(expected)} entries {_short(expected)}, got {len(values)} {_short(values)}"
    for index, (value, wanted) in enumerate(zip(values, expected, strict=True)):
        inner = f"{path}[{index}]"
        if loose_numbers and _is_number(value) and _is_number(wanted):
            bound = allowed.absolute + max(allowed.relative, TEXT_PRECISION) * abs(wanted)
            difference = None if abs(value - wanted) <= bound else f"{inner}: expected {wanted}, got {value}"
        else:
            difference = compare(inner, value, wanted, allowed, loose_numbers=loose_numbers)
        if difference is not None:
            return difference
    return None


def compare_scalar(path: str, actual: Any, expected: Any) -> Difference:
    """Compare numbers (whole ones exactly), texts, truth values and None. Truth values are no numbers here."""
    value = actual.item() if isinstance(actual, np.generic) or _is_single(actual) else actual
    if _is_number(expected) and _is_number(value):
        same = value == expected or (np.isnan(value) and np.isnan(expected))
        if isinstance(expected, float):
            same = same or abs(value - expected) <= TEXT_PRECISION * abs(expected)
    else:
        same = type(value) is type(expected) and value == expected
    return None if same else f"{path}: expected {_short(expected)}, got {_short(actual)}"


def compare_array(path: str, actual: Any, expected: np.ndarray, allowed: Tolerance) -> Difference:
    """Compare type, shape, mask, and the values where nothing is masked. NaN equals NaN.

    Integer types must agree exactly, of floating types any will do: the golden files hold float64 where the
    result is float32. A scalar counts as an array of one pixel.
    """
    if actual is None:
        return f"{path}: expected an array, got None"
    got = np.ma.atleast_1d(actual)
    wanted = np.ma.atleast_1d(expected)
    if (wanted.dtype.kind == "f") != (got.dtype.kind == "f") or (
        wanted.dtype.kind != "f" and wanted.dtype != got.dtype and not np.isscalar(actual)
    ):
        return f"{path}: expected {wanted.dtype}, got {got.dtype}"
    if got.shape != wanted.shape:
        return f"{path}: expected shape {wanted.shape}, got {got.shape}"
    masks = np.ma.getmaskarray(got), np.ma.getmaskarray(wanted)
    if not np.array_equal(*masks):
        return f"{path}: mask {_places(masks[0] != masks[1], masks[0], masks[1])}"
    values, wanted_values = np.ma.getdata(got), np.ma.getdata(wanted)
    close = _close(values, wanted_values, allowed) | masks[1]
    if path in allowed.rounded_fields:
        close |= near_unrounded(values, wanted_values, allowed)
    wrong = ~close
    if np.count_nonzero(wrong) <= allowed.mismatch_fraction * wrong.size:
        return None
    return f"{path}: {_places(wrong, values, wanted_values)}"


def _close(values: np.ndarray, wanted: np.ndarray, allowed: Tolerance) -> np.ndarray:
    close: np.ndarray = values == wanted
    if wanted.dtype.kind == "b":
        return close
    absolute, relative = allowed.for_array(wanted.dtype)
    with np.errstate(invalid="ignore"):  # infinity minus infinity: equal by the first test
        distance = np.abs(values.astype(np.float64) - wanted.astype(np.float64))
        close |= distance <= absolute + relative * np.abs(wanted.astype(np.float64))
    if wanted.dtype.kind == "f":
        close |= np.isnan(values) & np.isnan(wanted)
    return close


def is_geometry(value: Any) -> bool:
    """Tell GeoJSON geometries from other objects."""
    return isinstance(value, Mapping) and {"type", "coordinates"} <= value.keys()


def compare_geometry(path: str, actual: Any, expected: Mapping[str, Any], allowed: Tolerance) -> Difference:
    """Compare by the area of the symmetric difference.

    It may be ``absolute`` times the area where the tolerance says so, else what lies within ``absolute`` of
    the border.
    """
    if not isinstance(actual, BaseGeometry) and not is_geometry(actual):
        return f"{path}: expected a geometry, got {_short(actual)}"
    got = actual if isinstance(actual, BaseGeometry) else _geometry(actual)
    wanted = _geometry(expected)
    if got.is_empty or wanted.is_empty:
        same = got.is_empty and wanted.is_empty
        return None if same else f"{path}: {'empty' if got.is_empty else 'not empty'}, expected the opposite"
    apart = got.symmetric_difference(wanted).area
    bound = allowed.absolute * (wanted.area if allowed.relative_to_area else wanted.length)
    if apart <= bound + TEXT_PRECISION * wanted.area:
        return None
    return f"{path}: symmetric difference of {apart:.3g} (area {wanted.area:.3g}), allowed {bound:.3g}"


def _geometry(value: Mapping[str, Any]) -> BaseGeometry:
    return shape(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _is_single(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 0 and not np.ma.isMaskedArray(value)


def _places(wrong: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> str:
    first = tuple(int(index[0]) for index in np.nonzero(wrong))
    return (
        f"{np.count_nonzero(wrong)} of {wrong.size} differ, first at {first}: "
        f"expected {wanted[first]}, got {values[first]}"
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
