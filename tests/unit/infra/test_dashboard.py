"""The dashboard shows what there is: every alarm, every function, every metric that functions write."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.unit.infra.stack import ROOT, resources, source

BODY: str = source()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
WIDGETS: list[dict[str, Any]] = json.loads(re.sub(r"\$\{([\w.:]+)\}", r"<\1>", BODY))["widgets"]


def lines(namespace: str) -> list[tuple[str, list[str]]]:
    """(metric, dimensions) of every line of a namespace."""
    metrics = [metric for widget in WIDGETS for metric in widget["properties"].get("metrics", [])]
    return [
        (metric[1], [part for part in metric[2:] if isinstance(part, str)])
        for metric in metrics
        if metric[0] == namespace
    ]


def test_what_the_dashboard_refers_to_is_in_the_stack() -> None:
    referred = set(re.findall(r"\$\{([\w:]+)(?:\.\w+)?\}", BODY))
    known = set(source()["Resources"]) | set(source()["Parameters"])
    assert {name for name in referred if not name.startswith("AWS::")} <= known


def test_every_alarm_is_shown_at_the_top() -> None:
    (shown,) = [widget for widget in WIDGETS if widget["type"] == "alarm"]
    assert shown["y"] == 0
    alarms = {f"<{name}.Arn>" for name in resources("AWS::CloudWatch::Alarm")}
    assert set(shown["properties"]["alarms"]) == alarms


def test_errors_throttles_and_concurrency_of_every_function_are_shown() -> None:
    functions = {f"<{name}>" for name in source()["Resources"] if name.endswith("Function")}
    for metric in ("Errors", "Throttles", "ConcurrentExecutions"):
        shown = {place[1] for name, place in lines("AWS/Lambda") if name == metric and place}
        assert shown == functions, metric


def test_every_table_and_every_queue_of_dead_letters_is_shown() -> None:
    tables = {place[1] for _, place in lines("AWS/DynamoDB")}
    assert tables == {f"<{name}>" for name in source()["Resources"] if name.endswith("Table")}
    queues = {place[1] for _, place in lines("AWS/SQS")}
    assert queues == {f"<{name}.QueueName>" for name in resources("AWS::SQS::Queue")}


def test_metrics_of_the_stack_are_those_that_functions_write() -> None:
    code = "".join(path.read_text() for path in sorted((ROOT / "functions").glob("*/app.py")))
    written = set(re.findall(r'"([A-Z]\w+)": (?:len\()?(?:found|done)\.', code))
    shown = {name for name, _ in lines("<AWS::StackName>")}
    arrivals = {name for name in shown if name.startswith("Arrivals")}
    assert shown - arrivals == written
    assert 'name=f"Arrivals{name.title()}"' in code


def test_widgets_do_not_overlap_and_fit_the_width() -> None:
    cells = [
        (x, y)
        for widget in WIDGETS
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
