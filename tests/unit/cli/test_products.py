"""``items`` and ``quicklook`` against a STAC API with pages and signed links."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import Result
from typer.testing import CliRunner

from stratocube.cli.main import app
from stratocube.client.catalog import Span
from stratocube.errors import InvalidRequest

CUBE, KEY = "S2-1M-1", "the-key"
PICTURE = b"\x89PNG a picture"
PAGE = 2


def item(tile: str, month: int, *, empty: bool = False) -> dict[str, Any]:
    name = f"S2-1M_V1_{tile}_2023{month:02d}01"
    pictures = {"thumbnail": "image/png", "ndvi": "image/webp", "B04": "image/tiff; application=geotiff"}
    return {
        "type": "Feature",
        "id": name,
        "collection": CUBE,
        "properties": {
            "datetime": f"2023-{month:02d}-01T00:00:00Z",
            "start_datetime": f"2023-{month:02d}-01T00:00:00Z",
            "end_datetime": f"2023-{month:02d}-28T23:59:59Z",
            "bdc:tiles": [tile],
            "eo:cloud_cover": 12.34,
            "stratocube:empty": empty,
        },
        "assets": {
            key: {"href": f"./{name}_{key}", "type": kind, "roles": ["thumbnail"] if key == "thumbnail" else ["data"]}
            for key, kind in pictures.items()
        },
    }


ITEMS = [item("000000", 7), item("000001", 7), item("000000", 8), item("000001", 8), item("000000", 9, empty=True)]


@pytest.fixture
def address() -> Iterator[str]:
    with _served() as url:
        yield url


@contextmanager
def _served() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            root = f"http://{self.headers['Host']}"
            status, body = _answer(root, self.path, self.headers.get("x-api-key"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()


def _answer(root: str, address: str, key: str | None) -> tuple[int, Any]:
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if parts.path == "/bucket/thumbnail":
        # A signed link stands for itself: the key of the API is nobody's business there.
        return (200, PICTURE) if query == {"signature": "x"} and key is None else (403, {"detail": "no"})
    return _answer_of_api(root, parts.path, query) if key == KEY else (403, {"message": "Forbidden"})


def _answer_of_api(root: str, path: str, query: dict[str, str]) -> tuple[int, Any]:
    if path == "/v1/cubes":
        return 200, [{"id": CUBE}]
    if path.startswith(f"/v1/assets/{CUBE}/"):
        return 200, {"href": f"{root}/bucket/{path.rpartition('/')[2]}?signature=x"}
    base = f"/v1/stac/collections/{CUBE}/items"
    if path == base:
        first, _, last = query.get("datetime", "0/9").partition("/")
        within = [i for i in ITEMS if first <= i["properties"]["end_datetime"] and i["properties"]["datetime"] <= last]
        at = int(query.get("token", 0))
        links = [{"rel": "self", "href": root}]
        if at + PAGE < len(within):
            interval = f"&datetime={query['datetime']}" if "datetime" in query else ""
            links.append({"rel": "next", "href": f"{root}{base}?token={at + PAGE}{interval}"})
        return 200, {"type": "FeatureCollection", "features": within[at : at + PAGE], "links": links}
    found = [i for i in ITEMS if path == f"{base}/{i['id']}"]
    if found:
        return 200, found[0]
    name = path.split("/")[4] if path.startswith("/v1/stac/collections/") else path
    return 404, {"detail": f"there is no collection {name}: GET /stac/collections lists them"}


def run(address: str, *words: str) -> Result:
    return CliRunner().invoke(app, ["--url", address, "--api-key", KEY, *words])


def test_items_of_all_pages_are_listed(address: str) -> None:
    answer = run(address, "items", CUBE)
    assert answer.exit_code == 0, answer.output
    lines = [line.split() for line in answer.stdout.splitlines()]
    assert lines[0] == ["item", "tile", "start", "end", "cloudy", "%", "files"]
    assert [line[0] for line in lines[1:]] == [i["id"] for i in ITEMS]
    assert lines[1][1:] == ["000000", "2023-07-01", "2023-07-28", "12.3", "3"]


def test_items_of_a_tile_and_a_period(address: str) -> None:
    answer = run(address, "items", CUBE, "--tile", "000001", "--period", "2023-08", "--json")
    assert [found["id"] for found in json.loads(answer.stdout)["features"]] == ["S2-1M_V1_000001_20230801"]
    assert run(address, "items", CUBE, "--period", "2020").stdout == "no items\n"


def test_a_limit_says_that_there_are_more(address: str) -> None:
    answer = run(address, "items", CUBE, "--limit", "3")
    assert len(answer.stdout.splitlines()) == 5
    assert "more than 3" in answer.stdout
    assert "more than" not in run(address, "items", CUBE, "--limit", "5").stdout


def test_a_period_that_is_none_and_a_cube_that_is_not_there_are_refused(address: str) -> None:
    wrong = run(address, "items", CUBE, "--period", "august")
    assert (wrong.exit_code, "2023-08-01/2023-08-31" in wrong.stderr) == (2, True)
    wrong = run(address, "items", "S2-1m-1")
    assert (wrong.exit_code, f"Did you mean {CUBE}?" in wrong.stderr) == (2, True)


def test_the_picture_of_a_cube_is_of_its_newest_item_that_is_not_empty(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = run(address, "quicklook", CUBE, "--tile", "000000")
    assert answer.exit_code == 0, answer.output
    assert (tmp_path / "S2-1M_V1_000000_20230801.png").read_bytes() == PICTURE
    assert answer.stdout.splitlines() == [
        "S2-1M_V1_000000_20230801: tile 000000, 2023-08-01 to 2023-08-28, thumbnail",
        f"saved: {tmp_path / 'S2-1M_V1_000000_20230801.png'}",
    ]


def test_the_picture_of_an_item_goes_where_it_is_told_to(address: str, tmp_path: Path) -> None:
    target = tmp_path / "july.png"
    answer = run(address, "quicklook", "S2-1M_V1_000001_20230701", "--output", str(target), "--json")
    assert json.loads(answer.stdout) == {
        "item": "S2-1M_V1_000001_20230701",
        "asset": "thumbnail",
        "file": str(target),
        "bytes": len(PICTURE),
    }
    assert target.read_bytes() == PICTURE


def test_what_is_no_picture_or_not_there_is_said(address: str) -> None:
    raster = run(address, "quicklook", CUBE, "--asset", "B04")
    assert (raster.exit_code, "has no picture B04: thumbnail, ndvi" in raster.stderr) == (2, True)
    none = run(address, "quicklook", CUBE, "--tile", "000007", "--period", "2023")
    assert (none.exit_code, f"{CUBE} has no item on tile 000007 then" in none.stderr) == (2, True)


def test_a_picture_is_opened_in_the_program_for_pictures(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("stratocube.cli.products.typer.launch", opened.append)
    target = tmp_path / "a.png"
    assert run(address, "quicklook", CUBE, "-o", str(target), "--open").exit_code == 0
    assert opened == [str(target)]


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("2023", "2023-01-01T00:00:00Z/2023-12-31T23:59:59Z"),
        ("2024-02", "2024-02-01T00:00:00Z/2024-02-29T23:59:59Z"),
        ("2023-08-05", "2023-08-05T00:00:00Z/2023-08-05T23:59:59Z"),
        ("2023-08-05/2023-09", "2023-08-05T00:00:00Z/2023-09-30T23:59:59Z"),
    ],
)
def test_periods_are_written_as_people_write_them(text: str, interval: str) -> None:
    assert str(Span.parse(text)) == interval


@pytest.mark.parametrize("text", ["", "2023-13", "2023-02-30", "23", "2023-8", "2023/x", "august"])
def test_other_texts_are_no_period(text: str) -> None:
    with pytest.raises(InvalidRequest, match="must be 2023-08-01"):
        Span.parse(text)
