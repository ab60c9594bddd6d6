"""Which addresses may be read."""

from __future__ import annotations

import pytest

from stratocube.catalog.hosts import check_href
from stratocube.errors import InvalidRequest

HOSTS = (
    "data.inpe.br",
    "*.example.org",
    "stac.example.net:8443",
    "127.0.0.1",
    "localhost:4566",
    "[::1]:9000",
    "8.8.8.8",
)
BUCKETS = ("sentinel-cogs",)


@pytest.mark.parametrize(
    "href",
    [
        "https://data.inpe.br/bdc/stac/v1/",
        "https://DATA.inpe.br./x",
        "https://data.inpe.br:443/x",
        "https://a.example.org/x?sig=1",
        "https://a.b.example.org/x",
        "https://stac.example.net:8443/x",
        "http://127.0.0.1:4566/x",
        "https://127.0.0.1/x",
        "http://localhost:4566/x",
        "http://[::1]:9000/x",
        "https://8.8.8.8/x",
        "s3://sentinel-cogs/a/b.tif",
    ],
)
def test_listed_addresses_are_accepted(href: str) -> None:
    check_href(href, HOSTS, BUCKETS)


@pytest.mark.parametrize(
    ("href", "reason"),
    [
        ("https://evil.net/x", "host 'evil.net' is not allowed"),
        ("https://example.org/x", "host 'example.org' is not allowed"),
        ("https://badexample.org/x", "is not allowed"),
        ("https://data.inpe.br.evil.net/x", "is not allowed"),
        ("https://evil.net#@data.inpe.br/", "host 'evil.net' is not allowed"),
        ("https://data.inpe.br:8443/x", "host 'data.inpe.br:8443' is not allowed"),
        ("https://stac.example.net/x", "is not allowed"),
        ("http://data.inpe.br/x", "must be read by https://"),
        ("http://a.example.org/x", "must be read by https://"),
        ("http://localhost:9999/x", "host 'localhost:9999' is not allowed"),
        ("http://127.0.0.2/x", "host '127.0.0.2' is not allowed"),
        ("https://169.254.169.254/latest/meta-data", "private or reserved"),
        ("https://10.0.0.1/x", "private or reserved"),
        ("https://[fd00:ec2::254]/x", "private or reserved"),
        ("https://[::ffff:10.0.0.1]/x", "private or reserved"),
        ("https://224.0.0.1/x", "private or reserved"),
        ("https://0.0.0.0/x", "private or reserved"),
        ("https://2130706433/x", "unusual notation"),
        ("https://0x7f000001/x", "unusual notation"),
        ("https://127.1/x", "unusual notation"),
        ("https://1.1.1.1/x", "host '1.1.1.1' is not allowed"),
        ("https://exämple.org/x", "in ASCII"),
        ("https:///x", "must name a host"),
        ("https://[::1/x", "not a valid address"),
        ("https://data.inpe.br:port/x", "not a valid address"),
        ("https://data.inpe.br\\@evil.net/x", "without blanks"),
        ("https://data.inpe.br /x", "without blanks"),
        ("https://data.inpe.br/\nx", "without blanks"),
        ("", "without blanks"),
        ("s3://other/a.tif", "bucket 'other' is not allowed"),
        ("s3://sentinel-cogs", "s3://bucket/key"),
        ("s3:///a.tif", "s3://bucket/key"),
        ("file:///etc/passwd", "neither s3:// nor https://"),
        ("/etc/passwd", "neither s3:// nor https://"),
        ("/vsicurl/https://data.inpe.br/x", "neither s3:// nor https://"),
        ("ftp://data.inpe.br/x", "neither s3:// nor https://"),
        ("data.inpe.br/x", "neither s3:// nor https://"),
    ],
)
def test_every_other_address_is_refused_with_field_and_reason(href: str, reason: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        check_href(href, HOSTS, BUCKETS, field="assets.red.href")
    assert error.value.field == "assets.red.href"
    assert reason in error.value.reason


def test_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidRequest, match="user name or password") as error:
        check_href("https://user:secret@data.inpe.br/x", HOSTS, BUCKETS)
    assert "secret" not in str(error.value)


def test_an_inner_address_is_refused_even_when_listed() -> None:
    with pytest.raises(InvalidRequest, match="private or reserved"):
        check_href("https://10.0.0.1/x", ("10.0.0.1",), ())


def test_a_wildcard_lets_no_loopback_host_through() -> None:
    with pytest.raises(InvalidRequest, match="not allowed"):
        check_href("http://a.localhost/x", ("*.localhost",), ())


def test_the_message_says_what_is_allowed_now() -> None:
    with pytest.raises(InvalidRequest, match=r"allowed hosts of the stack \(now none\)"):
        check_href("https://evil.net/x", (), ())
    with pytest.raises(InvalidRequest, match=r"allowed buckets of the stack \(now a, b\)"):
        check_href("s3://c/x", (), ("b", "a"))


def test_of_a_file_in_an_archive_the_archive_counts() -> None:
    check_href("zip+s3://scenes/a.zip!X.SAFE/B04.jp2", ("data.inpe.br",), ("scenes",))
    check_href("zip+https://data.inpe.br/a.zip!X.SAFE/B04.jp2", ("data.inpe.br",), ("scenes",))
    for href in (
        "zip+s3://others/a.zip!b",
        "zip+https://example.org/a.zip!b",
        "zip+zip+s3://scenes/a.zip!b",
        "zip+file:///etc/passwd!b",
        "zip+s3://scenes/a.zip",
        "zip+s3://scenes/a.zip!b c",
        "zip+https://169.254.169.254/a.zip!b",
    ):
        with pytest.raises(InvalidRequest):
            check_href(href, ("data.inpe.br",), ("scenes",))
