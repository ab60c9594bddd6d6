"""Scenes that lie in a directory and have no catalogue: files found by their names, described as STAC Items."""
