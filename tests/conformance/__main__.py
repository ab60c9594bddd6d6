"""Command line: ``python -m tests.conformance [DIR] [--only TEXT]``."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from tests.conformance.adapters import discover
from tests.conformance.cases import find_cases
from tests.conformance.runner import run_case, workspace


def main(arguments: list[str] | None = None) -> int:
    """Run the cases, print a line for each and the totals; 0 when every one passed, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, help="directory of golden cases (default: the packed ones)")
    parser.add_argument("--only", default="", metavar="TEXT", help="run the cases whose name contains TEXT")
    options = parser.parse_args(arguments)
    if options.directory is not None and not options.directory.is_dir():
        parser.error(f"{options.directory} is not a directory")
    registry = discover()
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    with workspace(options.directory) as root:
        for name in find_cases(root):
            if options.only not in name:
                continue
            verdict = run_case(root, name, registry)
            print(verdict, flush=True)
            (passed if verdict.passed else failed)[name.split("/")[0]] += 1
    _print_totals(passed, failed)
    return 0 if passed and not failed else 1


def _print_totals(passed: Counter[str], failed: Counter[str]) -> None:
    print()
    for function in sorted(passed | failed):
        print(f"{function:32} {passed[function]:4} passed {failed[function]:4} failed")
    print(f"{'total':32} {passed.total():4} passed {failed.total():4} failed")


if __name__ == "__main__":
    sys.exit(main())
