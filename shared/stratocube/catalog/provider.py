"""A provider: what an archive's items leave out or get wrong, as its file in ``providers`` says.

The files are data. What may stand in them is here, and checked strictly: a slip in a file of bands or offsets would
be a slip in every product made of that archive.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from stratocube.cube.parameters import checked_mask
from stratocube.cube.schema import Metadata, Number, StrictModel, Text, refuse
from stratocube.errors import InvalidRequest

Kind = Literal["reflectance", "temperature", "index", "classes", "auxiliary"]

BASELINE: Final = re.compile(r"N?(?P<major>\d{2})\.?(?P<minor>\d{2})")
"""``05.09`` as items write it, ``N0509`` as product names do."""


def relaxed(name: str) -> str:
    """A name of a band or asset whatever its case and file ending: ``QA_PIXEL.TIF`` is ``qa_pixel``."""
    stem, dot, ending = name.rpartition(".")
    return (stem if dot and ending.lower() in {"tif", "tiff", "jp2"} else name).lower()


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise refuse("pattern", f"is no regular expression: {error}") from None
    return text


def _baseline(text: str) -> str:
    if not BASELINE.fullmatch(text):
        raise refuse("baseline", "must be a processing baseline such as 04.00")
    return text


class IdPattern(StrictModel):
    """Ids of scenes of one satellite, or of several that a group of the pattern tells apart."""

    pattern: Annotated[Text, AfterValidator(_pattern)]
    """Regular expression of the whole id."""
    platform: Text
    """Platform of such scenes; ``{unit}`` is the pattern's group ``unit``."""

    def platform_of(self, scene_id: str) -> str | None:
        """The platform an id names; None for an id of another form."""
        match = re.fullmatch(self.pattern, scene_id)
        return self.platform.format_map(match.groupdict()).lower() if match else None


class ProviderBand(StrictModel):
    """One band of a sensor."""

    assets: tuple[Text, ...] = Field(min_length=1)
    """Keys of assets, or names of bands in them, that hold it; the first one an item has."""
    names: tuple[Text, ...] = ()
    """What definitions may call it beside its common name and its assets."""
    kind: Kind = "reflectance"
    """Only reflectance follows the sensor's scale, offset and changing offset; classes are never rescaled."""
    scale: Number | None = None
    """Physical value = stored value × scale + offset."""
    offset: Number | None = None
    nodata: Number | None = None


class ChangingOffset(StrictModel):
    """An offset that some scenes of a collection have in their pixels and others have not."""

    value: Number
    """Physical value to add where it is in the pixels: -0.1 for Sentinel-2."""
    since_baseline: Annotated[Text, AfterValidator(_baseline)]
    """Products of this processing baseline and later ones are made with it."""
    rule: Literal["in_pixels", "removed", "declared"]
    """The archive keeps the product's numbers, has taken the offset out, or only the item knows."""
    in_pixels_below: tuple[Text, ...] = ()
    """Addresses under which the numbers are the product's, whatever ``rule`` says of the others."""
    why: Text
    """What this is known from, for whoever doubts it."""


class ProviderQuality(StrictModel):
    """The band that says which pixels are clear, and the mask for it unless a definition has its own."""

    band: Text
    """Key of one of the sensor's bands."""
    mask: Metadata
    """As ``parameters.mask`` of a definition."""

    @model_validator(mode="after")
    def _mask_parses(self) -> Self:
        checked_mask(self.mask, field="mask")
        return self


class Sensor(StrictModel):
    """The bands of some platforms, which have the same ones under the same names."""

    platforms: tuple[Text, ...] = Field(min_length=1)
    """Lower case with hyphens, in the order in which DATASOURCE counts them."""
    scale: Number | None = None
    """Of reflectance bands that say nothing else."""
    offset: Number | None = None
    nodata: Number | None = None
    changing_offset: ChangingOffset | None = None
    quality: ProviderQuality | None = None
    bands: dict[str, ProviderBand] = Field(default_factory=dict)
    """By common name."""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.quality is not None and self.quality.band not in self.bands:
            raise InvalidRequest(f"{self.quality.band} is none of the sensor's bands", field="quality.band")
        return self

    def named(self, name: str) -> set[str]:
        """Keys of the bands that a name may mean."""
        wanted = relaxed(name)
        return {
            key
            for key, band in self.bands.items()
            if wanted in {relaxed(known) for known in (key, *band.names, *band.assets)}
        }


class Rewrite(StrictModel):
    """Another address of the same files, which is nearer to a build in AWS."""

    from_: Text = Field(alias="from")
    to: Text


class Provider(StrictModel):
    """What a file in ``providers`` says of an archive."""

    title: Text
    documentation: Text
    evidence: Literal["recorded", "documented"]
    """Whether real items of it are among the tests, or only what its documents say."""
    hosts: tuple[Text, ...]
    """Of its STAC API."""
    collections: tuple[Text, ...] = Field(min_length=1)
    """Ids of collections; ``*`` stands for anything."""
    assets: tuple[Text, ...]
    """What the addresses of its files begin with: by these an item is known that was found somewhere else."""
    requester_pays: tuple[Text, ...] = ()
    """Buckets whose readers pay: read from only where the stack agrees to pay."""
    sensors_of: Text | None = None
    """Another provider whose sensors these are."""
    ids: tuple[IdPattern, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    name: Text = ""
    """Of the file without its ending; the loader gives it."""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if (self.sensors_of is None) == (not self.sensors):
            raise InvalidRequest("give either sensors or sensors_of", field="sensors")
        seen: set[str] = set()
        for place, sensor in enumerate(self.sensors):
            again = seen & {*sensor.platforms}
            if again:
                raise InvalidRequest(f"{min(again)} is there twice", field=f"sensors.{place}.platforms")
            seen |= {*sensor.platforms}
        return self

    @property
    def platforms(self) -> tuple[str, ...]:
        """All platforms, in the order of the file."""
        return tuple(platform for sensor in self.sensors for platform in sensor.platforms)

    def holds(self, collection: str) -> bool:
        """Whether a collection is one of its own."""
        return any(fnmatchcase(collection.lower(), known.lower()) for known in self.collections)

    def keeps(self, href: str) -> bool:
        """Whether a file is one of its own, by its address."""
        return href.startswith(self.assets) if self.assets else False

    def platform(self, scene_id: str, said: str) -> str:
        """The platform of a scene: what its item says where that is one of the file's, else what its id says."""
        if said in self.platforms:
            return said
        return next((found for ids in self.ids if (found := ids.platform_of(scene_id))), said)

    def sensor(self, platform: str) -> Sensor | None:
        """The sensor on a platform; the only one where the platform is not known; None where that is open."""
        found = [sensor for sensor in self.sensors if platform in sensor.platforms]
        if found:
            return found[0]
        return self.sensors[0] if len(self.sensors) == 1 else None

    def is_ambiguous(self, name: str) -> bool:
        """Whether a name means different bands on different platforms: Landsat's B4 is near infrared or red."""
        meanings = {frozenset(sensor.named(name)) for sensor in self.sensors} - {frozenset()}
        return len(meanings) > 1

    def nearer(self, href: str) -> str | None:
        """The other address of a file; None when there is none."""
        for rewrite in self.rewrites:
            if href.startswith(rewrite.from_):
                return rewrite.to + href.removeprefix(rewrite.from_)
        return None


def parse_provider(name: str, document: dict[str, Any]) -> Provider:
    """The provider of a file's content.

    Raises:
        InvalidRequest: names the file and the field at fault.
    """
    try:
        return Provider.parse(document | {"name": name})
    except InvalidRequest as error:
        raise InvalidRequest(f"{error.reason} (provider file {name})", field=error.field) from error
