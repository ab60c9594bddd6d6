"""Resampling kernels by name, and which one a band takes."""

from __future__ import annotations

from typing import Final

from rasterio.enums import Resampling

from stratocube.errors import InvalidRequest
from stratocube.pixels.cog import Kind

_REACH: Final = {
    Resampling.nearest: 0.5,
    Resampling.bilinear: 1.0,
    Resampling.cubic: 2.0,
    Resampling.cubic_spline: 2.0,
    Resampling.lanczos: 3.0,
}

_LEAVING: Final = frozenset(
    {Resampling.cubic, Resampling.cubic_spline, Resampling.lanczos, Resampling.sum, Resampling.rms}
)

WITHIN_SOURCE_RANGE: Final = frozenset(Resampling) - _LEAVING
"""Kernels whose results stay in the range of the pixels they are made of; the others overshoot at edges, add up, or
lose the sign.
"""

PICKING: Final = frozenset({Resampling.nearest, Resampling.mode, Resampling.max, Resampling.min})
"""Kernels whose result is one of the pixels it is made of."""

_WARPING: Final = {method.name: method for method in Resampling if method is not Resampling.gauss}


def get_resample_method(name: str) -> Resampling:
    """The kernel called ``name`` (nearest, bilinear, cubic, cubic_spline, lanczos, average, mode, max, min, med, q1,
    q3, sum, rms), in any case.

    Raises:
        InvalidRequest: for any other name.

    >>> get_resample_method("Bilinear").name
    'bilinear'
    """
    method = _WARPING.get(name.lower())
    if method is None:
        raise InvalidRequest(f"{name!r} is none of {', '.join(_WARPING)}", field="resampling")
    return method


def default_resampling(kind: Kind, *, has_mask: bool) -> str:
    """The kernel of a band for which none was asked: bilinear for continuous bands of a cube with a mask, else
    nearest (without a mask nothing tells whether averaging neighbours is safe).

    >>> default_resampling("continuous", has_mask=True), default_resampling("categorical", has_mask=True)
    ('bilinear', 'nearest')
    """
    return "bilinear" if kind == "continuous" and has_mask else "nearest"


def reach(method: Resampling, source_pixels_per_target_pixel: float) -> float:
    """How far from the centre of a target pixel a kernel looks, in source pixels."""
    return _REACH.get(method, 1.0) * max(1.0, source_pixels_per_target_pixel)
