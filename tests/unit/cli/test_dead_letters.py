"""Events that could not be handled are told with their reason, and handed over once more."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from stratocube.cli.dead_letters import DeadLetter, parse, receive, replay
from stratocube.cli.main import app

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:cube-finish"
EVENT = {"detail": {"status": "ABORTED"}}


def message(body: Any, number: int = 1, **attributes: str) -> dict[str, Any]:
    """A message as SQS hands it out."""
    found = {
        "MessageId": f"m{number}",
        "ReceiptHandle": f"r{number}",
        "Body": body if isinstance(body, str) else json.dumps(body),
    }
    if not attributes:
        return found
    return found | {
        "MessageAttributes": {name: {"StringValue": value, "DataType": "String"} for name, value in attributes.items()}
    }


FAILED = {
    "requestContext": {"functionArn": f"{FUNCTION}:$LATEST", "condition": "RetriesExhausted"},
    "requestPayload": EVENT,
    "responsePayload": {"errorType": "NotFound", "errorMessage": "there is no build b1"},
}
EXPIRED = {"requestContext": {"functionArn": FUNCTION, "condition": "EventAgeExceeded"}, "requestPayload": EVENT}
REFUSED = {"TARGET_ARN": FUNCTION, "ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "not allowed"}


@pytest.mark.parametrize(
    ("found", "function", "event", "reason"),
    [
        (message(FAILED), f"{FUNCTION}:$LATEST", EVENT, "NotFound: there is no build b1"),
        (message(EXPIRED), FUNCTION, EVENT, "EventAgeExceeded"),
        (message(EVENT, **REFUSED), FUNCTION, EVENT, "not delivered: NO_PERMISSIONS: not allowed"),
        (message("no JSON"), None, "no JSON", "no reason is recorded"),
        (message([1]), None, [1], "no reason is recorded"),
    ],
)
def test_either_kind_of_message_says_what_failed_and_why(
    found: dict[str, Any], function: str | None, event: Any, reason: str
) -> None:
    assert parse(found) == DeadLetter("m1", "r1", function, event, reason)


class Queue:
    """A queue and functions, in memory."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.hidden: list[dict[str, Any]] = []
        self.invoked: list[tuple[str, str, Any]] = []

    def receive_message(self, *, MaxNumberOfMessages: int, **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's name
        given, self.messages = self.messages[:MaxNumberOfMessages], self.messages[MaxNumberOfMessages:]
        self.hidden += given
        return {"Messages": given} if given else {}

    def change_message_visibility(self, *, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803 - boto3's name
        self.messages.append(self._take(ReceiptHandle))

    def delete_message(self, *, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803 - boto3's name
        self._take(ReceiptHandle)

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> None:  # noqa: N803 - boto3's names
        self.invoked.append((FunctionName, InvocationType, json.loads(Payload)))

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        return {"Stacks": [{"Outputs": [{"OutputKey": "FailedEvents", "OutputValue": "url"}]}]}

    def _take(self, receipt: str) -> dict[str, Any]:
        (found,) = [held for held in self.hidden if held["ReceiptHandle"] == receipt]
        self.hidden.remove(found)
        return found


Run = Callable[..., str]


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    """Two events that failed, and a message of somebody else."""
    queue = Queue(message(FAILED), message(EVENT, 2, **REFUSED), message("?", 3))
    monkeypatch.setattr("stratocube.cli.session._state_dir", lambda: None)
    monkeypatch.setattr(boto3, "Session", lambda **_: SimpleNamespace(client=lambda _: queue))
    return queue


def run(*arguments: str, code: int = 0) -> str:
    """Run ``stratocube dead-letters``; what it printed."""
    result = CliRunner().invoke(app, ["dead-letters", *arguments])
    assert result.exit_code == code, result.output
    return str(result.output)


def test_list_shows_every_event_and_leaves_all_of_them(queue: Queue) -> None:
    printed = run("list")
    assert printed.splitlines() == [
        "m1  cube-finish:$LATEST",
        "  NotFound: there is no build b1",
        f"  {json.dumps(EVENT)}",
        "m2  cube-finish",
        "  not delivered: NO_PERMISSIONS: not allowed",
        f"  {json.dumps(EVENT)}",
        "m3  function not recorded",
        "  no reason is recorded",
        '  "?"',
        "3 events that could not be handled",
    ]
    assert (len(queue.messages), queue.hidden, queue.invoked) == (3, [], [])


def test_replay_hands_over_what_names_its_function_and_leaves_the_rest(queue: Queue) -> None:
    assert run("replay").splitlines() == ["2 events replayed"]
    assert queue.invoked == [(f"{FUNCTION}:$LATEST", "Event", EVENT), (FUNCTION, "Event", EVENT)]
    assert [left["MessageId"] for left in queue.messages] == ["m3"]
    assert queue.hidden == []


def test_both_print_json(queue: Queue) -> None:
    first, second, third = json.loads(run("list", "--json"))
    assert first == {
        "message_id": "m1",
        "function": f"{FUNCTION}:$LATEST",
        "reason": "NotFound: there is no build b1",
        "event": EVENT,
    }
    assert (second["reason"], third["function"]) == ("not delivered: NO_PERMISSIONS: not allowed", None)
    assert json.loads(run("replay", "--json")) == {"replayed": ["m1", "m2"]}


def test_replay_of_one_message_leaves_the_others(queue: Queue) -> None:
    assert run("replay", "m2").splitlines() == ["1 events replayed"]
    assert sorted(left["MessageId"] for left in queue.messages) == ["m1", "m3"]


def test_an_event_is_taken_off_the_queue_only_once_its_function_has_it(queue: Queue) -> None:
    def refuse(**_: Any) -> None:
        raise RuntimeError("throttled")

    queue.invoke = refuse  # type: ignore[method-assign]  # fails this one call
    (letter, *_) = receive(queue, "url")
    with pytest.raises(RuntimeError):
        replay(queue, queue, "url", letter)
    assert "m1" in [held["MessageId"] for held in queue.hidden]


def test_a_stack_without_the_queue_is_told_so(queue: Queue) -> None:
    assert "has no output Other" in run("list", "--queue", "Other", code=2)


def test_more_messages_than_one_request_holds_are_all_read() -> None:
    many = Queue(*(message(FAILED, number) for number in range(25)))
    assert len(list(receive(many, "url"))) == 25
