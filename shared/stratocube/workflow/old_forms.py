"""Start requests as clients of cube-builder and of cube-builder-aws send them, in the words of this application.

Three things differ: some fields have other names, a cube may be called by the long name those applications put
together (``LC8_30_1M_LCF`` for the cube ``LC8`` of 30 m, one month and LCF), and they name a bucket for the products.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from stratocube.cube.definition import CubeDefinition
from stratocube.cube.naming import split_cube_id
from stratocube.errors import InvalidRequest
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes, StoredCube

Json = Mapping[str, Any]

_OTHER_NAMES: Final = (("url_stac", "stac_url"), ("process_id", "datacube"))
_LONG_NAME = re.compile(
    r"(?P<stem>[A-Za-z0-9][A-Za-z0-9_-]*)_(?P<resolution>[0-9]{1,7})"
    r"(?:_(?P<step>[0-9]{1,4})(?P<unit>[DMY])_(?P<function>LCF|STK|MED|AVG))?"
)
_FUNCTIONS: Final = {"STK": "LCF"}
_UNITS: Final = {"D": "day", "M": "month", "Y": "year"}
_MAX_NAME: Final = 128
_MOST_DEGREES: Final = 60
_BUILDS_BACK: Final = 100
"""Builds of a cube that are asked for the window it has been built over."""


def start_form(payload: Json, *, cubes: Cubes, bucket: str) -> dict[str, Any]:
    """A start request in this application's words.

    ``url_stac`` is ``stac_url``, ``process_id`` (what the reply to a new cube calls its id) is ``datacube``,
    ``satellite`` says nothing that the cube does not, and ``bucket`` can only be the one products are written to.

    Raises:
        InvalidRequest: when two names of a field contradict each other, or another bucket is named.
    """
    form = dict(payload)
    for other, name in _OTHER_NAMES:
        value = form.pop(other, None)
        if value is not None and form.setdefault(name, value) != value:
            raise InvalidRequest(f"contradicts {name}: give one of them", field=other)
    satellite = form.pop("satellite", None)
    if satellite is not None and not isinstance(satellite, str):
        raise InvalidRequest("must be text: the name of a satellite", field="satellite")
    named = form.pop("bucket", None)
    if named not in (None, "", bucket):
        raise InvalidRequest(
            f"products of this stack are written to {bucket}: leave it out, or name that", field="bucket"
        )
    form |= _known_cube(form, cubes)
    return form


def complete_form(cube_id: str, payload: Json, *, builds: Builds) -> dict[str, Any]:
    """A request to complete a cube: what is left out of the window is that of all its builds so far.

    Raises:
        InvalidRequest: when the window is left out and the cube was never built, or another cube is named.
    """
    form = dict(payload)
    named = form.pop("cube_id", None) or form.pop("datacube", None) or cube_id
    if named != cube_id:
        raise InvalidRequest(f"is another cube than that of the path, {cube_id}: leave it out", field="datacube")
    form["datacube"] = cube_id
    for name, pick in (("start_date", min), ("end_date", max)):
        if form.get(name) is None:
            before = builds.of_cube(cube_id, limit=_BUILDS_BACK, dry_runs=False)
            days = [str(build.request[name]) for build in before if build.request.get(name)]
            if not days:
                raise InvalidRequest(f"is required: {cube_id} has not been built yet", field=name)
            form[name] = pick(days)
    return form


def grid_form(payload: Json) -> dict[str, Any]:
    """A request for grids in this application's words: a tile given in degrees (``degreesx``, ``degreesy``), as
    cube-builder's first form of it has them, gets the size of these at the pivot, and a box that is text and says its
    north before its south (west, north, east, south) is turned.

    Raises:
        InvalidRequest: for degrees that are no size, or no meridian to measure them at.
    """
    form = dict(payload)
    if "degreesx" not in form and "degreesy" not in form:
        return form
    degrees = (_degrees(form.pop("degreesx", None), "degreesx"), _degrees(form.pop("degreesy", None), "degreesy"))
    if form.get("tile_size") is not None:
        raise InvalidRequest("stands for degreesx and degreesy: give one or the other", field="tile_size")
    meridian = form.get("meridian")
    if not isinstance(meridian, int | float) or isinstance(meridian, bool) or not -180 <= meridian <= 180:
        raise InvalidRequest("must be a longitude in degrees: tiles are measured around it", field="meridian")
    # projections need rasterio, half a second of a cold start that no other route should pay
    from stratocube.cube.grid_creation import tile_size_of_degrees  # noqa: PLC0415 - imported late, see above

    form["tile_size"] = list(tile_size_of_degrees(str(form.get("projection")).lower(), float(meridian), degrees))
    if isinstance(form.get("bbox"), str):
        form["bbox"] = _southward(form["bbox"])
    return form


def _degrees(value: object, field: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= _MOST_DEGREES:
        raise InvalidRequest(f"must be the size of a tile, 0 to {_MOST_DEGREES} degrees", field=field)
    return float(value)


def _southward(text: str) -> str:
    parts = text.split(",")
    try:
        north_first = len(parts) == len("WNES") and float(parts[1]) > float(parts[3])
    except ValueError:
        return text
    return ",".join((parts[0], parts[3], parts[2], parts[1])) if north_first else text


def _known_cube(form: Json, cubes: Cubes) -> dict[str, Any]:
    """``datacube`` and its version, where they are a long name of a cube; nothing where they are not."""
    name, version = form.get("datacube"), form.get("datacube_version")
    if not isinstance(name, str) or len(name) > _MAX_NAME:
        return {}
    if version is None:
        name, version = split_cube_id(name)
    match = _LONG_NAME.fullmatch(name)
    # a cube of just this name goes first
    if match is None or cubes.versions(name):
        return {}
    found = {
        number: stored
        for number, stored in cubes.versions(match["stem"]).items()
        if version in (None, number) and _is_called(stored, match)
    }
    return {"datacube": found[max(found)].cube_id, "datacube_version": None} if found else {}


def _is_called(stored: StoredCube, match: re.Match[str]) -> bool:
    cube = CubeDefinition.parse(stored.definition)
    if cube.resolution != int(match["resolution"]):
        return False
    if match["function"] is None:
        return cube.composite_function == "IDT"
    rule, function = cube.temporal_composition, match["function"]
    return (
        rule is not None
        and (rule.step, rule.unit) == (int(match["step"]), _UNITS[match["unit"]])
        and cube.composite_function == _FUNCTIONS.get(function, function)
    )
