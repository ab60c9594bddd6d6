"""Small rasters written for a test, and a web server on 127.0.0.1 that serves them, well or badly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

from stratocube.cube.geobox import GeoBox

UTM = "EPSG:32722"


def grid(width: int, height: int, *, x: float = 500_000, y: float = 8_000_000, pixel: float = 10) -> GeoBox:
    """A grid in UTM whose upper left corner is at x, y."""
    return GeoBox(UTM, x, y, pixel, pixel, width, height)


def write_raster(
    path: Path,
    values: Any,
    *,
    dtype: str = "int16",
    nodata: float | None = -9999,
    geobox: GeoBox | None = None,
    **layout: Any,
) -> str:
    """Write rows of values as a GeoTIFF and return its path; on a 10 m UTM grid when no geobox is given."""
    data = np.array(values, dtype=dtype)
    place = geobox or grid(data.shape[1], data.shape[0])
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=data.shape[1],
        height=data.shape[0],
        count=1,
        dtype=dtype,
        nodata=nodata,
        crs=place.crs,
        transform=Affine(*place.transform),
        **layout,
    ) as raster:
        raster.write(data, 1)
    return str(path)


class Server:
    """Serves the files of a folder with range requests; ``failure`` decides how it fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failure: int | str | None = None
        """An HTTP status, ``"html"`` (a page in place of the file), ``"drop"`` (no answer), or ``"after header"``."""
        self.requests = 0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def host(self) -> str:
        """host:port"""
        return f"127.0.0.1:{self._http.server_port}"

    def path(self, name: str) -> str:
        """How GDAL opens a file of the folder."""
        return f"/vsicurl/http://{self.host}/{name}"

    def stop(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server for the time of a test."""
    server = Server(folder)
    try:
        yield server
    finally:
        server.stop()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            server.requests += 1
            if server.failure == "drop":
                return
            status, body, place = self._found()
            self.send_response(status)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(body)))
            if place:
                self.send_header("Content-Range", place)
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def _found(self) -> tuple[int, bytes, str]:
            """Status, body, and which range of the file it is."""
            first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            start, stop = int(first), int(last or 1 << 40) + 1
            file = server.folder / self.path.partition("?")[0].lstrip("/")
            if isinstance(server.failure, int):
                return server.failure, b"", ""
            if server.failure == "after header" and start > 0:
                return 503, b"", ""
            if not file.is_file():
                return 404, b"", ""
            body = b"<html>sign in</html>" * 50 if server.failure == "html" else file.read_bytes()
            if "Range" not in self.headers:
                return 200, body, ""
            part = body[start:stop]
            return 206, part, f"bytes {start}-{start + len(part) - 1}/{len(body)}"

    return Handler
