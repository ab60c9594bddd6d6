"""What cfn-lint says of the template."""

from __future__ import annotations

from cfnlint.api import lint_file

from tests.unit.infra.stack import TEMPLATE


def test_cfn_lint_has_nothing_to_say() -> None:
    assert [str(match) for match in lint_file(TEMPLATE)] == []
