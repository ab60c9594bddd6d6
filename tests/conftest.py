"""Options of the test run."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# What a test finds depends neither on the clock nor on luck. `pytest --hypothesis-profile=search` looks further.
settings.register_profile("repeatable", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=1000)
settings.load_profile("repeatable")

OPTION = "--real-data"
MARKER = "real_data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to find the sets of real scenes whose licence keeps them out of this repository."""
    parser.addoption(
        OPTION,
        metavar="DIR",
        help=f"folder with the sets of real scenes that are not in the repository, one folder a set with items.json; "
        f"with an equals sign ({OPTION}=DIR), or pytest takes the folder for one of tests",
    )


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts its background jobs with interrupts ignored, and so would be all that tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", f"{MARKER}: reads scenes that are not in the repository ({OPTION}=DIR)")
    folder = _folder(config)
    if folder is not None and not folder.is_dir():
        raise pytest.UsageError(f"{OPTION}: {folder} is no folder")


def pytest_report_header(config: pytest.Config) -> str:
    folder = _folder(config)
    if folder is None:
        return f"real data: the repository's own scenes; tests of other sets are left out, {OPTION}=DIR runs them"
    return f"real data: the repository's own scenes, and {folder}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the folder its tests are none of this run: not skipped, deselected."""
    if _folder(config) is not None:
        return
    without = [item for item in items if item.get_closest_marker(MARKER)]
    items[:] = [item for item in items if not item.get_closest_marker(MARKER)]
    config.hook.pytest_deselected(items=without)


@pytest.fixture(scope="session")
def real_data(request: pytest.FixtureRequest) -> Path:
    """The folder of ``--real-data``."""
    folder = _folder(request.config)
    if folder is None:
        raise pytest.UsageError(f"a test that reads it carries the marker {MARKER}")
    return folder


def _folder(config: pytest.Config) -> Path | None:
    # Kept as text: pytest-xdist hands options on to its workers, and paths are nothing it can hand on.
    text: str | None = config.getoption(OPTION)
    return None if text is None else Path(text).resolve()


@pytest.fixture(autouse=True)
def _no_environment_left_behind() -> Iterator[None]:
    """odc-stac leaves a GDAL environment in the thread that loads with it; in the next tests it would stand for the
    caller's own, whose settings count before ours."""
    yield
    if "rasterio.env" in sys.modules:
        from rasterio.env import delenv, hasenv

        if hasenv():
            delenv()
