"""Builds that want the same at the same time."""

from __future__ import annotations

from typing import Any

from tests.faults.bench import FORM, Bench, expect, until
from tests.faults.door import Gate
from tests.faults.fault import Fault, claims
from tests.unit.workflow.small_build import CUBE

OTHER = "OTHER-1M-MED"
PRESSES = 3
MERGES = 4
"""Of a build: two dates, two bands."""


def _at_once(bench: Bench, presses: int, **changes: Any) -> None:
    builds = [bench.start(**changes) for _ in range(presses)]
    for build_id in builds:
        bench.check_succeeded(bench.wait(build_id))
    bench.check_as_clean()


def _same_twice(bench: Bench) -> None:
    bench.reset()
    _at_once(bench, 2)
    made = [call for call in bench.doors["merge"].calls if call.service == "s3" and call.method == "PUT"]
    expect(len(made) == len({call.path for call in made}), "a merge was made twice")


def _same_often(bench: Bench) -> None:
    bench.reset("publish_dates")
    _at_once(bench, PRESSES)


def _forced_twice(bench: Bench) -> None:
    _at_once(bench, 2, force=True)


def _one_forced(bench: Bench) -> None:
    builds = [bench.start(force=True), bench.start()]
    for build_id in builds:
        bench.check_succeeded(bench.wait(build_id))
    bench.check_as_clean()


def _two_cubes(bench: Bench) -> None:
    """Two cubes over one identity cube, built side by side, against both built one after the other."""
    other = f"{OTHER}-{FORM['version']}"
    status, _ = bench.stack.request("POST", "/cubes", FORM | {"datacube": OTHER, "composite_function": "MED"})
    expect(status in {200, 201, 409}, f"the cube was not made: {status}")
    bench.reset()
    for cube in (CUBE, other):
        bench.check_succeeded(bench.build(datacube=cube))
    both, work = bench.products(), bench.activities()
    bench.reset()
    builds = [bench.start(datacube=cube) for cube in (CUBE, other)]
    for build_id in builds:
        bench.check_succeeded(bench.wait(build_id))
    now = bench.products()
    now.check_whole()
    now.check_equal(both)
    expect(bench.activities() == work, "work differs")
    bench.reset()
    bench.check_succeeded(bench.build())
    bench.check_as_clean()


def _neighbour_cancelled(bench: Bench) -> None:
    bench.reset()
    gate = Gate(after=True)
    with bench.fault("merge", claims("merge"), gate):
        one = bench.start()
        gate.wait()
        two = bench.start()
        until(lambda: _merged(bench, two) == MERGES - 1, "the second build to lack the held merge alone", 60)
        bench.stack.call("POST", f"/builds/{one}/cancel")
        gate.open()
        bench.check_succeeded(bench.wait(two))
    expect(bench.answer(one)["status"] == "CANCELLED", "the first is not cancelled")
    bench.settle()
    bench.check_as_clean()


def _merged(bench: Bench, build_id: str) -> int:
    found = bench.answer(build_id)["steps"]["merge"]
    return int(found["built"]) + int(found["reused"])


_ONCE = "each piece of work is done once; all succeed; the products are those of one run"

FAULTS = (
    Fault("same-build-twice", "The same build is started twice at once", _ONCE, _same_twice),
    Fault("same-build-often", f"The same build is started {PRESSES} times at once", _ONCE, _same_often),
    Fault(
        "forced-twice",
        "The same build is forced twice at once",
        "both succeed; the products are those of one run",
        _forced_twice,
    ),
    Fault(
        "forced-beside-plain",
        "A build is forced while a plain one of the same runs",
        "both succeed; the products are those of one run",
        _one_forced,
    ),
    Fault(
        "two-cubes-one-identity",
        "Two cubes that share an identity cube are built at once",
        "merges are made once; both cubes are those of builds one after the other",
        _two_cubes,
    ),
    Fault(
        "neighbour-cancelled",
        "One of two builds of the same is cancelled while it holds a claim the other waits for",
        "the other goes on at once and succeeds",
        _neighbour_cancelled,
    ),
)
