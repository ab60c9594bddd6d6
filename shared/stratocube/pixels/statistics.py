"""How much of a quality raster is clear and how much is cloud: two numbers that rank the dates of a period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stratocube.cube.mask import QualityMask
from stratocube.pixels.confidence import OliFlag
from stratocube.pixels.masks import PixelClass, classify
from stratocube.pixels.sources import open_raster, read_window, strips


class QualityStatistics(NamedTuple):
    """Two percentages, rounded to two decimals."""

    efficacy: float
    """Clear pixels, in percent of ALL pixels of the raster, nodata included: what a date gives to a composite."""
    cloud_ratio: float
    """Not clear pixels, in percent of the clear and not clear ones; 100 when there is neither."""


@dataclass(frozen=True)
class QualityCounts:
    """Pixels of a quality raster; the counts of its parts add up."""

    total: int = 0
    clear: int = 0
    not_clear: int = 0

    def __add__(self, other: QualityCounts) -> QualityCounts:
        return QualityCounts(self.total + other.total, self.clear + other.clear, self.not_clear + other.not_clear)

    def statistics(self) -> QualityStatistics:
        """Efficacy and cloud ratio; a raster without pixels has (0, 100), as one of nothing but nodata."""
        judged = self.clear + self.not_clear
        return QualityStatistics(
            efficacy=round(100 * self.clear / self.total, 2) if self.total else 0.0,
            cloud_ratio=round(100 * self.not_clear / judged, 2) if judged else 100.0,
        )


def count_quality(quality: NDArray[Any], mask: QualityMask, *, oli: OliFlag = True) -> QualityCounts:
    """Count the pixels of a quality array (see :func:`stratocube.pixels.masks.classify` for the arguments).

    Values: clear and not clear are the listed ones; saturated and unlisted values count in the total only.
    Bits: every pixel that is neither nodata nor clear is not clear. Confidence rules of the mask are
    honoured.
    """
    classes = classify(quality, mask, oli)
    clear = int(np.count_nonzero(classes == PixelClass.CLEAR))
    if mask.bits:
        not_clear = int(np.count_nonzero(classes)) - clear
    else:
        not_clear = int(np.count_nonzero(classes == PixelClass.NOT_CLEAR))
    return QualityCounts(total=classes.size, clear=clear, not_clear=not_clear)


def qa_statistics(quality: NDArray[Any], mask: QualityMask, *, oli: OliFlag = True) -> QualityStatistics:
    """Efficacy and cloud ratio of a quality array, in percent; definitions at :class:`QualityStatistics`.

    >>> fmask = QualityMask(clear=(0, 1), not_clear=(2, 3, 4), nodata=255)
    >>> qa_statistics(np.array([[0, 0, 255, 255], [0, 1, 1, 1], [0, 0, 0, 0]]), fmask)
    QualityStatistics(efficacy=83.33, cloud_ratio=0.0)
    """
    return count_quality(quality, mask, oli=oli).statistics()


def compute_data_set_stats(path: str, mask: QualityMask, *, oli: bool = True) -> QualityStatistics:
    """Efficacy and cloud ratio of the first band of a raster file, read in strips.

    Nodata is the one of the mask, whatever the file is tagged with. Raises :class:`SourceMissing` or
    :class:`TransientRead` naming the file.

    >>> from stratocube.processing import GeoBox, save_as_cog
    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=4, height=1)
    >>> save_as_cog("fmask.tif", np.array([[0, 1, 4, 255]], dtype=np.uint8), grid, nodata=255, kind="categorical")
    >>> compute_data_set_stats("fmask.tif", QualityMask(clear=(0, 1), not_clear=(2, 3, 4), nodata=255))
    QualityStatistics(efficacy=50.0, cloud_ratio=33.33)
    """
    counts = QualityCounts()
    with open_raster(path) as raster:
        for window in strips(raster.height, raster.width):
            counts += count_quality(read_window(raster, window), mask, oli=oli)
    return counts.statistics()
