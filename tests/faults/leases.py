"""Claims that end before their holders do, and holders who end before their claims."""

from __future__ import annotations

from datetime import timedelta

from stratocube.workflow.context import Invocation
from stratocube.workflow.merge import merge_date
from stratocube.workflow.plan import plan_build
from stratocube.workflow.search import search_unit
from stratocube.workflow.tasks import MergeTask
from tests.faults.bench import Bench, expect
from tests.faults.door import Gate, Match
from tests.faults.fault import FINISHES, IN_PROCESS, Fault, claims, puts
from tests.faults.running import configure, in_process
from tests.unit.workflow.small_build import CUBE, UNIT

SHORT_SECONDS = 8


def _zombie(name: str, function: str, what: str, match: Match, *, since: str, after: bool = False) -> Fault:
    """The claim of a worker who is held up ends; a second build does the work; then the first goes on."""

    def inject(bench: Bench) -> None:
        bench.reset(since)
        gate = Gate(after=after)
        with bench.fault(function, match, gate):
            slow = bench.start()
            gate.wait()
            expect(bench.expire_claims(slow) > 0, "no claim was held")
            quick = bench.wait(bench.start())
            bench.check_succeeded(quick)
            bench.check_as_clean()
            published = bench.objects()
            gate.open()
            late = bench.wait(slow)
        bench.check_succeeded(late)
        items = {key: body for key, body in published.items() if key.endswith(".json")}
        expect({key: bench.read(key) for key in items} == items, "the late one wrote over an item")
        bench.check_as_clean()

    promise = "who took over finishes; the late one writes no item and takes what is there"
    return Fault(name, what, promise, inject)


def _expires_by_itself(bench: Bench) -> None:
    """No clock is moved here: the claim of a killed function ends when its time would have been over."""
    bench.reset()
    before = configure(bench, "merge", timeout=SHORT_SECONDS)
    try:
        with bench.fault("merge", claims("merge"), bench.kill_after):
            build = bench.build()
    finally:
        configure(bench, "merge", timeout=before)
    bench.check_failed(build, step="merge", says="could not say why")
    held = sum(row["status"]["S"] == "CLAIMED" for row in bench.activity_rows())
    expect(held > 0, "the killed function left no claim")
    bench.check_succeeded(bench.retry(build["build_id"]))
    bench.check_as_clean()


def _released_under_its_holder(bench: Bench) -> None:
    """A cancelled build's function goes on, and wants to write its item."""
    bench.reset("publish")
    gate = Gate()
    with bench.fault("publish", puts("/small-1m-lcf/", ".png"), gate):
        stopped = bench.start()
        gate.wait()
        answer = bench.stack.call("POST", f"/builds/{stopped}/cancel")
        expect(answer["status"] == "CANCELLED", f"{answer}")
        gate.open()
        bench.settle()
    listed = [key for key in bench.listed() if key.startswith("small-1m-lcf/") and key.endswith(".json")]
    expect(listed == ["small-1m-lcf/v1/collection.json"], f"a cancelled build published {listed}")
    expect(bench.answer(stopped)["units"]["cancelled"] == 1, "the unit is not cancelled")
    bench.check_succeeded(bench.retry(stopped))
    bench.check_as_clean()


def _fast_clock(bench: Bench) -> None:
    """A worker whose clock is an hour fast takes a claim that is alive."""
    bench.reset()
    gate = Gate()
    with bench.fault("merge", puts(".tif"), gate):
        build_id = bench.start()
        gate.wait()
        held = {row["activity_id"]["S"] for row in bench.activity_rows() if row["status"]["S"] == "CLAIMED"}
        with in_process(bench, ahead=timedelta(hours=1)) as fast:
            other = "fast-clock"
            fast.builds.create(other, CUBE, bench.request(), now=fast.now())
            plan_build(fast, other)
            search_unit(fast, other, UNIT)
            for task in bench.tasks(other, "merges"):
                if task["activity_id"] in held:
                    merge_date(fast, Invocation("fast", remaining_seconds=240), MergeTask.from_json(task))
        gate.open()
        build = bench.wait(build_id)
    bench.check_succeeded(build)
    bench.check_as_clean()


FAULTS = (
    _zombie(
        "late-merge", "merge", "A merge outlives its claim and finishes after its successor", FINISHES, since="merge"
    ),
    _zombie(
        "late-quality",
        "prepare-blend",
        "PrepareDates outlives its claim and finishes after its successor",
        FINISHES,
        since="prepare_dates",
    ),
    _zombie(
        "late-date",
        "publish",
        "The publication of a date outlives its claim: it would write its item after its successor's",
        puts("/small/", ".png"),
        since="publish_dates",
    ),
    _zombie(
        "late-blend", "blend", "A blend outlives its claim and finishes after its successor", FINISHES, since="blend"
    ),
    _zombie(
        "late-publish",
        "publish",
        "Publish outlives its claim before its item",
        puts("/small-1m-lcf/", ".png"),
        since="publish",
    ),
    _zombie(
        "late-item",
        "publish",
        "Publish outlives its claim between its last look at it and the item's PUT",
        puts("/small-1m-lcf/", ".json"),
        since="publish",
    ),
    Fault(
        "claim-expires",
        "A function is killed with its claim held; a retry follows at once",
        "the retry waits until the claim ends, then does the work",
        _expires_by_itself,
    ),
    Fault(
        "claim-released",
        "A build is cancelled while its Publish is at work",
        "it writes no item; a retry publishes",
        _released_under_its_holder,
    ),
    Fault(
        "clock-an-hour-fast",
        "A worker whose clock is an hour fast takes over a claim that is alive",
        "both make the same; one is kept, the other takes it",
        _fast_clock,
        IN_PROCESS,
    ),
)
