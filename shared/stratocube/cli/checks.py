"""What ``stratocube doctor`` looks at on this machine, and at the API: each finding with its remedy."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Literal

from stratocube import __version__
from stratocube.client.api import ApiClient, ApiError, Unreachable
from stratocube.client.connection import LocalRecord
from stratocube.errors import NotFound
from stratocube.local.emulator import DEFAULT_PORT, HOST, PORT_VARIABLE
from stratocube.local.project import find_project

State = Literal["ok", "note", "broken"]

_LEAST_PYTHON = (3, 11)
_LEAST_GDAL = (3, 8)
"""The COG driver's options that products are written with."""
_LEAST_FREE_GB = 2
_EMBEDDED_NEEDS = {
    "ministack": "the AWS emulator",
    "samtranslator": "SAM templates",
    "yaml": "templates",
    "PIL": "pictures",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    state: State
    """``note`` is worth knowing, and nothing fails for it."""
    text: str
    remedy: str = ""


def of_machine() -> Iterator[Finding]:
    """Versions of what runs here, and room on the disk."""
    version = platform.python_version()
    if sys.version_info >= _LEAST_PYTHON:
        yield Finding("python", "ok", f"{version} ({sys.executable})")
    else:
        yield Finding("python", "broken", version, "stratocube needs Python 3.11 or newer")
    yield from _rasters()
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    state: State = "ok" if free >= _LEAST_FREE_GB else "note"
    remedy = "" if state == "ok" else "the embedded stack and its products need a few GB: make room"
    yield Finding("disk", state, f"{free:.1f} GB free in {Path.cwd()}", remedy)


def _rasters() -> Iterator[Finding]:
    reinstall = "install it again: pip install --force-reinstall rasterio"
    try:
        import rasterio  # noqa: PLC0415 - that it cannot be imported is a finding
        from rasterio.drivers import raster_driver_extensions  # noqa: PLC0415 - as above
    except ImportError as error:
        yield Finding("rasterio", "broken", f"cannot be imported: {error}", reinstall)
        return
    gdal = str(rasterio.__gdal_version__)
    yield Finding("rasterio", "ok", str(rasterio.__version__))
    too_old = tuple(int(part) for part in gdal.split(".")[:2] if part.isdigit()) < _LEAST_GDAL
    yield Finding("GDAL", "broken" if too_old else "ok", gdal, "stratocube needs GDAL 3.8 or newer" if too_old else "")
    missing = {"GTiff", "PNG"} - set(raster_driver_extensions().values())
    if missing:
        yield Finding("GDAL drivers", "broken", f"without {', '.join(sorted(missing))}", reinstall)
    # A GDAL or PROJ of another installation is the usual reason for errors nobody understands.
    for name in ("GDAL_DATA", "PROJ_LIB", "PROJ_DATA", "GDAL_DRIVER_PATH"):
        if os.environ.get(name):
            text = f"{name} is set to {os.environ[name]}: rasterio brings its own"
            yield Finding("environment", "note", text, f"unset {name} if projections or formats are said to be missing")


def of_embedded_stack(record: LocalRecord | None, port: int | None = None) -> Iterator[Finding]:
    """Whether the embedded stack runs, or could: checkout, packages, port."""
    try:
        project = find_project()
    except NotFound:
        remedy = "clone the repository and work in it, or name a stack of an account with --stack"
        yield Finding("checkout", "note", "not in a checkout: the embedded stack cannot be started from here", remedy)
        return
    yield Finding("checkout", "ok", str(project.root))
    missing = {name: what for name, what in _EMBEDDED_NEEDS.items() if importlib.util.find_spec(name) is None}
    if missing:
        text = ", ".join(f"{name} ({what})" for name, what in missing.items())
        yield Finding("embedded stack", "note", f"cannot start without {text}", "pip install 'stratocube[local]'")
        return
    if record is not None:
        return  # what it answers says more
    port = port or int(os.environ.get(PORT_VARIABLE) or DEFAULT_PORT)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        taken = probe.connect_ex((HOST, port)) == 0
    if taken:
        remedy = f"`stratocube up --port 0` takes a free one; {PORT_VARIABLE} sets another for good"
        yield Finding("port", "note", f"{port} is taken by another program", remedy)
    else:
        yield Finding("port", "ok", f"{port} is free: `stratocube up` can start the embedded stack")


def of_api(client: ApiClient, log: Path | None) -> Iterator[Finding]:
    """Whether the API answers, knows the key, and is of this version. ``log`` is the embedded stack's."""
    yield Finding("API", "ok", f"meant is {client.url}")
    try:
        root = client.call("GET", "/")
        yield _versions(str(root.get("version")) if isinstance(root, dict) else "None")
        client.call("GET", "/cubes", query={"limit": 1})
    except Unreachable as error:
        remedy = "look at the address, the proxy (HTTPS_PROXY) and the network"
        if log is not None:
            remedy = f"`stratocube down` and `stratocube up`; what it said last is in {log}"
        yield Finding("API", "broken", str(error), remedy)
    except ApiError as error:
        if error.status in {HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED}:
            remedy = (
                "give the key with --api-key or STRATOCUBE_API_KEY, or name the stack with --stack and let AWS tell it"
            )
            text = "the key is refused" if client.api_key else "it wants an API key and was given none"
            yield Finding("API key", "broken", text, remedy)
        else:
            remedy = "is the address the root of the API, stage and all? If it is, the log of the function api says why"
            yield Finding("API", "broken", " ".join(str(error).split()), remedy)
    else:
        yield Finding("API key", "ok", "is accepted")


def _versions(of_stack: str) -> Finding:
    if of_stack == __version__:
        return Finding("version", "ok", f"stratocube {__version__}, here and there")
    text = f"stratocube {__version__} here, {of_stack} there"
    return Finding("version", "note", text, "deploy the stack again, or install its version, so that both are the same")
