"""Which addresses stratocube may read: an allow-list of hosts and buckets, nothing else.

A STAC document is data of strangers. Without this check an href in it could point a Lambda function at the metadata
address of its own machine, at a neighbour in the private network, or at a file of its own disk.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from stratocube.errors import InvalidRequest

_HTTPS_PORT = 443
_ZIP = "zip+"


def check_href(
    href: str, allowed_hosts: Collection[str], allowed_buckets: Collection[str], *, field: str = "href"
) -> None:
    """Accept an href that the operator of the stack allows, refuse every other one.

    Accepted are ``s3://bucket/key`` with an allowed bucket and ``https://host/…`` with an allowed host. An entry of
    ``allowed_hosts`` is a host (``data.inpe.br``), all hosts below one (``*.example.org``, which is not ``example.org``
    itself), or either with a port (``stac.example.org:8443``); without a port it means 443. ``http://`` is for loopback
    hosts (``localhost``, ``127.0.0.1``, ``[::1]``) that are listed, on the listed port or, if none is listed, on any.
    Other private, link-local and otherwise not global addresses are refused even when listed. Of a file in an archive
    (``zip+s3://bucket/key.zip!path``) the archive's address is what counts.

    Raises:
        InvalidRequest: names ``field``, what is wrong and the remedy; a password in the href is never repeated.
    """
    parts = _split(href, field)
    if parts.scheme.startswith(_ZIP) and "!" in href:
        parts = _split(href.partition("!")[0].removeprefix(_ZIP), field)
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest("an href must not carry a user name or password", field=field)
    if parts.scheme == "s3":
        _check_bucket(parts, allowed_buckets, field)
    elif parts.scheme in {"https", "http"}:
        _check_host(parts, allowed_hosts, field)
    else:
        raise InvalidRequest(f"{href!r} is neither s3:// nor https://: give one of these", field=field)


def _split(href: str, field: str) -> SplitResult:
    # Parsers disagree on what a backslash, a blank or a control character means; the reader is not our parser.
    if not isinstance(href, str) or not href or "\\" in href or any(c <= " " or c == "\x7f" for c in href):
        raise InvalidRequest("an href must be text without blanks, control characters and backslashes", field=field)
    try:
        parts = urlsplit(href)
        _ = parts.port
    except ValueError as error:
        raise InvalidRequest(f"is not a valid address: {error}", field=field) from error
    return parts


def _check_bucket(parts: SplitResult, allowed_buckets: Collection[str], field: str) -> None:
    if not parts.netloc or parts.path in {"", "/"}:
        raise InvalidRequest("must be of the form s3://bucket/key", field=field)
    if parts.netloc not in allowed_buckets:
        raise InvalidRequest(
            f"bucket {parts.netloc!r} is not allowed: add it to the allowed buckets of the stack"
            f" (now {_listed(allowed_buckets)})",
            field=field,
        )


def _check_host(parts: SplitResult, allowed_hosts: Collection[str], field: str) -> None:
    host = (parts.hostname or "").removesuffix(".")
    if not host or not host.isascii():
        raise InvalidRequest("must name a host, in ASCII (punycode)", field=field)
    loopback = _is_loopback(host)
    _refuse_inner_address(host, field)
    if parts.scheme == "http" and not loopback:
        raise InvalidRequest(f"host {host!r} must be read by https://", field=field)
    default_port = None if loopback else _HTTPS_PORT
    port = parts.port if parts.port is not None else default_port
    if not any(_entry_allows(entry, host, port, loopback) for entry in allowed_hosts):
        shown = host if port in {None, _HTTPS_PORT} else f"{host}:{port}"
        raise InvalidRequest(
            f"host {shown!r} is not allowed: add it to the allowed hosts of the stack (now {_listed(allowed_hosts)})",
            field=field,
        )


def _entry_allows(entry: str, host: str, port: int | None, loopback: bool) -> bool:
    name, listed_port = _split_entry(entry)
    if listed_port is None:
        if not loopback and port != _HTTPS_PORT:
            return False
    elif listed_port != port:
        return False
    if name.startswith("*."):
        suffix = name[1:]
        # A loopback host must be meant: a wildcard never lets one through, nor an address that ends like a name.
        return host.endswith(suffix) and host != suffix[1:] and not loopback and _address(host) is None
    return host == name


def _split_entry(entry: str) -> tuple[str, int | None]:
    name = entry.strip().lower()
    if name.startswith("["):
        address, _, port = name[1:].partition("]")
        return address, int(port[1:]) if port[1:].isdigit() else None
    if name.count(":") == 1:
        name, _, port = name.partition(":")
        return name.removesuffix("."), int(port) if port.isdigit() else None
    return name.removesuffix("."), None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _refuse_inner_address(host: str, field: str) -> None:
    address = _address(host)
    inner = address is not None and (not address.is_global or address.is_multicast)
    if inner and not _is_loopback(host):
        raise InvalidRequest(f"{host} is a private or reserved address: name a public host", field=field)
    # 2130706433, 0x7f.1 and 127.1 are 127.0.0.1 to the C library, names to us: refuse what only looks like a name.
    last_label = host.rpartition(".")[2]
    if address is None and (last_label.isdigit() or last_label.startswith("0x")):
        raise InvalidRequest(f"{host} is an address in an unusual notation: name a host", field=field)


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
