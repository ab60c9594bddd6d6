"""The state machine as it runs: its branches with canned answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.infra.interpreter import Answer, FunctionError, Json, Run, run

UNITS = ("011009_2023-08-01_2023-08-31", "012009_2023-08-01_2023-08-31")
DATES = ("2023-08-10", "2023-08-15")
BANDS = ("red", "SCL")


def merge_task(unit: str, date: str, band: str) -> Json:
    return {"build_id": "b1", "unit_id": unit, "date": date, "band": band, "sources": [{"href": "s3://scenes/1.tif"}]}


def files(*, units: tuple[str, ...] = UNITS, dates: tuple[str, ...] = DATES) -> dict[str, Any]:
    """The task lists of a build, by key."""
    objects: dict[str, Any] = {"units.json": [{"build_id": "b1", "unit_id": unit} for unit in units]}
    for unit in units:
        objects[f"{unit}/merges.json"] = [merge_task(unit, date, band) for date in dates for band in BANDS]
        objects[f"{unit}/dates.json"] = [{"build_id": "b1", "unit_id": unit, "date": date} for date in dates]
        objects[f"{unit}/blends.json"] = [{"build_id": "b1", "unit_id": unit, "band": band} for band in BANDS if dates]
    return objects


def at(key: str) -> Json:
    return {"bucket": "work", "key": key}


def planned(*, priority: str = "live") -> Json:
    """What the build's own states pass on once it is planned; every concurrency of the definition is 7 here."""
    return {"build_id": "b1", "units": {**at("units.json"), "priority": priority}, "concurrency": {"units": 7}}


def good_answers() -> dict[str, Answer]:
    def finish(payload: Json) -> Json:
        return {"status": "FAILED" if {"unit_id", "error"} & set(payload) else "SUCCEEDED", "build_id": "b1"}

    def prepare(payload: Json) -> Json:
        if "date" in payload:
            return {"outcome": "REUSED"}
        return {**payload, "blends": at(f"{payload['unit_id']}/blends.json")}

    return {
        "Plan": lambda payload: {**payload, "priority": "live", "units": at("units.json")},
        "Search": lambda payload: {
            **payload,
            "proceed": True,
            "merges": at(f"{payload['unit_id']}/merges.json"),
            "dates": at(f"{payload['unit_id']}/dates.json"),
        },
        "Merge": lambda _: {"outcome": "BUILT"},
        "PrepareBlend": prepare,
        "Blend": lambda _: {"outcome": "REUSED"},
        "Publish": lambda _: {"outcome": "BUILT"},
        "Finish": finish,
    }


def failing(answer: Answer, when: Callable[[Json], bool], error: FunctionError) -> Answer:
    """``answer``, but ``error`` for the payloads ``when`` picks."""

    def answered(payload: Json) -> Any:
        if when(payload):
            raise error
        return answer(payload)

    return answered


def in_turn(*answers: Any) -> Answer:
    """One answer after the other, whatever is asked; the last one stays. An exception is raised."""
    remaining = list(answers)

    def answered(_: Json) -> Any:
        answer = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return answered


def counts(record: Run) -> dict[str, int]:
    return dict(Counter(name for name, _ in record.calls))


def of_unit(record: Run, function: str, unit: str) -> list[Json]:
    return [payload for payload in record.payloads(function) if payload.get("unit_id") == unit]


def test_a_build_runs_every_step_of_every_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    record = run(monkeypatch, good_answers(), files())
    assert (record.status, record.output) == ("SUCCEEDED", {"status": "SUCCEEDED"})
    assert counts(record) == {
        "Plan": 1,
        "Search": 2,
        "Merge": 8,
        "PrepareBlend": 2 * (len(DATES) + 1),
        "Publish": 2 * (len(DATES) + 1),
        "Blend": 4,
        "Finish": 1,
    }


def test_every_function_gets_just_its_ids_or_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = UNITS[0]
    record = run(monkeypatch, good_answers(), files(units=(unit,), dates=DATES[:1]))
    ids = {"build_id": "b1", "unit_id": unit}
    assert record.payloads("Plan") == [{"build_id": "b1"}]
    assert record.payloads("Search") == [ids]
    by_band = {payload["band"]: payload for payload in record.payloads("Merge")}
    assert by_band == {band: merge_task(unit, DATES[0], band) for band in BANDS}
    assert record.payloads("PrepareBlend") == [{**ids, "date": DATES[0]}, ids]
    assert record.payloads("Publish") == [{**ids, "date": DATES[0]}, ids]
    assert {payload["band"]: payload for payload in record.payloads("Blend")} == {
        band: {**ids, "band": band} for band in BANDS
    }
    assert record.payloads("Finish") == [planned()]


def test_steps_of_a_unit_wait_for_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    record = run(monkeypatch, good_answers(), files(units=UNITS[:1]))
    order = [name for name, _ in record.calls]
    assert order == [
        *["Plan", "Search"],
        *["Merge"] * 4,
        *["PrepareBlend"] * 3,
        *["Publish"] * 2,
        *["Blend"] * 2,
        *["Publish", "Finish"],
    ]


def test_a_failed_merge_fails_its_unit_by_name_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = good_answers()
    answers["Merge"] = failing(
        answers["Merge"],
        lambda payload: (payload["unit_id"], payload["date"], payload["band"]) == (UNITS[0], DATES[1], "red"),
        FunctionError("SourceMissing", "s3://scenes/1.tif: there is no such object"),
    )
    record = run(monkeypatch, answers, files())
    assert record.status == "SUCCEEDED"
    failed, closing = record.payloads("Finish")
    assert {name: failed[name] for name in ("build_id", "unit_id", "failed_step")} == {
        "build_id": "b1",
        "unit_id": UNITS[0],
        "failed_step": "merge",
    }
    assert set(failed["error"]) == {"Error", "Cause"}
    assert closing == planned()
    assert of_unit(record, "PrepareBlend", UNITS[0]) == []
    assert of_unit(record, "Publish", UNITS[1])[-1] == {"build_id": "b1", "unit_id": UNITS[1]}


@pytest.mark.parametrize(
    ("function", "when", "step"),
    [
        ("Search", lambda _: True, "search"),
        ("Merge", lambda _: True, "merge"),
        ("PrepareBlend", lambda payload: "date" in payload, "prepare_dates"),
        ("PrepareBlend", lambda payload: "date" not in payload, "prepare_blend"),
        ("Publish", lambda payload: "date" in payload, "publish_dates"),
        ("Blend", lambda payload: payload["band"] == "SCL", "blend"),
        ("Publish", lambda payload: "date" not in payload, "publish"),
    ],
)
def test_a_unit_that_fails_says_at_which_step(
    monkeypatch: pytest.MonkeyPatch, function: str, when: Callable[[Json], bool], step: str
) -> None:
    answers = good_answers()
    answers[function] = failing(answers[function], when, FunctionError("InvalidRequest", "no"))
    record = run(monkeypatch, answers, files(units=UNITS[:1]))
    assert [payload.get("failed_step") for payload in record.payloads("Finish")] == [step, None]


def test_a_task_list_that_is_gone_fails_the_step_that_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = files(units=UNITS[:1])
    del objects[f"{UNITS[0]}/blends.json"]
    record = run(monkeypatch, good_answers(), objects)
    failed = record.payloads("Finish")[0]
    assert (failed["failed_step"], failed["error"]["Error"]) == ("blend", "States.ItemReaderFailed")


def test_busy_work_is_asked_for_again_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, done = {"outcome": "BUSY"}, {"outcome": "REUSED"}
    answers = good_answers()
    for function in ("Merge", "Blend"):
        answers[function] = in_turn(busy, busy, done)
    answers["PrepareBlend"] = in_turn(busy, done, {"blends": at(f"{UNITS[0]}/blends.json")})
    answers["Publish"] = in_turn(busy, done, busy, busy, done)
    objects = files(units=UNITS[:1], dates=DATES[:1])
    record = run(monkeypatch, answers, objects)
    assert record.status == "SUCCEEDED"
    assert len(record.payloads("Merge")) == len(BANDS) + 2
    assert len(record.payloads("Blend")) == len(BANDS) + 2
    assert [("date" in payload) for payload in record.payloads("PrepareBlend")] == [True, True, False]
    assert [("date" in payload) for payload in record.payloads("Publish")] == [True, True, False, False, False]
    tasks = objects[f"{UNITS[0]}/merges.json"]
    assert all(payload in tasks for payload in record.payloads("Merge")), "an answer got into the next question"


def test_a_unit_without_scenes_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    record = run(monkeypatch, good_answers(), files(units=UNITS[:1], dates=()))
    assert record.status == "SUCCEEDED"
    assert counts(record) == {"Plan": 1, "Search": 1, "PrepareBlend": 1, "Publish": 1, "Finish": 1}


def test_reads_and_service_faults_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = good_answers()
    answers["Merge"] = in_turn(
        FunctionError("TransientRead", "timeout"),
        FunctionError("Lambda.TooManyRequestsException"),
        FunctionError("TransientRead", "timeout"),
        {"outcome": "BUILT"},
    )
    record = run(monkeypatch, answers, files(units=UNITS[:1], dates=DATES[:1]))
    assert record.status == "SUCCEEDED"
    assert len(record.payloads("Merge")) == len(BANDS) + 3
    assert len(record.payloads("Finish")) == 1


@pytest.mark.parametrize("error_type", ["InvalidRequest", "SourceMissing", "KeyError", "Sandbox.Timedout"])
def test_errors_that_would_come_again_are_not_tried_again(monkeypatch: pytest.MonkeyPatch, error_type: str) -> None:
    answers = good_answers()
    answers["Search"] = failing(answers["Search"], lambda _: True, FunctionError(error_type, "no"))
    record = run(monkeypatch, answers, files(units=UNITS[:1]))
    assert len(record.payloads("Search")) == 1
    assert record.payloads("Finish")[0]["error"]["Error"] == error_type


def test_a_read_that_stays_broken_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = good_answers()
    answers["Search"] = failing(answers["Search"], lambda _: True, FunctionError("TransientRead", "503"))
    record = run(monkeypatch, answers, files(units=UNITS[:1]))
    assert len(record.payloads("Search")) == 4
    assert record.payloads("Finish")[0]["error"]["Error"] == "TransientRead"


def test_a_build_that_cannot_be_planned_is_finished_with_the_error_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = good_answers()
    answers["Plan"] = failing(answers["Plan"], lambda _: True, FunctionError("InvalidRequest", "no such grid"))
    record = run(monkeypatch, answers, files())
    assert (record.status, record.error) == ("FAILED", "BuildFailed")
    (closing,) = record.payloads("Finish")
    assert closing["build_id"] == "b1"
    assert (closing["failed_step"], closing["error"]["Error"]) == ("plan", "InvalidRequest")
    assert "no such grid" in closing["error"]["Cause"]


def test_a_build_whose_units_cannot_be_read_is_finished_with_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    record = run(monkeypatch, good_answers(), {})
    assert record.status == "FAILED"
    (closing,) = record.payloads("Finish")
    assert (closing["failed_step"], closing["error"]["Error"]) == ("build_units", "States.ItemReaderFailed")


@pytest.mark.parametrize(
    ("status", "ends"), [("SUCCEEDED", "SUCCEEDED"), ("PARTIAL", "SUCCEEDED"), ("FAILED", "FAILED")]
)
def test_the_execution_fails_when_the_build_did(monkeypatch: pytest.MonkeyPatch, status: str, ends: str) -> None:
    answers = good_answers()
    answers["Finish"] = lambda _: {"build_id": "b1", "status": status}
    record = run(monkeypatch, answers, files(units=UNITS[:1], dates=()))
    assert record.status == ends


def test_a_backfill_runs_with_a_concurrency_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = good_answers()
    answers["Plan"] = lambda payload: {**payload, "priority": "backfill", "units": at("units.json")}
    record = run(monkeypatch, answers, files(units=UNITS[:1], dates=()))
    assert record.payloads("Finish") == [planned(priority="backfill")]


@pytest.mark.parametrize(("function", "step"), [("PrepareBlend", "prepare_blend"), ("Publish", "publish")])
def test_a_unit_that_is_busy_for_ever_fails_before_its_history_is_full(
    monkeypatch: pytest.MonkeyPatch, function: str, step: str
) -> None:
    answers = good_answers()
    answer = answers[function]
    answers[function] = lambda payload: {"outcome": "BUSY", "blends": answer(payload).get("blends")}
    record = run(monkeypatch, answers, files(units=UNITS[:1], dates=()))
    assert len(record.payloads(function)) == 201
    failed = record.payloads("Finish")[0]
    assert (failed["failed_step"], failed["error"]["Error"]) == (step, "Busy")


def test_a_unit_that_search_ended_does_nothing_more_while_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = good_answers()
    search = answers["Search"]
    answers["Search"] = lambda payload: search(payload) | {"proceed": payload["unit_id"] != UNITS[0]}
    record = run(monkeypatch, answers, files(units=UNITS[1:]) | {"units.json": files()["units.json"]})
    assert record.status == "SUCCEEDED"
    assert {payload["unit_id"] for payload in record.payloads("Search")} == set(UNITS)
    for function in ("Merge", "PrepareBlend", "Blend", "Publish"):
        assert {payload["unit_id"] for payload in record.payloads(function)} == {UNITS[1]}
    (closing,) = record.payloads("Finish")
    assert "unit_id" not in closing


def test_a_build_without_units_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    record = run(monkeypatch, good_answers(), files(units=()))
    assert record.status == "SUCCEEDED"
    assert counts(record) == {"Plan": 1, "Finish": 1}
