"""Golden names for quality masks, statistics, index bands, post-processing and scaling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stratocube.cube.expressions import parse_index
from stratocube.cube.mask import parse_mask
from stratocube.pixels.confidence import QAConfidence
from stratocube.pixels.indexes import band_index_of_files
from stratocube.pixels.masks import extract_qa_bits, get_qa_mask, radsat_extract_bits
from stratocube.pixels.postprocess import bands_to_check, post_processing_quality
from stratocube.pixels.scaling import linear_raster_scale, rescale
from stratocube.pixels.statistics import QualityStatistics, compute_data_set_stats, qa_statistics

Case = dict[str, Any]


def _get_qa_mask(case: Case, _: Path) -> Case:
    data = np.uint16(case["data"]) if case.get("data_type") == "numpy uint16 scalar" else case["data"]
    given = {name: case[name] for name in ("clear_data", "not_clear_data", "nodata") if name in case}
    confidence = QAConfidence(**case["confidence"]) if case.get("confidence") is not None else None
    result = get_qa_mask(data, **given, confidence=confidence)
    return {"result": result, "clear_pixels": int(result.count())}


def _qa_confidence_apply(case: Case, _: Path) -> Case:
    return {"result": QAConfidence(**case["confidence"]).apply(case["data"])}


def _extract_qa_bits(case: Case, _: Path) -> Case:
    return {"result": extract_qa_bits(case["band_data"], case["bit_location"])}


def _radsat_extract_bits(case: Case, _: Path) -> Case:
    return {"result": radsat_extract_bits(case["bit_value"], case["bit_start"], case["bit_end"])}


def _qa_statistics(case: Case, _: Path) -> Case:
    # normalise_mask_first makes no difference: there is only one way to read a mask.
    mask = parse_mask(case["mask"])
    if case.get("confidence") is None:
        return _named(qa_statistics(case["raster"], mask))
    confidence = QAConfidence(**case["confidence"])
    mask = replace(mask, confidence=confidence.rules)
    return _named(qa_statistics(case["raster"], mask, oli=confidence.oli_flag))


def _compute_data_set_stats(case: Case, root: Path) -> Case:
    return _named(compute_data_set_stats(str(root / case["file"]), parse_mask(case["mask"])))


def _named(statistics: QualityStatistics) -> Case:
    return {"efficacy": statistics.efficacy, "cloud_ratio": statistics.cloud_ratio}


def _parse_mask(case: Case, _: Path) -> Case:
    return {"mask": parse_mask(case["mask"]).to_mapping()}


def _generate_band_indexes(case: Case, root: Path) -> Case:
    paths = {name: str(root / path) for name, path in case["bands"].items()}
    output: Case = {}
    for index in case["indexes"]:
        name, nodata = index["name"], index["nodata"]
        array = band_index_of_files(
            parse_index(index["expression"], bands=list(paths)),
            paths,
            # The cases define no bands beside their files; those without a tag use the nodata of the index.
            nodata_by_band=dict.fromkeys(paths, nodata),
            data_type=index["data_type"],
            nodata=nodata,
        )
        output[name] = array
        output[f"{name}_profile"] = {"dtype": array.dtype.name, "nodata": nodata}
    return output


def _post_processing_quality(case: Case, root: Path) -> Case:
    paths = {name: str(root / path) for name, path in case["files"].items()}
    quality_band = case["quality_band"]
    checked = bands_to_check(case["bands"], quality_band=quality_band)
    quality = post_processing_quality(
        paths[quality_band],
        {name: paths[name] for name in checked},
        quality_nodata=case["band_map"][quality_band]["nodata"],
        nodata_by_band={name: case["band_map"][name]["nodata"] for name in checked},
    )
    return {"quality": quality}


def _rescale(case: Case, _: Path) -> Case:
    return {
        "result": rescale(
            case["array"],
            case["multiplier"],
            case["new_scale"],
            origin_additive=case.get("origin_additive", 0),
            dtype=case.get("dtype"),
        )
    }


def _linear_raster_scale(case: Case, _: Path) -> Case:
    return {"result": linear_raster_scale(case["array"], case["input_range"], case["output_range"])}


ADAPTERS: dict[str, Callable[[Case, Path], Case]] = {
    "get_qa_mask": _get_qa_mask,
    "qa_confidence_apply": _qa_confidence_apply,
    "extract_qa_bits": _extract_qa_bits,
    "radsat_extract_bits": _radsat_extract_bits,
    "qa_statistics": _qa_statistics,
    "compute_data_set_stats": _compute_data_set_stats,
    "parse_mask": _parse_mask,
    "generate_band_indexes": _generate_band_indexes,
    "post_processing_quality": _post_processing_quality,
    "rescale": _rescale,
    "linear_raster_scale": _linear_raster_scale,
}
