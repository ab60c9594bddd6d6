"""The stack itself: started, every function led through its door, changed while it runs."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from stratocube.clock import utc_now
from stratocube.local.stack import Stack, running_stack
from stratocube.workflow.context import Stack as Context
from tests.faults.bench import FUNCTIONS, SOURCE, Bench, expect
from tests.faults.door import emulator, files, open_door

_WAIT_SCALE = 0.02
"""The state machine's waits and retry intervals, as a part of what the definition says."""

PARAMETERS = {"AllowedHosts": "127.0.0.1", "MergeConcurrency": "2", "BlendConcurrency": "1", "UnitConcurrency": "1"}


@contextmanager
def running_bench(state_dir: Path) -> Iterator[Bench]:
    """A stack with a door before every function and before the sources, and a clean run in it."""
    with running_stack(port=0, state_dir=state_dir, parameters=PARAMETERS) as stack, ExitStack() as opened:
        sources: dict[str, bytes] = {}
        forward = emulator(stack.emulator.port)
        doors = {name: opened.enter_context(open_door(name, forward)) for name in FUNCTIONS}
        doors[SOURCE] = opened.enter_context(open_door(SOURCE, files(sources)))
        _speed_up(stack)
        bench = Bench(stack, doors, sources)
        lead_through_doors(bench)
        bench.prepare()
        yield bench


def lead_through_doors(bench: Bench) -> None:
    """Tell every function that its endpoint is its door."""
    for name in FUNCTIONS:
        configure(bench, name, AWS_ENDPOINT_URL=bench.doors[name].url)


def configure(bench: Bench, function: str, *, timeout: int | None = None, **variables: str) -> int:
    """Change a function's environment or timeout; the timeout it had."""
    client, name = bench.client("lambda"), f"stratocube-{function}"
    before = client.get_function_configuration(FunctionName=name)
    environment = before["Environment"]["Variables"] | variables
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": environment}, Timeout=timeout or before["Timeout"]
    )
    return int(before["Timeout"])


def _speed_up(stack: Stack) -> None:
    body = json.dumps({"stepfunctions._SFN_WAIT_SCALE": _WAIT_SCALE}).encode()
    request = urllib.request.Request(f"{stack.emulator.url}/_ministack/config", data=body, method="POST")  # noqa: S310 - loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        expect(json.load(answer)["applied"] != {}, "the emulator takes no scale for waits")


@contextmanager
def in_process(bench: Bench, *, ahead: timedelta) -> Iterator[Context]:
    """The stack as a step sees it, in this process, with the rights of the account's root and a clock that is fast."""
    found: dict[str, Any] = bench.client("lambda").get_function_configuration(FunctionName="stratocube-merge")
    emulator = bench.stack.emulator
    wanted = found["Environment"]["Variables"] | {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": emulator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": emulator.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "no_proxy": "127.0.0.1",
    }
    before = dict(os.environ)
    os.environ.update(wanted)
    try:
        yield replace(Context.from_env(os.environ), clock=lambda: utc_now() + ahead)
    finally:
        os.environ.clear()
        os.environ.update(before)
