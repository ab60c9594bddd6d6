"""What an operation asks of a build beyond its request: which units, and how far they go.

The options lie with the build's header and in its plan. They choose among the units of the request when the build is
planned, so nobody keeps lists of thousands of units: a retry names the build whose units it does again, and that build
has ended, so what it says does not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class BuildOptions:
    """Options of one build; the default is a plain build of every unit."""

    only_missing: bool = False
    """Units whose composite is published already are left out."""
    only_stale: bool = False
    """Only units that are published, and of those only the ones whose inputs differ from what is available."""
    dry_run: bool = False
    """With ``only_stale``: find those units, build none."""
    retry_of: str | None = None
    """Only units of this build."""
    retry: Mapping[str, Any] | None = None
    """With ``retry_of``: those that this filter (:class:`stratocube.cube.retry.RetryRequest`) lets pass; None: all."""
    units: Mapping[str, Sequence[str]] | None = None
    """Only these units: tiles by period (``{"2023-08-01_2023-08-31": ["000000"]}``). None: all."""
    skip_current: bool = False
    """A unit that is published and made of what is available ends at once, and so does one without any scene."""

    def to_json(self) -> dict[str, Any]:
        """Only what differs from the default: empty for a plain build."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(**(value or {}))


PLAIN = BuildOptions()
"""Every unit of the request, to its end."""
