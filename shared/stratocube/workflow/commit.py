"""Writing a product's STAC item, which is the commit: by who holds the claim only, and over no item unseen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stratocube.errors import Conflict
from stratocube.workflow.context import Stack

ITEM_TYPE = "application/geo+json"

_ATTEMPTS = 5


def commit_item(stack: Stack, key: str, document: Mapping[str, Any], *, confirm: Callable[[], None]) -> None:
    """Write an item after ``confirm`` found the claim on it still held.

    The item in place is looked at first and must still be the one in place when this one is written (its ETag), so a
    worker who lost his claim between ``confirm`` and the write cannot overwrite what his successor has published.

    Raises:
        Conflict: the claim is lost (by ``confirm``), or others keep writing the item.
    """
    for attempt in range(_ATTEMPTS):
        before = stack.products.read_versioned_json(key)
        confirm()
        try:
            stack.products.swap_json(key, document, etag=before[1] if before else None, content_type=ITEM_TYPE)
        except Conflict:
            if attempt == _ATTEMPTS - 1:
                raise
            # Another build published other inputs under the same name meanwhile: who still holds his claim comes last.
        else:
            return
