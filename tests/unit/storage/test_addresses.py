"""Redirects are followed to allowed addresses and no others; what is refused is never asked."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import rasterio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stratocube.catalog.hosts import check_href
from stratocube.errors import InvalidRequest, SourceMissing, TransientRead
from stratocube.storage.addresses import MAX_REDIRECTS, final_address
from stratocube.storage.fetch import fetcher
from stratocube.storage.gdal import gdal_environment
from stratocube.storage.hrefs import gdal_path
from tests.unit.storage.web import Answer, Web, serving


@pytest.fixture
def web() -> Iterator[Web]:
    with serving(Web(files={"/scene.tif": b"pixels"})) as running:
        yield running


@pytest.fixture
def other() -> Iterator[Web]:
    with serving(Web(files={"/scene.tif": b"secret"})) as running:
        yield running


def settle(href: str, *hosts: str) -> str:
    return final_address(href, partial(check_href, allowed_hosts=hosts, allowed_buckets=["scenes"]))


def test_an_address_that_answers_is_its_own_end_and_sends_one_byte(web: Web) -> None:
    assert settle(web.url("/scene.tif"), web.host) == web.url("/scene.tif")
    ((method, _, headers),) = web.requests
    assert (method, headers["Range"]) == ("GET", "bytes=0-0")


def test_objects_of_s3_are_left_as_they_are() -> None:
    assert settle("s3://scenes/a.tif") == "s3://scenes/a.tif"


def test_redirects_to_allowed_addresses_are_followed_relative_ones_too(web: Web, other: Web) -> None:
    web.redirects = {"/a": "b/c", "/b/c": other.url("/scene.tif")}
    assert settle(web.url("/a"), web.host, other.host) == other.url("/scene.tif")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/iam/", "private or reserved address"),
        ("https://169.254.169.254/latest/meta-data/iam/", "private or reserved address"),
        ("http://10.0.0.7/", "private or reserved address"),
        ("http://[fd00:ec2::254]/", "private or reserved address"),
        ("http://[::ffff:169.254.169.254]/", "private or reserved address"),
        ("http://2852039166/", "unusual notation"),
        ("http://example.org/scene.tif", "must be read by https"),
        ("https://example.org/scene.tif", "not allowed"),
        ("//example.org/scene.tif", "must be read by https"),
        ("file:///etc/passwd", "neither s3:// nor https://"),
        ("ftp://example.org/scene.tif", "neither s3:// nor https://"),
        ("s3://other/scene.tif", "not allowed"),
    ],
)
def test_a_redirect_to_anywhere_else_is_refused_and_both_addresses_are_named(
    web: Web, target: str, reason: str
) -> None:
    web.redirects = {"/scene.tif": target}
    with pytest.raises(InvalidRequest) as caught:
        settle(web.url("/scene.tif"), web.host)
    assert f"{web.url('/scene.tif')} redirects to " in str(caught.value)
    assert reason in str(caught.value)


def test_a_redirect_to_another_port_of_this_machine_is_refused_and_never_asked(web: Web, other: Web) -> None:
    web.redirects = {"/scene.tif": other.url("/scene.tif")}
    with pytest.raises(InvalidRequest, match=f"redirects to {other.url('/scene.tif')}"):
        settle(web.url("/scene.tif"), web.host)
    assert other.requests == []


def test_gdal_by_itself_follows_such_a_redirect(web: Web, other: Web) -> None:
    # Says why addresses are followed here first: should GDAL learn to refuse redirects, its setting is better.
    web.redirects = {"/scene.tif": other.url("/scene.tif")}
    with gdal_environment({}), pytest.raises(rasterio.errors.RasterioIOError):
        rasterio.open(gdal_path(web.url("/scene.tif")))
    assert other.requests


def test_the_query_of_a_redirect_stays_out_of_the_message(web: Web) -> None:
    web.redirects = {"/scene.tif": "https://example.org/scene.tif?X-Amz-Signature=SECRET"}
    with pytest.raises(InvalidRequest) as caught:
        settle(web.url("/scene.tif"), web.host)
    assert "SECRET" not in str(caught.value)


def test_redirects_end(web: Web) -> None:
    web.redirects = {"/scene.tif": "/scene.tif"}
    with pytest.raises(InvalidRequest, match=f"more than {MAX_REDIRECTS} times"):
        settle(web.url("/scene.tif"), web.host)
    assert len(web.requests) == MAX_REDIRECTS + 1


def test_what_may_not_be_read_is_not_asked(web: Web) -> None:
    with pytest.raises(InvalidRequest, match="not allowed"):
        settle(web.url("/scene.tif"), "example.org")
    assert web.requests == []


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_is_not_there_is_missing(web: Web, status: int) -> None:
    web.always = Answer(status)
    with pytest.raises(SourceMissing, match=str(status)):
        settle(web.url("/scene.tif"), web.host)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_fails_in_passing_may_work_later(web: Web, status: int) -> None:
    web.always = Answer(status)
    with pytest.raises(TransientRead, match=str(status)):
        settle(web.url("/scene.tif"), web.host)


def test_a_server_that_is_not_there_may_be_later() -> None:
    with serving(Web()) as gone:
        pass
    with pytest.raises(TransientRead, match="could not be reached"):
        settle(gone.url("/scene.tif"), gone.host)


# -- names that lead inside ------------------------------------------------------------------------------------------


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[Web]:
    """What a listed name finds when its owner points it into a private network: TLS, by a certificate of nobody."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    with serving(Web(files={"/scene.tif": b"secret"}), tls) as running:
        yield running


def test_a_name_that_leads_to_a_server_without_its_certificate_is_asked_nothing(impostor: Web) -> None:
    href = f"https://{impostor.host}/scene.tif"
    with pytest.raises(TransientRead, match="could not be reached"):
        settle(href, impostor.host)
    with pytest.raises(TransientRead, match="certificate"):
        fetcher(None)(href)
    with (
        gdal_environment({}),
        rasterio.Env(GDAL_HTTP_MAX_RETRY="0"),
        pytest.raises(rasterio.errors.RasterioIOError),
    ):
        rasterio.open(gdal_path(href))
    assert impostor.requests == []
