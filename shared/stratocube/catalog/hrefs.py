"""Relative hrefs of STAC documents, made absolute: ``s3://``, ``https://`` and plain paths alike."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from stratocube.errors import InvalidRequest


def is_absolute(href: str) -> bool:
    """Whether ``href`` says by itself where it is: it has a scheme, or is a path from the root."""
    return href.startswith("/") or bool(urlsplit(href).scheme)


def resolve_href(href: str, location: str | None, *, field: str = "href") -> str:
    """``href`` as an absolute one, resolved against ``location``, the place of the document that has it.

    ``location`` is an ``s3://`` or ``https://`` address or a path; its query (a signature) is not carried over.
    ``file://`` becomes a plain path. A relative ``location`` that is a path gives a relative path.

    Raises:
        InvalidRequest: when ``href`` is relative and nothing says to what, naming ``field``.
    """
    if not isinstance(href, str) or not href.strip():
        raise InvalidRequest(f"must be an address, got {href!r}", field=field)
    if href.startswith("file://"):
        return unquote(urlsplit(href).path)
    if urlsplit(href).scheme:
        return href
    base = urlsplit(location or "")
    is_url = bool(base.scheme) and base.scheme != "file"
    if href.startswith("/"):
        if not is_url:
            return href
        return f"{base.scheme}:{href}" if href.startswith("//") else f"{base.scheme}://{base.netloc}{href}"
    if not location:
        raise InvalidRequest(
            f"{href!r} is relative, and neither a self link nor the place of the document says to what", field=field
        )
    base_path = base.path if is_url else unquote(base.path) if base.scheme == "file" else location
    path, mark, query = href.partition("?")
    folder, slash, _ = base_path.rpartition("/")
    joined = _without_dots(f"{folder}{slash or '/' * is_url}{path}") + mark + query
    return f"{base.scheme}://{base.netloc}{joined}" if is_url else joined


def _without_dots(path: str) -> str:
    # Not posixpath.normpath: it would merge slashes, and a//b is a key of its own in S3.
    kept: list[str] = []
    for part in path.split("/"):
        if part == ".":
            continue
        if part == ".." and kept not in ([], [""]) and kept[-1] != "..":
            kept.pop()
        elif part != ".." or kept != [""]:
            kept.append(part)
    return "/".join(kept)
