"""One picture of a build: every date beside what was made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from rasterio.session import DummySession

from stratocube.errors import StratocubeError

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Colour = tuple[int, int, int]

_PAPER: Colour = (250, 250, 248)
_INK: Colour = (32, 36, 40)
_QUIET: Colour = (112, 118, 124)
_HATCH_LIGHT: Colour = (228, 228, 224)
_HATCH_DARK: Colour = (176, 176, 172)
_HATCH_PERIOD = 8
# None, then few to many: light to dark, told apart by lightness alone as well (after ColorBrewer's YlGnBu).
_COUNTS: tuple[Colour, ...] = (
    (140, 45, 60), (255, 247, 188), (186, 224, 170), (102, 190, 168), (44, 127, 184), (37, 52, 148),
)  # fmt: skip
# Dates have an order but no amount; hues of equal weight (Okabe and Ito's set, safe for colour-blind readers).
_DATES: tuple[Colour, ...] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167), (0, 114, 178),
)  # fmt: skip

_MARGIN, _GAP, _HEADING_ROOM = 40, 20, 54
_TITLE, _HEADING, _TEXT, _SMALL = 34, 21, 17, 15
_SWATCH, _LEGEND_STEP = (27, 21), 30
_SCALE_PIXELS = 160
_NARROWEST, _WIDEST = 220, 320
"""Width of a picture of the first row."""
_DARKEST, _BRIGHTEST, _GAMMA = 0.5, 99.5, 1.7


class PictureError(StratocubeError):
    """A contact sheet that cannot be drawn from what was given."""


@dataclass(frozen=True)
class TrueColour:
    """Reflectance in three bands; each band is the files of all tiles."""

    red: Sequence[Path]
    green: Sequence[Path]
    blue: Sequence[Path]


@dataclass(frozen=True)
class Panel:
    """A picture in the sheet with its heading and a line under it."""

    heading: str
    note: str
    bands: TrueColour


@dataclass(frozen=True)
class Sheet:
    """What a contact sheet shows."""

    title: str
    subtitle: str
    credit: str
    year: int
    """Of the period: PROVENANCE counts days in it."""
    dates: Sequence[Panel]
    composites: Sequence[Panel]
    clear_observations: Sequence[Path]
    """CLEAROB of all tiles."""
    provenance: Sequence[Path]
    """PROVENANCE of all tiles: day of year."""


def draw_contact_sheet(sheet: Sheet) -> Image.Image:
    """The sheet as an RGB image. All true colours share one stretch, so brightness can be compared.

    Raises:
        PictureError: when files are missing, lie in different systems of reference or on different pixel grids.
    """
    if not sheet.dates or not sheet.composites:
        raise PictureError("a contact sheet needs dates and composites")
    composites = [_true_colour(panel.bands) for panel in sheet.composites]
    stretch = _stretch_of(composites[0])
    counts = mosaic(sheet.clear_observations)
    days = mosaic(sheet.provenance)
    count_colours = {value: _COUNTS[min(value, len(_COUNTS) - 1)] for value in range(int(counts.pixels.max()) + 1)}
    found = [int(day) for day in np.unique(days.pixels[~days.missing])]
    day_colours = {day: _DATES[index % len(_DATES)] for index, day in enumerate(found)}

    first_row = [
        _Picture(panel.heading, panel.note, _stretched(_true_colour(panel.bands), stretch)) for panel in sheet.dates
    ]
    second_row = [
        *(
            _Picture(panel.heading, panel.note, _stretched(picture, stretch))
            for panel, picture in zip(sheet.composites, composites, strict=True)
        ),
        _Picture("CLEAROB", "clear observations a pixel", _classes(counts, count_colours), smooth=False),
        _Picture("PROVENANCE", "day each LCF pixel is from", _classes(days, day_colours), smooth=False),
    ]
    legends = [_counts_legend(count_colours), _days_legend(days, day_colours, sheet.year)]
    return _laid_out(sheet, first_row, second_row, legends, metres=counts.metres)


@dataclass(frozen=True)
class Mosaic:
    """Band 1 of several tiles side by side."""

    pixels: NDArray[np.generic]
    """(rows, columns)"""
    missing: Mask
    """True where there is no data."""
    metres: float | None
    """Width of a pixel; nothing for grids in degrees."""


def mosaic(paths: Sequence[Path]) -> Mosaic:
    """Band 1 of all files side by side on their common grid, and where there is no data.

    A file without a nodata value has data everywhere. Files must not overlap.

    Raises:
        PictureError: when there is no file, or they differ in system of reference, pixel size or alignment.
    """
    if not paths:
        raise PictureError("no files to draw")
    opened = []
    # Without a session of our own, rasterio would look for the user's AWS profile, and fail where it has none.
    with rasterio.Env(session=DummySession()):
        for path in paths:
            with rasterio.open(path) as dataset:
                opened.append((dataset.read(1), dataset.transform, dataset.crs, dataset.nodata))
    _, first, crs, _ = opened[0]
    left = min(transform.c for _, transform, _, _ in opened)
    top = max(transform.f for _, transform, _, _ in opened)
    placed = []
    for path, (pixels, transform, other_crs, nodata) in zip(paths, opened, strict=True):
        column, row = (transform.c - left) / first.a, (top - transform.f) / -first.e
        aligned = abs(column - round(column)) < 1e-6 and abs(row - round(row)) < 1e-6
        if other_crs != crs or (transform.a, transform.e) != (first.a, first.e) or not aligned:
            raise PictureError(f"{path} does not lie on the pixel grid of {paths[0]}")
        placed.append((round(row), round(column), pixels, nodata))
    height = max(row + pixels.shape[0] for row, _, pixels, _ in placed)
    width = max(column + pixels.shape[1] for _, column, pixels, _ in placed)
    canvas = np.zeros((height, width), dtype=placed[0][2].dtype)
    missing = np.ones((height, width), dtype=np.bool_)
    for row, column, pixels, nodata in placed:
        window = np.s_[row : row + pixels.shape[0], column : column + pixels.shape[1]]
        canvas[window] = pixels
        missing[window] = pixels == nodata if nodata is not None else False
    return Mosaic(canvas, missing, metres=float(first.a) if crs is not None and crs.is_projected else None)


@dataclass(frozen=True)
class _Picture:
    heading: str
    note: str
    pixels: Pixels
    smooth: bool = True


_Legend = list[tuple[str, Colour]]
_Reflectance = tuple[NDArray[np.float32], Mask]
_Stretch = tuple[NDArray[np.float32], float]
"""Value that becomes black, a band each; width of the range up to white."""


def _true_colour(bands: TrueColour) -> _Reflectance:
    layers = [mosaic(paths) for paths in (bands.red, bands.green, bands.blue)]
    pixels = np.stack([layer.pixels.astype(np.float32) for layer in layers], axis=-1)
    return pixels, np.any([layer.missing for layer in layers], axis=0)


def _stretch_of(picture: _Reflectance) -> _Stretch:
    pixels, missing = picture
    if missing.all():
        raise PictureError("the first composite has no data at all")
    # Black is each band's own, which takes the blue of the air away; white is common, which keeps the hues.
    low = np.percentile(pixels[~missing], _DARKEST, axis=0).astype(np.float32)
    width = float(np.percentile(pixels[~missing] - low, _BRIGHTEST))
    return low, max(width, 1.0)


def _stretched(picture: _Reflectance, stretch: _Stretch) -> Pixels:
    (pixels, missing), (low, width) = picture, stretch
    scaled = np.clip((pixels - low) / width, 0.0, 1.0) ** (1.0 / _GAMMA)
    shown: Pixels = np.rint(scaled * 255.0).astype(np.uint8)
    shown[missing] = _hatch(missing.shape)[missing]
    return shown


def _classes(values: Mosaic, colours: Mapping[int, Colour]) -> Pixels:
    shown = _hatch(values.pixels.shape)
    for value, colour in colours.items():
        shown[values.pixels == value] = colour
    return shown


def _hatch(shape: tuple[int, ...]) -> Pixels:
    rows, columns = np.indices(shape[:2])
    dark = (rows + columns) % _HATCH_PERIOD < _HATCH_PERIOD // 4
    return np.where(dark[..., None], _HATCH_DARK, _HATCH_LIGHT).astype(np.uint8)


def _counts_legend(colours: Mapping[int, Colour]) -> _Legend:
    return [(str(value) if value else "0 (never clear)", colour) for value, colour in colours.items()]


def _days_legend(days: Mosaic, colours: Mapping[int, Colour], year: int) -> _Legend:
    legend = []
    for day, colour in colours.items():
        shown = date(year, 1, 1) + timedelta(days=day - 1)
        share = 100.0 * float((days.pixels == day).mean())
        legend.append((f"{shown.day} {shown:%b}   {f'{share:.1f} %' if share >= 0.1 else '< 0.1 %'}", colour))
    return legend


def _laid_out(
    sheet: Sheet,
    first_row: Sequence[_Picture],
    second_row: Sequence[_Picture],
    legends: Sequence[_Legend],
    *,
    metres: float | None,
) -> Image.Image:
    """Two rows of pictures of the same width, legends under the last pictures of the second."""
    rows, columns = first_row[0].pixels.shape[:2]
    small = min(_WIDEST, max(_NARROWEST, columns))
    body = len(first_row) * (small + _GAP) - _GAP
    large = (body + _GAP) // len(second_row) - _GAP
    small_height, large_height = round(rows * small / columns), round(rows * large / columns)
    first_top = _MARGIN + 92
    second_top = first_top + _HEADING_ROOM + small_height + 34
    legend_top = second_top + _HEADING_ROOM + large_height + 16
    legend_height = max(_LEGEND_STEP * max(len(legend) for legend in legends), 3 * _LEGEND_STEP)
    image = Image.new("RGB", (body + 2 * _MARGIN, legend_top + legend_height + 54), _PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((_MARGIN, _MARGIN - 6), sheet.title, _INK, _font(_TITLE))
    pen.text((_MARGIN, _MARGIN + 42), sheet.subtitle, _QUIET, _font(_TEXT))
    for index, picture in enumerate(first_row):
        _put(image, (_MARGIN + index * (small + _GAP), first_top), picture, (small, small_height))
    for index, picture in enumerate(second_row):
        _put(image, (_MARGIN + index * (large + _GAP), second_top), picture, (large, large_height))
    for index, legend in enumerate(legends, start=len(second_row) - len(legends)):
        for line, (label, colour) in enumerate(legend):
            at = _MARGIN + index * (large + _GAP), legend_top + line * _LEGEND_STEP
            _swatch(image, at, label, Image.new("RGB", _SWATCH, colour))
    _swatch(image, (_MARGIN, legend_top), "no data (outside the swath)", Image.fromarray(_hatch(_SWATCH[::-1])))
    if metres is not None:
        _scale_bar(pen, (_MARGIN, legend_top + _LEGEND_STEP + 14), pixels_per_metre=large / columns / metres)
    pen.text((_MARGIN, image.height - 42), sheet.credit, _QUIET, _font(_SMALL))
    return image


def _put(image: Image.Image, at: tuple[int, int], picture: _Picture, size: tuple[int, int]) -> None:
    pen = ImageDraw.Draw(image)
    x, y = at
    pen.text((x, y), picture.heading, _INK, _font(_HEADING))
    pen.text((x, y + 27), picture.note, _QUIET, _font(_SMALL))
    # Between two classes there is no third: classes are enlarged without mixing.
    resample = Image.Resampling.LANCZOS if picture.smooth else Image.Resampling.NEAREST
    image.paste(Image.fromarray(picture.pixels).resize(size, resample), (x, y + _HEADING_ROOM))


def _swatch(image: Image.Image, at: tuple[int, int], label: str, filling: Image.Image) -> None:
    x, y = at
    image.paste(filling, (x, y))
    pen = ImageDraw.Draw(image)
    pen.rectangle((x, y, x + _SWATCH[0] - 1, y + _SWATCH[1] - 1), outline=_QUIET)
    pen.text((x + _SWATCH[0] + 10, y), label, _INK, _font(_SMALL))


def _scale_bar(pen: ImageDraw.ImageDraw, at: tuple[int, int], *, pixels_per_metre: float) -> None:
    """A bar of a round length, a fifth to a half of what _SCALE_PIXELS pixels show."""
    longest = _SCALE_PIXELS / pixels_per_metre
    magnitude = 10.0 ** math.floor(math.log10(longest))
    length = next(step * magnitude for step in (5, 2, 1) if step * magnitude <= longest)
    x, y = at
    end = x + round(length * pixels_per_metre)
    pen.line((x, y, x, y + 8, end, y + 8, end, y), fill=_INK, width=2)
    pen.text((end + 10, y - 4), f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m", _INK, _font(_SMALL))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
