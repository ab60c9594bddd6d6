"""stratocube: Earth-observation data cubes on AWS without servers."""

__version__ = "0.1.0"
