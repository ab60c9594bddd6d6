"""Measurements: what is built costs, and how the cost grows."""
