"""All faults, in the order they are injected and documented."""

from __future__ import annotations

from tests.faults import calls, files, kills, leases, operators, sources, together, twice
from tests.faults.fault import Fault

GROUPS: tuple[tuple[str, tuple[Fault, ...]], ...] = (
    ("Functions that are killed", kills.FAULTS),
    ("Events that come twice, late, early or for nothing", twice.FAULTS),
    ("Builds of the same at the same time", together.FAULTS),
    ("Calls of S3 and DynamoDB that fail", calls.FAULTS),
    ("Sources of scenes", sources.FAULTS),
    ("Claims and their holders", leases.FAULTS),
    ("Operators and the platform", operators.FAULTS),
    ("Files and records that are lost", files.FAULTS),
)

FAULTS: tuple[Fault, ...] = tuple(fault for _, faults in GROUPS for fault in faults)
