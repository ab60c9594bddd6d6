"""``/tasks``."""

from __future__ import annotations

from typing_extensions import TypedDict

from stratocube.api.contract import Answer, Operation
from stratocube.state.status import Step


class Tasks(TypedDict):
    """Work of one step that is left in the open builds."""

    total: int
    ready: int
    """Of units that wait for their turn."""
    unacked: int
    """Of units that are being worked on."""


OPERATIONS = (
    Operation(
        "GET",
        "/tasks",
        id="listTasks",
        tag="builds",
        summary="The work that is left in the open builds of all cubes, by step",
        description="Parts of a step, such as merges, are counted once a unit's scenes are known.",
        answers={200: Answer("Counts by step", dict[Step, Tasks])},
    ),
)
