"""Parameters, examples and types that several rooms share."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import Field

from stratocube.api.contract import Parameter

MAX_TEXT: Final = 200
"""Characters of a parameter, see ``requests.MAX_ID``."""

Text = Annotated[str, Field(max_length=MAX_TEXT)]
Moment = Annotated[str, Field(max_length=MAX_TEXT, examples=["2026-08-01", "2026-08-01T12:30:00Z"])]
Counts = dict[str, int]

CUBE_ID: Final = Parameter(
    "cube_id",
    "Id of a cube: name and version, as in `S2-16D-1`. Clients of cube-builder call it `cube_name` or `datacube`.",
    Text,
    required=True,
    example="S2-16D-1",
    aliases=("cube_name", "datacube"),
)
CUBE_EXAMPLE: Final = MappingProxyType({"cube_id": "S2-16D-1"})
BUILD_EXAMPLE: Final = MappingProxyType({"build_id": "20260810T120000250Z-9f3c2a1b4d"})
UNIT_EXAMPLE: Final = MappingProxyType({**BUILD_EXAMPLE, "unit_id": "011009_2023-08-01_2023-08-31"})

NEXT: Final = Parameter(
    "next", "Continue a list behind this entry: follow the `Link` header of the page before instead of making it.", Text
)


def limit(most: int, what: str) -> Parameter:
    """The parameter ``limit`` of a list whose pages hold up to ``most``, which is also the default."""
    kind: Any = Annotated[int, Field(ge=1, le=most)]
    return Parameter("limit", f"{what} a page.", kind, default=most, example=min(most, 10))
