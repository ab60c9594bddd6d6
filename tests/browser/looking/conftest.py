"""An embedded stack with cubes of the demo's scenes: composites of five days, and a build of which one tile failed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import pytest
import rasterio
from playwright.sync_api import Browser, Page

from stratocube.local.progress import BuildProgress
from stratocube.local.stack import running_stack
from tests.stack.conftest import DEMO, Application

CUBE = "S2-5D-LCF-1"
BROKEN = "S2-10D-LCF-1"
TILES = ("000000", "000001")
START, END = "2023-08-06", "2023-08-25"
PERIODS = (
    ("2023-08-06", "2023-08-10"),
    ("2023-08-11", "2023-08-15"),
    ("2023-08-16", "2023-08-20"),
    ("2023-08-21", "2023-08-25"),
)
"""The last one has no scene."""
LOST = "lost.tif"


@dataclass(frozen=True)
class Products:
    """The application, its cubes, and what their files hold."""

    app: Application
    built: BuildProgress
    broken: BuildProgress

    @property
    def url(self) -> str:
        return self.app.stack.url

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def item(self, tile: str, start: str) -> dict[str, Any]:
        """The composite of a tile and the period that begins then, as the STAC API has it."""
        found: dict[str, Any] = self.app.stack.call("GET", f"/stac/collections/{CUBE}/items?limit=100")
        (item,) = [
            item
            for item in found["features"]
            if item["properties"]["bdc:tiles"] == [tile] and item["properties"]["start_datetime"].startswith(start)
        ]
        return dict(item)

    def pixels(self, tile: str, start: str, asset: str) -> np.ndarray[Any, Any]:
        """Values of an asset, read through a link of the API with no other right."""
        link = self.app.stack.call("GET", f"/assets/{CUBE}/{self.item(tile, start)['id']}/{asset}")
        with urlopen(link["href"]) as answer:  # noqa: S310 - an address of the stack that the test started
            body = answer.read()
        with rasterio.MemoryFile(body) as file, file.open() as dataset:
            return np.asarray(dataset.read(1))

    def opened(self, chromium: Browser, path: str, **context: Any) -> Page:
        """A page of the application in which the key was entered before."""
        made = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB"} | context)
        made.add_init_script(f"sessionStorage.setItem('stratocube-api-key', {json.dumps(self.app.stack.api_key)})")
        page = made.new_page()
        page.goto(f"{self.url}/{path}")
        return page


@pytest.fixture(scope="session")
def products(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Products]:
    """The stack with what is looked at."""
    with running_stack(port=0, state_dir=tmp_path_factory.mktemp("looking")) as stack:
        app = Application(stack)
        stack.upload(DEMO / "scenes", app.landing, "demo")
        stack.call("POST", "/create-grids", app.example("grid"))
        every = app.example("cube_lcf")
        stack.call("POST", "/cubes", every | {"datacube": "S2-5D-LCF", "temporal_composition": _days(5)})
        window = app.example("start_lcf", start_date=START, end_date=END)
        # First the one that fails: what others have merged already it would not read.
        broken = _broken_build(app, every, window)
        assert (broken.status, broken.units["failed"]) == ("PARTIAL", 1), broken.failures()
        built = app.build(window | {"datacube": CUBE})
        assert built.status == "SUCCEEDED", built.failures()
        yield Products(app, built, broken)


def _days(step: int) -> dict[str, Any]:
    return {"schema": "Continuous", "step": step, "unit": "day"}


def _broken_build(app: Application, cube: dict[str, Any], window: dict[str, Any]) -> BuildProgress:
    """A build of one period of which the southern tile fails: the red band of its scenes of a day is not there."""
    items = json.loads((DEMO / "scenes" / "items.json").read_text().replace("LANDING_BUCKET", app.landing))
    for item in items["features"]:
        if item["id"].startswith("S2B_33TWL_20230813"):
            item["assets"]["red"]["href"] = f"s3://{app.landing}/demo/{LOST}"
    app.stack.client("s3").put_object(Bucket=app.landing, Key="demo/broken.json", Body=json.dumps(items).encode())
    app.stack.call("POST", "/cubes", cube | {"datacube": "S2-10D-LCF", "temporal_composition": _days(10)})
    change = {"datacube": BROKEN, "stac_url": f"s3://{app.landing}/demo/broken.json"}
    return app.build(window | change | {"start_date": "2023-08-11", "end_date": "2023-08-15"})
