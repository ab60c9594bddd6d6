"""Memory that is used again and again."""

from __future__ import annotations

import numpy as np

from stratocube.pixels.workspace import Workspace


def test_arrays_of_one_round_lie_beside_each_other_and_those_of_the_next_in_their_place() -> None:
    workspace = Workspace()
    first, second = np.empty(0), np.empty(0)
    for _ in range(2):
        workspace.rewind()
        first, second = workspace.empty((3, 5), np.int16), workspace.full(7, 9, np.uint8)
        assert first.shape == (3, 5)
        assert first.dtype == np.int16
        assert second.tolist() == [9] * 7
        assert not np.may_share_memory(first, second)
    workspace.rewind()
    assert np.shares_memory(workspace.empty((3, 5), np.int16), first)
    assert np.shares_memory(workspace.empty(7, np.uint8), second)


def test_what_does_not_fit_is_in_memory_of_its_own() -> None:
    workspace = Workspace()
    workspace.full(4, 1, np.uint8)
    workspace.rewind()
    small, large = workspace.full(4, 1, np.uint8), workspace.full(1000, 2, np.int64)
    assert not np.may_share_memory(small, large)
    assert large.sum() == 2000
    assert small.tolist() == [1] * 4
    workspace.rewind()
    assert np.shares_memory(workspace.empty(4, np.uint8), small)
    assert np.shares_memory(workspace.empty(1000, np.int64), large)


def test_scratch_goes_by_its_name_and_grows() -> None:
    workspace = Workspace()
    one = workspace.scratch("one", 4, np.int16)
    assert np.shares_memory(one, workspace.scratch("one", 8, np.uint8))
    assert not np.may_share_memory(one, workspace.scratch("other", 4, np.int16))
    assert workspace.scratch("one", 100, np.float32).size == 100
