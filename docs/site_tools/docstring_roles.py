"""Docstrings as the site shows them: Sphinx's cross references as code, examples as blocks."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`~?([^`]+)`")
_EXAMPLE = re.compile(r"^(?P<indent> *)>>> (?:.*\n?)(?:(?P=indent)\S.*\n?|(?P=indent) +\S.*\n?)*", re.MULTILINE)


def as_markdown(text: str) -> str:
    """The text as Markdown: the docstrings are for people who read the source, and Sphinx.

    >>> as_markdown("as :func:`stratocube.pixels.merge.merge`, see :attr:`Merge.data`")
    'as `merge`, see `Merge.data`'
    """
    with_code = _ROLE.sub(lambda found: f"`{_short(found[1])}`", text)
    return _EXAMPLE.sub(_fenced, with_code)


def _short(name: str) -> str:
    return name.rpartition(".")[2] if name.startswith("stratocube.") else name


def _fenced(found: re.Match[str]) -> str:
    indent, example = found["indent"], found[0]
    return f"{indent}```pycon\n{example.rstrip()}\n{indent}```\n"


class DocstringRoles(griffe.Extension):
    """Rewrites every docstring before it is parsed."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
