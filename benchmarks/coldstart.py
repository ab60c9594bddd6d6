"""How long the handlers of the functions take to import, and how large the packages are which they import.

Each import is one fresh process on a warm page cache; the start of the interpreter is not in it. ``python -m
benchmarks.coldstart FOLDER`` measures one and is not for people.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.process import ROOT, JobClock, run_module

FUNCTIONS: Final = ROOT / "functions"
_IN_THE_RUNTIME: Final = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "urllib3", "python-dateutil", "six"})
"""What Lambda's Python brings along: no part of the package."""


@dataclass(frozen=True)
class ColdStart:
    """Of one handler."""

    import_ms: float
    """Importing ``app.py``: what Lambda does before the first event."""
    import_cpu_ms: float
    """The processor's part of it: what a busy machine would not change."""
    with_first_call_ms: float
    """Importing ``app.py``, and the imports which its handler makes when it is called."""
    packages_mb: float
    """Installed size of all packages imported by then, without byte code, and without what the runtime has."""


def handlers() -> list[str]:
    """The folders of ``functions/`` that have a handler."""
    return sorted(path.parent.name for path in FUNCTIONS.glob("*/app.py"))


def measure(function: str, *, repeats: int) -> ColdStart:
    """Median of several fresh processes, after one that warms the page cache and also does what a first call does."""
    called = run_module("benchmarks.coldstart", [function, "called"]).answer
    imported = [run_module("benchmarks.coldstart", [function]).answer for _ in range(repeats)]
    return ColdStart(
        import_ms=round(median(answer["wall_ms"] for answer in imported), 1),
        import_cpu_ms=round(median(answer["cpu_ms"] for answer in imported), 1),
        with_first_call_ms=round(run_module("benchmarks.coldstart", [function, "called"]).answer["wall_ms"], 1),
        packages_mb=round(called["packages_mb"], 1),
    )


def main() -> None:
    app, called = FUNCTIONS / sys.argv[1] / "app.py", len(sys.argv) > 2
    modules = list(_deferred(app.read_text())) if called else []
    os.environ |= _environment()
    sys.path[:0] = [str(app.parent), str(ROOT / "shared")]
    before = set(sys.modules)
    clock = JobClock()
    wall, cpu = time.perf_counter(), time.process_time()
    for name in ("app", *modules):
        importlib.import_module(name)
    answer = {"wall_ms": (time.perf_counter() - wall) * 1000, "cpu_ms": (time.process_time() - cpu) * 1000}
    if called:
        answer["packages_mb"] = _packages_mb(set(sys.modules) - before)
    clock.report(answer)


def _environment() -> Mapping[str, str]:
    """Made-up values for all variables that the template sets for any function, and for those that Lambda sets."""
    names = re.findall(r"^\s+([A-Z][A-Z0-9_]{3,}):", (ROOT / "infra" / "template.yaml").read_text(), re.MULTILINE)
    region = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    return dict.fromkeys(names, "1") | region | {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}


def _deferred(source: str) -> Iterator[str]:
    """The modules that functions of a module import when they are called."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.ImportFrom) and node.module:
                    yield node.module
                elif isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)


def _packages_mb(modules: set[str]) -> float:
    owners = importlib.metadata.packages_distributions()
    names = {name for module in modules for name in owners.get(module.partition(".")[0], ())}
    return sum(_size(name) for name in names - _IN_THE_RUNTIME) / 1e6


def _size(name: str) -> int:
    files = importlib.metadata.distribution(name).files or []
    found = [Path(str(file.locate())) for file in files if file.suffix != ".pyc" and not str(file).startswith("..")]
    return sum(path.stat().st_size for path in found if path.is_file())


if __name__ == "__main__":
    main()
