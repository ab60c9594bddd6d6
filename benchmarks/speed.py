"""How fast stratocube is beside other tools, and beside what the machine can do: ``python -m benchmarks.speed``.

Three jobs, each done by ours and by every other tool that a package index has, on the same inputs:

  blend   12 dates of one int16 band and its quality, 4096 × 4096 pixels -> LCF, MED, CLEAROB, TOTALOB, PROVENANCE
  merge   4 scenes of 5490 × 5490 pixels in UTM -> one Albers tile of 4096 × 4096, bilinear
  encode  the five products of the blend -> COGs

Contenders run in turn, each in a fresh process, round after round, so that a drift of the machine's speed reaches all
of them; a figure is the median of its rounds, a ratio the median of the ratios within a round. A contender's results
are compared with ours first: of other pixels no time counts. "limit" only decodes and encodes, see
benchmarks/peers/limit.py.

Then: the compositing kernel in memory, the import of every Lambda handler, how CPU grows with dates and pixels, and
memory at 10980 × 10980 pixels. Everything is written to benchmarks/results.json and docs/images/speed.png.

Inputs are made once and kept in build/benchmarks (3 GB; --data DIR for another place).
"""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks import growth
from benchmarks.agreement import disagreement, read_results
from benchmarks.coldstart import handlers, measure
from benchmarks.goals import goals
from benchmarks.machine import describe
from benchmarks.peers import JOBS, PRODUCTS, Contender
from benchmarks.process import ROOT, ContenderFailed, Usage, run_module
from benchmarks.report import Report, Runs, print_tables, write_results
from benchmarks.workload import BlendInputs, MergeInputs, blend_inputs, folder_of, merge_inputs

PARTS: Final = ("blend", "merge", "encode", "limits", "kernel", "coldstart", "growth", "full-size")


@dataclass
class Bench:
    """One run of the benchmarks."""

    data: Path
    threads: int
    rounds: int
    quick: bool
    only: frozenset[str]
    started: float = field(default_factory=time.monotonic)
    report: Report = field(default_factory=Report)

    @property
    def out(self) -> Path:
        """Where contenders write."""
        return self.data / "out"

    def say(self, line: str) -> None:
        """A line of progress."""
        sys.stderr.write(f"[{time.monotonic() - self.started:5.0f} s] {line}\n")

    def run(self, parts: Sequence[str]) -> None:
        """Measure the parts, in their order."""
        stack, mosaic = self._inputs()
        if "blend" not in parts and {"encode", "limits"} & set(parts):
            self.say("the products to encode")
            self._once("blend", JOBS["blend"][0], stack, self.out / "products")
            self._keep(read_results(self.out / "products", PRODUCTS), stack)
        for job in [part for part in PARTS if part in parts and part in JOBS]:
            self._compete(job, mosaic if job == "merge" else stack)
        if "limits" in parts:
            self.say("what the machine can do")
            arguments = [str(folder_of(stack)), str(self.threads)]
            self.report.limits = run_module("benchmarks.limits", arguments).answer
        if "kernel" in parts:
            self.say("kernel")
            self.report.kernel = run_module("benchmarks.kernel", ["3" if self.quick else "15"]).answer
        if "coldstart" in parts:
            self._cold_starts()
        if "growth" in parts:
            self.say("growth")
            places = self.data, self.out, self.threads, self.rounds, self.say
            self.report.over_dates = growth.over_dates(*places, quick=self.quick)
            self.report.over_pixels = growth.over_pixels(*places, quick=self.quick)
        if "full-size" in parts:
            self.say("full size")
            self.report.full_size = growth.at_full_size(self.data, self.out, self.threads, self.say)

    def _inputs(self) -> tuple[BlendInputs, MergeInputs]:
        self.say(f"inputs in {self.data} (made when not there: a minute, with full size three)")
        size, dates, scene = (1024, 6, 1372) if self.quick else (4096, 12, 5490)
        resolution = 20.0
        stack = blend_inputs(self.data, size=size, dates=dates)
        mosaic = merge_inputs(self.data, scene=scene, size=size, resolution=resolution)
        for path in (*(path for files in stack.dates for path in (files.band, files.quality)), *mosaic.scenes):
            path.read_bytes()  # a warm page cache for the first contender as well
        return stack, mosaic

    def _compete(self, job: str, inputs: BlendInputs | MergeInputs) -> None:
        field_of = [each for each in JOBS[job] if not self.only or each.name in self.only or each.name == "ours"]
        ours: dict[str, Any] = {}
        taken: dict[str, list[Usage]] = {each.name: [] for each in field_of}
        for number in range(self.rounds):
            self.say(f"{job}, round {number + 1} of {self.rounds}")
            for each in [each for each in field_of if each.name in taken]:
                folder = self.out / f"{job}-{each.name}"
                shutil.rmtree(folder, ignore_errors=True)
                try:
                    usage = self._once(job, each, inputs, folder)
                except ContenderFailed as failure:
                    self._reject(job, each, taken, [str(failure)])
                    continue
                if each.name == "ours" and not ours:
                    ours = read_results(folder, each.makes)
                    self._keep(ours, inputs)
                if number == 0 and (found := disagreement(each, folder, ours, inputs.nodata)):
                    self._reject(job, each, taken, found)
                    continue
                taken[each.name].append(usage)
                self.say(f"  {each.name:14} {usage.wall_s:6.2f} s wall {usage.cpu_s:6.2f} s CPU {usage.rss_mb:5.0f} MB")
        self.report.runs[job] = Runs(taken, leaves_out={each.name: each.leaves_out for each in field_of})

    def _keep(self, ours: dict[str, Any], inputs: BlendInputs | MergeInputs) -> None:
        for name, pixels in ours.items():  # for those that encode only
            np.save(folder_of(inputs) / f"{name}.npy", pixels)

    def _once(self, job: str, each: Contender, inputs: BlendInputs | MergeInputs, folder: Path) -> Usage:
        arguments = [job, each.module, str(folder_of(inputs)), str(folder), "--threads", str(self.threads)]
        return run_module("benchmarks.contender", arguments)

    def _reject(self, job: str, each: Contender, taken: dict[str, list[Usage]], why: list[str]) -> None:
        if each.name == "ours":
            raise SystemExit(f"{job}: ours is wrong, nothing can be compared:\n" + "\n".join(why))
        self.say(f"  {each.name}: does not count. {'; '.join(why)}")
        self.report.rejected[f"{job}: {each.name}"] = why
        taken.pop(each.name, None)

    def _cold_starts(self) -> None:
        for function in handlers():
            self.report.coldstart[function] = found = measure(function, repeats=1 if self.quick else 5)
            self.say(f"  {function:14} {found.import_ms:6.0f} ms, {found.import_cpu_ms:.0f} of it CPU")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write. Exit code 1 when a contender's results are not ours."""
    given = _parser().parse_args(arguments)
    # Installed packages come with byte code; a checkout that was edited since must not pay for its making in every run.
    for folder in ("shared", "benchmarks"):
        compileall.compile_dir(ROOT / folder, quiet=1)
    bench = Bench(
        data=given.data.resolve(),
        threads=given.threads,
        rounds=given.rounds or (1 if given.quick else 3),
        quick=given.quick,
        only=frozenset(given.only),
    )
    left_out = {"full-size"} if given.quick else set()
    bench.run(given.parts or [part for part in PARTS if part not in left_out])
    bench.report.meta = describe(threads=bench.threads, rounds=bench.rounds, quick=bench.quick)
    bench.report.meta["minutes"] = round((time.monotonic() - bench.started) / 60, 1)
    bench.report.goals = [asdict(goal) | {"met": goal.met} for goal in ([] if given.quick else goals(bench.report))]
    print_tables(bench.report)
    shutil.rmtree(bench.out, ignore_errors=True)
    if given.parts or given.quick or given.only:
        bench.say("results.json and the picture are those of a whole run: left as they are")
        results = bench.data / "results.json"
    else:
        results = ROOT / "benchmarks" / "results.json"
    write_results(bench.report, results)
    bench.say(f"written: {results}")
    if results.parent != bench.data:
        from benchmarks.picture import draw  # noqa: PLC0415 - matplotlib only where a picture is made

        draw(bench.report, ROOT / "docs" / "images" / "speed.png")
        bench.say("written: docs/images/speed.png")
    return 1 if bench.report.rejected else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""Examples:
  python -m benchmarks.speed                        everything: about 10 minutes on two processors
  python -m benchmarks.speed --quick                small inputs, one round: does it run, is it right (2 minutes)
  python -m benchmarks.speed blend --only limit     ours beside the limit
  python -m benchmarks.speed kernel coldstart       what needs no files

Only a whole run replaces results.json and the picture; others write <data>/results.json.""",
    )
    # An empty list is a choice as well: argparse looks the default up among them.
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--quick", action="store_true", help="1024 × 1024 pixels, 6 dates, one round, no full size")
    parser.add_argument("--rounds", type=int, help="of every contender (3)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these contenders, and ours")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="for every contender (processors)")
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "benchmarks", help="where inputs are kept")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
