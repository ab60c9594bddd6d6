"""Sources of scenes that are throttled, broken, gone, replaced, or not what they say."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.bench import DATES, SOURCE, Bench, expect, red
from tests.faults.door import Call, Effect, Gate, Match, answer, cut_short, reset
from tests.faults.fault import Fault, always, every, first, puts, reads_of
from tests.faults.running import configure

RED = f"/{DATES[1]}/red.tif"
GARBAGE = b"<html><body>Service temporarily unavailable</body></html>"


def _read_by_gdal(call: Call) -> bool:
    return call.path.endswith(".tif") and call.headers.get("range") != "bytes=0-0"


def _endured(name: str, what: str, match: Match, effect: Effect, nth: Callable[[int], bool]) -> Fault:
    def inject(bench: Bench) -> None:
        bench.reset()
        with bench.fault(SOURCE, match, effect, nth=nth):
            build = bench.build()
        bench.check_succeeded(build)
        bench.check_as_clean()

    return Fault(name, what, "it is read again, nothing of the failed read kept; the build succeeds", inject)


def _fails(
    name: str,
    what: str,
    match: Match,
    effect: Effect,
    *,
    says: str,
    step: str = "merge",
    nth: Callable[[int], bool] = always,
) -> Fault:
    def inject(bench: Bench) -> None:
        bench.reset("merge" if step == "merge" else "publish")
        with bench.fault(SOURCE, match, effect, nth=nth):
            build = bench.build()
        bench.check_failed(build, step=step, says=says)
        _names_the_address(bench, build)
        bench.heal(build)

    promise = f"the build fails at {step} and names the address; nothing is taken for nodata; a retry makes the rest"
    return Fault(name, what, promise, inject)


def _names_the_address(bench: Bench, build: object) -> None:
    expect(bench.doors[SOURCE].url in str(build), f"no address of a source in {build}")


def _truncated(bench: Bench) -> None:
    """The file in the archive is cut: with a length that fits, so that only its contents tell."""
    bench.reset()
    whole = bench.sources[RED]
    bench.sources[RED] = whole[: len(whole) // 2]
    try:
        build = bench.build()
    finally:
        bench.sources[RED] = whole
    bench.check_failed(build, step="merge", says=RED)
    bench.heal(build)


def _empty(bench: Bench) -> None:
    bench.reset()
    whole, bench.sources[RED] = bench.sources[RED], b""
    try:
        build = bench.build()
    finally:
        bench.sources[RED] = whole
    bench.check_failed(build, step="merge", says=RED)
    bench.heal(build)


def _replaced(bench: Bench) -> None:
    """The archive processes a scene again while the build reads the others; a stale build follows."""
    bench.reset()
    gate = Gate()
    try:
        with bench.fault("merge", puts("20230810", ".tif"), gate, nth=first(2)):
            build_id = bench.start()
            gate.wait()
            bench.put_sources(changed=True)
            gate.open()
            build = bench.wait(build_id)
        bench.check_succeeded(build)
        window = {"cube_id": build["cube_id"], "start_date": "2023-08-01", "end_date": "2023-08-31"}
        renewed = bench.wait(bench.stack.call("POST", "/stale", window)["build_id"])
        bench.check_succeeded(renewed)
        current = bench.products()
        current.check_whole()
        bench.reset()
        bench.check_succeeded(bench.build())
        anew = bench.products()
        expect(dict(current.documents) == dict(anew.documents), "not the items of a clean run with the new scene")
        expect(all(current.files.get(key) == body for key, body in anew.files.items()), "not its files")
    finally:
        bench.put_sources()
    bench.reset()
    bench.check_succeeded(bench.build())
    bench.check_as_clean()


def _silent(bench: Bench) -> None:
    """A source holds the line and sends nothing: the function's time is over."""
    bench.reset()
    before = configure(bench, "merge", timeout=8)
    gate = Gate()
    try:
        with bench.fault(SOURCE, reads_of(RED), gate, nth=always):
            build = bench.build()
            gate.open()
    finally:
        configure(bench, "merge", timeout=before)
    bench.check_failed(build, step="merge", says="ran out of time")
    bench.heal(build)


def _wrong_pixels(bench: Bench) -> None:
    """A file is another one's: smaller, elsewhere in its values, but a valid raster. STAC cannot tell."""
    bench.reset()
    bench.sources[RED] = red(1, changed=True)
    try:
        build = bench.build()
    finally:
        bench.put_sources()
    bench.check_succeeded(build)
    forced = bench.build(force=True)
    bench.check_succeeded(forced)
    bench.check_as_clean()


FAULTS = (
    Fault(
        "source-truncated",
        "A scene's file ends in the middle",
        "the build fails at merge and names the file; a retry with the whole file makes the rest",
        _truncated,
    ),
    Fault(
        "source-empty",
        "A scene's file is empty",
        "the build fails at merge and names the file; a retry with the whole file makes the rest",
        _empty,
    ),
    _fails("source-gone", "A scene's file is answered 404", reads_of(RED), answer(404), says="404"),
    _fails("source-forbidden", "A scene's file is answered 403", reads_of(RED), answer(403), says="403"),
    _fails(
        "source-throttles-on",
        "A source answers 429 all the time",
        reads_of(RED),
        answer(429, Retry_After="1"),
        says="tried 3 times",
    ),
    _fails("source-unavailable", "A source answers 503 all the time", reads_of(RED), answer(503), says="tried 3 times"),
    _fails(
        "source-refuses-connections", "A source resets every connection", reads_of(RED), reset, says="tried 3 times"
    ),
    _fails(
        "source-answers-html",
        "A source answers 200 with a web page",
        reads_of(RED),
        answer(200, GARBAGE, Content_Type="text/html"),
        says=RED,
    ),
    Fault(
        "source-silent",
        "A source holds the line and sends nothing",
        "the function's time ends, the build fails at merge; a retry makes the rest",
        _silent,
    ),
    _endured(
        "every-3rd-source-read-503",
        "Every 3rd request to the source is answered 503",
        lambda call: call.path.endswith(".tif"),
        answer(503),
        every(3),
    ),
    _endured(
        "source-throttles-a-while",
        "The first reads of rasters are answered 429",
        _read_by_gdal,
        answer(429, Retry_After="1"),
        first(3),
    ),
    _endured(
        "every-4th-source-read-reset",
        "Every 4th connection to the source is reset",
        lambda call: call.path.endswith(".tif"),
        reset,
        every(4),
    ),
    _endured(
        "every-5th-source-read-cut",
        "Every 5th answer of the source ends in the middle",
        _read_by_gdal,
        cut_short,
        every(5),
    ),
    _fails(
        "scenes-gone",
        "The item collection is answered 404",
        reads_of("/items.json"),
        answer(404),
        step="search",
        says="SourceMissing",
    ),
    _fails(
        "scenes-unavailable",
        "The item collection is answered 503",
        reads_of("/items.json"),
        answer(503),
        step="search",
        says="TransientRead",
    ),
    _fails(
        "scenes-garbage",
        "The item collection is a web page",
        reads_of("/items.json"),
        answer(200, GARBAGE),
        step="search",
        says="items.json",
    ),
    _fails(
        "scenes-cut",
        "The item collection ends in the middle",
        reads_of("/items.json"),
        cut_short,
        step="search",
        says="items.json",
    ),
    Fault(
        "source-replaced",
        "The archive processes a scene again while the build runs",
        "the build ends with what it began with; POST /stale makes what a clean run makes of the new scene",
        _replaced,
    ),
    Fault(
        "source-replaced-in-silence",
        "A file is replaced by another valid one, and its item says nothing",
        "cannot be seen; a forced build makes what a clean run does",
        _wrong_pixels,
    ),
)
