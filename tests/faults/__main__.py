"""``python -m tests.faults [name …]``: inject every fault (or those whose names begin so), and say how many held."""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.bench import Bench
from tests.faults.catalog import FAULTS
from tests.faults.fault import Fault
from tests.faults.running import running_bench
from tests.faults.table import table


def main() -> int:
    """Run; 0 when all promises were kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", help="faults to inject, by how their names begin; all by default")
    parser.add_argument("--list", action="store_true", help="list the faults and end")
    parser.add_argument("--table", action="store_true", help="print the table of docs/reliability.md and end")
    arguments = parser.parse_args()
    chosen = [fault for fault in FAULTS if not arguments.names or fault.name.startswith(tuple(arguments.names))]
    if arguments.list:
        for fault in chosen:
            print(f"{fault.name}: {fault.what}")
        return 0
    if arguments.table:
        print(table())
        return 0
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    began = time.monotonic()
    with TemporaryDirectory(prefix="stratocube-faults-") as folder, running_bench(Path(folder)) as bench:
        print(f"the stack runs, the clean run is done ({time.monotonic() - began:.0f} s)", flush=True)
        held = sum(_holds(bench, fault) for fault in chosen)
    print(f"{time.monotonic() - began:.0f} s")
    print(f"{len(chosen)} faults injected, {held} held")
    return 0 if chosen and held == len(chosen) else 1


def _stop(number: int, _: object) -> None:
    """Whoever ends the suite ends the stack with it."""
    sys.exit(128 + number)


def _holds(bench: Bench, fault: Fault) -> bool:
    began = time.monotonic()
    error: Exception | None = None
    try:
        fault.inject(bench)
    except Exception as found:
        error = found
    print(
        f"{'held' if error is None else 'NOT HELD':8} {time.monotonic() - began:5.1f} s  {fault.name}: {fault.what}",
        flush=True,
    )
    if error is not None:
        traceback.print_exception(error, file=sys.stdout)
        bench.recover()
    return error is None


if __name__ == "__main__":
    sys.exit(main())
