"""The dark end of a scene's numbers, which tells whether an offset is in them that is said not to be, or the reverse.

Sentinel-2 of baseline 04.00 and later stores reflectance 0 as 1000. Shadow and water are close to reflectance 0 in
every scene of some size: a dark end far below 1000 means that the offset is out already, one a little above 1000 that
it is still in. Bright deserts and full cloud may look like the latter, so this is a reason to look, not a proof.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from stratocube.pixels.sources import SourceRaster, is_nodata, open_raster, read_pixels

_SIDE: Final = 512
"""Rows and columns that are looked at: from an overview, where the file has any, so a few blocks are read."""
_FEWEST: Final = 500
"""Pixels below which a percentile at the very end means nothing."""
_PERCENTILE: Final = 0.5
_WELL_BELOW: Final = 0.5
"""Share of the offset under which no scene's dark end lies that holds it: reflectance -0.05."""
_JUST_ABOVE: Final = 1.3
"""Times the offset up to which a dark end looks like shadow with the offset: reflectance 0.03."""


def read_dark_end(source: SourceRaster) -> float | None:
    """The :func:`dark_end` of a scene, from a coarse look at it.

    Raises:
        SourceMissing, TransientRead: the scene cannot be read.
    """
    with open_raster(source.path, href=source.href) as dataset:
        window = _window(dataset, source.band)
        shape = min(int(window.height), _SIDE), min(int(window.width), _SIDE)
        tagged = dataset.nodatavals[source.band - 1]
        return dark_end(
            read_pixels(dataset, band=source.band, window=window, out_shape=shape),
            source.nodata if tagged is None else tagged,
        )


def _window(dataset: Any, band: int) -> Window:
    """What is looked at: the whole scene, or where it has no overviews, so that all of it would be read, its middle."""
    height, width = dataset.height, dataset.width
    if dataset.overviews(band):
        return Window(0, 0, width, height)
    rows, columns = min(height, 4 * _SIDE), min(width, 4 * _SIDE)
    return Window((width - columns) // 2, (height - rows) // 2, columns, rows)


def dark_end(data: NDArray[Any], nodata: float | None) -> float | None:
    """A low percentile of the valid numbers in (rows, columns); None where there are too few to tell.

    >>> dark_end(np.full((400, 400), 1100, dtype=np.uint16), nodata=0)
    1100.0
    """
    valid = data[~is_nodata(data, nodata)]
    return float(np.percentile(valid, _PERCENTILE)) if valid.size >= _FEWEST else None


def contradiction(dark: float, offset: float, *, removed: bool) -> str | None:
    """What a dark end says against how the offset was treated; None where it says nothing.

    ``offset`` is in stored numbers (-1000); ``removed`` tells whether it was taken out of these pixels here, because
    they are said to hold it.

    >>> contradiction(180.0, -1000.0, removed=True)
    'the darkest pixels are 180, so the offset of -1000 seems to be out of them already: it was taken out twice'
    >>> contradiction(1040.0, -1000.0, removed=False)
    'the darkest pixels are 1040, so the offset of -1000 seems to be in them still: it was not taken out'
    >>> contradiction(1040.0, -1000.0, removed=True) is None
    True
    """
    held = -offset
    if removed and dark < _WELL_BELOW * held:
        return (
            f"the darkest pixels are {dark:g}, so the offset of {offset:g} seems to be out of them already: it was "
            "taken out twice"
        )
    if not removed and held <= dark <= _JUST_ABOVE * held:
        return (
            f"the darkest pixels are {dark:g}, so the offset of {offset:g} seems to be in them still: it was not taken "
            "out"
        )
    return None
