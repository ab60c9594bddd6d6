"""From what users write (``s3://…``, ``https://…``) to what GDAL opens."""

from __future__ import annotations

from urllib.parse import urlsplit

from stratocube.errors import InvalidRequest

ZIP = "zip+"
"""Before the scheme: a file within a zip archive."""


def gdal_path(href: str) -> str:
    """The path under which GDAL opens ``href``.

    ``s3://bucket/key`` → ``/vsis3/bucket/key``; ``https://host/path`` → ``/vsicurl/https://host/path``; of a file in a
    zip archive, ``zip+s3://bucket/key.zip!path/in/it`` → ``/vsizip/{/vsis3/bucket/key.zip}/path/in/it``.

    Raises:
        InvalidRequest: for any other scheme, and for a path in an archive that leads out of it.
    """
    if href.startswith(ZIP):
        archive, inner = split_zip(href)
        return f"/vsizip/{{{gdal_path(archive)}}}/{inner}"
    scheme = urlsplit(href).scheme
    if scheme == "s3":
        return "/vsis3/" + href.removeprefix("s3://")
    if scheme in {"http", "https"}:
        return "/vsicurl/" + href
    raise InvalidRequest(f"{href!r} is neither s3:// nor https://", field="href")


def split_zip(href: str) -> tuple[str, str]:
    """(address of the archive, path in it) of ``zip+s3://bucket/key.zip!path/in/it``, as rasterio writes it.

    Raises:
        InvalidRequest: when it is not of this form.
    """
    archive, mark, inner = href.removeprefix(ZIP).partition("!")
    inner = inner.lstrip("/")
    # Braces are how GDAL is told where the archive's own name ends.
    wrong = not mark or not inner or ".." in inner.split("/") or set("{}") & set(href)
    if not href.startswith(ZIP) or wrong:
        raise InvalidRequest(f"{href!r} is not of the form zip+s3://bucket/key.zip!path/in/it", field="href")
    return archive, inner


def split_s3(href: str) -> tuple[str, str]:
    """(bucket, key) of ``s3://bucket/key``.

    Raises:
        InvalidRequest: when it is not of this form.
    """
    bucket, slash, key = href.removeprefix("s3://").partition("/")
    if not href.startswith("s3://") or not bucket or not slash or not key:
        raise InvalidRequest(f"{href!r} is not of the form s3://bucket/key", field="href")
    return bucket, key
