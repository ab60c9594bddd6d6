"""Following a build through the API, and showing how far it is."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from stratocube.errors import StratocubeError
from stratocube.local.pace import Pace

FINISHED = frozenset({"SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"})
SHOWN_STEPS: Mapping[str, tuple[str, ...]] = {
    "search": ("search",),
    "merge": ("merge",),
    "blend": ("prepare_blend", "blend"),
    "publish": ("publish_dates", "publish"),
}
"""What the display calls a step, and the steps of the state machine it adds up."""
_POLL_SECONDS = 0.5
_PLAIN_SECONDS = 2.0
"""Between two lines where nobody watches a bar."""


class BuildTookTooLong(StratocubeError):
    """A build that did not finish in the time it was given."""


@dataclass(frozen=True)
class StepProgress:
    """How far one step is."""

    total: int | None = None
    """How many there are to do; nothing as long as that is not known."""
    built: int = 0
    reused: int = 0
    failed: int = 0
    seconds: float = 0.0
    """Sum over what was done, also at the same time."""

    @property
    def done(self) -> int:
        return self.built + self.reused + self.failed

    def __add__(self, other: StepProgress) -> StepProgress:
        known = self.total is not None and other.total is not None
        return StepProgress(
            total=(self.total or 0) + (other.total or 0) if known else None,
            built=self.built + other.built,
            reused=self.reused + other.reused,
            failed=self.failed + other.failed,
            seconds=self.seconds + other.seconds,
        )


@dataclass(frozen=True)
class BuildProgress:
    """The answer of ``GET /builds/{id}``, as far as it is known here; anything else in it is passed over."""

    build_id: str
    status: str
    cube_id: str = ""
    cause: str = ""
    steps: Mapping[str, StepProgress] = field(default_factory=dict)
    units: Mapping[str, int] = field(default_factory=dict)
    failed_units: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> BuildProgress:
        known = StepProgress.__dataclass_fields__
        return cls(
            build_id=str(body["build_id"]),
            status=str(body["status"]),
            cube_id=str(body.get("cube_id") or ""),
            cause=str(body.get("cause") or ""),
            steps={
                name: StepProgress(**{key: value for key, value in step.items() if key in known and value is not None})
                for name, step in (body.get("steps") or {}).items()
            },
            units={name: int(count) for name, count in (body.get("units") or {}).items()},
            failed_units=tuple(body.get("failed_units") or ()),
        )

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    def shown(self, name: str) -> StepProgress:
        """A step of the display: the sum of the state machine's steps behind it."""
        first, *others = (self.steps.get(step, StepProgress()) for step in SHOWN_STEPS[name])
        return sum(others, start=first)

    def failures(self) -> list[str]:
        """One line a failed unit: which, where and why; the build's own cause when it has no units."""
        lines = [
            f"unit {unit.get('unit_id')}, {unit.get('step') or 'no step'}: {unit.get('cause') or 'no cause recorded'}"
            for unit in self.failed_units
        ]
        return lines or ([self.cause] if self.cause else [])


class View(Protocol):
    """Shows one build's progress."""

    def update(self, progress: BuildProgress) -> None: ...


class Display:
    """Writes what happens to a console: bars where somebody watches, lines where the output goes to a file."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """One line, with the seconds since the beginning."""
        self.console.print(f"[{time.monotonic() - self._began:5.1f} s] {text}", markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def build(self, title: str) -> Iterator[View]:
        """A view of one build for the time of a ``with`` block."""
        self.say(title)
        if not self.console.is_terminal:
            yield _Lines(self.say)
            return
        columns = (
            TextColumn("          {task.description:<8}"),
            BarColumn(bar_width=32),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[pace]}", style="dim"),
        )
        with Progress(*columns, console=self.console) as bars:
            yield _Bars(bars)


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {
            name: bars.add_task(name, total=None, start=False, count="", pace="") for name in SHOWN_STEPS
        }
        self._paces = {name: Pace() for name in SHOWN_STEPS}

    def update(self, progress: BuildProgress) -> None:
        for name, task in self._tasks.items():
            step = progress.shown(name)
            if step.done or step.total:
                self._bars.start_task(task)
            pace = self._paces[name]
            pace.note(self._bars.get_time(), step.done)
            self._bars.update(
                task, total=step.total, completed=step.done, count=_count(step), pace=pace.text(step.total)
            )


class _Lines:
    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last = ""
        self._last_at = 0.0
        self._paces = {name: Pace() for name in SHOWN_STEPS}

    def update(self, progress: BuildProgress) -> None:
        now = time.monotonic()
        parts, going = [], ""
        for name in SHOWN_STEPS:
            step = progress.shown(name)
            self._paces[name].note(now, step.done)
            if step.done:
                parts.append(f"{name} {_count(step)}")
                pace = self._paces[name].text(step.total)
                going = f"; {name} {pace}" if pace and step.total is not None else going
        line = ", ".join(parts)
        if line and line != self._last and (progress.finished or now - self._last_at >= _PLAIN_SECONDS):
            self._say(line if progress.finished else line + going)
            self._last, self._last_at = line, now


def _count(step: StepProgress) -> str:
    text = f"{step.done}/{'?' if step.total is None else step.total}"
    notes = [f"{count} {word}" for count, word in ((step.reused, "reused"), (step.failed, "failed")) if count]
    return f"{text} ({', '.join(notes)})" if notes else text


def follow(fetch: Callable[[], Mapping[str, Any]], view: View, *, seconds: float) -> BuildProgress:
    """Asks for a build's progress until it has finished; returns the last answer.

    Raises:
        BuildTookTooLong: when it has not finished within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while True:
        progress = BuildProgress.from_json(fetch())
        view.update(progress)
        if progress.finished:
            return progress
        if time.monotonic() > deadline:
            raise BuildTookTooLong(f"build {progress.build_id} is still {progress.status} after {seconds:.0f} s")
        time.sleep(_POLL_SECONDS)
