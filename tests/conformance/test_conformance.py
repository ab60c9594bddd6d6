"""Every packed golden case as a test of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.adapters import Registry, discover
from tests.conformance.archive import names
from tests.conformance.cases import case_names
from tests.conformance.runner import run_case, workspace


@pytest.fixture(scope="module")
def cases_root() -> Iterator[Path]:
    with workspace() as root:
        yield root


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover()


@pytest.mark.parametrize("name", case_names(names()))
def test_golden_case_holds(name: str, cases_root: Path, registry: Registry) -> None:
    verdict = run_case(cases_root, name, registry)
    assert verdict.passed, verdict.reason
