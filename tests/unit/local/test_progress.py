from __future__ import annotations

import io
import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console

from stratocube.local.progress import BuildProgress, BuildTookTooLong, Display, StepProgress, follow


def _body(status: str = "RUNNING", **changes: Any) -> dict[str, Any]:
    return {
        "build_id": "b1",
        "cube_id": "S2-1M-LCF-1",
        "status": status,
        "steps": {
            "search": {"total": 2, "built": 2, "reused": 0, "failed": 0, "seconds": 0.5},
            "merge": {"total": None, "built": 3, "reused": 4, "failed": 1, "seconds": 9.25},
            "prepare_blend": {"total": 2, "built": 1, "reused": 0, "failed": 0, "seconds": 1.0},
            "blend": {"total": 10, "built": 5, "reused": 0, "failed": 0, "seconds": 2.0},
        },
        "units": {"total": 2, "running": 2, "succeeded": 0, "failed": 0},
        "failed_units": [],
        "links": [{"rel": "self"}],
        **changes,
    }


def test_an_answer_is_read_and_what_is_not_known_passed_over() -> None:
    body = _body()
    body["steps"]["merge"]["waiting"] = 3
    progress = BuildProgress.from_json(body)
    assert progress.steps["merge"] == StepProgress(total=None, built=3, reused=4, failed=1, seconds=9.25)
    assert progress.units == {"total": 2, "running": 2, "succeeded": 0, "failed": 0}
    assert not progress.finished


def test_an_answer_with_the_least_there_can_be_is_read() -> None:
    assert BuildProgress.from_json({"build_id": "b1", "status": "QUEUED"}) == BuildProgress("b1", "QUEUED")


@pytest.mark.parametrize("status", ["SUCCEEDED", "PARTIAL", "FAILED"])
def test_these_statuses_end_a_build(status: str) -> None:
    assert BuildProgress.from_json(_body(status)).finished


def test_the_steps_of_the_display_add_up_those_of_the_machine() -> None:
    progress = BuildProgress.from_json(_body())
    assert progress.shown("blend") == StepProgress(total=12, built=6, seconds=3.0)
    # one part unknown, the whole unknown
    assert progress.shown("merge").total is None
    assert progress.shown("publish") == StepProgress()


def test_failed_units_are_told_with_their_cause() -> None:
    failed = [{"unit_id": "000000_2023-08-01_2023-08-31", "step": "merge", "cause": "s3://a/b.tif: no such object"}]
    progress = BuildProgress.from_json(_body("PARTIAL", failed_units=failed, cause="1 of 2 units failed"))
    assert progress.failures() == ["unit 000000_2023-08-01_2023-08-31, merge: s3://a/b.tif: no such object"]


def test_a_build_without_units_tells_its_own_cause() -> None:
    assert BuildProgress.from_json(_body("FAILED", cause="no such grid")).failures() == ["no such grid"]


class _Seen:
    def __init__(self) -> None:
        self.statuses: list[str] = []

    def update(self, progress: BuildProgress) -> None:
        self.statuses.append(progress.status)


def test_a_build_is_followed_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratocube.local.progress.time.sleep", lambda _: None)
    answers = iter([_body("QUEUED"), _body("RUNNING"), _body("SUCCEEDED"), _body("FAILED")])
    view = _Seen()
    assert follow(lambda: next(answers), view, seconds=60).status == "SUCCEEDED"
    assert view.statuses == ["QUEUED", "RUNNING", "SUCCEEDED"]


def test_a_build_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratocube.local.progress.time.sleep", lambda _: None)
    monkeypatch.setattr("stratocube.local.progress.time.monotonic", itertools.count(step=20).__next__)
    with pytest.raises(BuildTookTooLong, match="build b1 is still RUNNING after 50 s"):
        follow(_body, _Seen(), seconds=50)


def _lines(bodies: list[Mapping[str, Any]], **console: Any) -> str:
    output = io.StringIO()
    display = Display(Console(file=output, width=100, **console))
    with display.build("building S2-1M-LCF-1 (build b1)") as view:
        for body in bodies:
            view.update(BuildProgress.from_json(body))
    return output.getvalue()


def test_without_a_terminal_progress_is_plain_lines_and_the_end_is_always_told() -> None:
    nothing_yet = _body("QUEUED", steps={})
    text = _lines([nothing_yet, _body(), _body(), _body("FAILED", steps={"search": {"total": 2, "built": 2}})])
    assert [line.partition("] ")[2] for line in text.splitlines()] == [
        "building S2-1M-LCF-1 (build b1)",
        "search 2/2, merge 8/? (4 reused, 1 failed), blend 6/12",
        "search 2/2",
    ]


def test_on_a_terminal_every_step_has_a_bar() -> None:
    text = _lines([_body()], force_terminal=True, color_system=None, legacy_windows=False)
    # every frame begins by wiping the one before; the last one stays
    final = text.rpartition("\x1b[2K")[2].splitlines()[:4]
    assert [line.split()[0] for line in final] == ["search", "merge", "blend", "publish"]
    assert "8/? (4 reused, 1 failed)" in final[1]
