"""The harness of the speed benchmarks: it accepts what is right, refuses what is not, and keeps its form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray

from benchmarks import reading, speed
from benchmarks.agreement import disagreement, read_results
from benchmarks.coldstart import ColdStart, handlers
from benchmarks.goals import goals
from benchmarks.growth import Line
from benchmarks.peers import BLEND, JOBS, MERGE, PRODUCTS, Contender, ours
from benchmarks.peers.cogs import write_cog
from benchmarks.peers.numpy_nanmedian import blend as blend_by_numpy
from benchmarks.process import JobClock, Usage, bytes_read, run_module
from benchmarks.range_server import Link, serving
from benchmarks.report import Report, Runs, as_json, print_tables, ratios
from benchmarks.workload import ALBERS, BlendInputs, MergeInputs, blend_inputs, folder_of, merge_inputs

OURS = BLEND[0]


def usage(wall: float, cpu: float) -> Usage:
    return Usage(wall, cpu, 100.0, 5_000, wall / 2, cpu / 2, {"LCF.tif": 1})


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> BlendInputs:
    return blend_inputs(tmp_path_factory.mktemp("stack"), size=256, dates=5)


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory: pytest.TempPathFactory) -> MergeInputs:
    return merge_inputs(tmp_path_factory.mktemp("mosaic"), scene=256, size=160, resolution=20.0)


@pytest.fixture(scope="module")
def made(stack: BlendInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of our products."""
    folder = tmp_path_factory.mktemp("made")
    ours.blend(stack, folder, 1)
    return folder


@pytest.fixture(scope="module")
def results(made: Path) -> dict[str, NDArray[Any]]:
    return read_results(made, PRODUCTS)


def test_inputs_are_made_once_and_the_same_every_time(stack: BlendInputs, tmp_path: Path) -> None:
    again = blend_inputs(tmp_path, size=256, dates=5)
    assert [files.band.read_bytes() for files in again.dates] == [files.band.read_bytes() for files in stack.dates]
    before = again.dates[0].band.stat().st_mtime_ns
    assert blend_inputs(tmp_path, size=256, dates=5) == again
    assert again.dates[0].band.stat().st_mtime_ns == before


def test_inputs_of_an_older_edition_are_made_anew(tmp_path: Path) -> None:
    inputs = blend_inputs(tmp_path, size=64, dates=1)
    manifest = folder_of(inputs) / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"edition": 0}))
    inputs.dates[0].band.unlink()
    assert blend_inputs(tmp_path, size=64, dates=1).dates[0].band.exists()


def test_the_best_date_of_the_inputs_is_the_first_in_rank(stack: BlendInputs) -> None:
    assert stack.ranked[0] == stack.dates[0] == stack.first(2).ranked[0]
    assert stack.ranked[0].efficacy > stack.ranked[-1].efficacy


def test_plain_numpy_makes_the_same_five_products(
    stack: BlendInputs, results: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    blend_by_numpy(stack, theirs, 1)
    assert disagreement(OURS, theirs, results, stack.nodata) == []


@pytest.mark.parametrize("name", PRODUCTS)
def test_one_other_pixel_is_found(stack: BlendInputs, results: dict[str, NDArray[Any]], made: Path, name: str) -> None:
    wrong = results | {name: results[name].copy()}
    wrong[name][100, 100] += 1
    assert disagreement(OURS, made, wrong, stack.nodata) == [f"{name} differs at 1 of 65536 pixels"]


def test_another_type_is_found(stack: BlendInputs, results: dict[str, NDArray[Any]], made: Path) -> None:
    other = results | {"MED": results["MED"].astype(np.float32)}
    assert disagreement(OURS, made, other, stack.nodata) == ["MED is int16(256, 256), not float32(256, 256)"]


def test_without_fall_back_only_clear_pixels_of_lcf_are_compared(
    stack: BlendInputs, results: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    never_clear = results["CLEAROB"] == 0
    assert (results["LCF"][never_clear] != stack.nodata).any()
    bare = np.where(never_clear, np.int16(stack.nodata), results["LCF"])
    write_cog(tmp_path / "LCF.tif", bare, ALBERS, Affine(10, 0, 0, 0, -10, 0), stack.nodata, 1)
    contender = Contender("other", "other", ("LCF",), falls_back=False)
    assert disagreement(contender, tmp_path, results, stack.nodata) == []
    assert disagreement(Contender("other", "other", ("LCF",)), tmp_path, results, stack.nodata) != []


def test_a_mosaic_may_differ_by_a_fraction_of_the_contrast_but_not_be_shifted(
    mosaic: MergeInputs, tmp_path: Path
) -> None:
    ours.merge(mosaic, tmp_path, 1)
    expected = read_results(tmp_path, ("MERGE",))
    assert (expected["MERGE"] != mosaic.nodata).mean() > 0.5
    assert disagreement(MERGE[0], tmp_path, expected, mosaic.nodata) == []
    nudged = {"MERGE": expected["MERGE"] + (expected["MERGE"] != mosaic.nodata)}
    assert disagreement(MERGE[0], tmp_path, nudged, mosaic.nodata) == []
    shifted = {"MERGE": np.roll(expected["MERGE"], 1, axis=1)}
    assert disagreement(MERGE[0], tmp_path, shifted, mosaic.nodata) != []


def test_a_process_is_measured_apart_from_the_one_that_measures(
    stack: BlendInputs, results: dict[str, NDArray[Any]], tmp_path: Path
) -> None:
    held = np.ones(400_000_000, np.uint8)
    arguments = ["blend", "ours", str(folder_of(stack)), str(tmp_path / "apart"), "--threads", "1"]
    found = run_module("benchmarks.contender", arguments)
    assert found.rss_mb < held.nbytes / 1e6
    assert 0 < found.job_cpu_s < found.cpu_s
    assert 0 < found.job_wall_s < found.wall_s
    inputs = sum(path.stat().st_size for files in stack.dates for path in (files.band, files.quality))
    assert 0.5 * inputs < found.bytes_read < 3 * inputs
    assert set(found.answer) == {f"{name}.tif" for name in PRODUCTS}
    assert disagreement(OURS, tmp_path / "apart", results, stack.nodata) == []


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(speed.ContenderFailed, match="manifest"):
        run_module("benchmarks.contender", ["blend", "ours", str(tmp_path), str(tmp_path), "--threads", "1"])


def test_reading_a_file_counts_with_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(3_000_000))
    before = bytes_read()
    file.read_bytes()
    assert 3_000_000 <= bytes_read() - before < 3_100_000


def test_a_clock_reports_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    JobClock().report({"MED.tif": 7})
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told) == {"wall_s", "cpu_s", "bytes_read", "peak_rss", "answer"}
    assert told["answer"] == {"MED.tif": 7}


def test_every_contender_is_a_module_that_has_its_job() -> None:
    for job, contenders in JOBS.items():
        assert contenders[0].name == "ours"
        for contender in contenders:
            source = Path(speed.ROOT, "benchmarks", "peers", f"{contender.module}.py").read_text()
            assert f"\ndef {job}(" in source


def test_ratios_are_those_within_a_round() -> None:
    runs = Runs({"ours": [usage(1, 2), usage(10, 20)], "other": [usage(4, 4), usage(40, 40)]}, {})
    assert ratios("blend", runs) == {"ours": (1.0, 1.0), "other": (4.0, 2.0)}


def test_results_have_their_form(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(
        runs={job: Runs({"ours": [usage(1, 2)], "limit": [usage(0.5, 1)]}, {"ours": "", "limit": "x"}) for job in JOBS},
        kernel={"int16": {"8": 1.0}},
        coldstart={"blend": ColdStart(101.0, 99.0, 200.0, 90.0)},
        over_dates=Line.through([4, 8], [1, 2]),
        meta={"quick": False},
    )
    content = json.loads(json.dumps(as_json(report)))
    assert set(content) == {"blend", "merge", "encode", "kernel", "coldstart", "meta"}
    assert content["blend"]["ours"] == {"wall_s": 1, "cpu_s": 2, "rss_mb": 100.0, "bytes_read": 5000}
    assert content["encode"]["ours"]["cpu_s"] == 1
    assert content["kernel"] == {"int16": {"8": 1.0}}
    assert content["coldstart"] == {"blend": 101.0}
    assert content["meta"]["reference"]["blend"]["wall_s"] == 147
    print_tables(report)
    assert "147.00" in capsys.readouterr().out


def test_a_line_through_points_tells_how_straight_they_are() -> None:
    straight = Line.through([1, 2, 3], [3, 5, 7])
    assert (straight.slope, straight.intercept, straight.r_squared) == pytest.approx((2, 1, 1))
    assert Line.through([1, 2, 3], [1, 4, 9]).r_squared < 0.99


def test_every_function_of_the_template_has_a_cold_start_to_measure() -> None:
    assert {"api", "blend", "merge", "publish", "search"} <= set(handlers())


def test_contenders_whose_pixels_differ_do_not_count(
    stack: BlendInputs, mosaic: MergeInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = speed.Bench(tmp_path, threads=1, rounds=2, quick=True, only=frozenset())
    monkeypatch.setattr(speed, "JOBS", {"blend": (OURS, Contender("good", "ours"), Contender("bad", "ours"))})
    ran: list[str] = []

    def pretend(job: str, each: Contender, inputs: BlendInputs, folder: Path) -> Usage:
        ran.append(each.name)
        folder.mkdir(parents=True)
        ours.blend(inputs if each.name != "bad" else inputs.first(2), folder, 1)
        return usage(1, 1)

    monkeypatch.setattr(bench, "_once", pretend)
    monkeypatch.setattr(bench, "_inputs", lambda: (stack, mosaic))
    bench.run(["blend"])
    assert ran == ["ours", "good", "bad", "ours", "good"]
    assert set(bench.report.runs["blend"].usages) == {"ours", "good"}
    assert set(bench.report.rejected) == {"blend: bad"}


def test_goals_are_told_of_what_was_measured_alone() -> None:
    runs = Runs({"ours": [usage(1, 2)], "limit": [usage(0.5, 1)], "numpy": [usage(6, 9)]}, {})
    found = {goal.what: goal for goal in goals(Report(runs={"blend": runs}, kernel={"int16": {"8": 0.9, "24": 1.1}}))}
    assert found["blend: wall of the best peer over ours"].measured == 6
    assert found["blend: wall of the best peer over ours"].met
    assert found["blend: our wall over the limit's"].measured == 2
    assert not found["blend: our wall over the limit's"].met
    assert not found["kernel int16: ns, slowest count"].met
    assert found["blend: cube-builder's wall (quoted) over our process"].measured == 147
    assert not any("merge" in what or "import" in what for what in found)


def test_reading_alone_asks_for_the_windows_of_the_scenes_and_warps_nothing(mosaic: MergeInputs) -> None:
    with serving(folder_of(mosaic).resolve().parent, Link(latency=0, bytes_per_second=1e9)) as server:
        reading.read(folder_of(mosaic), server.url, {})
        asked = server.counts()
    assert asked.requests >= len(mosaic.scenes)
    assert 0 < asked.bytes <= sum(path.stat().st_size for path in mosaic.scenes)
