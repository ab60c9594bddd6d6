"""The pages made of the code: `python -m docs.site_tools.pages` writes them, `--check` says which are old."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.site_tools.api_page import api_page
from docs.site_tools.cli_page import cli_page

DOCS = Path(__file__).parents[1]

PAGES: Mapping[str, Callable[[], str]] = {"cli.md": cli_page, "api.md": api_page}


def stale() -> list[str]:
    """Pages that are not what the code says today."""
    return [
        name
        for name, make in PAGES.items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != make()
    ]


def main(arguments: list[str]) -> int:
    """Write the pages, or check them; the exit code."""
    if "--check" in arguments:
        old = stale()
        for name in old:
            print(f"docs/{name} is not up to date: run python -m docs.site_tools.pages", file=sys.stderr)
        return 1 if old else 0
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
