"""Small inputs of the speed benchmarks, made once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.workload import BlendInputs, MergeInputs, blend_inputs, merge_inputs


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> BlendInputs:
    """12 dates of 2048 × 2048 pixels; of the best date 10 % lie under clouds."""
    return blend_inputs(tmp_path_factory.mktemp("stack"), size=2048, dates=12)


@pytest.fixture(scope="session")
def mosaic(tmp_path_factory: pytest.TempPathFactory) -> MergeInputs:
    """Four scenes of 2048 × 2048 pixels around the corner of a tile of 1024 × 1024."""
    return merge_inputs(tmp_path_factory.mktemp("mosaic"), scene=2048, size=1024, resolution=20.0)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where results go."""
    return tmp_path
