"""Where an https address leads: its redirects, each looked at before it is followed.

GDAL follows redirects by itself, to any host, and has no setting against it (``GDAL_HTTP_FOLLOWLOCATION``, found in
many places, is none). So an address is followed here first, one hop at a time, and GDAL is given where it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from stratocube.errors import InvalidRequest, SourceMissing, TransientRead
from stratocube.storage.hrefs import ZIP, split_zip

MAX_REDIRECTS = 5

NOT_THERE = frozenset({401, 403, 404, 410})
"""What a server says of something that is not there or may not be read: asking again does not help."""

_TIMEOUT_SECONDS = (10, 30)
# One byte, by the method that reads the rest: a signed address may refuse HEAD.
_ONE_BYTE = {"Range": "bytes=0-0", "Accept-Encoding": "identity"}


def final_address(href: str, check: Callable[[str], None]) -> str:
    """The address that ``href`` ends at, every hop of it allowed by ``check``; an ``s3://`` href as it is.

    ``check`` raises InvalidRequest for an address that may not be read. It is asked about ``href`` itself too, before
    anything is sent. Host names are not resolved here: a name that leads into a private network finds no server with
    a certificate for it, and plain http is allowed for listed loopback hosts alone (``docs/security.md``).

    Raises:
        InvalidRequest: ``href`` or a redirect of it leads where this stack may not read, or redirects do not end.
        SourceMissing: the server says that there is no such object, or that it may not be read.
        TransientRead: the server cannot be reached, or has a passing fault.
    """
    check(href)
    if href.startswith("s3://"):
        return href
    if href.startswith(ZIP):
        archive, inner = split_zip(href)
        return f"{ZIP}{final_address(archive, check)}!{inner}"
    address = href
    for _ in range(MAX_REDIRECTS + 1):
        following = _redirect(href, address)
        if following is None:
            return address
        try:
            check(following)
        except InvalidRequest as error:
            raise InvalidRequest(f"{href} redirects to {_shown(following)}: {error.reason}", field="href") from error
        address = following
    raise InvalidRequest(f"{href} redirects more than {MAX_REDIRECTS} times", field="href")


def _redirect(href: str, address: str) -> str | None:
    """Where ``address`` redirects to; None when it answers itself."""
    import requests  # noqa: PLC0415 - imported late: scenes in S3 need none of it

    try:
        with requests.get(
            address, headers=_ONE_BYTE, timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True
        ) as answer:
            status, location = answer.status_code, answer.headers.get("location")
    except requests.RequestException as error:
        # Not the message: it repeats the address, and with it a signature that a redirect may have added.
        raise TransientRead(href, f"the server could not be reached ({type(error).__name__})") from error
    if 300 <= status < 400 and location:
        following: str = urljoin(address, location)
        return following
    if status in NOT_THERE:
        raise SourceMissing(href, f"the server answered {status}")
    if status >= 400 and status != 416:  # an empty file has no first byte; what reads it says so better
        raise TransientRead(href, f"the server answered {status}")
    return None


def _shown(address: str) -> str:
    parts = urlsplit(address)
    return parts._replace(query="…" if parts.query else "", fragment="").geturl()
