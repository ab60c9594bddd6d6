"""Synthetic observations that cost a decoder, a compressor and a compositor what real surface reflectance costs.

Relief and vegetation are noise with a power-law spectrum, fields are plateaus of it; every date has its own gain,
sensor noise, clouds with shadows, and at some dates a swath that ends within the tile. Deterministic: one seed, one
picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LAND, WATER, SHADOW, SNOW, CLOUD, UNSEEN = 0, 1, 2, 3, 4, 255
"""Classes of the quality raster, as Fmask numbers them."""

Reflectance = NDArray[np.float32]

_BRIGHTEST: Final = 15_999.0
_NOISE: Final = 6.0
"""Of the sensor, in digital numbers."""
_FULL_SWATHS: Final = 0.6
"""Share of the dates that see the whole tile."""


@dataclass(frozen=True)
class Place:
    """A tile without weather."""

    ground: Reflectance
    """(rows, columns), digital numbers of reflectance × 10,000."""
    water: NDArray[np.bool_]
    skies: tuple[Reflectance, ...]
    """Cloudiness to shift about, one for every few dates: a spectrum costs more than a shift."""


def place(seed: int, size: int) -> Place:
    """A square tile of ``size`` pixels a side."""
    rng = np.random.default_rng(seed)
    relief = power_law(rng, size, slope=1.8, coarsest=1024)
    plateaus = np.floor(power_law(rng, size, slope=2.0, coarsest=256) * 6).astype(np.int16)
    crops = rng.normal(0, 70, 256).astype(np.float32)
    ground = 800 + 150 * relief + crops[plateaus % 256]
    water = ground < np.quantile(ground[::16, ::16], 0.04)
    return Place(ground, water, tuple(power_law(rng, size, slope=1.75, coarsest=1024) for _ in range(3)))


def power_law(rng: np.random.Generator, size: int, *, slope: float, coarsest: int) -> Reflectance:
    """A field (size, size) of mean 0 and deviation 1 whose amplitudes fall with frequency; it repeats at its edges.

    ``coarsest`` is the size of its largest features in pixels.
    """
    across = np.fft.rfftfreq(size).astype(np.float32)
    frequency = np.hypot(np.fft.fftfreq(size).astype(np.float32)[:, None], across[None])
    amplitude = np.maximum(frequency, 1 / min(coarsest, size)) ** np.float32(-slope)
    amplitude[0, 0] = 0
    phase = rng.random(frequency.shape, dtype=np.float32) * np.float32(2 * np.pi)
    field = np.fft.irfft2(amplitude * np.exp(1j * phase).astype(np.complex64), (size, size)).astype(np.float32)
    return np.asarray(field / field.std(), dtype=np.float32)


def observe(
    at: Place, seed: int, *, cloud_cover: float, whole: bool | None = None
) -> tuple[Reflectance, NDArray[np.uint8]]:
    """One date: reflectance (NaN beyond the swath) and classes, both (rows, columns).

    ``cloud_cover`` is the share of the tile under clouds. ``whole``: the swath covers the tile; None: by chance.
    """
    rng = np.random.default_rng(seed)
    size = len(at.ground)
    shift = tuple(rng.integers(0, size, 2).tolist())
    sky = np.roll(at.skies[seed % len(at.skies)], shift, (0, 1))
    level = np.quantile(sky[::16, ::16], 1 - cloud_cover)
    cloud = sky > level
    away = max(size // 100, 1)
    shadow = np.roll(cloud, (away, away // 2), (0, 1)) & ~cloud
    seen = at.ground * np.float32(rng.normal(1, 0.06))
    seen += rng.standard_normal(seen.shape, dtype=np.float32) * np.float32(_NOISE)
    seen[shadow] *= 0.45
    haze = np.clip((sky[cloud] - level) * 2500 + 900, 0, 8500)
    seen[cloud] = seen[cloud] * 0.4 + haze
    np.clip(seen, 1, _BRIGHTEST, out=seen)
    classes = np.where(at.water, np.uint8(WATER), np.uint8(LAND))
    classes[shadow] = SHADOW
    classes[cloud] = CLOUD
    beyond = _beyond_swath(rng, size, whole)
    if beyond is not None:
        seen[beyond] = np.nan
        classes[beyond] = UNSEEN
    return seen, classes


def _beyond_swath(rng: np.random.Generator, size: int, whole: bool | None) -> NDArray[np.bool_] | None:
    by_chance = rng.random() < _FULL_SWATHS
    if by_chance if whole is None else whole:
        return None
    place_across = np.arange(size, dtype=np.float32)[None, :] / size
    tilt = rng.uniform(-0.25, 0.25) * (np.arange(size, dtype=np.float32)[:, None] / size - 0.5)
    edge = rng.uniform(0.1, 0.6) + tilt
    return np.asarray(place_across < edge if rng.random() < 0.5 else place_across > 1 - edge)
