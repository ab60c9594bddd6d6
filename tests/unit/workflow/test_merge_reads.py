"""How Merge reads its sources: never from a cache, again when they fail in passing, and only where it may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import rasterio

from stratocube import __version__
from stratocube.errors import InvalidRequest, SourceMissing, TransientRead
from stratocube.state.status import Outcome
from stratocube.storage import gdal
from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.merge import merge_date
from stratocube.workflow.tasks import MergeTask, StoredFile
from tests.unit.storage.web import Answer, Web, serving
from tests.unit.workflow.small_build import INVOCATION, allowing, pixels, raster, scene, searched, written

BUSY = Answer(503, b"slow down")


@pytest.fixture(autouse=True)
def _gdal_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    # GDAL tries a request again itself, which takes seconds: these tests are about what comes after that.
    monkeypatch.setattr(gdal, "_SETTINGS", {**gdal._SETTINGS, "GDAL_HTTP_MAX_RETRY": "0"})


@pytest.fixture
def web() -> Iterator[Web]:
    with serving(Web(files={"/red.tif": raster(1, noisy=True), "/scl.tif": raster(4, "uint8")})) as running:
        yield running


def red(stack: Stack, web: Web) -> MergeTask:
    """The task of the red band of a scene on the server."""
    return searched(stack, scene(web.url("/red.tif"), web.url("/scl.tif")))[0]


def test_a_merge_of_rasters_on_the_web(stack: Stack, web: Web) -> None:
    web.files["/red.tif"] = raster(7)
    stack = allowing(stack, web.host)
    task = red(stack, web)
    assert merge_date(stack, INVOCATION, task) is Outcome.BUILT
    assert np.unique(pixels(stack.products.read(task.key))).tolist() == [7]


def test_a_merge_carries_where_it_is_from_and_what_is_in_it(stack: Stack, web: Web) -> None:
    web.files["/red.tif"] = raster(7)
    stack = allowing(stack, web.host)
    for task in searched(stack, scene(web.url("/red.tif"), web.url("/scl.tif"))):
        assert merge_date(stack, INVOCATION, task) is Outcome.BUILT
        finished = stack.activities.finished(task.activity_id)
        assert finished is not None
        stored = StoredFile.from_json(finished.result["file"])
        with rasterio.open(BytesIO(stack.products.read(task.key))) as merged:
            tags, of_band = merged.tags(), merged.tags(1)
            assert merged.descriptions == (task.band,)
            assert merged.colorinterp[0].name == {"B04": "gray", "SCL": "palette"}[task.band]
        assert {name: tags[name] for name in tags if name.startswith("STRATOCUBE")} == {
            "STRATOCUBE_COLLECTION": "SMALL-1",
            "STRATOCUBE_ITEM": "SMALL_V1_000000_20230815",
            "STRATOCUBE_IDENTITY": task.activity_id,
            "STRATOCUBE_INPUTS": "1",
        }
        assert tags["TIFFTAG_SOFTWARE"] == f"stratocube {__version__}"
        value = {"B04": 7, "SCL": 4}[task.band]
        assert stored.statistics == {
            "valid_percent": 100,
            "minimum": value,
            "maximum": value,
            "mean": value,
            "stddev": 0,
        }
        assert float(of_band["STATISTICS_MEAN"]) == value


# -- passing faults --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failures", [[BUSY], [BUSY, BUSY], [Answer(206, b"<html>come back later</html>")]])
def test_a_source_that_fails_in_passing_is_read_again(stack: Stack, web: Web, failures: list[Answer]) -> None:
    waits: list[float] = []
    stack = allowing(stack, web.host, waits=waits)
    task = red(stack, web)
    web.failures = list(failures)
    assert merge_date(stack, INVOCATION, task) is Outcome.BUILT
    assert len(pixels(stack.products.read(task.key))) == 64
    assert len(waits) == len([failure for failure in failures if failure is BUSY])


def test_a_source_that_fails_after_its_header_is_read_again_from_the_start(stack: Stack, web: Web) -> None:
    stack = allowing(stack, web.host)
    task = red(stack, web)
    whole, requests = web.files["/red.tif"], web.answer

    def throttled(path: str, wanted: str | None) -> Answer:
        first = int((wanted or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if first > 0 and throttle:
            throttle.pop()
            return BUSY
        return requests(path, wanted)

    throttle = [1, 1]
    web.answer = throttled  # type: ignore[method-assign]
    assert merge_date(stack, INVOCATION, task) is Outcome.BUILT
    assert throttle == []
    assert whole is web.files["/red.tif"]


def test_a_source_that_was_cut_short_is_read_whole_the_second_time(stack: Stack, web: Web) -> None:
    waits: list[float] = []
    whole = web.files["/red.tif"]
    stack = allowing(stack, web.host, waits=waits)
    task = red(stack, web)
    web.files["/red.tif"] = whole[:40_000]
    # What waits is the upload: meanwhile the rest of the file arrives.
    stack = replace(stack, patience=replace(stack.patience, sleep=lambda _: web.files.update({"/red.tif": whole})))
    assert merge_date(stack, INVOCATION, task) is Outcome.BUILT
    once = pixels(stack.products.read(task.key))
    with rasterio.MemoryFile(whole) as file, file.open() as dataset:
        assert np.isin(once, dataset.read(1)).mean() > 0.01
    assert (once != 0).all()


@pytest.mark.parametrize("failure", [503, 429, 500])
def test_a_source_that_keeps_failing_is_named_and_nothing_is_written(stack: Stack, web: Web, failure: int) -> None:
    waits: list[float] = []
    stack = allowing(stack, web.host, waits=waits)
    task = red(stack, web)
    before = written(stack)
    web.always = Answer(failure)
    with pytest.raises(TransientRead, match=r"tried 3 times") as caught:
        merge_date(stack, INVOCATION, task)
    assert caught.value.href == web.url("/red.tif")
    assert len(waits) == 2
    assert written(stack) == before
    (failed,) = stack.activities.failures("SMALL-1M-LCF-1", since="0001")
    assert web.url("/red.tif") in failed.cause


def test_a_source_that_stays_cut_short_is_named_and_never_becomes_nodata(stack: Stack, web: Web) -> None:
    stack = allowing(stack, web.host)
    task = red(stack, web)
    web.files["/red.tif"] = web.files["/red.tif"][:40_000]
    before = written(stack)
    with pytest.raises(TransientRead, match="tried 3 times") as caught:
        merge_date(stack, INVOCATION, task)
    assert caught.value.href == web.url("/red.tif")
    assert written(stack) == before


def test_a_source_that_is_not_there_is_asked_for_once(stack: Stack, web: Web) -> None:
    waits: list[float] = []
    stack = allowing(stack, web.host, waits=waits)
    task = red(stack, web)
    del web.files["/red.tif"]
    with pytest.raises(SourceMissing, match="404"):
        merge_date(stack, INVOCATION, task)
    assert (len(web.requests), waits) == (1, [])


def test_a_function_that_is_about_to_be_stopped_does_not_begin_again(stack: Stack, web: Web) -> None:
    stack = allowing(stack, web.host)
    task = red(stack, web)
    web.always = BUSY
    with pytest.raises(TransientRead, match="tried once"):
        merge_date(stack, Invocation("worker", remaining_seconds=0), task)


# -- stale reads -----------------------------------------------------------------------------------------------------


def read_twice(stack: Stack, web: Web) -> list[list[int]]:
    """What two invocations of one process make of a source that is rewritten under its address between them."""
    task = red(stack, web)
    found = []
    for value in (1, 2):
        web.files["/red.tif"] = raster(value)
        merge_date(stack, INVOCATION, task)
        found.append(np.unique(pixels(stack.products.read(task.key))).tolist())
        # What is there already would not be read again.
        stack.work.s3.delete_object(Bucket="cubes", Key=task.key)
    return found


def test_a_source_rewritten_under_its_address_is_read_anew_by_a_warm_function(stack: Stack, web: Web) -> None:
    assert read_twice(allowing(stack, web.host), web) == [[1], [2]]


def test_with_gdals_cache_the_second_read_would_be_stale(
    stack: Stack, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Proves that the test above can fail, and that the setting is still needed.
    monkeypatch.setattr(gdal, "NOT_CACHED", {"CPL_VSIL_CURL_NON_CACHED": ""})
    assert read_twice(allowing(stack, web.host), web) == [[1], [1]]


# -- what a task says it is --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": "SMALL/other.tif"}, "key"),
        ({"activity_id": "0" * 64}, "activity_id"),
        ({"band": "SCL"}, "activity_id"),
        ({"band": "B99"}, "bands"),
        ({"datasets": ("x",)}, None),
    ],
)
def test_a_task_that_is_not_what_its_identity_says_is_refused(
    stack: Stack, web: Web, change: dict[str, Any], field: str | None
) -> None:
    stack = allowing(stack, web.host)
    task = replace(red(stack, web), **change)
    before = written(stack)
    if field is None:  # the band does not depend on it
        assert merge_date(stack, INVOCATION, task) is Outcome.BUILT
        return
    with pytest.raises(InvalidRequest) as caught:
        merge_date(stack, INVOCATION, task)
    assert caught.value.field == field
    assert (written(stack), web.requests) == (before, [])


def test_a_source_put_into_a_task_by_hand_is_refused(stack: Stack, web: Web) -> None:
    stack = allowing(stack, web.host)
    task = red(stack, web)
    other = replace(task.sources[0], href=web.url("/other.tif"))
    with pytest.raises(InvalidRequest, match="activity_id: "):
        merge_date(stack, INVOCATION, replace(task, sources=(other,)))


# -- doors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest/meta-data/", "http://10.1.2.3/red.tif"])
def test_a_source_that_redirects_inside_fails_the_merge_with_its_url(stack: Stack, web: Web, target: str) -> None:
    stack = allowing(stack, web.host)
    task = red(stack, web)
    web.redirects = {"/red.tif": target}
    before = written(stack)
    with pytest.raises(InvalidRequest) as caught:
        merge_date(stack, INVOCATION, task)
    assert f"{web.url('/red.tif')} redirects to {target}: " in str(caught.value)
    assert written(stack) == before


def test_a_source_that_redirects_to_another_port_never_reaches_it(stack: Stack, web: Web) -> None:
    stack = allowing(stack, web.host)
    task = red(stack, web)
    with serving(Web(files=dict(web.files))) as other:
        web.redirects = {"/red.tif": other.url("/red.tif")}
        with pytest.raises(InvalidRequest, match="redirects to"):
            merge_date(stack, INVOCATION, task)
        assert other.requests == []


def test_a_source_outside_of_the_list_is_not_read_whoever_made_the_task(stack: Stack, web: Web) -> None:
    task = red(allowing(stack, web.host), web)
    with pytest.raises(InvalidRequest, match="not allowed"):
        merge_date(stack, INVOCATION, task)
    assert web.requests == []
