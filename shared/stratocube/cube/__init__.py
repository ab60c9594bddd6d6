"""The cube model: definitions, grids, timelines and names. Values only: no AWS, no pixels."""
