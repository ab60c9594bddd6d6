"""Faults injected into the embedded stack, and what is promised of each: ``python -m tests.faults``."""
