"""Files and records that are lost or damaged between two steps, or between two builds."""

from __future__ import annotations

from tests.faults.bench import Bench, expect
from tests.faults.door import Gate, Match
from tests.faults.fault import Fault, claims, records, table
from tests.unit.workflow.small_build import UNIT

GARBAGE = b'{"cut in the mid'


def _work_file(
    name: str,
    file: str,
    what: str,
    *,
    held: tuple[str, Match],
    step: str,
    says: str,
    since: str,
    body: bytes | None = None,
) -> Fault:
    """A file of the build is taken away, or damaged, while a call is held up."""
    function, match = held

    def inject(bench: Bench) -> None:
        bench.reset(since)
        gate = Gate(after=True)
        with bench.fault(function, match, gate):
            build_id = bench.start()
            gate.wait()
            key, bucket = bench.work_file(build_id, file), bench.stack.outputs["WorkBucket"]
            if body is None:
                bench.client("s3").delete_object(Bucket=bucket, Key=key)
            else:
                bench.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
            gate.open()
            build = bench.wait(build_id)
        bench.check_failed(build, step=step, says=says)
        bench.heal(build)

    return Fault(name, what, f"the build fails at {step} and says why; a retry plans and makes the rest", inject)


def _plan_gone(bench: Bench) -> None:
    bench.reset("publish")
    gate = Gate(after=True)
    with bench.fault("publish", claims("publish"), gate):
        build_id = bench.start()
        gate.wait()
        bench.client("s3").delete_object(
            Bucket=bench.stack.outputs["WorkBucket"], Key=bench.work_file(build_id, "plan.json")
        )
        gate.open()
        build = bench.wait(build_id)
    bench.check_closed(build["build_id"])
    bench.check_succeeded(build)
    bench.check_as_clean()


def _product_gone(name: str, what: str, part: str) -> Fault:
    def inject(bench: Bench) -> None:
        bench.reset("publish")
        lost = [key for key in bench.listed() if part in key and key.endswith((".tif", ".json"))]
        expect(bool(lost), f"there is no {part}")
        for key in lost:
            bench.client("s3").delete_object(Bucket=bench.cubes, Key=key)
        bench.check_succeeded(bench.build())
        bench.check_as_clean()

    return Fault(name, what, "what is gone is made again", inject)


def _product_cut(bench: Bench) -> None:
    bench.reset("prepare_dates")
    key = next(key for key in bench.listed() if key.endswith("20230810_B04.tif"))
    bench.client("s3").put_object(Bucket=bench.cubes, Key=key, Body=bench.read(key)[:100])
    build = bench.build()
    bench.check_failed(build, step="prepare_dates", says="force")
    expect("B04" in str(build["failed_units"]), "the damaged merge is not named")
    bench.check_succeeded(bench.build(force=True))
    bench.check_as_clean()


def _item_gone(bench: Bench) -> None:
    for key in [key for key in bench.listed() if key.endswith(".json")]:
        bench.client("s3").delete_object(Bucket=bench.cubes, Key=key)
    bench.check_succeeded(bench.build())
    bench.check_as_clean()


def _records_gone(bench: Bench) -> None:
    for row in bench.activity_rows():
        bench.client("dynamodb").delete_item(
            TableName=bench.table("Activities"), Key={"activity_id": row["activity_id"]}
        )
    bench.check_succeeded(bench.build())
    bench.check_as_clean()


_SEARCHED = ("search", records("search"))
_PREPARED = ("prepare-blend", table("UpdateItem", "DONE#", "#prepare_blend#"))

FAULTS = (
    Fault(
        "plan-file-gone", "plan.json is deleted while the build runs", "the build is closed all the same", _plan_gone
    ),
    _work_file(
        "tile-plan-gone",
        f"tiles/{UNIT.split('_')[0]}.json",
        "The plan of the tile is deleted after Search",
        held=_SEARCHED,
        step="merge",
        says="there is no such object",
        since="merge",
    ),
    _work_file(
        "tile-plan-damaged",
        f"tiles/{UNIT.split('_')[0]}.json",
        "The plan of the tile is damaged after Search",
        held=_SEARCHED,
        step="merge",
        says="it is damaged",
        since="merge",
        body=GARBAGE,
    ),
    _work_file(
        "merges-gone",
        f"units/{UNIT}/merges.json",
        "merges.json is deleted before the map reads it",
        held=_SEARCHED,
        step="merge",
        says="does not exist",
        since="publish",
    ),
    # On AWS this is States.ItemReaderFailed, which is caught: the unit fails at merge.
    _work_file(
        "merges-damaged",
        f"units/{UNIT}/merges.json",
        "merges.json is damaged before the map reads it",
        held=_SEARCHED,
        step="build",
        says="stopped before it ended",
        since="publish",
        body=GARBAGE,
    ),
    _work_file(
        "stack-gone",
        f"units/{UNIT}/stack.json",
        "stack.json is deleted before Publish",
        held=_PREPARED,
        step="publish",
        says="stack.json",
        since="publish",
    ),
    _work_file(
        "stack-damaged",
        f"units/{UNIT}/stack.json",
        "stack.json is damaged before Publish",
        held=_PREPARED,
        step="publish",
        says="it is damaged",
        since="publish",
        body=GARBAGE,
    ),
    _work_file(
        "band-file-gone",
        f"units/{UNIT}/bands/B04.json",
        "The list of a band's inputs is deleted before Blend",
        held=_PREPARED,
        step="blend",
        says="bands/B04.json",
        since="blend",
    ),
    _product_gone("merge-file-gone", "The COG of a finished merge is deleted between two builds", "20230810_B04.tif"),
    _product_gone(
        "quality-file-gone", "The COGs of a date's quality are deleted between two builds", "20230815_SCL.tif"
    ),
    _product_gone("blend-file-gone", "The COG of a finished blend is deleted between two builds", "20230801_SCL.tif"),
    Fault(
        "merge-file-cut",
        "The COG of a finished merge is damaged between two builds",
        "the build fails, names it and says that force makes it again; that does",
        _product_cut,
    ),
    Fault(
        "items-gone", "All items and collections are deleted between two builds", "they are written again", _item_gone
    ),
    Fault(
        "records-of-work-gone",
        "Every record of work is lost between two builds",
        "everything is made again, to the same bytes",
        _records_gone,
    ),
)
