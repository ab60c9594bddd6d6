"""HTML and SVG as text: everything that is not markup is escaped on the way."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is markup already, made by :func:`tag`."""

    __slots__ = ()


Content = str | Iterable["Content"] | None
"""Text is escaped, markup is not, None is nothing."""


def render(content: Content) -> Markup:
    """Content as markup."""
    if content is None:
        return Markup("")
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return Markup(escape(content, quote=False))
    return Markup("".join(render(part) for part in content))


def tag(name: str, attributes: dict[str, object] | None = None, *content: Content) -> Markup:
    """An element. Attributes that are None are left out, those that are True have no value.

    >>> tag("p", {"class": "note", "title": '"A" & B'}, "1 < 2", tag("br"))
    '<p class="note" title="&quot;A&quot; &amp; B">1 &lt; 2<br></p>'
    """
    given = "".join(
        f" {key}" if value is True else f' {key}="{escape(_text(value), quote=True)}"'
        for key, value in (attributes or {}).items()
        if value is not None and value is not False
    )
    if name in {"br", "img", "meta", "hr", "wbr"}:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{render(content)}</{name}>")


def _text(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
