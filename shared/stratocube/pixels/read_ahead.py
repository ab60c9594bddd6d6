"""The rasters of a period, read ahead of the composites: for files that every request takes long to reach.

The tile is cut into spans of a few windows. For each span a planner reads the quality, date by date, and asks for what
its windows are sure to need (:mod:`stratocube.pixels.sure_needs`), adjacent windows in one read. Several spans are
planned at a time, and the reads of all of them run side by side; those of one file in the order they were asked for.
What is read and not yet composited is bounded in bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Condition
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from stratocube.errors import InvalidRequest, SourceMissing, TransientRead
from stratocube.pixels.blend_plan import BlendPlan, Observation
from stratocube.pixels.pixel_memory import PixelMemory
from stratocube.pixels.stack import Grid, StackReader
from stratocube.pixels.sure_needs import SureNeeds, every_date, rasters_of_offer

_MOST_BYTES: Final = 48 << 20
"""Pixels that are read, or being read, and not composited."""
_OPENING: Final = 6
"""Files opened at a time. Each takes one request of S3, and each of these threads opens PROJ's database (10 ms)."""
_READING: Final = 16
"""Reads at a time."""
_MOST_SPANS: Final = 8
_USUAL_DATES: Final = 4
"""Dates that an LCF composite reads of most windows."""
_DATES_AT_ONCE: Final = 4
"""Of so many dates the quality is read where only the first is sure to be needed: it is small, and waiting is long."""

Key = tuple[int, int, int, int]
"""A window: column, row, width, height."""


class ReadAhead:
    """Reads the windows of a blend, most of them before they are asked for. To be used in a ``with`` statement.

    Windows are composited in their order, by any number of threads: each calls :meth:`begin`, reads, and calls
    :meth:`end`. A read that fails is an error for the one who asks for those pixels, and for nobody else.
    """

    def __init__(
        self,
        plan: BlendPlan,
        grid: Grid,
        parts: Iterable[Sequence[Window]],
        environment: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        """``parts`` are the windows in their order, those of a part in rows; ``environment`` is for threads."""
        files = sum(len(rasters_of_offer(plan, date)) + 1 for date in plan.observations)
        self._plan = plan
        self._handles = max(1, _READING // files)
        self._files = StackReader(grid, self._handles)
        self._quality_bytes = np.min_scalar_type(plan.mask.nodata).itemsize
        self._spans = spans_of(parts, most_pixels=_MOST_BYTES // 2 // self._bytes_of_pixel())
        self._span_of = {_key(window): index for index, span in enumerate(self._spans) for window in span}
        largest = max(_pixels(span) for span in self._spans) * self._bytes_of_pixel()
        fitting = min(_MOST_BYTES // largest, _MOST_SPANS)
        self._planners = _threads(max(fitting, 2 if every_date(plan) else 4), environment)
        self._opening, self._reading = _threads(_OPENING, environment), _threads(_READING, environment)
        self._planned: list[Future[None]] = []
        self._changed = Condition()
        self._asked: dict[Key, dict[str, _Asked]] = {key: {} for key in self._span_of}
        self._bytes: dict[Key, int] = dict.fromkeys(self._span_of, 0)
        self._queues: dict[str, _Queue] = {}
        self._memory = PixelMemory(_MOST_BYTES)
        self._held = 0
        self._unfinished = [len(span) for span in self._spans]
        self._first = 0
        """The first span that is not finished."""
        self._turn = 0
        """The span that may ask for its bands."""
        self._stopped = self._closed = False

    def __enter__(self) -> Self:
        self._files.__enter__()
        dates = self._plan.observations
        offers = [rasters_of_offer(self._plan, date) for date in dates]
        if every_date(self._plan):
            order = [*offers, [date.band for date in dates]]
        else:
            order = [[*paths, date.band] for paths, date in zip(offers, dates, strict=True)]
        self._files.open_ahead([path for paths in order for path in paths], self._opening)
        self._opening.shutdown(wait=False)  # its threads end with the last file
        self._planned = [self._planners.submit(self._plan_span, index) for index in range(len(self._spans))]
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        with self._changed:
            self._closed = True
            for queue in self._queues.values():
                while queue.waiting:
                    queue.waiting.popleft().pixels_of_area.cancel()
        self._planners.shutdown(wait=False, cancel_futures=True)
        # What was begun is ended: somebody may wait for a file to be opened or for pixels.
        for threads in (self._opening, self._reading, self._planners):
            threads.shutdown()
        self._files.__exit__(None, None, None)

    def stop(self) -> None:
        """Read nothing ahead any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def begin(self, window: Window) -> None:
        """Wait until it is known what the window needs."""
        self._planned[self._span_of[_key(window)]].result()

    def end(self, window: Window) -> None:
        """Forget the pixels of a window that is composited."""
        key = _key(window)
        with self._changed:
            for asked in self._asked.pop(key).values():
                asked.unfinished -= 1
                if not asked.unfinished and asked.pixels_of_area.done() and not asked.pixels_of_area.exception():
                    self._memory.give_back(asked.pixels_of_area.result())
            self._held -= self._bytes.pop(key)
            self._unfinished[self._span_of[key]] -= 1
            while self._first < len(self._spans) and not self._unfinished[self._first]:
                self._first += 1
            self._changed.notify_all()

    def read(self, path: str, window: Window) -> NDArray[Any]:
        """As :meth:`StackReader.read`."""
        with self._changed:
            asked = self._asked[_key(window)].get(path)
        return self._files.read(path, window) if asked is None else asked.pixels(window)

    def nodata(self, path: str) -> float | None:
        """As :meth:`StackReader.nodata`."""
        return self._files.nodata(path)

    def _plan_span(self, index: int) -> None:
        try:
            self._wait_for_room(index)
            waiting: list[tuple[Observation, list[Window]]] = []
            for wanted in self._wanted_bands(self._spans[index]):
                waiting.append(wanted)
                if self._turn == index:  # nobody's before it, so it is asked for while other dates are looked at
                    self._ask_bands(index, waiting)
            self._wait_for_turn(index)
            self._ask_bands(index, waiting)
        except (SourceMissing, TransientRead, InvalidRequest, CancelledError):
            pass  # who composites the window comes to the same failure where it matters
        finally:
            self._wait_for_turn(index)
            with self._changed:
                self._turn = index + 1
                self._changed.notify_all()

    def _ask_bands(self, index: int, waiting: list[tuple[Observation, list[Window]]]) -> None:
        self._wait_for_room(index)
        for date, windows in waiting:
            self._ask(date.band, windows, self._plan.dtype.itemsize)
        waiting.clear()

    def _wanted_bands(self, span: Sequence[Window]) -> Iterator[tuple[Observation, list[Window]]]:
        """The dates whose band is needed, and where, as far as their quality tells; none of the bands is read."""
        dates = self._plan.observations
        needs = [(window, SureNeeds(self._plan, window)) for window in span]
        for rank, date in enumerate(dates):
            open_windows = [(window, need) for window, need in needs if need.quality]
            if not open_windows or self._stopped:
                break
            for near in dates if every_date(self._plan) and rank == 0 else dates[rank : rank + _DATES_AT_ONCE]:
                self._ask_offer(near, [window for window, _ in open_windows])
            windows = [window for window, need in open_windows if need.band(self, date)]
            if windows:
                yield date, windows

    def _wait_for_turn(self, index: int) -> None:
        """Wait until the spans before have asked for their bands, which are composited earlier."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or index == self._turn)

    def _wait_for_room(self, index: int) -> None:
        """Wait for windows to be composited, unless those of this span are the ones waited for."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._held < _MOST_BYTES or index <= self._first)

    def _ask_offer(self, date: Observation, windows: Sequence[Window]) -> None:
        for path in rasters_of_offer(self._plan, date):
            self._ask(path, windows, self._quality_bytes)

    def _ask(self, path: str, windows: Sequence[Window], bytes_of_pixel: int) -> None:
        with self._changed:
            if self._stopped:
                return
            for area in _rectangles([window for window in windows if path not in self._asked[_key(window)]]):
                asked = _Asked(area.hull, Future(), len(area.windows))
                self._queues.setdefault(path, _Queue()).waiting.append(asked)
                for window in area.windows:
                    size = int(window.width * window.height) * bytes_of_pixel
                    self._asked[_key(window)][path] = asked
                    self._bytes[_key(window)] += size
                    self._held += size
            self._read_on(path)

    def _read_on(self, path: str) -> None:
        """Begin to read what waits for a file; the lock is held."""
        queue = self._queues[path]
        while queue.waiting and queue.running < self._handles:
            queue.running += 1
            self._reading.submit(self._read, path, queue.waiting.popleft())

    def _read(self, path: str, asked: _Asked) -> None:
        if self._closed:
            asked.pixels_of_area.cancel()
            return
        try:
            asked.pixels_of_area.set_result(self._files.read(path, asked.area, self._memory))
        except BaseException as error:  # whatever it is, it is for the one who wants the pixels
            asked.pixels_of_area.set_exception(error)
        with self._changed:
            self._queues[path].running -= 1
            self._read_on(path)

    def _bytes_of_pixel(self) -> int:
        """Of all dates together that are read of most windows."""
        dates = len(self._plan.observations)
        bands = dates if any(function != "LCF" for function in self._plan.functions) else min(dates, _USUAL_DATES)
        qualities = dates if every_date(self._plan) else bands
        return bands * self._plan.dtype.itemsize + qualities * self._quality_bytes


def spans_of(parts: Iterable[Sequence[Window]], most_pixels: int) -> list[tuple[Window, ...]]:
    """The windows of each part together where they have no more pixels than that, else row by row, else one by one."""
    spans: list[tuple[Window, ...]] = []
    for part in parts:
        rows: dict[int, list[Window]] = {}
        for window in part:
            rows.setdefault(window.row_off, []).append(window)
        for division in ([tuple(part)], [tuple(row) for row in rows.values()], [(window,) for window in part]):
            if max(map(_pixels, division)) <= most_pixels or len(division) == len(part):
                spans += division
                break
    return spans


@dataclass
class _Queue:
    """What is to be read of one file."""

    waiting: deque[_Asked] = field(default_factory=deque)
    running: int = 0


@dataclass
class _Asked:
    area: Window
    pixels_of_area: Future[NDArray[Any]]
    unfinished: int
    """How many windows of the area are not composited."""

    def pixels(self, window: Window) -> NDArray[Any]:
        top, left = int(window.row_off - self.area.row_off), int(window.col_off - self.area.col_off)
        return self.pixels_of_area.result()[top : top + int(window.height), left : left + int(window.width)]


@dataclass(frozen=True)
class _Rectangle:
    windows: tuple[Window, ...]

    @property
    def hull(self) -> Window:
        first, last = self.windows[0], self.windows[-1]
        right, bottom = last.col_off + last.width, last.row_off + last.height
        return Window(first.col_off, first.row_off, right - first.col_off, bottom - first.row_off)


def _rectangles(windows: Iterable[Window]) -> list[_Rectangle]:
    """Windows in rows, put together where they make a rectangle."""
    runs: list[_Rectangle] = []
    for window in windows:
        hull = runs[-1].hull if runs else Window(0, 0, 0, 0)
        beside = (hull.row_off, hull.height, hull.col_off + hull.width)
        if (window.row_off, window.height, window.col_off) == beside and hull.width:
            runs[-1] = _Rectangle((*runs[-1].windows, window))
        else:
            runs.append(_Rectangle((window,)))
    areas: list[_Rectangle] = []
    for run in runs:
        above, below = areas[-1].hull if areas else Window(0, 0, 0, 0), run.hull
        under = (above.col_off, above.width, above.row_off + above.height)
        if (below.col_off, below.width, below.row_off) == under:
            areas[-1] = _Rectangle((*areas[-1].windows, *run.windows))
        else:
            areas.append(run)
    return areas


def _threads(count: int, environment: Callable[[], AbstractContextManager[Any]]) -> ThreadPoolExecutor:
    def enter() -> None:
        environment().__enter__()  # for as long as the thread lives

    return ThreadPoolExecutor(count, initializer=enter)


def _pixels(windows: Iterable[Window]) -> int:
    return sum(int(window.width * window.height) for window in windows)


def _key(window: Window) -> Key:
    column, row, width, height = window.flatten()
    return int(column), int(row), int(width), int(height)
