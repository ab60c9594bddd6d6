"""The documented functions of cube-builder's Python API in one place, under the names it gave them.

For notebooks and scripts: ``from stratocube.processing import merge, blend``. docs/python-api.md says what each one
does differently. stratocube's own code imports from the rooms (:mod:`stratocube.pixels`, :mod:`stratocube.cube`), so a
Lambda function loads nothing that it does not use.

>>> get_qa_mask(21824, clear_data=[6], not_clear_data=[3]).tolist()
[21824]
"""

from stratocube.cube.expressions import Expression, parse_index
from stratocube.cube.geobox import GeoBox
from stratocube.cube.grid_creation import create_grids
from stratocube.cube.grids import Grid, Tile
from stratocube.cube.mask import MaskBuffer, QualityMask, parse_mask
from stratocube.cube.naming import build_cube_path, get_item_id
from stratocube.cube.requests import GridRequest
from stratocube.cube.scene_ids import landsat_scene_id, sentinel2_scene_id
from stratocube.cube.timeline import Period, timeline
from stratocube.errors import InvalidRequest, SourceMissing, StratocubeError, TransientRead
from stratocube.pixels.blend import BlendResult, Observation, ObservationLayers, blend
from stratocube.pixels.blend_cogs import BlendedCogs, Meaning, blend_cogs
from stratocube.pixels.blend_stack import blend_stack
from stratocube.pixels.cog import create_empty_raster, encode_cog, generate_cogs, save_as_cog
from stratocube.pixels.composite import composite
from stratocube.pixels.composition import Composition
from stratocube.pixels.confidence import QAConfidence
from stratocube.pixels.dataset import SmartDataSet
from stratocube.pixels.footprint import convexhull, extent, raster_convexhull, raster_extent
from stratocube.pixels.histogram import match_histogram, match_histogram_with_merges
from stratocube.pixels.indexes import band_index, band_index_of_files
from stratocube.pixels.mask_buffers import buffer_margin, buffered_quality
from stratocube.pixels.masks import PixelClass, classify, extract_qa_bits, get_qa_mask, radsat_extract_bits
from stratocube.pixels.merge import Merge, empty_merge, merge, merge_on_scene_grid
from stratocube.pixels.postprocess import bands_to_check, post_process_quality, post_processing_quality
from stratocube.pixels.quicklook import generate_quick_look, generate_rgb
from stratocube.pixels.ranking import DateScore, blend_tasks, rank_dates, temporal_priority_timeline
from stratocube.pixels.resampling import get_resample_method
from stratocube.pixels.scaling import linear_raster_scale, rescale
from stratocube.pixels.sentinel2 import remove_offset, sentinel2_read
from stratocube.pixels.sources import Raster, SourceRaster, read_raster
from stratocube.pixels.statistics import QualityStatistics, compute_data_set_stats, qa_statistics
from stratocube.pixels.validate import Expected, Problem, check_file_integrity, validate, validate_merges

generate_band_indexes = band_index_of_files
"""cube-builder's name for it; here one call makes one index."""

__all__ = [
    "BlendResult",
    "BlendedCogs",
    "Composition",
    "DateScore",
    "Expected",
    "Expression",
    "GeoBox",
    "Grid",
    "GridRequest",
    "InvalidRequest",
    "MaskBuffer",
    "Meaning",
    "Merge",
    "Observation",
    "ObservationLayers",
    "Period",
    "PixelClass",
    "Problem",
    "QAConfidence",
    "QualityMask",
    "QualityStatistics",
    "Raster",
    "SmartDataSet",
    "SourceMissing",
    "SourceRaster",
    "StratocubeError",
    "Tile",
    "TransientRead",
    "band_index",
    "band_index_of_files",
    "bands_to_check",
    "blend",
    "blend_cogs",
    "blend_stack",
    "blend_tasks",
    "buffer_margin",
    "buffered_quality",
    "build_cube_path",
    "check_file_integrity",
    "classify",
    "composite",
    "compute_data_set_stats",
    "convexhull",
    "create_empty_raster",
    "create_grids",
    "empty_merge",
    "encode_cog",
    "extent",
    "extract_qa_bits",
    "generate_band_indexes",
    "generate_cogs",
    "generate_quick_look",
    "generate_rgb",
    "get_item_id",
    "get_qa_mask",
    "get_resample_method",
    "landsat_scene_id",
    "linear_raster_scale",
    "match_histogram",
    "match_histogram_with_merges",
    "merge",
    "merge_on_scene_grid",
    "parse_index",
    "parse_mask",
    "post_process_quality",
    "post_processing_quality",
    "qa_statistics",
    "radsat_extract_bits",
    "rank_dates",
    "raster_convexhull",
    "raster_extent",
    "read_raster",
    "remove_offset",
    "rescale",
    "save_as_cog",
    "sentinel2_read",
    "sentinel2_scene_id",
    "temporal_priority_timeline",
    "timeline",
    "validate",
    "validate_merges",
]
