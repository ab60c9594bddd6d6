"""The list of faults, and the document that promises what they prove."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.faults.catalog import FAULTS
from tests.faults.fault import MACHINE
from tests.faults.table import BEGIN, END, table

DOCUMENT = Path(__file__).parents[3] / "docs" / "reliability.md"
AT_LEAST = 60


def test_the_document_lists_every_fault_and_no_other() -> None:
    text = DOCUMENT.read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    assert text[text.index(BEGIN) : text.index(END) + len(END)] == table()


def test_there_are_enough_of_them_and_most_are_injected_into_whole_builds() -> None:
    assert len(FAULTS) >= AT_LEAST
    assert sum(fault.layer == MACHINE for fault in FAULTS) > len(FAULTS) / 2


def test_every_fault_has_a_name_of_its_own_and_says_what_happens_once() -> None:
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
    assert [what for what, count in Counter(fault.what for fault in FAULTS).items() if count > 1] == []
    assert all("|" not in fault.what + fault.promise for fault in FAULTS)
