"""Adapters from golden function names to the project's functions: every module of this package with ``ADAPTERS``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Adapter = Callable[[dict[str, Any], Path], Mapping[str, Any]]


@dataclass(frozen=True)
class Registry:
    """The adapters found, and the modules that could not be imported (module name → reason)."""

    adapters: Mapping[str, Adapter]
    broken: Mapping[str, str]

    def why_missing(self, function: str) -> str:
        """Say why there is no adapter for ``function``."""
        if not self.broken:
            return f"no adapter for {function}"
        reasons = "; ".join(f"adapters.{name} cannot be imported: {why}" for name, why in self.broken.items())
        return f"no adapter for {function} ({reasons})"


def discover() -> Registry:
    """Import every module of this package and collect what it exports.

    A module that fails to import takes only its own functions with it: their cases fail with that reason. Two
    modules that claim one function are an error of the test-suite itself.
    """
    adapters: dict[str, Adapter] = {}
    broken: dict[str, str] = {}
    for module in pkgutil.iter_modules(__path__):
        try:
            exported: dict[str, Adapter] = importlib.import_module(f"{__name__}.{module.name}").ADAPTERS
        except Exception as reason:
            broken[module.name] = f"{type(reason).__name__}: {reason}"
            continue
        twice = sorted(adapters.keys() & exported.keys())
        if twice:
            raise RuntimeError(f"adapters.{module.name} exports {twice}, which another module exports as well")
        adapters.update(exported)
    return Registry(adapters, broken)
