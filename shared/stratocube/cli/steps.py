"""``stratocube run``: single steps of a build, on files, without a stack.

They are the functions a build runs (``stratocube.processing``): what differs is where files are and who writes down
that it was done.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stratocube.cli.options import AsJson
from stratocube.cli.session import EXIT_CODES, explained, print_json

if TYPE_CHECKING:
    from stratocube.cube.definition import CubeDefinition

steps = typer.Typer(
    help="Run one step by hand, on files here or on S3: no stack, no build.", epilog=EXIT_CODES, no_args_is_help=True
)

CubeFile = Annotated[
    Path | None, typer.Option("--cube", metavar="FILE", help="Cube definition: what the numbers of its bands mean.")
]
GridFile = Annotated[Path | None, typer.Option("--grid", metavar="FILE", help="Grid request, as for `grid create`.")]
TileName = Annotated[str | None, typer.Option("--tile", help="Tile of the grid, 000000.")]
BandName = Annotated[str | None, typer.Option("--band", help="Band of the cube the rasters are of.")]
DataType = Annotated[str | None, typer.Option(help="Type of the result [default: that of the band, or int16].")]
Nodata = Annotated[float | None, typer.Option(help="Nodata of the result [default: that of the band].")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Cloud optimized GeoTIFF to write.")]


@steps.command("merge", epilog=EXIT_CODES)
def run_merge(
    context: typer.Context,
    scene: Annotated[
        list[str],
        typer.Option(help="Raster of a scene: a file, s3://… or https://…; repeat it, in the order of acquisition."),
    ],
    output: Output,
    grid: GridFile = None,
    tile: TileName = None,
    resolution: Annotated[float | None, typer.Option(help="Pixel size in CRS units [default: the cube's].")] = None,
    like: Annotated[str | None, typer.Option(metavar="RASTER", help="Take the grid of this raster instead.")] = None,
    cube: CubeFile = None,
    band: BandName = None,
    data_type: DataType = None,
    nodata: Nodata = None,
    scene_nodata: Annotated[float | None, typer.Option(help="Nodata of scenes whose files have no tag.")] = None,
    file_band: Annotated[int, typer.Option(min=1, help="Band of the scenes' files.")] = 1,
    categorical: Annotated[bool, typer.Option(help="Classes or bits: nearest neighbour, never averaged.")] = False,
    resampling: Annotated[str | None, typer.Option(help="nearest, bilinear, cubic, average … [bilinear]")] = None,
    overlap: Annotated[str, typer.Option(help="Where scenes overlap the last or the first valid pixel wins.")] = "last",
    as_json: AsJson = False,
) -> None:
    """Crop, warp and mosaic the scenes of one date on a tile: one band, as a build's Merge does.

    Example: stratocube run merge --scene a_B04.tif --scene b_B04.tif --cube cube.yaml --band B04 --grid grid.yaml
    --tile 000000 -o merged.tif

    Example: stratocube run merge --scene s3://bucket/a.tif --like tile.tif --nodata 0 -o merged.tif
    """
    from stratocube.cli import step_inputs as given  # noqa: PLC0415 - rasterio, not for --help
    from stratocube.errors import InvalidRequest  # noqa: PLC0415 - as above
    from stratocube.pixels.cog import save_as_cog  # noqa: PLC0415 - as above
    from stratocube.pixels.merge import merge  # noqa: PLC0415 - as above
    from stratocube.pixels.sources import SourceRaster, is_nodata  # noqa: PLC0415 - as above

    with explained(), given.reading(context):
        if overlap not in {"last", "first"}:
            raise InvalidRequest(f"must be last or first, got {overlap!r}", field="overlap")
        definition = given.definition_of(cube)
        meaning = _meaning(definition, band, data_type, nodata, categorical=categorical)
        merged = merge(
            [SourceRaster(href, given.raster_path(href), nodata=scene_nodata, band=file_band) for href in scene],
            given.target_grid(grid, tile, resolution, like, definition),
            data_type=meaning["data_type"],
            nodata=meaning["nodata"],
            kind=meaning["kind"],
            resampling=resampling or (definition.resampling(band) if definition and band else "bilinear"),
            overlap="last" if overlap == "last" else "first",
            threads=given.threads(),
        )
        save_as_cog(output, merged.data, merged.geobox, nodata=merged.nodata, **_described(meaning))
        valid = ~is_nodata(merged.data, merged.nodata)
        answer = {
            "file": str(output),
            "shape": list(merged.data.shape),
            "crs": merged.geobox.crs,
            "valid_percent": round(100 * float(valid.mean()), 2),
            "scenes_used": list(merged.used),
        }
        if as_json:
            print_json(answer)
            return
        rows, columns = merged.data.shape
        typer.echo(f"{output}: {columns} x {rows} pixels, {answer['valid_percent']} % valid")
        for href in scene:
            typer.echo(f"  {href}: {'used' if href in merged.used else 'gave no pixel'}")


@steps.command("blend", epilog=EXIT_CODES)
def run_blend(
    context: typer.Context,
    dates: Annotated[
        list[str], typer.Argument(metavar="DATE=BAND,QUALITY…", help="One word a date: its band and quality rasters.")
    ],
    output: Output,
    function: Annotated[
        str | None, typer.Option(help="LCF (clearest date first), MED (median), AVG (mean) [default: the cube's]")
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(metavar="FILE", help='What the quality means: {"clear_data": […], "nodata": …}')
    ] = None,
    cube: CubeFile = None,
    band: BandName = None,
    data_type: DataType = None,
    nodata: Nodata = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="Write CLEAROB, TOTALOB and PROVENANCE beside the composite.")
    ] = False,
    reference_day: Annotated[
        int | None, typer.Option(min=1, help="Rank dates by closeness to this day of the period, not by clearness.")
    ] = None,
    valid_range: Annotated[
        tuple[float, float] | None, typer.Option(metavar="LOWEST HIGHEST", help="Values beyond are not clear.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Composite the dates of a period: one band, as a build's Blend does. All rasters lie on one grid.

    Example: stratocube run blend 2023-08-10=10_B04.tif,10_SCL.tif 2023-08-15=15_B04.tif,15_SCL.tif --function MED
    --cube cube.yaml --band B04 -o B04.tif
    """
    from stratocube.cli import step_inputs as given  # noqa: PLC0415 - rasterio, not for --help
    from stratocube.cli.step_blend import Wanted, blend_files  # noqa: PLC0415 - as above

    with explained(), given.reading(context):
        definition = given.definition_of(cube)
        meaning = _meaning(definition, band, data_type, nodata, categorical=False)
        wanted = Wanted(
            function=(function or (definition.composite_function if definition else "LCF")).upper(),
            mask=mask,
            layers=layers,
            reference_day=reference_day,
            valid_range=valid_range,
        )
        answer = blend_files(given.named_files(dates, "DATE=BAND,QUALITY"), output, wanted, definition, meaning)
        if as_json:
            print_json(answer)
            return
        for entry in answer["dates"]:
            share = f", {entry['pixels_percent']} % of the composite" if "pixels_percent" in entry else ""
            typer.echo(f"  {entry['date']}: {entry['efficacy']} % clear{share}")
        for file in answer["files"]:
            typer.echo(file)


@steps.command("publish", epilog=EXIT_CODES)
def run_publish(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="BAND=FILE…", help="The rasters of a composite, by band.")],
    cube: Annotated[Path, typer.Option("--cube", metavar="FILE", help="Cube definition.")],
    grid: Annotated[Path, typer.Option("--grid", metavar="FILE", help="Grid request, as for `grid create`.")],
    tile: Annotated[str, typer.Option(help="Tile of the grid, 000000.")],
    period: Annotated[str, typer.Option(metavar="DATE", help="A day of the period.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the item, and of what is made for it.")
    ] = Path(),
    as_json: AsJson = False,
) -> None:
    """Make the cube's indexes and the picture of a composite, and write its STAC item, as a build's Publish does.

    Example: stratocube run publish B02=B02.tif B03=B03.tif B04=B04.tif SCL=SCL.tif --cube cube.yaml --grid grid.yaml
    --tile 000000 --period 2023-08-01 -o item
    """
    from stratocube.cli import step_inputs as given  # noqa: PLC0415 - rasterio, not for --help
    from stratocube.cli.step_publish import publish_files  # noqa: PLC0415 - as above

    with explained(), given.reading(context):
        definition = given.definition_of(cube)
        if definition is None:  # --cube is required
            raise typer.BadParameter("is required", param_hint="--cube")
        place = given.tile_of(grid, tile, definition)
        answer = publish_files(
            given.named_files(files, "BAND=FILE"), definition, place, given.day(period, "period"), output
        )
        if as_json:
            print_json(answer)
            return
        for name in ("item", "quicklook"):
            if answer[name]:
                typer.echo(f"{name}: {answer[name]}")
        for name, file in answer["indexes"].items():
            typer.echo(f"{name}: {file}")


def _meaning(
    definition: CubeDefinition | None,
    band_name: str | None,
    data_type: str | None,
    nodata: float | None,
    *,
    categorical: bool,
) -> dict[str, Any]:
    """What the numbers of a result mean: as the cube's band has it, and as the options say where they do."""
    from stratocube.errors import InvalidRequest  # noqa: PLC0415 - not for --help
    from stratocube.workflow.products import band_kind  # noqa: PLC0415 - as above

    found: dict[str, Any] = {"data_type": "int16", "nodata": None, "kind": "continuous"}
    if definition is not None:
        if band_name is None:
            raise InvalidRequest(f"say which band: {', '.join(b.name for b in definition.bands)}", field="band")
        band = definition.band(band_name)
        found = {
            "data_type": band.data_type,
            "nodata": band.nodata,
            "kind": band_kind(definition, band),
            "description": band.name,
            "scale": band.scale_factor,
            "offset": band.scale_add,
        }
    if categorical:
        found["kind"] = "categorical"
    found["data_type"] = data_type or found["data_type"]
    found["nodata"] = found["nodata"] if nodata is None else nodata
    if found["nodata"] is None:
        raise InvalidRequest("give the nodata value of the result, or --cube FILE and --band NAME", field="nodata")
    return found


def _described(meaning: dict[str, Any]) -> dict[str, Any]:
    return {name: meaning[name] for name in ("kind", "description", "scale", "offset") if name in meaning}
