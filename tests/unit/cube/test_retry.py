"""Which units a retry picks."""

from __future__ import annotations

from typing import Any

import pytest

from stratocube.cube.retry import RetryRequest
from stratocube.errors import InvalidRequest

CAUSE = "2023-08-10 B04: SourceMissing: https://host.example.org/B04.tif: 404"


def picks(form: dict[str, Any], **unit: Any) -> bool:
    described = {"state": "FAILED", "cause": CAUSE, "step": "merge", "ended_at": "2026-03-06T10:00:00.5Z"}
    return RetryRequest.parse(form).matches(**(described | unit))


@pytest.mark.parametrize(
    ("form", "picked"),
    [
        ({}, True),
        ({"states": ["FAILED"]}, True),
        ({"states": ["CANCELLED"]}, False),
        ({"error": "sourcemissing"}, True),
        ({"error": "HOST.example.org"}, True),
        ({"error": "AccessDenied"}, False),
        ({"step": "merge"}, True),
        ({"step": "blend"}, False),
        ({"since": "2026-03-06"}, True),
        ({"since": "2026-03-06T10:00:00Z"}, True),
        ({"since": "2026-03-06T10:00:01Z"}, False),
        ({"until": "2026-03-06T10:00:01Z"}, True),
        ({"until": "2026-03-06T07:00:00-03:00"}, False),
        ({"since": "2026-03-06", "until": "2026-03-07", "error": "404", "states": ["FAILED"]}, True),
        ({"since": "2026-03-06", "until": "2026-03-07", "error": "403"}, False),
    ],
)
def test_a_filter_picks_by_state_error_step_and_age_all_of_them_together(form: dict[str, Any], picked: bool) -> None:
    assert picks(form) is picked


@pytest.mark.parametrize("state", ["SUCCEEDED", "RUNNING", "PLANNED"])
def test_a_unit_that_did_not_fail_is_never_picked(state: str) -> None:
    assert not picks({}, state=state)


def test_a_unit_of_unknown_age_is_in_no_window_that_has_an_end() -> None:
    assert picks({}, ended_at=None)
    assert not picks({"until": "2030-01-01"}, ended_at=None)
    assert not picks({"since": "2000-01-01"}, ended_at=None)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"states": ["SUCCEEDED"]}, "states.0"),
        ({"states": []}, "states"),
        ({"state": ["FAILED"]}, "state"),
        ({"since": "yesterday"}, "since"),
        ({"until": 7}, "until"),
        ({"error": "x" * 501}, "error"),
    ],
)
def test_what_is_no_filter_names_the_field(form: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        RetryRequest.parse(form)
    assert caught.value.field == field


def test_a_filter_is_stored_and_read_back_as_it_was() -> None:
    wanted = RetryRequest.parse({"error": "404", "since": "2026-03-06T10:00:00+02:00"})
    assert RetryRequest.parse(wanted.model_dump(mode="json", exclude_none=True)) == RetryRequest.parse(
        {"states": ["FAILED", "CANCELLED"], "error": "404", "since": "2026-03-06T08:00:00"}
    )
