"""The pictures of a product, and what they show of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from stratocube.catalog.product_bands import BandInfo
from stratocube.catalog.products import Picture
from stratocube.catalog.renders import DEFAULT_GAMMA, stored_limits
from stratocube.cube.naming import band_file
from stratocube.pixels.picture_checks import Band, PictureCheck, check_picture
from stratocube.pixels.quicklook import Limits, draw_channels, generate_rgb, read_channels
from stratocube.storage.hrefs import gdal_path
from stratocube.storage.keys import asset_key
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.context import Stack
from stratocube.workflow.described import layer_info
from stratocube.workflow.files import COG_TYPE, href_from, put_file
from stratocube.workflow.tasks import StoredFile

WARNING: Final = (230, 159, 0)
"""Orange, of the frame around doubtful pictures."""


@dataclass(frozen=True)
class Looked:
    """The product that is looked at."""

    unit: UnitPlan
    folder: str
    item_id: str
    identity: str
    cloud_percent: float | None
    """Not clear pixels among the observed ones; None where nobody knows."""


@dataclass(frozen=True)
class _Curve:
    """How numbers become brightness."""

    limits: Sequence[Limits]
    gamma: float


@dataclass(frozen=True)
class Seen:
    """The pictures of a product, and what they show."""

    pictures: tuple[Picture, ...] = ()
    check: PictureCheck | None = None
    """None without a picture."""


def look(stack: Stack, product: Looked, files: Mapping[str, StoredFile], *, tags: Mapping[str, str]) -> Seen:
    """Write the quicklook, framed where something is doubtful, and where the cube asks for it the product in true
    colour as a COG of full size, with these ``tags``. Nothing where bands of the picture are not among the files.

    The cube says what is black and what is full, and between them brightness is linear. Where it does not, reflectance
    of 0 and 0.3 is (of other numbers 0 and 3000), with a gamma, for land is dark.
    """
    definition = product.unit.plan.definition
    names = definition.bands_quicklook
    if not names or not set(names) <= files.keys():
        return Seen()
    paths = [gdal_path(stack.products.href(files[name].key)) for name in names]
    # a band may stand for more than one colour
    described = [(name, layer_info(definition, name)) for name in names]
    told = definition.parameters.channel_limits
    curve = _Curve(told, 1.0) if told else _Curve([stored_limits(band) for _, band in described], DEFAULT_GAMMA)
    channels = read_channels(paths, nodata=definition.band(names[0]).nodata)
    bands = tuple(_checked(band, definition.band(name).max_value) for name, band in described)
    check = check_picture(*channels.distinct(), bands, cloud_percent=product.cloud_percent)
    # 1 is the darkest of what is there: black is for what is not, and transparent.
    frame = WARNING if check.flags else None
    body = draw_channels(channels, curve.limits, darkest=1, gamma=curve.gamma, frame=frame)
    key = asset_key(product.folder, product.identity, f"{product.item_id}.png")
    stored = put_file(stack, key, body, content_type="image/png")
    _, rows, columns = channels.values.shape
    quicklook = Picture(
        href_from(key, product.folder),
        stored.size,
        stored.checksum,
        (rows, columns),
        title="Quicklook: " + ", ".join(names),
    )
    if not definition.parameters.with_rgb:
        return Seen((quicklook,), check)
    visual = replace(_visual(stack, product, paths, curve, tags), band_names=tuple(names))
    return Seen((replace(quicklook, roles=("thumbnail",)), visual), check)


def _checked(band: BandInfo, maximum: float | None) -> Band:
    is_reflectance = band.unit == "1"
    return Band(band.scale if is_reflectance else None, band.offset or 0.0, maximum)


def _visual(stack: Stack, product: Looked, paths: Sequence[str], curve: _Curve, tags: Mapping[str, str]) -> Picture:
    """The product in true colour as a COG of full size: bytes, 0 where a band has no value."""
    with TemporaryDirectory() as folder:
        local = Path(folder) / "rgb.tif"
        generate_rgb(paths, local, channel_limits=curve.limits, output_range=(1, 255), gamma=curve.gamma, tags=tags)
        key = asset_key(product.folder, product.identity, band_file(product.item_id, "RGB"))
        stored = put_file(stack, key, local.read_bytes(), content_type=COG_TYPE)
    return Picture(
        href_from(key, product.folder),
        stored.size,
        stored.checksum,
        product.unit.geobox.shape,
        key="visual",
        media_type=COG_TYPE,
        roles=("visual", "overview"),
        title="Red, green and blue for the eye",
    )
