"""``stratocube run publish`` on files: indexes, picture and STAC item of a composite that lies here."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stratocube import __version__
from stratocube.catalog.products import BandFile, Picture, ProductInfo, composite_item
from stratocube.cli.suggestions import alike
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.geobox import GeoBox
from stratocube.cube.grids import Tile
from stratocube.cube.layers import OBSERVATION_LAYERS
from stratocube.cube.timeline import Period
from stratocube.errors import InvalidRequest
from stratocube.pixels.cog import save_as_cog
from stratocube.pixels.indexes import band_index_of_files
from stratocube.pixels.quicklook import generate_quick_look
from stratocube.pixels.sources import geobox_of, open_raster
from stratocube.pixels.statistics import compute_data_set_stats
from stratocube.workflow.described import crs_info, layer_info, resolution_in_metres

_ONE_MEGABYTE = 1 << 20


def publish_files(
    files: Mapping[str, str], definition: CubeDefinition, tile: Tile, moment: dt.date, folder: Path
) -> dict[str, Any]:
    """Write the STAC item of rasters by band, with the indexes and the picture they make possible; what was made.

    Raises:
        InvalidRequest: a band the cube has not, a raster on another grid, no period on that day.
        SourceMissing, TransientRead: naming the raster that could not be read.
    """
    _check_bands(files, definition)
    period = _period(definition, moment)
    geobox = definition.geobox(tile)
    rasters = {name: Path(file) for name, file in files.items()}
    for name, path in rasters.items():
        _check_grid(name, path, geobox)
    folder.mkdir(parents=True, exist_ok=True)
    item_id = definition.composite_item_id(tile.id, period)
    indexes = dict(_indexes(rasters, definition, geobox, folder / item_id))
    rasters |= indexes
    picture = _picture(rasters, definition, folder / f"{item_id}.png")
    document = composite_item(
        _info(definition, tile, geobox, item_id, folder, rasters, picture),
        start=period.start,
        end=period.end,
        composite_function=definition.composite_function,
        dates=(),
    )
    # Which dates it is made of nobody said; that is not the same as none.
    for unknown in ("stratocube:dates", "stratocube:date_count", "stratocube:empty"):
        document["properties"].pop(unknown, None)
    item = folder / f"{item_id}.json"
    item.write_text(json.dumps(document, indent=2) + "\n")
    return {
        "id": item_id,
        "item": str(item),
        "quicklook": None if picture is None else str(picture),
        "indexes": {name: str(path) for name, path in indexes.items()},
    }


def _check_bands(files: Mapping[str, str], definition: CubeDefinition) -> None:
    known = [*(band.name for band in definition.all_bands), *OBSERVATION_LAYERS]
    for name in files:
        if name not in known:
            near = alike(name, known)
            meant = f"; did you mean {near}?" if near else f": {', '.join(known)}"
            raise InvalidRequest(f"{name} is no band of {definition.id}{meant}", field="FILES")


def _period(definition: CubeDefinition, moment: dt.date) -> Period:
    year = dt.timedelta(days=366)
    for period in definition.periods(moment - year, moment + year):
        if period.start <= moment <= period.end:
            return period
    raise InvalidRequest(f"no period of {definition.id} has the day {moment}", field="period")


def _check_grid(name: str, path: Path, geobox: GeoBox) -> None:
    with open_raster(str(path)) as dataset:
        found = geobox_of(dataset)
    if (found.shape, found.transform) != (geobox.shape, geobox.transform):
        raise InvalidRequest(
            f"{path} ({name}) is not on the tile's grid: {found.width} x {found.height} pixels from {found.x_min:g},"
            f" {found.y_max:g}; wanted are {geobox.width} x {geobox.height} from {geobox.x_min:g}, {geobox.y_max:g}",
            field="FILES",
        )


def _indexes(
    rasters: Mapping[str, Path], definition: CubeDefinition, geobox: GeoBox, stem: Path
) -> Iterator[tuple[str, Path]]:
    """The cube's indexes whose bands are there and that are not."""
    for index in definition.indexes:
        names = index.expression.names
        if index.name in rasters or not names <= rasters.keys():
            continue
        path = stem.with_name(f"{stem.name}_{index.name}.tif")
        data = band_index_of_files(
            index.expression,
            {name: str(rasters[name]) for name in names},
            nodata_by_band={name: definition.band(name).nodata for name in names},
            data_type=index.data_type,
            nodata=index.nodata,
            minimum=index.min_value,
            maximum=index.max_value,
        )
        save_as_cog(
            path,
            data,
            geobox,
            nodata=index.nodata,
            kind="continuous",
            description=index.name,
            scale=index.scale_factor,
            offset=index.scale_add,
        )
        yield index.name, path


def _picture(rasters: Mapping[str, Path], definition: CubeDefinition, path: Path) -> Path | None:
    names = definition.bands_quicklook
    if not names or not set(names) <= rasters.keys():
        return None
    generate_quick_look(
        [str(rasters[name]) for name in names],
        channel_limits=definition.parameters.channel_limits,
        nodata=definition.band(names[0]).nodata,
        path=path,
    )
    return path


def _info(
    definition: CubeDefinition,
    tile: Tile,
    geobox: GeoBox,
    item_id: str,
    folder: Path,
    rasters: Mapping[str, Path],
    picture: Path | None,
) -> ProductInfo:
    quality, efficacy, cloud_ratio = rasters.get(definition.quality_band or ""), None, None
    if quality is not None and definition.mask is not None:
        efficacy, cloud_ratio = compute_data_set_stats(str(quality), definition.mask)
    checksums = {name: _checksum(path) for name, path in rasters.items()}
    return ProductInfo(
        collection_id=definition.id,
        item_id=item_id,
        collection_href="./collection.json",
        grid=definition.grs,
        tile=tile.id,
        geobox=geobox,
        crs=crs_info(geobox),
        footprint=tile.footprint,
        bbox=tile.bbox,
        files=tuple(
            BandFile(layer_info(definition, name), _href(path, folder), path.stat().st_size, checksums[name])
            for name, path in rasters.items()
        ),
        identity=hashlib.sha256(json.dumps(checksums, sort_keys=True).encode()).hexdigest(),
        software_version=__version__,
        created=dt.datetime.now(dt.UTC),
        pictures=() if picture is None else (_picture_info(picture, folder),),
        resolution_m=resolution_in_metres(geobox),
        efficacy_percent=efficacy,
        cloud_ratio_percent=cloud_ratio,
    )


def _picture_info(path: Path, folder: Path) -> Picture:
    content = path.read_bytes()
    columns, rows = struct.unpack(">II", content[16:24])  # the IHDR chunk of PNG opens with width and height
    return Picture(_href(path, folder), len(content), _checksum(path), (rows, columns))


def _href(path: Path, folder: Path) -> str:
    relative = Path(os.path.relpath(path, folder)).as_posix()
    return relative if relative.startswith("..") else f"./{relative}"


def _checksum(path: Path) -> str:
    """Multihash of SHA-256."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_ONE_MEGABYTE):
            digest.update(block)
    return "1220" + digest.hexdigest()
