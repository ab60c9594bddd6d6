"""Whole small files (item collections) from S3 or the web."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from stratocube.errors import SourceMissing, TransientRead
from stratocube.storage.hrefs import split_s3
from stratocube.storage.objects import read_object

_TIMEOUT_SECONDS = (5, 60)
_NOT_THERE = {401, 403, 404, 410}


def fetcher(s3: Any) -> Callable[[str], bytes]:
    """A function that returns the bytes of an ``s3://`` or ``https://`` href.

    It raises SourceMissing for an object that is not there or may not be read, TransientRead for a read that may
    succeed later. Redirects are refused: the host that was checked is the host that answers.
    """

    def fetch(href: str) -> bytes:
        if href.startswith("s3://"):
            return read_object(s3, *split_s3(href))
        try:
            answer = requests.get(href, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            raise TransientRead(href, str(error)) from error
        if answer.status_code in _NOT_THERE or answer.is_redirect:
            raise SourceMissing(href, f"the server answered {answer.status_code}")
        if not answer.ok:
            raise TransientRead(href, f"the server answered {answer.status_code}")
        body: bytes = answer.content
        return body

    return fetch
