"""STAC in (scenes, search) and STAC out (items, collections). Knows STAC, not AWS: bytes come through a function."""
