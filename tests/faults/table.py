"""The faults as ``docs/reliability.md`` lists them: ``python -m tests.faults --table``."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.catalog import GROUPS

BEGIN = "<!-- faults: made by `python -m tests.faults --table`; a test compares it with the list -->"
END = "<!-- end of faults -->"


def table() -> str:
    """Every fault: what happens, what is promised, the fault that proves it and where it is injected."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield BEGIN
    for title, faults in GROUPS:
        yield f"\n### {title}\n"
        yield "| what happens | what is promised | fault that proves it | injected into |"
        yield "| --- | --- | --- | --- |"
        for fault in faults:
            yield f"| {fault.what} | {fault.promise} | `{fault.name}` | {fault.layer} |"
    yield f"\n{END}"
