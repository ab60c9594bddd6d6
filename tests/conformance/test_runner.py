"""The conformance runner itself: right outputs pass, wrong ones fail, in any directory of the documented form."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stratocube.errors import InvalidRequest
from tests.conformance.__main__ import main
from tests.conformance.adapters import Registry
from tests.conformance.cases import Case, find_cases, load
from tests.conformance.expectations import Expectation, expectations
from tests.conformance.runner import run_case, workspace

# Their outputs are judged by rules of their own, which have tests below.
OWN_RULES = ("create_grids", "prepare_blend")
# What the README calls informative.
NOT_COMPARED = {"save_as_cog": {"first_overview"}}

Output = Mapping[str, Any]


@pytest.fixture(scope="module")
def packed() -> Iterator[Path]:
    with workspace() as root:
        yield root


@pytest.fixture(scope="module")
def answers(packed: Path) -> list[tuple[Case, Expectation]]:
    """Every packed case that expects an output, with the recommended one."""
    cases = [load(packed, name) for name in find_cases(packed)]
    pairs = [(case, expectations(case)[0]) for case in cases if case.function not in OWN_RULES]
    return [(case, expectation) for case, expectation in pairs if expectation.fields is not None]


def reason(root: Path, name: str, adapter: Callable[[dict[str, Any], Path], Output]) -> str:
    return run_case(root, name, Registry({name.split("/", maxsplit=1)[0]: adapter}, {})).reason


def answering(output: Output) -> Callable[[dict[str, Any], Path], Output]:
    return lambda given, root: output


def refusing(given: dict[str, Any], root: Path) -> Output:
    raise InvalidRequest("no", field="input")


def write_case(root: Path, name: str, **fields: Any) -> str:
    path = root / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    case = {"id": path.stem, "function": path.parent.name, "expect": "same", "input": {}, **fields}
    path.write_text(json.dumps(case))
    return name


def array(values: list[Any], dtype: str = "int16", **more: Any) -> dict[str, Any]:
    return {"kind": "array", "dtype": dtype, "shape": [len(values)], "values": values, **more}


def test_the_recorded_answer_of_every_case_passes(packed: Path, answers: list[tuple[Case, Expectation]]) -> None:
    verdicts = {
        case.name: reason(packed, case.name, answering(expectation.fields or {})) for case, expectation in answers
    }
    assert not {name: text for name, text in verdicts.items() if text}
    assert len(verdicts) > 400


def test_every_case_fails_when_one_of_its_outputs_is_missing(
    packed: Path, answers: list[tuple[Case, Expectation]]
) -> None:
    for case, expectation in answers:
        for field in compared_fields(case, expectation):
            output = {name: value for name, value in (expectation.fields or {}).items() if name != field}
            assert reason(packed, case.name, answering(output)), f"{case.name} passes without {field}"


def test_every_case_fails_when_one_of_its_outputs_is_wrong(
    packed: Path, answers: list[tuple[Case, Expectation]]
) -> None:
    for case, expectation in answers:
        for field in compared_fields(case, expectation):
            output = copy.deepcopy(dict(expectation.fields or {}))
            output[field] = spoiled(output[field])
            assert reason(packed, case.name, answering(output)), f"{case.name} passes with a wrong {field}"


def compared_fields(case: Case, expectation: Expectation) -> list[str]:
    ignored = NOT_COMPARED.get(case.function, set()) | expectation.optional
    return [name for name in expectation.fields or {} if name not in ignored]


def spoiled(value: Any) -> Any:
    """Something else of the same form, as far as there is one."""
    if isinstance(value, np.ndarray):
        return spoiled_array(value)
    match value:
        case {"type": _, "coordinates": _}:
            other: Any = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
        case dict() if value:
            first = next(iter(value))
            other = {**value, first: spoiled(value[first])}
        case bool():
            other = not value
        case int() | float():
            other = value + 0.01
        case [list(), *rest]:
            other = [spoiled(value[0]), *rest]
        case list():
            other = [*value, "one more"]
        case _:
            other = "something else"
    return other


def spoiled_array(values: np.ndarray) -> np.ndarray:
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.MaskedArray(values.data, mask=~np.ma.getmaskarray(values))
    if values.dtype.kind == "b":
        return ~values
    if values.dtype.kind == "f":
        return np.where(np.isnan(values), 0, values + 3).astype(values.dtype)
    return np.asarray(np.bitwise_xor(values, 64))


def test_every_case_that_must_be_refused_fails_when_the_call_succeeds_or_breaks(packed: Path) -> None:
    def breaking(given: dict[str, Any], root: Path) -> Output:
        raise KeyError("bug")

    refused = [name for name in find_cases(packed) if expectations(load(packed, name))[0].fields is None]
    assert len(refused) > 20
    for name in refused:
        assert not reason(packed, name, refusing)
        assert "KeyError" in reason(packed, name, breaking)
        assert "expected a typed error" in reason(packed, name, answering({"result": 1}))


def test_a_refused_call_fails_when_text_was_executed_before(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def executing(given: dict[str, Any], root: Path) -> Output:
        monkeypatch.setattr(sys, "a_marker_of_this_test", 42, raising=False)
        raise InvalidRequest("too late", field="expression")

    assert "executed" in reason(packed, "qa_confidence_apply/qa_confidence_apply-unsafe-2", executing)


def test_a_call_that_is_refused_fails_where_an_output_is_expected(packed: Path) -> None:
    assert "expected an output" in reason(packed, "qa_statistics/qa_statistics-all-clear", refusing)


def test_an_integer_of_another_type_fails(packed: Path, answers: list[tuple[Case, Expectation]]) -> None:
    [(case, expectation)] = [pair for pair in answers if pair[0].name == "blend/blend-uint8-lcf"]
    fields = dict(expectation.fields or {})
    assert "uint8" in reason(packed, case.name, answering({**fields, "composite": fields["composite"].astype("int16")}))


def test_a_rounded_median_passes_and_one_further_off_does_not(packed: Path) -> None:
    name = "blend/blend-worked-example-med"
    fields = dict(expectations(load(packed, name))[0].fields or {})
    rounded_up = fields["composite"].copy()
    assert rounded_up[1, 2] == 411  # of 411.5
    rounded_up[1, 2] = 412
    assert not reason(packed, name, answering({**fields, "composite": rounded_up}))
    rounded_up[1, 2] = 413
    assert reason(packed, name, answering({**fields, "composite": rounded_up}))


def test_cases_need_no_index_and_corrections_are_no_cases(tmp_path: Path) -> None:
    write_case(tmp_path, "f/one", output={"a": 1})
    (tmp_path / "f" / "one.corrected.json").write_text("{}")
    (tmp_path / "index.json").write_text("{}")
    assert find_cases(tmp_path) == ["f/one"]


def test_unstated_outputs_of_a_correction_stay_those_of_the_reference(tmp_path: Path) -> None:
    name = write_case(tmp_path, "f/one", expect="differs", differs_in=["a"], output={"a": 1, "b": 2})
    (tmp_path / "f" / "one.corrected.json").write_text(json.dumps({"output": {"a": 3}}))
    assert not reason(tmp_path, name, answering({"a": 3, "b": 2}))
    assert reason(tmp_path, name, answering({"a": 1, "b": 2}))
    assert reason(tmp_path, name, answering({"a": 3, "b": 5}))


def test_either_accepts_the_reference_and_the_correction_but_no_mixture(tmp_path: Path) -> None:
    name = write_case(tmp_path, "f/one", expect="differs", accept="either", output={"a": 1, "b": 1})
    (tmp_path / "f" / "one.corrected.json").write_text(json.dumps({"output": {"a": 2, "b": 2}}))
    assert not reason(tmp_path, name, answering({"a": 1, "b": 1}))
    assert not reason(tmp_path, name, answering({"a": 2, "b": 2}))
    assert reason(tmp_path, name, answering({"a": 1, "b": 2}))


def test_statistics_of_either_pair_are_accepted_as_a_pair(tmp_path: Path) -> None:
    output = {"profile": {"dtype": "int16"}, "efficacy": 100, "cloud_ratio": 0}
    right = {"profile": {"dtype": "uint8"}, "efficacy": 0, "cloud_ratio": 100}
    name = write_case(tmp_path, "f/one", expect="differs", accept="statistics: either pair; …", output=output)
    (tmp_path / "f" / "one.corrected.json").write_text(json.dumps({"output": right}))
    assert not reason(tmp_path, name, answering(right))
    assert not reason(tmp_path, name, answering({**output, "profile": right["profile"]}))
    assert reason(tmp_path, name, answering(output))
    assert reason(tmp_path, name, answering({**right, "efficacy": 100}))


def test_masked_arrays_compare_masks_and_the_values_beside_them(tmp_path: Path) -> None:
    masked = array([1, 2, 3]) | {"kind": "masked_array", "mask": {"shape": [3], "values": [0, 1, 0]}}
    name = write_case(tmp_path, "f/one", output={"a": masked})

    def answer(values: list[int], mask: list[bool]) -> str:
        return reason(tmp_path, name, answering({"a": np.ma.MaskedArray(np.array(values, "int16"), mask=mask)}))

    assert not answer([1, 99, 3], [False, True, False])
    assert "mask" in answer([1, 2, 3], [False, False, False])
    assert answer([1, 2, 4], [False, True, False])


def test_numbers_written_as_text_are_numbers(tmp_path: Path) -> None:
    name = write_case(tmp_path, "f/one", output={"a": array(["NaN", "Infinity", 0.5], "float32")})
    assert not reason(tmp_path, name, answering({"a": np.array([np.nan, np.inf, 0.5], "float32")}))
    assert reason(tmp_path, name, answering({"a": np.array([0, np.inf, 0.5], "float32")}))


def test_a_share_of_the_pixels_may_be_off_where_the_tolerance_says_so(tmp_path: Path) -> None:
    output = {"a": array([10] * 200), "b": 10}
    name = write_case(tmp_path, "f/one", output=output, tolerance={"abs": 1, "mismatch_fraction": 0.01})
    pixels = np.full(200, 11, "int16")
    pixels[:2] = 500
    assert not reason(tmp_path, name, answering({"a": pixels, "b": 10}))
    assert reason(tmp_path, name, answering({"a": pixels, "b": 11}))
    pixels[2] = 500
    assert reason(tmp_path, name, answering({"a": pixels, "b": 10}))


def test_a_tolerance_nobody_knows_means_exact(tmp_path: Path) -> None:
    name = write_case(tmp_path, "f/one", output={"a": array([10])}, tolerance={"rule": "roughly right"})
    assert not reason(tmp_path, name, answering({"a": np.array([10], "int16")}))
    assert reason(tmp_path, name, answering({"a": np.array([11], "int16")}))


@pytest.mark.parametrize(
    "fields",
    [
        {"output": {"a": 1}, "expect": "perhaps"},
        {"output": {"a": 1}, "expect": "differs"},
        {"output": {"a": {"kind": "array", "dtype": "int8", "shape": [1], "npz": "nowhere"}}},
        {"output": {"a": {"kind": "array", "dtype": "int8", "shape": [2], "values": [1]}}},
        {},
    ],
)
def test_a_case_that_cannot_be_mapped_fails(tmp_path: Path, fields: dict[str, Any]) -> None:
    assert reason(tmp_path, write_case(tmp_path, "f/one", **fields), answering({"a": 1})).startswith("malformed case")


def test_a_function_without_adapter_fails_naming_the_modules_that_do_not_import(tmp_path: Path) -> None:
    name = write_case(tmp_path, "f/one", output={"a": 1})
    verdict = run_case(tmp_path, name, Registry({}, {"quality": "ImportError: no masks"}))
    assert verdict.reason == "no adapter for f (adapters.quality cannot be imported: ImportError: no masks)"


def test_the_command_prints_a_line_a_case_and_fails_with_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    timeline = {"day_of_year": 1, "timeline": ["2020-01-02"]}
    right = {"input": timeline, "output": {"timeline": ["2020-01-02"]}}
    write_case(tmp_path, "temporal_priority_timeline/right", **right)
    assert main([str(tmp_path)]) == 0
    write_case(tmp_path, "temporal_priority_timeline/wrong", input=timeline, output={"timeline": []})
    assert main([str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "PASS temporal_priority_timeline/right" in printed
    assert "FAIL temporal_priority_timeline/wrong: timeline: expected 0 entries" in printed


def test_the_command_fails_where_there_is_no_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1


def test_adapters_cannot_spoil_the_directory_of_cases(tmp_path: Path) -> None:
    write_case(tmp_path, "f/one", output={"a": 1})
    with workspace(tmp_path) as root:
        (root / "f" / "one.json").unlink()
    assert find_cases(tmp_path) == ["f/one"]
