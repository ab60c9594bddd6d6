"""The dates of a unit: which merges each has, and its quality brought in line with its bands.

Where a band has no data there was no observation, so the quality says nodata there too: the reference's
post-processing. It makes sure that every band of a composite's pixel is of one date. Most dates need no work: merges
keep a fingerprint of their valid pixels, and only a band that lacks pixels the quality has is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from stratocube.errors import InvalidRequest
from stratocube.pixels.postprocess import bands_to_check, post_processing_quality
from stratocube.pixels.sources import read_raster
from stratocube.pixels.statistics import qa_statistics
from stratocube.pixels.validate import Expected, validate_merges
from stratocube.state.activities import Finished, Work
from stratocube.state.build_values import StepResult
from stratocube.state.status import Outcome, Step
from stratocube.storage.gdal import gdal_environment
from stratocube.storage.hrefs import gdal_path
from stratocube.storage.keys import BuildKeys
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.described import file_meaning
from stratocube.workflow.files import provenance, put_cog
from stratocube.workflow.merge import oli_flag
from stratocube.workflow.perform import DoneOver, Task, failure_recorded, perform
from stratocube.workflow.products import date_file_key, date_item_id, post_process_activity_id
from stratocube.workflow.radiometry_facts import treatments
from stratocube.workflow.tasks import DateStack, DateTask, MergeTask, SceneRef, StoredFile


@dataclass(frozen=True)
class MergedDate:
    """The finished merges of one date."""

    unit: UnitPlan
    day: date
    activity_ids: Mapping[str, str]
    """Content identity of each merge, by band."""
    results: Mapping[str, Mapping[str, Any]]
    """What each merge kept, by band."""
    tasks: tuple[MergeTask, ...] = ()
    """What the merges were made of: known where whole units are prepared, a single date does not need it."""

    @property
    def gaps_of(self) -> list[str]:
        """The bands that lack pixels the quality has: empty when the quality may stay as it is."""
        definition = self.unit.plan.definition
        quality = definition.quality_band
        if quality is None or quality not in self.results or definition.parameters.no_post_process:
            return []
        skipped = [definition.saturation_band] if definition.saturation_band else []
        whole = self.unit.geobox.width * self.unit.geobox.height
        return [
            band
            for band in bands_to_check(list(self.results), quality_band=quality, also_skip=skipped)
            if self.results[band]["valid_pixels"] < whole
            and self.results[band]["valid_fingerprint"] != self.results[quality]["valid_fingerprint"]
        ]

    @property
    def datasets(self) -> tuple[str, ...]:
        """What the values 0, 1, … of the date's DATASOURCE stand for; empty where it has none."""
        quality = self.unit.plan.definition.quality_band or ""
        return tuple(self.results.get(quality, {}).get("datasets", ()))

    @property
    def post_process_id(self) -> str:
        """Content identity of the date's quality once it is in line with the bands."""
        return post_process_activity_id(self.unit, self.activity_ids)


def merged_dates(stack: Stack, unit: UnitPlan) -> list[MergedDate]:
    """The unit's dates in order, every merge of them done.

    Raises:
        DoneOver: a merge is not done, for another build is doing it over.
    """
    tasks = [
        MergeTask.from_json(task) for task in stack.work.read_json(BuildKeys(unit.plan.build_id).merges(str(unit.unit)))
    ]
    days: dict[date, list[MergeTask]] = {}
    for task in tasks:
        days.setdefault(task.date, []).append(task)
    ids = {day: {task.band: task.activity_id for task in of_day} for day, of_day in sorted(days.items())}
    return [replace(merged, tasks=tuple(days[merged.day])) for merged in _with_results(stack, unit, ids)]


def prepare_date(stack: Stack, invocation: Invocation, task: DateTask) -> Outcome:
    """Bring the quality of one date in line with its bands, unless there is nothing to do or it is done.

    Raises:
        InvalidRequest: a merge is not what the definition says (it was made by hand, or damaged).
        SourceMissing, TransientRead: a merge cannot be read.
    """
    build_id, unit_id, day = task.build_id, task.unit_id, task.date.isoformat()
    with failure_recorded(stack, build_id, unit_id, Step.PREPARE_DATES, day):
        unit = UnitPlan.load(stack, build_id, unit_id)
        try:
            (merged,) = _with_results(stack, unit, {task.date: task.merges})
        except DoneOver:
            return Outcome.BUSY
        with gdal_environment(stack.environment):
            _check_merges(stack, merged)
    if not merged.gaps_of:
        spent = stack.meter.spent(invocation.began)
        reused = StepResult(Step.PREPARE_DATES, unit_id, day, Outcome.REUSED, 0.0, spent=spent)
        stack.builds.record(build_id, reused, now=stack.now())
        return Outcome.REUSED
    work = Work(
        merged.post_process_id,
        Step.PREPARE_DATES,
        unit.plan.definition.id,
        f"{unit.unit.tile} {day} quality",
    )
    return perform(
        stack,
        invocation,
        Task(work, build_id, unit_id, day, force=unit.plan.request.force),
        lambda: _post_process(stack, merged),
        intact=lambda result: stack.products.exists(result["file"]["key"]),
    )


def date_stacks(stack: Stack, dates: list[MergedDate]) -> list[DateStack]:
    """The dates as the following steps use them: with the quality that is in line with the bands.

    Raises:
        DoneOver: the quality of a date is not done, for another build is doing it over.
    """
    prepared = stack.activities.all_finished(merged.post_process_id for merged in dates if merged.gaps_of)
    return [_date_stack(merged, prepared) for merged in dates]


def _with_results(stack: Stack, unit: UnitPlan, days: Mapping[date, Mapping[str, str]]) -> list[MergedDate]:
    found = stack.activities.all_finished(activity_id for merges in days.values() for activity_id in merges.values())
    missing = [
        f"{day} {band}"
        for day, merges in days.items()
        for band, activity_id in merges.items()
        if activity_id not in found
    ]
    if missing:
        raise DoneOver(f"merge {missing[0]} is not done ({len(missing)} are not): another build is doing it over")
    return [
        MergedDate(unit, day, merges, {band: found[activity_id].result for band, activity_id in merges.items()})
        for day, merges in days.items()
    ]


def _check_merges(stack: Stack, merged: MergedDate) -> None:
    """Look at the header of every merge before anything is made of it: most were made by other builds, long ago."""
    definition = merged.unit.plan.definition
    paths = {band: gdal_path(stack.products.href(kept["file"]["key"])) for band, kept in merged.results.items()}
    bands = {band: Expected(definition.band(band).data_type, definition.band(band).nodata) for band in paths}
    problems = validate_merges({merged.day.isoformat(): paths}, bands, merged.unit.geobox)
    if problems:
        listed = "; ".join(f"{problem.date} {problem.band} ({problem.href}) {problem.reason}" for problem in problems)
        raise InvalidRequest(f"{listed}. Start the build with force to make them again", field="merges")


def _post_process(stack: Stack, merged: MergedDate) -> Mapping[str, Any]:
    unit, definition = merged.unit, merged.unit.plan.definition
    quality = definition.band(definition.quality_band or "")
    mask = definition.mask

    def path(band: str) -> str:
        return gdal_path(stack.products.href(merged.results[band]["file"]["key"]))

    with gdal_environment(stack.environment):
        data = post_processing_quality(
            path(quality.name),
            {band: path(band) for band in merged.gaps_of},
            quality_nodata=quality.nodata,
            nodata_by_band={band: definition.band(band).nodata for band in merged.gaps_of},
        )
        kept_source = merged.results[quality.name].get("datasource")
        datasource = read_raster(gdal_path(stack.products.href(kept_source["key"]))).data if kept_source else None
        stored = put_cog(
            stack,
            date_file_key(unit, merged.day, quality.name, merged.post_process_id),
            data,
            unit.geobox,
            nodata=quality.nodata,
            meaning=file_meaning(
                definition,
                quality.name,
                tags=provenance(
                    collection=definition.identity_id,
                    item=date_item_id(unit, merged.day),
                    identity=merged.post_process_id,
                    inputs=1 + len(merged.gaps_of),
                ),
            ),
        )
    kept: dict[str, Any] = {"file": asdict(stored)}
    if mask is not None:
        found = qa_statistics(data, mask, oli=oli_flag(datasource, merged.datasets))
        kept |= {"efficacy": found.efficacy, "cloud_ratio": found.cloud_ratio}
    return kept


def _date_stack(merged: MergedDate, prepared: Mapping[str, Finished]) -> DateStack:
    quality_band = merged.unit.plan.definition.quality_band or ""
    results, ids = dict(merged.results), dict(merged.activity_ids)
    of_quality = results.get(quality_band, {})
    datasource = of_quality.get("datasource")
    if merged.gaps_of:
        if merged.post_process_id not in prepared:
            raise DoneOver(f"the quality of {merged.day} is not done: another build is doing it over")
        results[quality_band] = of_quality = prepared[merged.post_process_id].result
        ids[quality_band] = merged.post_process_id
    merges = {band: StoredFile.from_json(result["file"]) for band, result in results.items()}
    return DateStack(
        date=merged.day,
        efficacy=of_quality.get("efficacy", 100.0),
        cloud_ratio=of_quality.get("cloud_ratio", 0.0),
        scenes=_scenes(merged.tasks),
        merges=merges | ({"DATASOURCE": StoredFile.from_json(datasource)} if datasource else {}),
        activity_ids=ids | ({"DATASOURCE": merged.activity_ids[quality_band]} if datasource else {}),
        datasets=merged.datasets,
        radiometry=treatments(merged.tasks),
        warnings=tuple(warning for result in merged.results.values() for warning in result.get("warnings", ())),
    )


def _scenes(merges: Iterable[MergeTask]) -> tuple[SceneRef, ...]:
    refs = (
        SceneRef(source.scene_id, source.collection, source.platform, source.acquired, source.item_href)
        for task in merges
        for source in task.sources
    )
    return tuple(dict.fromkeys(refs))
