"""Which units of a build are to be done again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from stratocube.cube.schema import MAX_COST, Number, StrictModel, Text, refuse, shown
from stratocube.errors import InvalidRequest

MAX_ERROR: Final = 500


def _moment(value: object) -> object:
    """A date or a time as the prefix that UTC times in the tables are compared with; what has no offset is UTC."""
    if not isinstance(value, str):
        raise refuse("moment", f"must be a date or a time, got {shown(value)}")
    try:
        moment = datetime.fromisoformat(value)
        utc = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise refuse("moment", f"must be a date or a time such as 2026-08-01T12:30:00Z, got {shown(value)}") from None
    return utc.replace(tzinfo=None).isoformat(timespec="seconds")


Moment = Annotated[str, BeforeValidator(_moment)]


class RetryRequest(StrictModel):
    """A filter over the units of a build that has ended; what is left out lets every unit pass."""

    states: tuple[Literal["FAILED", "CANCELLED"], ...] = Field(default=("FAILED", "CANCELLED"), min_length=1)
    error: Text | None = None
    """Text within the cause, upper or lower case alike: an error's type, a host, a band, a step of the cause."""
    step: Text | None = None
    """The step that failed, such as ``merge``."""
    since: Moment | None = None
    """Ended at this moment or later."""
    max_cost: Annotated[Number, Field(gt=0, le=MAX_COST)] | None = None
    """US dollars: a retry that is expected to cost more is refused. Left out: what the build's own request says."""
    until: Moment | None = None
    """Ended before this moment: an age of a day is ``until`` a day ago."""

    @model_validator(mode="before")
    @classmethod
    def _short_enough(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("error"), str) and len(value["error"]) > MAX_ERROR:
            raise InvalidRequest(f"is longer than {MAX_ERROR} characters", field="error")
        return value

    def matches(self, *, state: str, cause: str | None, step: str | None, ended_at: str | None) -> bool:
        """Whether a unit in this state is to be done again."""
        moment = ended_at or ""
        return (
            state in self.states
            and (self.error is None or self.error.casefold() in (cause or "").casefold())
            and (self.step is None or self.step == step)
            and (self.since is None or moment >= self.since)
            and (self.until is None or (moment != "" and moment < self.until))
        )
