"""``stratocube dead-letters``: the events that could not be handled, with their reasons; and handling them once more.

Two kinds of messages are in the queue. Lambda writes a record of an event that its function failed on, however often
it was tried; EventBridge puts an event there that it could not deliver, with the reason in the message's attributes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stratocube.cli.options import AsJson
from stratocube.cli.session import EXIT_CODES, aws_of, explained, print_json, session_of

if TYPE_CHECKING:
    from stratocube.cli.aws import Aws

HIDDEN_SECONDS = 120
"""How long messages are kept from others while somebody reads or replays them."""
_AT_ONCE = 10
_MOST = 1000

_DEFAULT_STACK = "stratocube"

dead_letters = typer.Typer(
    help="Events that could not be handled: read them, replay them.", epilog=EXIT_CODES, no_args_is_help=True
)

StackName = Annotated[
    str | None,
    typer.Option("--stack", help="CloudFormation stack [default: the embedded one, or else stratocube]"),
]
QueueOutput = Annotated[str, typer.Option("--queue", help="Output of the stack that names the queue.")]


@dataclass(frozen=True)
class DeadLetter:
    """An event that could not be handled."""

    message_id: str
    receipt: str
    function: str | None
    """ARN of the function it was for; None where the message does not say."""
    event: Any
    """What the function was, or was to be, called with."""
    reason: str


def parse(message: Mapping[str, Any]) -> DeadLetter:
    """A message of SQS, of either kind. Of any other the body is the event, and nobody knows the reason."""
    attributes = {name: value.get("StringValue") for name, value in message.get("MessageAttributes", {}).items()}
    try:
        body = json.loads(message["Body"])
    except ValueError:
        body = message["Body"]
    function, event, reason = attributes.get("TARGET_ARN"), body, "no reason is recorded"
    if attributes.get("ERROR_CODE"):
        reason = f"not delivered: {attributes['ERROR_CODE']}: {attributes.get('ERROR_MESSAGE')}"
    elif (
        isinstance(body, dict) and isinstance(context := body.get("requestContext"), dict) and "requestPayload" in body
    ):
        said = body.get("responsePayload") or {}
        function, event = context.get("functionArn"), body["requestPayload"]
        reason = f"{said.get('errorType')}: {said.get('errorMessage')}" if said else str(context.get("condition"))
    return DeadLetter(message["MessageId"], message["ReceiptHandle"], function, event, reason)


def receive(sqs: Any, queue_url: str) -> Iterator[DeadLetter]:
    """Every message of the queue once, hidden from others for :data:`HIDDEN_SECONDS`."""
    seen: set[str] = set()
    while len(seen) < _MOST:
        answer = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=_AT_ONCE,
            VisibilityTimeout=HIDDEN_SECONDS,
            MessageAttributeNames=["All"],
            WaitTimeSeconds=1,
        )
        new = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
        if not new:
            return
        seen.update(message["MessageId"] for message in new)
        yield from map(parse, new)


def show_again(sqs: Any, queue_url: str, letter: DeadLetter) -> None:
    """Let others see a message that was received."""
    sqs.change_message_visibility(QueueUrl=queue_url, ReceiptHandle=letter.receipt, VisibilityTimeout=0)


def replay(sqs: Any, functions: Any, queue_url: str, letter: DeadLetter) -> None:
    """Hand an event to its function as if it had just happened, and take it off the queue. What fails again is back
    in the queue with its reason."""
    functions.invoke(FunctionName=letter.function, InvocationType="Event", Payload=json.dumps(letter.event).encode())
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=letter.receipt)


@dead_letters.command("list", epilog=EXIT_CODES)
def list_command(
    context: typer.Context, stack: StackName = None, queue: QueueOutput = "FailedEvents", as_json: AsJson = False
) -> None:
    """Show every event that could not be handled: id, function, reason, event. Nothing is taken off the queue.

    Example: stratocube dead-letters list --json
    """
    with explained():
        aws = _aws(context, stack)
        sqs, url = aws.client("sqs"), aws.output(queue)
        letters = list(receive(sqs, url))
        for letter in letters:
            show_again(sqs, url, letter)
        if as_json:
            names = ("message_id", "function", "reason", "event")
            print_json([{name: getattr(letter, name) for name in names} for letter in letters])
            return
        for letter in letters:
            typer.echo(f"{letter.message_id}  {(letter.function or 'function not recorded').split(':function:')[-1]}")
            typer.echo(f"  {letter.reason}\n  {json.dumps(letter.event)}")
        typer.echo(f"{len(letters)} events that could not be handled")


@dead_letters.command("replay", epilog=EXIT_CODES)
def replay_command(
    context: typer.Context,
    message_id: Annotated[list[str] | None, typer.Argument(help="Ids of messages [default: all]")] = None,
    stack: StackName = None,
    queue: QueueOutput = "FailedEvents",
    as_json: AsJson = False,
) -> None:
    """Hand events to their functions once more and take them off the queue. What fails again comes back.

    Example: stratocube dead-letters replay
    """
    with explained():
        aws = _aws(context, stack)
        sqs, functions, url = aws.client("sqs"), aws.client("lambda"), aws.output(queue)
        replayed = []
        for letter in list(receive(sqs, url)):
            if letter.function is None or (message_id and letter.message_id not in message_id):
                show_again(sqs, url, letter)
            else:
                replay(sqs, functions, url, letter)
                replayed.append(letter.message_id)
        print_json({"replayed": replayed}) if as_json else typer.echo(f"{len(replayed)} events replayed")


def _aws(context: typer.Context, stack: str | None) -> Aws:
    if stack is None:
        return aws_of(context, _DEFAULT_STACK)
    return replace(session_of(context), stack=stack).aws()
