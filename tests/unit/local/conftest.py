"""One emulator for the tests of this folder that need one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stratocube.local.emulator import Emulator, running_emulator


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("state"), port=0) as running:
        yield running
