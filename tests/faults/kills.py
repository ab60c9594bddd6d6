"""Functions that are killed in the middle of their work, by SIGKILL, at a call they make or right after it."""

from __future__ import annotations

from tests.faults.bench import Bench
from tests.faults.door import Match
from tests.faults.fault import FINISHES, Fault, calls_of, claims, puts, records, table

_DIED = "Worker process died"
_SILENT = "could not say why"
"""Of a step of many parts only the parts know why they failed, and one that was killed cannot tell."""


def _killed(
    name: str, function: str, what: str, match: Match, *, step: str, says: str = _SILENT, since: str = "merge", at: str
) -> Fault:
    def inject(bench: Bench) -> None:
        bench.reset(since)
        effect = bench.kill_before if at == "before" else bench.kill_after
        with bench.fault(function, match, effect):
            build = bench.build()
        bench.check_failed(build, step=step, says=says)
        bench.heal(build)

    promise = f"the build fails at {step}, no half product is listed; a retry makes the rest, as soon as the claim ends"
    return Fault(name, what, promise, inject)


def _plan(name: str, what: str, match: Match, *, at: str) -> Fault:
    return _killed(f"plan-killed-{name}", "plan", what, match, step="plan", says=_DIED, at=at, since="blend")


def _search(name: str, what: str, match: Match, *, at: str) -> Fault:
    return _killed(f"search-killed-{name}", "search", what, match, step="search", says=_DIED, at=at, since="blend")


def _ended_without_word(name: str, what: str, match: Match, *, at: str) -> Fault:
    """Finish is killed; the event of the execution that failed for it closes the build."""

    def inject(bench: Bench) -> None:
        bench.reset("publish")
        effect = bench.kill_before if at == "before" else bench.kill_after
        with bench.fault("finish", match, effect):
            build = bench.build()
        bench.check_succeeded(build)
        bench.check_as_clean()

    promise = "everything is published; the event of the failed execution closes the build as what it is"
    return Fault(name, what, promise, inject)


def _fail_unit_killed(bench: Bench) -> None:
    bench.reset("publish")
    with (
        bench.fault("publish", claims("publish"), bench.kill_after),
        bench.fault("finish", table("UpdateItem", "UNIT#"), bench.kill_before),
    ):
        build = bench.build()
    bench.check_failed(build, step="build", says="stopped before it ended")
    bench.heal(build)


FAULTS = (
    _plan("before-its-plan", "Plan is killed before it writes plan.json", puts("/plan.json"), at="before"),
    _plan("before-its-units", "Plan is killed before it records the units", table("BatchWriteItem"), at="before"),
    _plan("after-its-units", "Plan is killed after it recorded the units", table("BatchWriteItem"), at="after"),
    _plan("before-units-file", "Plan is killed before it writes units.json", puts("/units.json"), at="before"),
    _plan("at-its-end", "Plan is killed after it marked the build RUNNING", table("UpdateItem"), at="after"),
    _search("before-merges", "Search is killed before it writes merges.json", puts("/merges.json"), at="before"),
    _search(
        "between-its-files", "Search is killed between merges.json and dates.json", puts("/dates.json"), at="before"
    ),
    _search(
        "at-its-totals", "Search is killed after it recorded its totals", table("UpdateItem", "totals"), at="after"
    ),
    _search("at-its-end", "Search is killed after it recorded its end", records("search"), at="after"),
    _killed(
        "merge-killed-before-claim",
        "merge",
        "Merge is killed before its claim",
        claims("merge"),
        step="merge",
        at="before",
    ),
    _killed(
        "merge-killed-after-claim",
        "merge",
        "Merge is killed with its claim held",
        claims("merge"),
        step="merge",
        at="after",
    ),
    _killed(
        "merge-killed-after-cog",
        "merge",
        "Merge is killed after the COG, before it finishes",
        puts(".tif"),
        step="merge",
        at="after",
    ),
    _killed(
        "merge-killed-after-finish",
        "merge",
        "Merge is killed after it finished, before its record",
        FINISHES,
        step="merge",
        at="after",
    ),
    _killed(
        "merge-killed-at-its-end",
        "merge",
        "Merge is killed after its record",
        records("merge"),
        step="merge",
        at="after",
    ),
    _killed(
        "quality-killed-after-claim",
        "prepare-blend",
        "PrepareDates is killed with its claim held",
        claims("prepare_dates"),
        step="prepare_dates",
        at="after",
        since="prepare_dates",
    ),
    _killed(
        "quality-killed-after-cog",
        "prepare-blend",
        "PrepareDates is killed after the COG, before it finishes",
        puts(".tif"),
        step="prepare_dates",
        at="after",
        since="prepare_dates",
    ),
    _killed(
        "quality-killed-after-finish",
        "prepare-blend",
        "PrepareDates is killed after it finished",
        FINISHES,
        step="prepare_dates",
        at="after",
        since="prepare_dates",
    ),
    _killed(
        "stack-killed-after-stack",
        "prepare-blend",
        "PrepareBlend is killed after stack.json",
        puts("/stack.json"),
        step="prepare_blend",
        says=_DIED,
        at="after",
        since="publish_dates",
    ),
    _killed(
        "stack-killed-before-blends",
        "prepare-blend",
        "PrepareBlend is killed before blends.json",
        puts("/blends.json"),
        step="prepare_blend",
        says=_DIED,
        at="before",
        since="publish_dates",
    ),
    _killed(
        "stack-killed-at-its-end",
        "prepare-blend",
        "PrepareBlend is killed after its record",
        records("prepare_blend"),
        step="prepare_blend",
        says=_DIED,
        at="after",
        since="publish_dates",
    ),
    _killed(
        "date-killed-after-claim",
        "publish",
        "PublishDates is killed with its claim held",
        claims("publish_dates"),
        step="publish_dates",
        at="after",
        since="publish_dates",
    ),
    _killed(
        "date-killed-before-item",
        "publish",
        "PublishDates is killed after the picture, before the item",
        puts(".png"),
        step="publish_dates",
        at="after",
        since="publish_dates",
    ),
    _killed(
        "date-killed-before-row",
        "publish",
        "PublishDates is killed after the item, before its row",
        table("PutItem", "ITEMS#"),
        step="publish_dates",
        at="before",
        since="publish_dates",
    ),
    _killed(
        "date-killed-before-link",
        "publish",
        "PublishDates is killed after the row, before the catalog",
        puts("catalog.json"),
        step="publish_dates",
        at="before",
        since="publish_dates",
    ),
    _killed(
        "date-killed-before-message",
        "publish",
        "PublishDates is killed after the catalog, before the message",
        calls_of("sns"),
        step="publish_dates",
        at="before",
        since="publish_dates",
    ),
    _killed(
        "date-killed-after-message",
        "publish",
        "PublishDates is killed after the message, before it notes that",
        calls_of("sns"),
        step="publish_dates",
        at="after",
        since="publish_dates",
    ),
    _killed(
        "date-killed-after-item",
        "publish",
        "PublishDates is killed after the item, before it finishes",
        puts("/small/", ".json"),
        step="publish_dates",
        at="after",
        since="publish_dates",
    ),
    _killed(
        "date-killed-after-finish",
        "publish",
        "PublishDates is killed after it finished",
        FINISHES,
        step="publish_dates",
        at="after",
        since="publish_dates",
    ),
    _killed(
        "blend-killed-after-claim",
        "blend",
        "Blend is killed with its claim held",
        claims("blend"),
        step="blend",
        at="after",
        since="blend",
    ),
    _killed(
        "blend-killed-after-cog",
        "blend",
        "Blend is killed after a band's COG, before it finishes",
        puts("_B04.tif"),
        step="blend",
        at="after",
        since="blend",
    ),
    _killed(
        "blend-killed-between-layers",
        "blend",
        "Blend is killed between the observation layers",
        puts("_CLEAROB.tif"),
        step="blend",
        at="after",
        since="blend",
    ),
    _killed(
        "blend-killed-after-finish",
        "blend",
        "Blend is killed after it finished",
        FINISHES,
        step="blend",
        at="after",
        since="blend",
    ),
    _killed(
        "publish-killed-after-claim",
        "publish",
        "Publish is killed with its claim held",
        claims("publish"),
        step="publish",
        says=_DIED,
        at="after",
        since="publish",
    ),
    _killed(
        "publish-killed-before-item",
        "publish",
        "Publish is killed after index and picture, before the item",
        puts("/small-1m-lcf/", ".json"),
        step="publish",
        says=_DIED,
        at="before",
        since="publish",
    ),
    _killed(
        "publish-killed-after-item",
        "publish",
        "Publish is killed after the item's PUT, before it finishes",
        puts("/small-1m-lcf/", ".json"),
        step="publish",
        says=_DIED,
        at="after",
        since="publish",
    ),
    _killed(
        "publish-killed-before-record",
        "publish",
        "Publish is killed after it finished, before its record",
        FINISHES,
        step="publish",
        says=_DIED,
        at="after",
        since="publish",
    ),
    _killed(
        "publish-killed-before-unit",
        "publish",
        "Publish is killed before it closes the unit",
        table("UpdateItem", "UNIT#"),
        step="publish",
        says=_DIED,
        at="before",
        since="publish",
    ),
    _ended_without_word(
        "finish-killed-before-closing",
        "Finish is killed before it closes the build",
        table("UpdateItem", "finished_at"),
        at="before",
    ),
    _ended_without_word(
        "finish-killed-after-closing",
        "Finish is killed after it closed the build",
        table("UpdateItem", "finished_at"),
        at="after",
    ),
    Fault(
        "fail-unit-killed",
        "Publish is killed, and so is who was to record that",
        "Finish closes the unit; a retry makes the rest",
        _fail_unit_killed,
    ),
)
