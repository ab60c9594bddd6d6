"""Names that are alike: what somebody may have meant who named what is not there."""

from __future__ import annotations

import difflib
import re
from http import HTTPStatus

from stratocube.client.api import ApiClient, ApiError

_LOOKED_AT = 1000
_UNKNOWN = re.compile(r"there is no (?P<kind>cube|grid|collection) (?P<name>[^\s:,]+)")
_LISTS = {"cube": ("/cubes", "id"), "collection": ("/cubes", "id"), "grid": ("/grids", "name")}


def meant_instead(error: ApiError, client: ApiClient) -> str | None:
    """The names that are most like the one an answer says there is not; None when it says no such thing.

    Raises:
        ApiError, Unreachable: the list of names cannot be had.
    """
    found = _UNKNOWN.search(str(error))
    if error.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST} or found is None:
        return None
    path, field = _LISTS[found["kind"]]
    names = [str(entry[field]) for _, entry in zip(range(_LOOKED_AT), client.pages(path), strict=False)]
    return alike(found["name"], names)


def alike(name: str, names: list[str]) -> str | None:
    """The names closest to one, without regard of case: ``A, B``; None when none is near."""
    by_folded = {known.casefold(): known for known in names}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=3, cutoff=0.6)
    return ", ".join(by_folded[folded] for folded in close) or None
