"""Pages, and the links to files that they read by."""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from stratocube.api.pages import files
from stratocube.errors import SourceMissing
from stratocube.state.items import StoredItem, compress
from stratocube.storage.signed import LINK_SECONDS, SignedReads, key_of_asset, signing_client
from tests.unit.api.api_client import NOW, Client, proxy_event

ITEM = StoredItem(
    collection="S2-1M-LCF-1",
    item_id="S2-1M-LCF_V1_000001_20230801",
    cube_id="S2-1M-LCF-1",
    tile="000001",
    start="2023-08-01T00:00:00Z",
    end="2023-08-31T23:59:59Z",
    datetime="2023-08-01T00:00:00Z",
    bbox=(15.06, 45.93, 15.46, 46.21),
    key="s2-1m-lcf/v1/000/001/2023/08/01/S2-1M-LCF_V1_000001_20230801.json",
    thumbnail=None,
    cloud_cover=0.09,
    clear_ratio=99.91,
    created="2026-08-10T12:00:00Z",
    updated="2026-08-10T12:00:00Z",
    identity="692cd039",
    empty=False,
    compressed=compress(
        {
            "assets": {
                "NDVI": {"href": "./692cd039/S2-1M-LCF_V1_000001_20230801_NDVI.tif"},
                "thumbnail": {"href": "./692cd039/S2-1M-LCF_V1_000001_20230801.png"},
            }
        }
    ),
)
NDVI_KEY = "s2-1m-lcf/v1/000/001/2023/08/01/692cd039/S2-1M-LCF_V1_000001_20230801_NDVI.tif"
PATH = f"/assets/{ITEM.collection}/{ITEM.item_id}"


@pytest.fixture
def published(client: Client) -> Client:
    """A client of an API that knows one item."""
    client.services.items.put(ITEM, collection_key="s2-1m-lcf/v1/collection.json")
    return client


def fetch(client: Client, path: str) -> tuple[int, dict[str, list[str]], str]:
    """What a browser gets: status, headers, text."""
    response: dict[str, Any] = client.api.resolve(proxy_event("GET", path), None)
    return response["statusCode"], response["multiValueHeaders"], response["body"]


def test_an_asset_has_a_link_to_its_file_alone_for_a_quarter_of_an_hour(published: Client) -> None:
    reply = published.get(f"{PATH}/NDVI")

    assert reply.status == 200
    assert reply.body["expires_at"] == "2026-08-10T12:15:00.250000Z"
    address = urlsplit(reply.body["href"])
    assert (address.hostname, address.path) == ("products.s3.amazonaws.com", f"/{NDVI_KEY}")
    signed = parse_qs(address.query)
    assert signed["X-Amz-Expires"] == [str(LINK_SECONDS)]
    assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    # Nothing of the request but its host is signed: ranges may be asked for.
    assert signed["X-Amz-SignedHeaders"] == ["host"]


def test_all_links_of_an_item_come_in_one_reply(published: Client) -> None:
    reply = published.get(PATH)

    assert reply.status == 200
    assert {name: urlsplit(asset["href"]).path for name, asset in reply.body["assets"].items()} == {
        "NDVI": f"/{NDVI_KEY}",
        "thumbnail": "/s2-1m-lcf/v1/000/001/2023/08/01/692cd039/S2-1M-LCF_V1_000001_20230801.png",
    }


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (f"{PATH}/EVI", "has no asset EVI, it has NDVI, thumbnail"),
        ("/assets/S2-1M-LCF-1/nothing", "there is no item nothing in S2-1M-LCF-1"),
        ("/assets/nothing/nothing", "there is no item nothing in nothing"),
    ],
)
def test_what_is_not_published_has_no_link(published: Client, path: str, words: str) -> None:
    reply = published.get(path)

    assert reply.status == 404
    assert words in reply.body["detail"]


@pytest.mark.parametrize(
    "href", ["../../../secret.tif", "/etc/passwd", "s3://other/file.tif", "https://example.org/file.tif", "."]
)
def test_an_href_that_leaves_the_product_is_never_signed(href: str) -> None:
    with pytest.raises(SourceMissing):
        key_of_asset(ITEM.key, href)


@pytest.mark.parametrize("page", ["/viewer", "/progress"])
def test_a_page_loads_files_that_are_served_here_and_no_others(client: Client, page: str) -> None:
    status, headers, text = fetch(client, page)

    assert status == 200
    assert headers["Content-Type"] == ["text/html; charset=utf-8"]
    assert "default-src 'none'" in headers["Content-Security-Policy"][0]
    loaded = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', text)
    assert {name.removeprefix("web/") for name in loaded if name != "data:,"} <= set(files())
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=", text), "scripts in the page would not run"


def test_scripts_import_only_scripts_that_are_served() -> None:
    for name, (package, _) in files().items():
        if package == "stratocube.web" and name.endswith(".js"):
            text = resources.files(package).joinpath(name).read_text()
            imported = re.findall(r'^(?:import|\} from|export .* from)\b.*"\./([^"]+)";$', text, re.MULTILINE)
            assert set(imported) <= set(files()), name
            assert not re.search(r"https?://(?!www\.w3\.org/)", text), f"{name} names another host"


def test_every_file_is_served_with_its_type_and_a_time_to_keep_it(client: Client) -> None:
    for name, (package, media_type) in files().items():
        status, headers, text = fetch(client, f"/web/{name}")
        assert (status, headers["Content-Type"]) == (200, [media_type])
        assert headers["Cache-Control"] == [
            "public, max-age=31536000, immutable" if package.endswith(".vendor") else "public, max-age=300"
        ]
        # The reply of a function holds 6 MB.
        assert 0 < len(text) < 3_000_000


@pytest.mark.parametrize("name", ["nothing.js", "README.md", "__init__.py", "viewer.html", "..%2Fapi%2Fapp.py"])
def test_other_files_are_not_served(client: Client, name: str) -> None:
    status, _, _ = fetch(client, f"/web/{name}")
    assert status in {400, 404}


def test_libraries_are_the_files_of_their_authors() -> None:
    vendor = resources.files("stratocube.web.vendor")
    listed = dict(
        re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|", vendor.joinpath("README.md").read_text(), re.MULTILINE)
    )
    assert set(listed) == {name for name, (package, _) in files().items() if package == "stratocube.web.vendor"}
    for name, digest in listed.items():
        assert hashlib.sha256(vendor.joinpath(name).read_bytes()).hexdigest() == digest, name


def test_links_name_the_host_of_the_bucket_in_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    reads = SignedReads("products", client=lambda: signing_client("sa-east-1"))

    assert urlsplit(reads.link(NDVI_KEY, now=NOW).href).hostname == "products.s3.sa-east-1.amazonaws.com"
