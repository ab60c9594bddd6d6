"""Events at the door of the functions: parsed whole, or refused with the name of the field.

They come from the state machine or from EventBridge, so a malformed one was sent by hand, or is a task list that
somebody edited. Nothing may be made of it: what is refused here has read and written nothing. Nobody waits for the
answer to an event of EventBridge: the refusal goes to the dead-letter queue with the event.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from stratocube.cube.naming import UnitId
from stratocube.cube.schema import shown
from stratocube.errors import InvalidRequest
from stratocube.state.status import Step
from stratocube.workflow.tasks import DateTask, MergeTask

Task = TypeVar("Task", MergeTask, DateTask)

_BUILD_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,79}")
"""What names an execution of Step Functions and a folder of the work bucket."""
_BAND: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_IDENTITY: Final = re.compile(r"[0-9a-f]{64}")
_LONGEST_KEY: Final = 1024
_MOST_FIELDS_NAMED: Final = 5


@dataclass(frozen=True)
class EndedExecution:
    """An execution of the state machine that ended otherwise than by its last state."""

    build_id: str
    unit_id: str | None
    """Whose execution it was, None for the whole build's."""
    error: Mapping[str, str]
    """Why, as Step Functions says it: ``{"Error", "Cause"}``."""


_HOW_IT_ENDED: Final = {
    "ABORTED": "the execution of the state machine was stopped",
    "FAILED": "the execution of the state machine failed",
    "TIMED_OUT": "the execution of the state machine ran out of time",
}


def ended_execution_of(event: object) -> EndedExecution:
    """What EventBridge says of an execution that was stopped, failed or timed out.

    Executions of builds are named after them; those of units, which the map of the units starts, have names of their
    own, but the unit for input.

    Raises:
        InvalidRequest: naming the field (``detail.status``) that is missing or wrong.
    """
    detail = _object(_member(event, "detail"), "detail")
    status = detail.get("status")
    if not isinstance(status, str) or status not in _HOW_IT_ENDED:
        raise InvalidRequest(f"must be one of {', '.join(_HOW_IT_ENDED)}, got {shown(status)}", field="detail.status")
    said = [text for name in ("error", "cause") if isinstance(text := detail.get(name), str) and text]
    error = {"Error": status, "Cause": ": ".join([_HOW_IT_ENDED[status], *said])}
    machine = detail.get("stateMachineArn")
    if not isinstance(machine, str):
        raise InvalidRequest(
            f"must be the ARN of a state machine, got {shown(machine)}", field="detail.stateMachineArn"
        )
    if "/" not in machine:
        return EndedExecution(_matching(detail.get("name"), _BUILD_ID, "detail.name"), None, error)
    try:
        task = json.loads(str(detail.get("input")))
        build_id, unit_id = unit_of(task)
    except (ValueError, InvalidRequest) as problem:
        raise InvalidRequest(f"must be the input of a unit: {problem}", field="detail.input") from None
    return EndedExecution(build_id, unit_id, error)


def has(event: object, name: str) -> bool:
    """Whether an event has a member: what tells the kinds of events of one function apart.

    Raises:
        InvalidRequest: when the event is no object.
    """
    return name in _object(event, "")


def build_of(event: object) -> str:
    """The ``build_id`` of an event.

    Raises:
        InvalidRequest: naming ``build_id``, when it is missing or none.
    """
    return _text(event, "build_id", _BUILD_ID)


def unit_of(event: object) -> tuple[str, str]:
    """The ``build_id`` and ``unit_id`` of an event.

    Raises:
        InvalidRequest: naming the field that is missing or wrong.
    """
    return build_of(event), str(_unit(_member(event, "unit_id")))


def day_of(event: object) -> str:
    """The ``date`` of an event, which names a unit too: a day of this unit, as ``2023-08-10``.

    Raises:
        InvalidRequest: naming ``date`` or ``unit_id``.
    """
    return _day(_member(event, "date"), _unit(_member(event, "unit_id"))).isoformat()


def band_of(event: object) -> str:
    """The ``band`` of an event.

    Raises:
        InvalidRequest: naming ``band``.
    """
    return _text(event, "band", _BAND)


def failure_of(event: object) -> tuple[str, Mapping[str, Any]]:
    """The ``failed_step`` and the ``error`` (``{"Error", "Cause"}`` of Step Functions) of a unit that failed.

    Raises:
        InvalidRequest: naming the field that is missing or wrong.
    """
    step = _member(event, "failed_step")
    if not isinstance(step, str) or step not in set(Step):
        raise InvalidRequest(f"must be one of {', '.join(Step)}, got {shown(step)}", field="failed_step")
    return step, _object(_member(event, "error"), "error")


def error_of(event: object) -> Mapping[str, Any] | None:
    """The ``error`` that ended a build as a whole, None when there is none.

    Raises:
        InvalidRequest: naming ``error``, when it is no object.
    """
    error = _object(event, "").get("error")
    return None if error is None else _object(error, "error")


def merge_task_of(event: object) -> MergeTask:
    """An element of ``merges.json``.

    Raises:
        InvalidRequest: naming the field (``sources.0.href``) that is missing or wrong.
    """
    task = _task(_MERGE, event)
    if not task.sources:
        raise InvalidRequest("must name at least one raster", field="sources")
    if not task.key or len(task.key) > _LONGEST_KEY or {"", ".", ".."} & set(task.key.split("/")):
        raise InvalidRequest(f"must be a key of the cube bucket, got {shown(task.key)}", field="key")
    for position, source in enumerate(task.sources):
        if source.file_band < 1:
            raise InvalidRequest("bands of a file are counted from 1", field=f"sources.{position}.file_band")
        for name in ("scale", "offset", "may_hold"):
            if not math.isfinite(getattr(source, name) or 0):
                raise InvalidRequest("must be a finite number", field=f"sources.{position}.{name}")
    _matching(task.band, _BAND, "band")
    _matching(task.activity_id, _IDENTITY, "activity_id")
    return task


def date_task_of(event: object) -> DateTask:
    """An element of ``dates.json``.

    Raises:
        InvalidRequest: naming the field that is missing or wrong.
    """
    task = _task(_DATE, event)
    if not task.merges:
        raise InvalidRequest("must name at least one merge", field="merges")
    for band, activity_id in task.merges.items():
        _matching(band, _BAND, "merges")
        _matching(activity_id, _IDENTITY, f"merges.{band}")
    return task


_MERGE: Final = TypeAdapter(MergeTask)
_DATE: Final = TypeAdapter(DateTask)


def _task(form: TypeAdapter[Task], event: object) -> Task:
    try:
        task = form.validate_python(_object(event, ""))
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        fields = list(dict.fromkeys(".".join(str(part)[:64] for part in detail["loc"]) for detail in details))
        also = f" (also at fault: {', '.join(fields[1 : 1 + _MOST_FIELDS_NAMED])})" if len(fields) > 1 else ""
        raise InvalidRequest(f"{details[0]['msg']}, got {shown(details[0]['input'])}{also}", field=fields[0]) from None
    _matching(task.build_id, _BUILD_ID, "build_id")
    _day(task.date, _unit(task.unit_id))
    return task


def _object(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"must be an object, got {shown(value)}", field=field)
    return value


def _member(event: object, name: str) -> object:
    members = _object(event, "")
    if name not in members:
        raise InvalidRequest("is required", field=name)
    value: object = members[name]
    return value


def _text(event: object, name: str, form: re.Pattern[str]) -> str:
    return _matching(_member(event, name), form, name)


def _matching(value: object, form: re.Pattern[str], field: str) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise InvalidRequest(f"is none: got {shown(value)}", field=field)
    return value


def _unit(value: object) -> UnitId:
    if not isinstance(value, str):
        raise InvalidRequest(f"must be text, got {shown(value)}", field="unit_id")
    try:
        unit = UnitId.parse(value)
    except InvalidRequest as error:
        raise InvalidRequest(error.reason, field="unit_id") from None
    if str(unit) != value:
        raise InvalidRequest(f"must be written {unit}, got {shown(value)}", field="unit_id")
    return unit


def _day(value: object, unit: UnitId) -> date:
    try:
        day = value if isinstance(value, date) else date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None:
        raise InvalidRequest(f"must be a date such as 2023-08-10, got {shown(value)}", field="date")
    if not unit.period.start <= day <= unit.period.end:
        raise InvalidRequest(f"must be a day of {unit}, got {day}", field="date")
    return day
