"""From what users write (``s3://…``, ``https://…``) to what GDAL opens."""

from __future__ import annotations

from urllib.parse import urlsplit

from stratocube.errors import InvalidRequest


def gdal_path(href: str) -> str:
    """The path under which GDAL opens ``href``.

    ``s3://bucket/key`` → ``/vsis3/bucket/key``; ``https://host/path`` → ``/vsicurl/https://host/path``.

    Raises:
        InvalidRequest: for any other scheme.
    """
    scheme = urlsplit(href).scheme
    if scheme == "s3":
        return "/vsis3/" + href.removeprefix("s3://")
    if scheme in {"http", "https"}:
        return "/vsicurl/" + href
    raise InvalidRequest(f"{href!r} is neither s3:// nor https://", field="href")


def split_s3(href: str) -> tuple[str, str]:
    """(bucket, key) of ``s3://bucket/key``.

    Raises:
        InvalidRequest: when it is not of this form.
    """
    bucket, slash, key = href.removeprefix("s3://").partition("/")
    if not href.startswith("s3://") or not bucket or not slash or not key:
        raise InvalidRequest(f"{href!r} is not of the form s3://bucket/key", field="href")
    return bucket, key
