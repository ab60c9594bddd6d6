"""One embedded stack a worker: ministack with IAM enforced, deployed from infra/template.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from stratocube.local.progress import BuildProgress, follow
from stratocube.local.stack import Stack, running_stack

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "examples" / "demo"
BUILD_SECONDS = 300.0
CATALOGS = ("/catalog.json", "/collection.json")


class Application:
    """The running application as its users meet it: through the REST API and the buckets."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.landing = stack.outputs["LandingBucket"]
        self.cubes = stack.outputs["CubeBucket"]

    def example(self, name: str, **changes: Any) -> dict[str, Any]:
        """A request of examples/demo, with some fields changed."""
        text = (DEMO / f"{name}.json").read_text().replace("LANDING_BUCKET", self.landing)
        request: dict[str, Any] = json.loads(text)
        return request | changes

    def build(self, request: Mapping[str, Any]) -> BuildProgress:
        """Start a build and follow it to its end."""
        return self.wait(self.stack.call("POST", "/start", dict(request))["build_id"])

    def wait(self, build_id: str) -> BuildProgress:
        """Follow a build to its end."""
        return follow(lambda: self.stack.call("GET", f"/builds/{build_id}"), _Silent(), seconds=BUILD_SECONDS)

    def item(self, prefix: str) -> dict[str, Any]:
        """The one STAC item below a prefix of the cube bucket."""
        found = [key for key in self.keys(prefix) if key.endswith(".json") and not key.endswith(CATALOGS)]
        assert len(found) == 1, found
        item: dict[str, Any] = json.loads(self.read(found[0]))
        return item

    def keys(self, prefix: str) -> list[str]:
        """Keys in the cube bucket."""
        pages = self.stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.cubes, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def read(self, key: str) -> bytes:
        """An object of the cube bucket."""
        body: bytes = self.stack.client("s3").get_object(Bucket=self.cubes, Key=key)["Body"].read()
        return body


class _Silent:
    """A display for tests: shows nothing."""

    def update(self, progress: BuildProgress) -> None:
        """Ignore a report."""


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The application with the demo's scenes in the landing bucket and its grid created."""
    with running_stack(port=0, state_dir=tmp_path_factory.mktemp("stack")) as stack:
        application = Application(stack)
        stack.upload(DEMO / "scenes", application.landing, "demo")
        stack.call("POST", "/create-grids", application.example("grid"))
        yield application
