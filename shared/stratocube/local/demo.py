"""The demo: real scenes in, two cubes out, on the embedded stack, watched from the outside through the API; then one
scene more, which a cube takes in by itself."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from shutil import rmtree
from types import FrameType
from typing import Any

from stratocube.errors import InvalidRequest, StratocubeError
from stratocube.local.contact_sheet import Panel, Sheet, TrueColour, draw_contact_sheet
from stratocube.local.emulator import DEFAULT_PORT, stop_leftover
from stratocube.local.products import Product, ProductsMissing, load_products, mirror, of_collection
from stratocube.local.progress import BuildProgress, Display, follow
from stratocube.local.project import Project
from stratocube.local.stack import Stack, running_stack

OUTPUT_FOLDER = "demo-output"
BUILD_SECONDS = 600.0
ARRIVAL_SECONDS = 120.0
"""For a scene that is dropped to have a build: seconds as a rule, a minute if the schedule has to notice it."""
CREDIT = "Contains modified Copernicus Sentinel data 2023, processed with stratocube"
_MARKER = ".stratocube-demo"
_SCENES_PREFIX = "demo"
_ITEMS = "items.json"
_BUCKET_PLACEHOLDER = "LANDING_BUCKET"
_RED, _GREEN, _BLUE = "B04", "B03", "B02"
_CUBES = ("lcf", "med")
_WATCHING = "lcf"
_WHAT = {"lcf": "least cloud cover first", "med": "median of the clear"}
_LATE_SCENE = "S2B_33TWL_20230820_0_L2A"
"""Kept back from the first builds: it lies on one of the two tiles, beside another scene of that day."""
_POLL_SECONDS = 0.3


class DemoFailed(StratocubeError):
    """A build of the demo did not succeed: says why, in the words of the API."""


@dataclass(frozen=True)
class Built:
    """A build of the demo that succeeded."""

    progress: BuildProgress
    cube_id: str
    seconds: float
    """From the request to the end of the build."""


def run_demo(project: Project, *, port: int = DEFAULT_PORT, output: Path | None = None) -> Path:
    """Builds the demo's cubes on the embedded stack; returns the path of ``summary.json``.

    Raises:
        PortInUse, EmulatorError, TemplateError, DeployError: when the stack does not come up.
        ApiError, DemoFailed, BuildTookTooLong: when a build is refused, fails or hangs.
        ProductsMissing, PictureError: when its products are not what they should be.
    """
    target = output or project.root / OUTPUT_FOLDER
    _check_ours(target)
    display = Display()
    began = time.monotonic()
    with _interruptible():
        display.say("starting the embedded stack (an AWS emulator on this machine, IAM enforced)")
        with running_stack(port=port, state_dir=project.state, template=project.template) as stack:
            display.say(f"deployed infra/template.yaml; API at {stack.url}")
            builds = _build_cubes(stack, project, display)
            arrival = _arrival(stack, project, display, builds[_CUBES.index(_WATCHING)].cube_id)
            _empty(target)
            mirror(stack.client("s3"), stack.outputs["CubeBucket"], target)
        products = load_products(target)
        _check_products(products, builds)
        picture = target / "contact-sheet.png"
        seconds = time.monotonic() - began
        draw_contact_sheet(_sheet(products, builds, seconds)).save(picture)
    summary = target / "summary.json"
    content = _summary(target, products, builds, picture, seconds) | {"arrival": _arrival_entry(arrival)}
    summary.write_text(json.dumps(content, indent=2) + "\n")
    _report(display, target, products, picture, summary)
    return summary


def clear_away(project: Project) -> list[str]:
    """Ends an emulator that was left behind and removes what demos wrote; says what was done."""
    done = []
    if stop_leftover(project.state):
        done.append("ended the emulator that was left behind")
    for folder in (project.state, project.root / OUTPUT_FOLDER):
        if folder.exists():
            rmtree(folder)
            done.append(f"removed {folder}")
    return done or ["there was nothing to clear away"]


def _build_cubes(stack: Stack, project: Project, display: Display) -> list[Built]:
    landing = stack.outputs["LandingBucket"]
    count = _upload_first_scenes(stack, project, landing)
    display.say(f"uploaded {count} files of Sentinel-2 scenes to s3://{landing}/{_SCENES_PREFIX}/")
    stack.call("POST", "/create-grids", _request(project, "grid.json"))
    built = []
    for name in _CUBES:
        cube = stack.call("POST", "/cubes", _request(project, f"cube_{name}.json"))
        start = _request(project, f"start_{name}.json", landing)
        began = time.monotonic()
        answer = stack.call("POST", "/start", start)
        build_id = answer["build_id"]
        with display.build(f"building {start['datacube']} (build {build_id})") as view:
            progress = follow(_fetcher(stack, build_id), view, seconds=BUILD_SECONDS)
        if progress.status != "SUCCEEDED":
            reasons = "\n  ".join(progress.failures() or ["the API names no cause"])
            raise DemoFailed(
                f"build {build_id} of {start['datacube']} ended {progress.status}:\n  {reasons}\n"
                f"The emulator's log: {stack.emulator.log}"
            )
        cube_id = progress.cube_id or str(cube.get("id") or start["datacube"])
        built.append(Built(progress, cube_id, time.monotonic() - began))
    return built


def _upload_first_scenes(stack: Stack, project: Project, landing: str) -> int:
    """All scenes but the one that comes late; how many files."""
    s3, folder = stack.client("s3"), project.demo / "scenes"
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name != _LATE_SCENE]
    for path in files:
        body = path.read_bytes()
        if path == folder / _ITEMS:
            document = json.loads(body)
            features = [item for item in document["features"] if item["id"] != _LATE_SCENE]
            body = json.dumps(document | {"features": features}).encode()
        s3.put_object(Bucket=landing, Key=f"{_SCENES_PREFIX}/{path.relative_to(folder).as_posix()}", Body=body)
    return len(files)


def _arrival(stack: Stack, project: Project, display: Display, cube_id: str) -> Built:
    """Drop the late scene into the landing bucket, and watch what comes of it: nobody starts a build.

    Raises:
        DemoFailed: no build has begun in :data:`ARRIVAL_SECONDS`, or it failed.
    """
    watch = stack.call("POST", "/watches", {"cube_id": cube_id})
    display.say(f"{cube_id} watches {', '.join(watch['hears_of'])} from now on (POST /watches)")
    landing, folder = stack.outputs["LandingBucket"], project.demo / "scenes"
    stack.upload(folder / _LATE_SCENE, landing, f"{_SCENES_PREFIX}/{_LATE_SCENE}")
    items = json.loads((folder / _ITEMS).read_text())["features"]
    item = next(item for item in items if item["id"] == _LATE_SCENE)
    key = f"{_SCENES_PREFIX}/{_LATE_SCENE}.json"
    # Its rasters first, the item last: the item is what tells.
    stack.client("s3").put_object(Bucket=landing, Key=key, Body=json.dumps(item).encode())
    began = time.monotonic()
    display.say(f"dropped one more scene, s3://{landing}/{key}; the rest happens by itself")
    unit = _dispatched_unit(stack, cube_id)
    with display.build(f"{unit['unit_id']} is being updated (build {unit['build_id']})") as view:
        progress = follow(_fetcher(stack, unit["build_id"]), view, seconds=BUILD_SECONDS)
    if progress.status != "SUCCEEDED":
        raise DemoFailed(f"the update of {unit['unit_id']} ended {progress.status}: {' '.join(progress.failures())}")
    merges = _counts(progress.steps, "merge")
    display.say(
        f"updated {progress.units.get('total', 0)} unit of {cube_id}: {merges['built']} merges made anew, "
        f"{merges['reused']} reused; no other unit was touched"
    )
    return Built(progress, cube_id, time.monotonic() - began)


def _dispatched_unit(stack: Stack, cube_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while time.monotonic() < deadline:
        for unit in stack.call("GET", f"/watches/{cube_id}")["units"]:
            if unit["build_id"] and not unit["pending"] and _is_recorded(stack, unit["build_id"]):
                found: dict[str, Any] = unit
                return found
        time.sleep(_POLL_SECONDS)
    raise DemoFailed(
        f"no build of {cube_id} began within {ARRIVAL_SECONDS:.0f} s of the scene. The emulator's log: "
        f"{stack.emulator.log}"
    )


def _is_recorded(stack: Stack, build_id: str) -> bool:
    # The unit is given to a build a moment before the build is recorded.
    status, _ = stack.request("GET", f"/builds/{build_id}")
    return status == HTTPStatus.OK


def _arrival_entry(arrival: Built) -> dict[str, Any]:
    return {
        "scene": _LATE_SCENE,
        "cube_id": arrival.cube_id,
        "build_id": arrival.progress.build_id,
        "units": dict(arrival.progress.units),
        "merges": _counts(arrival.progress.steps, "merge"),
        "seconds": round(arrival.seconds, 1),
    }


def _fetcher(stack: Stack, build_id: str) -> Any:
    return lambda: stack.call("GET", f"/builds/{build_id}")


def _request(project: Project, name: str, landing_bucket: str = "") -> dict[str, Any]:
    text = (project.demo / name).read_text().replace(_BUCKET_PLACEHOLDER, landing_bucket)
    body: dict[str, Any] = json.loads(text)
    return body


def _check_products(products: Sequence[Product], builds: Sequence[Built]) -> None:
    for built in builds:
        items = of_collection(products, built.cube_id)
        wanted = built.progress.units.get("total", 0)
        if len(items) != wanted:
            raise ProductsMissing(f"{built.cube_id} has {len(items)} items for {wanted} units")


def _sheet(products: Sequence[Product], builds: Sequence[Built], seconds: float) -> Sheet:
    composites = [of_collection(products, built.cube_id) for built in builds]
    dates: dict[str, list[Product]] = {}
    composed = {built.cube_id for built in builds}
    for product in products:
        if product.collection not in composed:
            dates.setdefault(product.day.isoformat(), []).append(product)
    first = composites[0]
    return Sheet(
        title="stratocube: a month of Sentinel-2 over eastern Slovenia",
        subtitle=(
            f"{len(first)} tiles, {len(dates)} dates, {len(builds)} cubes, true colour at 120 m: "
            f"built on one machine in {seconds:.0f} s by the application that runs on AWS"
        ),
        credit=CREDIT,
        year=first[0].day.year,
        dates=[Panel(day, _cloud_note(items), _true_colour(items)) for day, items in sorted(dates.items())],
        composites=[
            Panel(f"{name.upper()} composite", f"{built.cube_id}, {_WHAT[name]}", _true_colour(items))
            for name, built, items in zip(_CUBES, builds, composites, strict=True)
        ],
        clear_observations=[product.assets["CLEAROB"] for product in first],
        provenance=[product.assets["PROVENANCE"] for product in first],
    )


def _true_colour(items: Sequence[Product]) -> TrueColour:
    red, green, blue = ([item.assets[band] for item in items] for band in (_RED, _GREEN, _BLUE))
    return TrueColour(red=red, green=green, blue=blue)


def _cloud_note(items: Sequence[Product]) -> str:
    covers = [item.cloud_cover for item in items if item.cloud_cover is not None]
    return f"{sum(covers) / len(covers):.0f} % cloudy" if covers else ""


def _summary(
    target: Path, products: Sequence[Product], builds: Sequence[Built], picture: Path, seconds: float
) -> dict[str, Any]:
    entries = [_build_entry(target, products, built) for built in builds]
    composed = {built.cube_id for built in builds}
    return {
        **entries[0],
        "builds": entries,
        "items_of_dates": [
            item.path.relative_to(target).as_posix() for item in products if item.collection not in composed
        ],
        "picture": picture.relative_to(target).as_posix(),
        "total_seconds": round(seconds, 1),
    }


def _build_entry(target: Path, products: Sequence[Product], built: Built) -> dict[str, Any]:
    steps = built.progress.steps
    items = of_collection(products, built.cube_id)
    return {
        "build_id": built.progress.build_id,
        "cube_id": built.cube_id,
        "status": built.progress.status,
        "units": dict(built.progress.units),
        "merges": _counts(steps, "merge"),
        "blends": _counts(steps, "blend"),
        "seconds_by_step": {name: round(step.seconds, 2) for name, step in steps.items()},
        "seconds": round(built.seconds, 1),
        "items": [item.path.relative_to(target).as_posix() for item in items],
    }


def _counts(steps: Mapping[str, Any], name: str) -> dict[str, int]:
    step = steps.get(name)
    return {"built": step.built, "reused": step.reused} if step else {"built": 0, "reused": 0}


def _report(display: Display, target: Path, products: Sequence[Product], picture: Path, summary: Path) -> None:
    display.say(f"done: {len(products)} STAC items with their COGs and quicklooks below {target}")
    for product in products:
        display.say(f"  {product.path.relative_to(target)}")
    for label, path in (("picture", picture), ("summary", summary)):
        display.say(f"{label}: {path}")


def _check_ours(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARKER).exists():
        raise InvalidRequest(f"{folder} holds what no demo made: name another folder", field="output")


def _empty(folder: Path) -> None:
    if folder.exists():
        rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARKER).touch()


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Within the block all signals that ask a program to end do what Ctrl-C does: what was started is ended in order.

    Ctrl-C too: a shell that starts a program in the background makes it deaf to that.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
