"""``stratocube dead-letters``: the events that could not be handled, with their reasons; and handling them once more.

Two kinds of messages are in the queue. Lambda writes a record of an event that its function failed on, however often
it was tried; EventBridge puts an event there that it could not deliver, with the reason in the message's attributes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError

HIDDEN_SECONDS = 120
"""How long messages are kept from others while somebody reads or replays them."""
_AT_ONCE = 10
_MOST = 1000

dead_letters = typer.Typer(help="Events that could not be handled: read them, replay them.", no_args_is_help=True)

StackName = Annotated[str, typer.Option("--stack", help="Name of the CloudFormation stack.")]
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


@dead_letters.command("list")
def list_command(stack: StackName = "stratocube", queue: QueueOutput = "FailedEvents") -> None:
    """Show every event that could not be handled: id, function, reason, event. Nothing is taken off the queue."""
    with _Told():
        sqs, url = boto3.client("sqs"), _queue_url(stack, queue)
        letters = list(receive(sqs, url))
        for letter in letters:
            typer.echo(f"{letter.message_id}  {(letter.function or 'function not recorded').split(':function:')[-1]}")
            typer.echo(f"  {letter.reason}\n  {json.dumps(letter.event)}")
            show_again(sqs, url, letter)
    typer.echo(f"{len(letters)} events that could not be handled")


@dead_letters.command("replay")
def replay_command(
    message_id: Annotated[list[str] | None, typer.Argument(help="Ids of messages [default: all]")] = None,
    stack: StackName = "stratocube",
    queue: QueueOutput = "FailedEvents",
) -> None:
    """Hand events to their functions once more and take them off the queue. What fails again comes back."""
    replayed = 0
    with _Told():
        sqs, functions, url = boto3.client("sqs"), boto3.client("lambda"), _queue_url(stack, queue)
        for letter in list(receive(sqs, url)):
            if letter.function is None or (message_id and letter.message_id not in message_id):
                show_again(sqs, url, letter)
            else:
                replay(sqs, functions, url, letter)
                replayed += 1
    typer.echo(f"{replayed} events replayed")


def _queue_url(stack: str, output: str) -> str:
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {entry["OutputKey"]: entry["OutputValue"] for entry in described.get("Outputs", [])}
    if output not in outputs:
        raise typer.BadParameter(f"the stack {stack} has no output {output}")
    return str(outputs[output])


class _Told:
    """What AWS refuses, in one line."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, (ClientError, BotoCoreError)):
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from error
