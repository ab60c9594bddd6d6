"""What a definition says of the numbers of its sources, where the archive or its items are wrong about them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from stratocube.cube.schema import BandName, Number, SourceName, StrictModel
from stratocube.errors import InvalidRequest

MAX_RULES: Final = 64
_MOST: Final = 256

Pattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*?._:-]+$", max_length=128)]
"""Part of a name, with ``*`` for any text and ``?`` for any sign."""


class RadiometryRule(StrictModel):
    """Scale and offset of some scenes: physical value = stored value × scale + offset.

    What is left out of ``collections``, ``scenes``, ``baselines`` and ``bands`` stands for all. For Sentinel-2 an
    offset of 0 says that the offset of baseline 04.00 is out of the pixels, -0.1 that it is in them.
    """

    collections: tuple[SourceName, ...] = Field(default=(), max_length=_MOST)
    scenes: tuple[Pattern, ...] = Field(default=(), max_length=_MOST)
    """Ids, or patterns of ids such as ``S2B_52SFA_202201*``."""
    baselines: tuple[Pattern, ...] = Field(default=(), max_length=_MOST)
    """Processing baselines, or patterns of them: ``04.00``, ``05.*``."""
    bands: tuple[BandName, ...] = Field(default=(), max_length=_MOST)
    """Bands of the cube."""
    scale: Number | None = None
    offset: Number | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.scale is None and self.offset is None:
            raise InvalidRequest("says nothing: give scale, offset or both", field="offset")
        if self.scale == 0:
            raise InvalidRequest("must not be 0: every value would mean the same", field="scale")
        return self

    def applies(self, collection: str, scene_id: str, baseline: str, band: str) -> bool:
        """Whether the rule speaks of a band of a scene; a scene without baseline is of none that is named."""
        return (
            (not self.collections or collection in self.collections)
            and (not self.scenes or any(fnmatchcase(scene_id, pattern) for pattern in self.scenes))
            and (not self.baselines or any(fnmatchcase(baseline, pattern) for pattern in self.baselines))
            and (not self.bands or band in self.bands)
        )
