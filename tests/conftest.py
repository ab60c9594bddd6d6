"""Options of the test run."""

from __future__ import annotations

from pathlib import Path

import pytest

OPTION = "--real-data"
MARKER = "real_data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to find the sets of real scenes whose licence keeps them out of this repository."""
    parser.addoption(
        OPTION,
        type=Path,
        metavar="DIR",
        help="folder with the sets of real scenes that are not in the repository (one folder a set, with items.json)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARKER}: reads scenes that are not in the repository ({OPTION} DIR)")


def pytest_report_header(config: pytest.Config) -> str:
    folder = config.getoption(OPTION)
    if folder is None:
        return f"real data: the repository's own scenes; tests of other sets are left out, {OPTION} DIR runs them"
    return f"real data: the repository's own scenes, and {folder}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the folder its tests are none of this run: not skipped, deselected."""
    if config.getoption(OPTION) is not None:
        return
    without = [item for item in items if item.get_closest_marker(MARKER)]
    items[:] = [item for item in items if item not in without]
    config.hook.pytest_deselected(items=without)


@pytest.fixture(scope="session")
def real_data(request: pytest.FixtureRequest) -> Path:
    """The folder of ``--real-data``."""
    folder: Path | None = request.config.getoption(OPTION)
    if folder is None:
        raise pytest.UsageError(f"a test that reads it must carry the marker {MARKER}")
    return folder
