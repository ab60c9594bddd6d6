"""What operators and the platform do to a build that runs, and what breaks between them and it."""

from __future__ import annotations

import io
import json
import zipfile

from stratocube.local.deploy import deploy
from stratocube.local.project import find_project
from stratocube.local.stack import local_parameters
from tests.faults.bench import FUNCTIONS, Bench, expect
from tests.faults.door import Effect, Gate, Match, lose_answer, refuse, reset
from tests.faults.fault import Fault, calls_of, claims, first, puts, table
from tests.faults.running import PARAMETERS, configure, lead_through_doors
from tests.unit.workflow.small_build import UNIT


def _stopped(name: str, function: str, what: str, match: Match, *, since: str) -> Fault:
    def inject(bench: Bench) -> None:
        bench.reset(since)
        gate = Gate()
        with bench.fault(function, match, gate):
            build_id = bench.start()
            gate.wait()
            bench.stop(build_id)
            build = bench.wait(build_id)
            bench.check_failed(build, step="build", says="stopped")
            gate.open()
            bench.settle()
        bench.check_nothing_half()
        # Here the children of a stopped execution go on, so the unit may have ended after all.
        bench.check_succeeded(bench.build())
        bench.check_as_clean()

    promise = "the build and its units are closed as stopped; nothing half is listed; the next build makes the rest"
    return Fault(name, what, promise, inject)


def _cancelled(bench: Bench) -> None:
    bench.reset()
    gate = Gate()
    with bench.fault("merge", puts(".tif"), gate):
        build_id = bench.start()
        gate.wait()
        first_press = bench.stack.call("POST", f"/builds/{build_id}/cancel")
        second_press = bench.stack.call("POST", f"/builds/{build_id}/cancel")
        gate.open()
        bench.settle()
    expect(first_press["claims_released"] > 0, f"no claim was released: {first_press}")
    expect((second_press["status"], second_press["claims_released"]) == ("CANCELLED", 0), f"{second_press}")
    bench.check_nothing_half()
    again = bench.retry(build_id)
    bench.check_succeeded(again)
    bench.check_as_clean()


def _cancel_half_done(bench: Bench) -> None:
    bench.reset("publish")
    gate = Gate()
    with (
        bench.fault("publish", claims("publish"), gate),
        bench.fault("api", calls_of("states"), refuse(503, "ServiceUnavailable"), nth=lambda count: 2 <= count <= 3),
    ):
        build_id = bench.start()
        gate.wait()
        status, _ = bench.stack.request("POST", f"/builds/{build_id}/cancel")
        expect(status == 503, f"the cancel that could not stop the execution answered {status}")
        answer = bench.stack.call("POST", f"/builds/{build_id}/cancel")
        expect((answer["status"], answer["execution_stopped"]) == ("CANCELLED", True), f"{answer}")
        gate.open()
        bench.settle()
    bench.check_nothing_half()
    bench.check_succeeded(bench.retry(build_id))
    bench.check_as_clean()


def _timed_out(function: str, step: str, match: Match, *, since: str, says: str) -> Fault:
    def inject(bench: Bench) -> None:
        bench.reset(since)
        before = configure(bench, function, timeout=8)
        gate = Gate()
        try:
            with bench.fault(function, match, gate):
                build = bench.build()
                gate.open()
        finally:
            configure(bench, function, timeout=before)
        bench.check_failed(build, step=step, says=says)
        bench.heal(build)

    what = f"{function} runs out of its time in the middle of a write"
    return Fault(f"{function}-times-out", what, f"the build fails at {step}; a retry makes the rest", inject)


def _new_code(bench: Bench) -> None:
    """Every function gets new code while the build runs; whoever is at work may be cut off."""
    bench.reset()
    gate = Gate()
    with bench.fault("merge", puts(".tif"), gate):
        build_id = bench.start()
        gate.wait()
        for name in FUNCTIONS:
            bench.client("lambda").update_function_code(FunctionName=f"stratocube-{name}", ZipFile=_code(name))
        gate.open()
        build = bench.wait(build_id)
    _succeeds_or_heals(bench, build)


def _redeployed(bench: Bench) -> None:
    """The stack is updated by CloudFormation while the build runs."""
    bench.reset("publish_dates")
    gate = Gate()
    parameters = {**local_parameters(), **PARAMETERS, "LogRetentionDays": "14", "MergeMemory": "2049"}
    with bench.fault("publish", claims("publish_dates"), gate):
        build_id = bench.start()
        gate.wait()
        deploy(bench.stack.emulator, find_project().template, parameters)
        lead_through_doors(bench)
        gate.open()
        build = bench.wait(build_id)
    _succeeds_or_heals(bench, build)


def _succeeds_or_heals(bench: Bench, build: object) -> None:
    assert isinstance(build, dict)
    if build["status"] == "SUCCEEDED":
        bench.check_succeeded(build)
        bench.check_as_clean()
    else:
        bench.heal(build)


def _code(function: str) -> bytes:
    """A function's code with a file more."""
    body = io.BytesIO()
    source = find_project().template.parent.parent / "functions" / function.replace("-", "_")
    with zipfile.ZipFile(body, "w") as archive:
        for path in source.glob("*.py"):
            archive.write(path, path.name)
        archive.writestr("release.txt", "new")
    return body.getvalue()


def _start_refused(bench: Bench) -> None:
    bench.reset("publish")
    before = _builds(bench)
    with bench.fault("api", calls_of("states"), refuse(400, "ExecutionLimitExceeded"), nth=first(2)):
        status, answer = bench.stack.request("POST", "/start", bench.request())
    expect(status in {429, 502, 503}, f"the start was answered {status}: {answer}")
    (build_id,) = _builds(bench) - before
    closed = bench.answer(build_id)
    expect(closed["status"] == "FAILED" and "ExecutionLimitExceeded" in closed["cause"], f"{closed}")
    bench.check_succeeded(bench.build())
    bench.check_as_clean()


def _start_unanswered(name: str, what: str, match: Match, effect: Effect) -> Fault:
    """The answer to a write of the API is lost, and the client beneath sends it again."""

    def inject(bench: Bench) -> None:
        bench.reset("publish")
        before = _builds(bench)
        with bench.fault("api", match, effect):
            build = bench.build()
        bench.check_succeeded(build)
        expect(_builds(bench) - before == {build["build_id"]}, "there is more than one build")
        bench.check_as_clean()

    return Fault(name, what, "one build is started, and runs once", inject)


def _builds(bench: Bench) -> set[str]:
    return {
        build["build_id"] for build in bench.stack.call("GET", "/builds?cube_id=SMALL-1M-LCF-1&limit=100")["builds"]
    }


def _stop_told_twice(bench: Bench) -> None:
    """The event of a stopped execution comes twice, and late: when a retry has made everything."""
    bench.reset("publish")
    gate = Gate()
    with bench.fault("publish", claims("publish"), bench.kill_after):
        build = bench.build()
    bench.heal(build)
    rows = bench.rows(build["build_id"])
    detail = {
        "executionArn": bench.execution(build["build_id"]),
        "stateMachineArn": bench.stack.outputs["StateMachineArn"],
        "name": build["build_id"],
        "status": "ABORTED",
        "input": json.dumps({"build_id": build["build_id"]}),
    }
    event = {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}
    for _ in range(2):
        _, error = bench.invoke("finish", event)
        expect(error is None, f"the event failed: {error}")
    expect(bench.rows(build["build_id"])[f"UNIT#{UNIT}"] == rows[f"UNIT#{UNIT}"], "the unit changed")
    expect(bench.answer(build["build_id"])["status"] == "FAILED", "the build changed")
    bench.check_as_clean()
    gate.open()


FAULTS = (
    _stopped(
        "stopped-while-merging",
        "merge",
        "The execution is stopped by hand while merges are made",
        puts(".tif"),
        since="merge",
    ),
    _stopped(
        "stopped-while-publishing",
        "publish",
        "The execution is stopped by hand while the composite is published",
        claims("publish"),
        since="publish",
    ),
    Fault(
        "cancelled-twice",
        "A build is cancelled while merges are made, twice",
        "the second press changes nothing; a retry makes the rest",
        _cancelled,
    ),
    Fault(
        "cancel-half-done",
        "Step Functions does not answer the API's stop",
        "503, the build is CANCELLED all the same; the next press stops it; a retry makes the rest",
        _cancel_half_done,
    ),
    Fault(
        "stop-told-twice-and-late",
        "The event of a stopped execution comes twice, after a retry has made everything",
        "no record and no product changes",
        _stop_told_twice,
    ),
    _timed_out("merge", "merge", puts(".tif"), since="merge", says="ran out of time"),
    _timed_out("publish", "publish", puts("/small-1m-lcf/", ".json"), since="publish", says="timed out"),
    Fault(
        "new-code-while-merging",
        "Every function gets new code while merges are made",
        "the build succeeds, or fails and a retry makes the rest",
        _new_code,
    ),
    Fault(
        "stack-updated-while-publishing",
        "CloudFormation updates the stack while dates are published",
        "the build succeeds, or fails and a retry makes the rest",
        _redeployed,
    ),
    Fault(
        "start-refused",
        "Step Functions refuses to start the build",
        "the request is answered 429 or 503, the build closed as FAILED with the reason; the next request builds",
        _start_refused,
    ),
    _start_unanswered(
        "start-unanswered",
        "Step Functions starts the build, and its answer to the API is lost",
        calls_of("states"),
        lose_answer,
    ),
    _start_unanswered("start-reset", "The API's connection to Step Functions is reset", calls_of("states"), reset),
    _start_unanswered(
        "new-build-unanswered",
        "The build is recorded, and DynamoDB's answer to the API is lost",
        table("PutItem", "QUEUED"),
        lose_answer,
    ),
)
