"""The layers every composite gets beside its bands."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class ObservationLayer:
    """A raster every composite gets beside its bands, made with the quality band."""

    name: str
    data_type: str
    nodata: int
    description: str


CLEAROB: Final = ObservationLayer("CLEAROB", "uint8", 0, "clear observations in the period")
TOTALOB: Final = ObservationLayer("TOTALOB", "uint8", 0, "observations in the period")
PROVENANCE: Final = ObservationLayer("PROVENANCE", "int16", -1, "day of the year of the observation used")
PROVENANCE_YEAR: Final = ObservationLayer(
    "PROVENANCE_YEAR", "int16", -1, "year of the observation used, where the dates of a product lie in several years"
)
DATASOURCE: Final = ObservationLayer("DATASOURCE", "uint8", 255, "index of the source collection or platform used")
OBSERVATION_LAYERS: Final = MappingProxyType(
    {layer.name: layer for layer in (CLEAROB, TOTALOB, PROVENANCE, PROVENANCE_YEAR, DATASOURCE)}
)
"""By name. DATASOURCE exists in cubes of combined collections only, PROVENANCE_YEAR in products only whose dates lie in
more than one year: the items of others name the year (``stratocube:provenance_year``)."""
