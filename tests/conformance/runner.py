"""Run golden cases against the project and say which of them hold."""

from __future__ import annotations

import builtins
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stratocube.errors import StratocubeError
from tests.conformance.adapters import Adapter, Registry
from tests.conformance.archive import unpack
from tests.conformance.cases import Case, MalformedCase, load
from tests.conformance.expectations import Expectation, expectations
from tests.conformance.rules import check
from tests.conformance.tolerances import tolerance


@dataclass(frozen=True)
class Verdict:
    """What became of a case. ``reason`` is empty when it passed."""

    name: str
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the case holds."""
        return not self.reason

    def __str__(self) -> str:
        return f"PASS {self.name}" if self.passed else f"FAIL {self.name}: {self.reason}"


@contextmanager
def workspace(source: Path | None = None) -> Iterator[Path]:
    """A throw-away copy of a directory of cases (the packed ones by default): adapters may change files in it."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as directory:
        root = Path(directory) / "cases"
        if source is None:
            unpack(root)
        else:
            shutil.copytree(source, root)
        yield root


def run_case(root: Path, name: str, registry: Registry) -> Verdict:
    """Run one case below ``root``. Never raises: what goes wrong is the verdict's reason."""
    try:
        case = load(root, name)
        acceptable = expectations(case)
    except MalformedCase as reason:
        return Verdict(name, f"malformed case: {reason}")
    except (KeyError, TypeError, ValueError, OSError) as reason:
        return Verdict(name, f"malformed case: {type(reason).__name__}: {reason}")
    adapter = registry.adapters.get(case.function)
    if adapter is None:
        return Verdict(name, registry.why_missing(case.function))
    return Verdict(name, _judge(case, acceptable, adapter, root))


def _judge(case: Case, acceptable: list[Expectation], adapter: Adapter, root: Path) -> str:
    before = _interpreter_names()
    try:
        actual = adapter(case.input, root)
    except StratocubeError as error:
        if all(expectation.fields is not None for expectation in acceptable):
            return f"refused ({type(error).__name__}: {error}), expected an output"
        if any(expectation.nothing_executed for expectation in acceptable) and _interpreter_names() != before:
            return "refused, but text of the request was executed before"
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if not isinstance(actual, Mapping):
        return f"the adapter returned {type(actual).__name__}, not a mapping"
    differences = [_difference(case, expectation, actual) for expectation in acceptable]
    return "" if None in differences else f"{differences[0]} [{acceptable[0].label}]"


def _difference(case: Case, expectation: Expectation, actual: Mapping[str, Any]) -> str | None:
    if expectation.fields is None:
        return "the call succeeded, expected a typed error"
    try:
        return check(case, expectation, actual, tolerance(case.tolerance, expectation.helps))
    except (KeyError, TypeError, ValueError, IndexError) as reason:
        return f"output cannot be compared: {type(reason).__name__}: {reason}"


def _interpreter_names() -> tuple[frozenset[str], frozenset[str]]:
    """Names in the modules that executed user text can reach without an import."""
    return frozenset(vars(sys)), frozenset(vars(builtins))
