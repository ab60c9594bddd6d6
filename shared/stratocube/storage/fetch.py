"""Whole small files (item collections) from S3 or the web."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stratocube.errors import InvalidRequest, SourceMissing, TransientRead
from stratocube.storage.addresses import NOT_THERE
from stratocube.storage.hrefs import split_s3
from stratocube.storage.objects import read_object

LIMIT_BYTES = 64 * 1024 * 1024
"""Of one document: tens of thousands of items, and far below what would fill a function's memory."""

_TIMEOUT_SECONDS = (5, 60)
_CHUNK_BYTES = 1024 * 1024


def fetcher(s3: Any, *, limit: int = LIMIT_BYTES) -> Callable[[str], bytes]:
    """A function that returns the bytes of an ``s3://`` or ``https://`` href.

    It raises SourceMissing for an object that is not there or may not be read, TransientRead for a read that may
    succeed later, InvalidRequest for more than ``limit`` bytes (counted as they come, unpacked). Redirects are refused:
    the host that was checked is the host that answers.
    """

    def fetch(href: str) -> bytes:
        if href.startswith("s3://"):
            return read_object(s3, *split_s3(href), limit=limit)
        import requests  # noqa: PLC0415 - imported late: few functions ever fetch from the web

        try:
            with requests.get(href, timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True) as answer:
                if answer.status_code in NOT_THERE or answer.is_redirect:
                    raise SourceMissing(href, f"the server answered {answer.status_code}")
                if not answer.ok:
                    raise TransientRead(href, f"the server answered {answer.status_code}")
                body = bytearray()
                for chunk in answer.iter_content(_CHUNK_BYTES):
                    body += chunk
                    if len(body) > limit:
                        raise InvalidRequest(f"{href} holds more than {limit} bytes: split it", field="href")
        except requests.RequestException as error:
            raise TransientRead(href, str(error)) from error
        return bytes(body)

    return fetch
