"""A raster file opened for one purpose and closed whatever happens."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import rasterio
import rasterio.shutil

from stratocube.errors import InvalidRequest
from stratocube.pixels.cog import Kind, generate_cogs
from stratocube.pixels.sources import environment, open_raster

Mode = Literal["r", "r+", "w"]

_MODES: Final = ("r", "r+", "w")


class SmartDataSet:
    """A raster opened for reading (``r``), updating (``r+``) or writing (``w``), to be used in a ``with`` statement.

    What is updated or written is a copy beside the file; when the block ends well, tags are set and the copy takes
    the place of the file as a COG, at once. After an exception the file is as it was before.

    >>> from stratocube.processing import GeoBox, create_empty_raster
    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> create_empty_raster("CLEAROB.tif", grid, data_type="uint8", nodata=0)
    >>> with SmartDataSet("CLEAROB.tif", "r+", tags={"processing": "blend"}) as raster:
    ...     raster.dataset.write(raster.dataset.read(1) + 1, 1)
    >>> with SmartDataSet("CLEAROB.tif") as raster:
    ...     raster.dataset.read(1).tolist(), raster.dataset.tags()["processing"]
    ([[1, 1]], 'blend')
    """

    dataset: Any
    """The rasterio dataset, inside the ``with`` block."""

    def __init__(
        self,
        path: str | Path,
        mode: Mode = "r",
        *,
        tags: Mapping[str, str] | None = None,
        profile: Mapping[str, Any] | None = None,
        kind: Kind = "categorical",
    ) -> None:
        """``tags`` are set when the file is saved. ``profile`` (for ``w``) is a rasterio profile: width, height,
        count, dtype, crs, transform, nodata. ``kind`` chooses the overviews of the COG.

        Raises:
            InvalidRequest: an unknown mode, ``w`` without a profile, tags for a file that is only read.
        """
        if mode not in _MODES:
            raise InvalidRequest(f"must be one of {', '.join(_MODES)}, got {mode!r}", field="mode")
        if mode == "w" and not profile:
            raise InvalidRequest("is needed to write a new file: width, height, count, dtype, crs …", field="profile")
        if mode == "r" and tags:
            raise InvalidRequest("cannot be set on a file that is only read; use mode r+", field="tags")
        self.path = path
        self.mode = mode
        self.kind: Kind = kind
        self._tags = dict(tags or {})
        self._profile = dict(profile or {})
        self._draft = Path()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Open the file. Raises SourceMissing or TransientRead when one to read or update cannot be read."""
        with ExitStack() as stack:
            if self.mode == "r":
                self.dataset = stack.enter_context(open_raster(str(self.path)))
            else:
                target = Path(self.path)
                self._draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tif")
                stack.callback(self._draft.unlink, missing_ok=True)
                stack.enter_context(environment())
                self.dataset = stack.enter_context(self._opened_draft())
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Save what was updated or written, unless the block ended with an exception."""
        with self._open:
            if error is not None:
                raise error
            if self.mode != "r":
                self.dataset.update_tags(**self._tags)
                self.dataset.close()
                generate_cogs(self._draft, self.path, kind=self.kind)

    def _opened_draft(self) -> Any:
        if self.mode == "w":
            return rasterio.open(self._draft, "w", **{**self._profile, "driver": "GTiff"})
        with open_raster(str(self.path)) as source:
            rasterio.shutil.copy(source, str(self._draft), driver="GTiff")
        return rasterio.open(self._draft, "r+")
