"""Events that come twice, late, early, in the wrong order, or for nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.faults.bench import DATES, Bench, differences, expect
from tests.faults.door import Gate, Match
from tests.faults.fault import FUNCTIONS_ALONE, Fault, claims, puts
from tests.unit.workflow.small_build import UNIT

Event = tuple[str, Mapping[str, Any]]
_FLEETING = ("seconds", "ended_at", "steps", "calls", "gb_seconds", "gets", "puts")
"""What of a record may change when an event comes again: when, how long it took, and what it cost."""


def events_of(bench: Bench, build_id: str) -> dict[str, list[Event]]:
    """Every event of a build that ran, by step, as the state machine sends them."""
    unit = {"build_id": build_id, "unit_id": UNIT}
    dates = bench.tasks(build_id, "dates")
    return {
        "plan": [("plan", {"build_id": build_id})],
        "search": [("search", unit)],
        "merge": [("merge", task) for task in bench.tasks(build_id, "merges")],
        "prepare_dates": [("prepare-blend", date) for date in dates],
        "prepare_blend": [("prepare-blend", unit)],
        "publish_dates": [("publish", date) for date in dates],
        "blend": [("blend", task) for task in bench.tasks(build_id, "blends")],
        "publish": [("publish", unit)],
        "finish": [("finish", {"build_id": build_id})],
    }


def _finished(bench: Bench) -> tuple[str, Mapping[str, bytes], dict[str, Any]]:
    """A build that has ended, what is published and what the tables say."""
    build = bench.build()
    bench.check_succeeded(build)
    return build["build_id"], bench.objects(), _records(bench, build["build_id"])


def _records(bench: Bench, build_id: str) -> dict[str, Any]:
    return {
        name: {field: value for field, value in row.items() if field not in _FLEETING}
        for name, row in bench.rows(build_id).items()
    }


def _nothing_changed(bench: Bench, build_id: str, before: Mapping[str, bytes], rows: Mapping[str, Any]) -> None:
    expect(bench.objects() == before, "products changed")
    after = _records(bench, build_id)
    expect(after == rows, f"records changed: {differences(after, rows)}")
    bench.check_as_clean()


def _again(step: str, *, refused: str = "") -> Fault:
    def inject(bench: Bench) -> None:
        build_id, before, rows = _finished(bench)
        for function, event in events_of(bench, build_id)[step]:
            answer, error = bench.invoke(function, event)
            if refused:
                expect(refused in str(error), f"{step} was not refused: {answer or error}")
            else:
                expect(error is None, f"{step} came again and failed: {error}")
        _nothing_changed(bench, build_id, before, rows)

    promise = "not one byte of a product and no record changes, but what the calls cost is added"
    promise += ", it is refused" if refused else ""
    what = f"Every event of {step} comes again after the build has ended"
    return Fault(f"{step.replace('_', '-')}-comes-again", what, promise, inject, FUNCTIONS_ALONE)


def _twice_at_once(step: str, function: str, match: Match, *, since: str) -> Fault:
    def inject(bench: Bench) -> None:
        bench.reset(since)
        gate = Gate(after=True)
        with bench.fault(function, match, gate):
            build_id = bench.start()
            # Others may hold claims of the same step by now: what is asked for again is what stands at the gate.
            claimed = json.loads(gate.wait().body)["Item"]
            event = _event_of(bench, build_id, step, claimed["subject"]["S"])
            answer, error = bench.invoke(function, event)
            gate.open()
            expect(error is None and answer == {"outcome": "BUSY"}, f"the second one did not wait: {answer} {error}")
            build = bench.wait(build_id)
        bench.check_succeeded(build)
        bench.check_as_clean()

    what = f"An event of {step} comes twice at once: the second while the first holds the claim"
    return Fault(f"{step.replace('_', '-')}-twice-at-once", what, "the second answers BUSY and does nothing", inject)


def _event_of(bench: Bench, build_id: str, step: str, subject: str) -> Mapping[str, Any]:
    """The event whose work is called so."""
    unit = {"build_id": build_id, "unit_id": UNIT}
    if step == "publish":
        return unit
    if step == "blend":
        return unit | {"band": subject.rpartition(" ")[2]}
    day = next(day for day in DATES if day in subject)
    if step == "merge":
        return next(
            task for task in bench.tasks(build_id, "merges") if task["date"] == day and subject.endswith(task["band"])
        )
    return next(date for date in bench.tasks(build_id, "dates") if date["date"] == day)


def _backwards(bench: Bench) -> None:
    build_id, before, rows = _finished(bench)
    for step, events in reversed(events_of(bench, build_id).items()):
        for function, event in reversed(events):
            _, error = bench.invoke(function, event)
            expect(error is None or step == "plan", f"{step} failed: {error}")
    _nothing_changed(bench, build_id, before, rows)


def _early(bench: Bench) -> None:
    """Later steps' events come while the merges are being made."""
    bench.reset()
    gate = Gate()
    with bench.fault("merge", puts(".tif"), gate, nth=lambda _: True):
        build_id = bench.start()
        gate.wait()
        unit = {"build_id": build_id, "unit_id": UNIT}
        busy, _ = bench.invoke("prepare-blend", unit)
        expect(busy["outcome"] == "BUSY", f"blends were prepared without merges: {busy}")
        date, _ = bench.invoke("prepare-blend", bench.tasks(build_id, "dates")[0])
        expect(date == {"outcome": "BUSY"}, f"a date was prepared without its merges: {date}")
        for function, event in (
            ("blend", unit | {"band": "B04"}),
            ("publish", unit),
            ("publish", unit | {"date": DATES[0]}),
        ):
            answer, error = bench.invoke(function, event)
            expect(error is not None, f"{function} came early and answered {answer}")
        gate.open()
        build = bench.wait(build_id)
    bench.check_succeeded(build)
    bench.check_as_clean()


def _plan_again_while_running(bench: Bench) -> None:
    bench.reset("publish")
    gate = Gate()
    with bench.fault("publish", claims("publish"), gate):
        build_id = bench.start()
        gate.wait()
        before = _records(bench, build_id)
        _, error = bench.invoke("plan", {"build_id": build_id})
        expect(error is None, f"Plan came again and failed: {error}")
        expect(_records(bench, build_id) == before, f"records: {differences(_records(bench, build_id), before)}")
        gate.open()
        build = bench.wait(build_id)
    bench.check_succeeded(build)
    bench.check_as_clean()


def _plan_lags_behind(bench: Bench) -> None:
    """Plan comes twice; the first is held up before it records its units until the second's units have run."""
    bench.reset("publish")
    gate = Gate()
    with bench.fault("plan", puts("/plan.json"), gate):
        build_id = bench.start()
        gate.wait()
        _, error = bench.invoke("plan", {"build_id": build_id})
        expect(error is None, f"the second Plan failed: {error}")
        _, error = bench.invoke("search", {"build_id": build_id, "unit_id": UNIT})
        expect(error is None, f"Search failed: {error}")
        gate.open()
        build = bench.wait(build_id)
    if build["status"] != "SUCCEEDED":
        bench.check_failed(build, step="plan", says="is RUNNING")
        bench.heal(build)
    expect(bench.rows(build_id)[f"UNIT#{UNIT}"]["status"]["S"] != "PLANNED", "the late Plan undid what had run")
    bench.check_as_clean()


def _failure_comes_late(bench: Bench) -> None:
    build_id, before, rows = _finished(bench)
    failure = {"failed_step": "merge", "error": {"Error": "States.Timeout", "Cause": "late"}}
    _, error = bench.invoke("finish", {"build_id": build_id, "unit_id": UNIT} | failure)
    expect(error is None, f"it failed: {error}")
    _, error = bench.invoke("finish", {"build_id": build_id, "failed_step": "build_units", "error": failure["error"]})
    expect(error is None, f"it failed: {error}")
    _nothing_changed(bench, build_id, before, rows)


def _of_nothing(bench: Bench) -> None:
    build_id, before, rows = _finished(bench)
    unknown = "20200101T000000000Z-0000000000"
    for events in events_of(bench, build_id).values():
        for function, event in events:
            answer, error = bench.invoke(function, dict(event) | {"build_id": unknown})
            expect(error is not None, f"{function} worked for a build that is not: {answer}")
    expect(bench.header(unknown) == {}, "a build was made up")
    for name in bench.rows(unknown):
        expect(name.startswith("DONE#"), f"a record was made up: {name}")
    _nothing_changed(bench, build_id, before, rows)


FAULTS = (
    _again("plan", refused="is SUCCEEDED"),
    _again("search"),
    _again("merge"),
    _again("prepare_dates"),
    _again("prepare_blend"),
    _again("publish_dates"),
    _again("blend"),
    _again("publish"),
    _again("finish"),
    Fault(
        "all-events-backwards",
        "Every event of a build comes again, the last one first",
        "not one byte and no record changes, but what the calls cost is added",
        _backwards,
        FUNCTIONS_ALONE,
    ),
    _twice_at_once("merge", "merge", claims("merge"), since="merge"),
    _twice_at_once("prepare_dates", "prepare-blend", claims("prepare_dates"), since="prepare_dates"),
    _twice_at_once("publish_dates", "publish", claims("publish_dates"), since="publish_dates"),
    _twice_at_once("blend", "blend", claims("blend"), since="blend"),
    _twice_at_once("publish", "publish", claims("publish"), since="publish"),
    Fault(
        "later-steps-come-early",
        "Events of later steps come while the merges are being made",
        "they answer BUSY or fail without a trace; the build goes on",
        _early,
    ),
    Fault(
        "plan-comes-again-while-running",
        "Plan comes again while units run",
        "it answers as before; no unit goes back to PLANNED",
        _plan_again_while_running,
    ),
    Fault(
        "plan-lags-behind",
        "Plan comes twice, and the first is held up until the second's units run",
        "the late one writes no unit again",
        _plan_lags_behind,
    ),
    Fault(
        "failure-comes-late",
        "The failure of a unit and of the execution are told after the build has succeeded",
        "what succeeded stays so",
        _failure_comes_late,
        FUNCTIONS_ALONE,
    ),
    Fault(
        "events-of-no-build",
        "Every event comes with the id of a build that is not",
        "each is refused; nothing is made up",
        _of_nothing,
        FUNCTIONS_ALONE,
    ),
)
