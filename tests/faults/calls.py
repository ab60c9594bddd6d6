"""Calls to S3 and DynamoDB that fail: every n-th, or all of one function."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from stratocube.workflow.executions import execution_reader
from stratocube.workflow.sweep import sweep_builds
from tests.faults.bench import FUNCTIONS, Answer, Bench, expect, until
from tests.faults.door import Call, Effect, Match, cut_short, lose_answer, refuse, reset
from tests.faults.fault import IN_PROCESS, Fault, always, calls_of, every, first, puts, table
from tests.faults.running import in_process

STEPS_OF_THE_MACHINE = tuple(name for name in FUNCTIONS if name != "api")


def _endured(name: str, what: str, match: Match, effect: Effect, nth: Callable[[int], bool]) -> Fault:
    """The client beneath tries again, and the build does not notice."""

    def inject(bench: Bench) -> None:
        bench.reset()
        with bench.fault(STEPS_OF_THE_MACHINE, match, effect, nth=nth) as rule:
            build = bench.build()
        expect(rule.hits > 1, f"only {rule.hits} calls failed")
        bench.check_succeeded(build)
        bench.check_as_clean()

    return Fault(name, what, "the calls are made again; the build succeeds as if nothing had been", inject)


def _fails(
    name: str, function: str, what: str, match: Match, effect: Effect, *, step: str, says: str, since: str
) -> Fault:
    """It does not stop: the step fails and says why."""

    def inject(bench: Bench) -> None:
        bench.reset(since)
        with bench.fault(function, match, effect, nth=always):
            build = bench.build()
        bench.check_failed(build, step=step, says=says)
        bench.heal(build)

    return Fault(name, what, f"the build fails at {step} and says why; a retry makes the rest", inject)


def _unplanned(bench: Bench) -> None:
    bench.reset("publish")
    with bench.fault("finish", calls_of("dynamodb"), _throttled, nth=first(7)):
        build = bench.build()
    _either(bench, build)


def _reads_cut(bench: Bench) -> None:
    """On AWS the machine tries a TransientRead again; here it cannot tell one, and the unit fails."""
    bench.reset()
    with bench.fault(STEPS_OF_THE_MACHINE, _reads, cut_short, nth=every(9)):
        build = bench.build()
    if build["status"] != "SUCCEEDED":
        cause = str(build["failed_units"])
        expect("TransientRead: /vsis3/" in cause and ".tif" in cause, f"it does not name the raster: {cause}")
    _either(bench, build)


def _end_untold(bench: Bench) -> None:
    """Neither Finish nor the event of the failed execution reaches the tables; the sweep comes by an hour later."""
    bench.reset("publish")
    machine = bench.client("stepfunctions")
    with bench.fault("finish", calls_of("dynamodb"), _denied, nth=always):
        build_id = bench.start()
        execution = bench.execution(build_id)
        until(
            lambda: machine.describe_execution(executionArn=execution)["status"] == "FAILED",
            "the execution to fail",
            60,
        )
        with in_process(bench, ahead=timedelta(hours=1)) as later:
            executions = execution_reader(bench.stack.outputs["StateMachineArn"], region="us-east-1")
            swept = sweep_builds(later, executions, stuck_after=timedelta(hours=1))
    expect(build_id in swept.closed, f"the sweep closed {swept.closed}")
    bench.check_succeeded(bench.answer(build_id))
    bench.check_as_clean()


def _either(bench: Bench, build: Answer) -> None:
    if build["status"] == "SUCCEEDED":
        bench.check_succeeded(build)
        bench.check_as_clean()
    else:
        bench.heal(build)


def _reads(call: Call) -> bool:
    return call.service == "s3" and call.method == "GET"


def _writes(call: Call) -> bool:
    return call.service == "s3" and call.method == "PUT"


_throttled = refuse(400, "ProvisionedThroughputExceededException")
_denied = refuse(400, "AccessDeniedException")
_no_key = refuse(400, "KMS.DisabledException")
"""Somebody has disabled the key of a bucket: no client tries that again."""
_slow_down = refuse(503, "SlowDown")
_broken = refuse(500, "InternalError")
_s3, _dynamodb = calls_of("s3"), calls_of("dynamodb")

FAULTS = (
    _endured("every-7th-s3-slow-down", "Every 7th call of S3 is answered 503 SlowDown", _s3, _slow_down, every(7)),
    _endured("every-5th-s3-error", "Every 5th call of S3 is answered 500 InternalError", _s3, _broken, every(5)),
    _endured("every-6th-s3-reset", "Every 6th connection to S3 is reset", _s3, reset, every(6)),
    Fault(
        "every-9th-s3-read-cut",
        "Every 9th answer of S3 to a read ends in the middle",
        "documents are read again; of a raster the step fails with its address and a retry makes the rest",
        _reads_cut,
    ),
    _endured(
        "every-4th-s3-write-unanswered",
        "Every 4th write to S3 is done and its answer lost",
        _writes,
        lose_answer,
        every(4),
    ),
    _endured("every-3rd-table-throttled", "Every 3rd call of DynamoDB is throttled", _dynamodb, _throttled, every(3)),
    _endured(
        "every-5th-table-error",
        "Every 5th call of DynamoDB is answered 500",
        _dynamodb,
        refuse(500, "InternalServerError"),
        every(5),
    ),
    _endured("every-4th-table-reset", "Every 4th connection to DynamoDB is reset", _dynamodb, reset, every(4)),
    _endured(
        "every-2nd-table-answer-lost",
        "Every 2nd call of DynamoDB is done and its answer lost",
        _dynamodb,
        lose_answer,
        every(2),
    ),
    _endured(
        "every-6th-table-answer-cut", "Every 6th answer of DynamoDB ends in the middle", _dynamodb, cut_short, every(6)
    ),
    _endured(
        "items-conflict",
        "S3 answers the write of items 409 ConditionalRequestConflict, three times",
        puts("SMALL", ".json"),
        refuse(409, "ConditionalRequestConflict"),
        first(3),
    ),
    _endured(
        "items-changed",
        "S3 answers the write of items 412, as if somebody had written them, three times",
        puts("SMALL", ".json"),
        refuse(412, "PreconditionFailed"),
        first(3),
    ),
    _endured(
        "collections-changed",
        "S3 answers the write of collections 412, three times",
        puts("collection.json"),
        refuse(412, "PreconditionFailed"),
        first(3),
    ),
    _fails(
        "plan-refused",
        "plan",
        "DynamoDB refuses every write of units",
        table("BatchWriteItem"),
        _denied,
        step="plan",
        says="AccessDenied",
        since="publish",
    ),
    _fails(
        "search-cannot-write",
        "search",
        "S3 refuses every write of Search",
        _writes,
        _no_key,
        step="search",
        says="KMS.Disabled",
        since="publish",
    ),
    _fails(
        "merge-throttled",
        "merge",
        "DynamoDB throttles every claim of one band's merges",
        table("PutItem", '"CLAIMED"', '"merge"', ' B04"'),
        _throttled,
        step="merge",
        says="could not say why",
        since="merge",
    ),
    _fails(
        "merge-cannot-write",
        "merge",
        "S3 refuses every COG of a merge",
        puts(".tif"),
        _slow_down,
        step="merge",
        says="SlowDown",
        since="merge",
    ),
    _fails(
        "quality-cannot-write",
        "prepare-blend",
        "S3 refuses every COG of PrepareDates",
        puts(".tif"),
        _no_key,
        step="prepare_dates",
        says="KMS.Disabled",
        since="prepare_dates",
    ),
    _fails(
        "stack-cannot-write",
        "prepare-blend",
        "S3 refuses stack.json",
        puts("/stack.json"),
        _no_key,
        step="prepare_blend",
        says="KMS.Disabled",
        since="publish_dates",
    ),
    _fails(
        "date-cannot-write",
        "publish",
        "S3 refuses every item of a date",
        puts("/small/", ".json"),
        _no_key,
        step="publish_dates",
        says="KMS.Disabled",
        since="publish_dates",
    ),
    _fails(
        "blend-cannot-read",
        "blend",
        "Merges cannot be read by Blend",
        lambda call: _reads(call) and call.path.endswith(".tif"),
        _no_key,
        step="blend",
        says=".tif",
        since="blend",
    ),
    _fails(
        "publish-cannot-write",
        "publish",
        "S3 refuses the item of the composite",
        puts("/small-1m-lcf/", ".json"),
        _no_key,
        step="publish",
        says="KMS.Disabled",
        since="publish",
    ),
    Fault(
        "finish-throttled",
        "DynamoDB throttles the first calls of Finish",
        "the event of the failed execution closes the build",
        _unplanned,
    ),
    Fault(
        "end-untold",
        "Neither Finish nor the event of its failed execution reaches the tables",
        "the sweep closes the build as what it is",
        _end_untold,
        IN_PROCESS,
    ),
)
