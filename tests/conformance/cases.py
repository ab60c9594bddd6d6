"""Golden cases on disk: where they are, and what their JSON means as Python and numpy values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

CORRECTION_SUFFIX = ".corrected.json"
_NUMBERS_AS_TEXT = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class MalformedCase(Exception):
    """A case that is not in the documented form. The case fails with this text."""


@dataclass(frozen=True)
class Case:
    """One golden case, decoded. ``corrected`` is the ``output`` of its correction, None without one."""

    name: str
    function: str
    input: dict[str, Any]
    output: dict[str, Any]
    expect: str
    corrected: dict[str, Any] | None
    differs_in: tuple[str, ...]
    accept: str
    tolerance: Mapping[str, Any]


def case_names(paths: Iterable[str]) -> list[str]:
    """Names (``<function>/<case id>``) of the cases among relative file paths, sorted.

    A case is a JSON file directly inside a function's folder that is no correction; ``index.json`` lies
    higher.
    """
    return sorted(
        path.removesuffix(".json")
        for path in paths
        if len(PurePosixPath(path).parts) == 2 and path.endswith(".json") and not path.endswith(CORRECTION_SUFFIX)
    )


def find_cases(root: Path) -> list[str]:
    """Names of the cases below ``root``, sorted. No index is needed."""
    return case_names(path.relative_to(root).as_posix() for path in root.glob("*/*.json"))


def load(root: Path, name: str) -> Case:
    """Read one case with its correction. Raises :class:`MalformedCase`."""
    path = root / f"{name}.json"
    raw, arrays = _read(path)
    correction_path = path.with_name(path.name.removesuffix(".json") + CORRECTION_SUFFIX)
    corrected = None
    if correction_path.is_file():
        correction, correction_arrays = _read(correction_path)
        corrected = decode(_field(correction, "output", correction_path), correction_arrays)
    function = name.split("/", maxsplit=1)[0]
    if raw.get("function", function) != function:
        raise MalformedCase(f"{path.name} says function {raw['function']!r} but lies in {function}/")
    return Case(
        name=name,
        function=function,
        input=decode(_field(raw, "input", path), arrays),
        output=decode(_field(raw, "output", path), arrays),
        expect=_field(raw, "expect", path),
        corrected=corrected,
        differs_in=tuple(raw.get("differs_in", ())),
        accept=raw.get("accept", ""),
        tolerance=raw.get("tolerance", {}),
    )


def decode(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Turn the JSON form of a value into Python and numpy values, arrays inside lists and objects included."""
    if isinstance(value, dict):
        if value.get("kind") in ("array", "masked_array"):
            return _decode_array(value, arrays)
        return {key: decode(entry, arrays) for key, entry in value.items()}
    if isinstance(value, list):
        return [decode(entry, arrays) for entry in value]
    return _NUMBERS_AS_TEXT.get(value, value) if isinstance(value, str) else value


def _decode_array(value: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    dtype = np.dtype(value["dtype"])
    # Texts such as NaN only become numbers by way of float; integers beyond 2**53 must not take that way.
    between = np.dtype(float) if dtype.kind == "f" else dtype
    data = _entries(value, arrays).astype(between).astype(dtype).reshape(value["shape"])
    if value["kind"] == "array":
        return data
    mask = _entries(value["mask"], arrays).astype(bool).reshape(data.shape)
    return np.ma.MaskedArray(data, mask=mask)


def _entries(value: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    if "npz" not in value:
        return np.array(value["values"], dtype=object)
    try:
        return arrays[value["npz"]]
    except KeyError:
        raise MalformedCase(f"the array {value['npz']!r} is not in the case's npz file") from None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The JSON object at ``path`` and the arrays of the npz file that it names, if any."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as reason:
        raise MalformedCase(f"{path.name} is no JSON: {reason}") from None
    if not isinstance(raw, dict):
        raise MalformedCase(f"{path.name} holds no JSON object")
    if "arrays" not in raw:
        return raw, {}
    with np.load(path.with_name(raw["arrays"]), allow_pickle=False) as stored:
        return raw, {key: stored[key] for key in stored.files}


def _field(raw: Mapping[str, Any], field: str, path: Path) -> Any:
    if field not in raw:
        raise MalformedCase(f"{path.name} has no field {field!r}")
    return raw[field]
