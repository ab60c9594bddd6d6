"""Changes of a cube that is there: what is said about it may change, its pixels may not.

Products of a cube lie in one collection for years, and whoever reads a time series relies on one recipe. So a change
that would alter pixels is refused and needs a new version; titles, descriptions, metadata, pictures and the places
where scenes are searched may change at any time. A build takes the definition of the moment it is planned at.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from stratocube.cube.bands import Band, IndexBand
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.parameters import Parameters
from stratocube.errors import InvalidRequest
from stratocube.state.build_values import Build
from stratocube.state.cubes import Cubes, StoredCube

Json = Mapping[str, Any]

FREE_FIELDS: Final = ("title", "description", "metadata", "public", "bands_quicklook")
"""Fields of a definition that may change, beside what is said of its bands."""

FREE_PARAMETERS: Final = ("stac_url", "token_secret", "sources", "channel_limits", "with_rgb")
"""Parameters that may change."""

_OF_A_BAND: Final = (
    "common_name",
    "description",
    "center_wavelength",
    "full_width_half_max",
    "resolution",
    "resolution_x",
    "resolution_y",
    "mime_type",
    "metadata",
)
"""What may change of a band; ``metadata`` of an index is its expression."""

_CATALOGUE: Final = {"id", "collection_id", "name", "_metadata"}
"""Fields of a band as clients of cube-builder send it back: keys of its catalogue, and another name of metadata."""

_REMEDY: Final = "define the cube's next version for that"


def change_cube(cube_id: str, payload: Json, *, cubes: Cubes, now: str) -> StoredCube:
    """Change what is said about a cube. What is not in ``payload`` stays; what is there unchanged is no change.

    ``bands`` and ``indexes`` may hold some bands only, each by its name.

    Raises:
        NotFound: there is no such cube.
        InvalidRequest: for a change that would alter pixels, or a definition that does not hang together: names the
            field.
        Conflict: the cube was changed at the same time.
    """
    stored = cubes.get(cube_id)
    before = CubeDefinition.parse(stored.definition)
    known = before.to_json()
    form = dict(payload)
    for name in ("bands", "indexes"):
        if form.get(name) is not None:
            form[name] = _bands(known.get(name, []), form[name], field=name)
    after = CubeDefinition.parse({**stored.definition, **form})
    _check_same_pixels(before, after)
    return stored if after == before else cubes.change(stored, after.to_json(), now=now)


def change_parameters(
    cube_id: str, payload: Json, *, cubes: Cubes, newest: Build | None, bucket: str, now: str
) -> StoredCube:
    """Change parameters of a cube. What is not in ``payload`` stays; null takes a parameter away.

    What :func:`cube_meta` says beside the parameters may be sent along as it stands.

    Raises: as :func:`change_cube`.
    """
    stored = cubes.get(cube_id)
    before = CubeDefinition.parse(stored.definition)
    form = _changed_parameters(
        before.to_json().get("parameters", {}), payload, cube_meta(before, newest, bucket=bucket)
    )
    try:
        after = CubeDefinition.parse({**stored.definition, "parameters": form})
        _check_same_pixels(before, after)
    except InvalidRequest as error:
        raise InvalidRequest(error.reason, field=error.field.removeprefix("parameters.")) from error
    return stored if after == before else cubes.change(stored, after.to_json(), now=now)


def _changed_parameters(given: Json, payload: Json, meta: Json) -> dict[str, Any]:
    form = dict(given)
    # who sends all of it back means what it changed; who names one parameter means to set it
    all_of_it = payload.keys() >= _OF_A_BUILD
    for sent, value in payload.items():
        of_meta = sent in meta and value == meta[sent]
        if of_meta and (all_of_it or sent not in Parameters.model_fields):
            continue
        name = "stac_url" if sent == "url_stac" else sent
        if name in _OF_A_START:
            raise InvalidRequest("is said by each build: send it with POST /start", field=name)
        if value is None:
            form.pop(name, None)
            continue
        form[name] = value
        if value != given.get(name):
            # one way to say where scenes are searched takes the place of the other
            for other in _IN_PLACE_OF.get(name, ()):
                form.pop(other, None)
    return form


_OF_A_BUILD: Final = frozenset({"collections", "bucket", "satellite"})
_OF_A_START: Final = ("collections", "tiles", "start_date", "end_date", "force", "bucket", "satellite")
_IN_PLACE_OF: Final = MappingProxyType({"sources": ("stac_url", "token_secret"), "stac_url": ("sources",)})


def cube_meta(definition: CubeDefinition, newest: Build | None, *, bucket: str) -> dict[str, Any]:
    """With what a cube is generated, as clients of cube-builder read it: its parameters, and beside them what its
    newest build was asked for (``collections``, ``stac_url``, ``start_date``, ``end_date``)."""
    request = newest.request if newest is not None else {}
    parameters = definition.to_json().get("parameters", {})
    url = request.get("stac_url") or parameters.get("stac_url")
    platform = definition.metadata.get("platform")
    return {
        **parameters,
        "quality_band": definition.quality_band,
        "stac_url": url,
        "url_stac": url,
        "collections": list(request.get("collections", ())),
        "start_date": request.get("start_date"),
        "end_date": request.get("end_date"),
        "bucket": bucket,
        "satellite": str(platform.get("code") or "") if isinstance(platform, dict) else "",
    }


def _bands(known: list[Json], value: Any, *, field: str) -> list[Json]:
    """The known bands with the changes of those that are sent, which are told by their names."""
    if not isinstance(value, list | tuple) or not all(isinstance(band, Mapping) for band in value):
        raise InvalidRequest("must be a list of bands", field=field)
    changes = {band.get("name"): _plain(band) for band in value}
    names = [band["name"] for band in known]
    for position, band in enumerate(value):
        if band.get("name") not in names:
            raise InvalidRequest(
                f"the cube has no band {str(band.get('name'))[:40]!r}, it has {', '.join(names)}: {_REMEDY}",
                field=f"{field}.{position}.name",
            )
    return [{**band, **changes.get(band["name"], {})} for band in known]


def _plain(band: Json) -> dict[str, Any]:
    form = {name: value for name, value in band.items() if name not in _CATALOGUE and value is not None}
    if isinstance(band.get("_metadata"), Mapping) and "metadata" not in form:
        form["metadata"] = dict(band["_metadata"])
    return form


def _check_same_pixels(before: CubeDefinition, after: CubeDefinition) -> None:
    old, new = _pixels(before), _pixels(after)
    for field, value in new.items():
        if field not in old or old[field] != value:
            raise InvalidRequest(_altered(field), field=field)
    gone = next((field for field in old if field not in new), None)
    if gone is not None:
        raise InvalidRequest(_altered(gone), field=gone)


def _altered(field: str) -> str:
    if field.startswith("parameters."):
        return (
            "would alter pixels of products that are there: give it with POST /start for one build, or define the "
            "cube's next version"
        )
    return f"would alter pixels or names of products that are there: {_REMEDY}"


def _pixels(definition: CubeDefinition) -> dict[str, Any]:
    """Everything that decides pixels and names of products, by field."""
    found = definition.model_dump(mode="json")
    apart = (*FREE_FIELDS, "bands", "indexes", "parameters")
    fields = {name: value for name, value in found.items() if name not in apart}
    fields |= {
        f"parameters.{name}": value for name, value in found["parameters"].items() if name not in FREE_PARAMETERS
    }
    for group, bands in (("bands", definition.bands), ("indexes", definition.indexes)):
        for position, band in enumerate(bands):
            fields |= {f"{group}.{position}.{name}": value for name, value in _of_band(band).items()}
    return fields


def _of_band(band: Band) -> dict[str, Any]:
    kept = {name: value for name, value in band.model_dump(mode="json").items() if name not in _OF_A_BAND}
    # the factor has two names, and no offset is an offset of zero
    kept = {name: value for name, value in kept.items() if name != "scale_mult"}
    kept |= {"scale": band.scale_factor, "scale_add": band.scale_offset}
    if isinstance(band, IndexBand):
        kept["metadata.expression"] = band.metadata.expression.model_dump(mode="json")
    return kept
