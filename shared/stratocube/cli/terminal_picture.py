"""A picture in a terminal: by the terminal's own means where it has them, else two pixels a character."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator, Mapping

from PIL import Image
from rich.console import Console

_WIDEST, _HIGHEST = 100, 40
"""Characters."""
_KITTY_CHUNK = 4096
_PAPER = (255, 255, 255)
"""Behind what is transparent."""


def show_picture(content: bytes, console: Console, env: Mapping[str, str] = os.environ) -> None:
    """Write a picture (PNG, JPEG …) to a terminal, as large as fits.

    kitty and Ghostty, and iTerm2 and WezTerm, show the pixels; others coloured half blocks. A terminal without colours
    shows nothing.
    """
    image = Image.open(io.BytesIO(content)).convert("RGBA")
    columns = min(console.width - 1, _WIDEST)
    rows = min(max(4, console.height - 4), _HIGHEST)
    # A character is about twice as high as it is wide.
    scale = min(columns / image.width, 2 * rows / image.height)
    size = max(1, round(image.width * scale)), max(2, round(image.height * scale))
    if env.get("KITTY_WINDOW_ID") or env.get("TERM") in {"xterm-kitty", "xterm-ghostty"}:
        console.file.write("".join(_kitty(image, size[0])) + "\n")
    elif env.get("TERM_PROGRAM") in {"iTerm.app", "WezTerm"}:
        data = base64.b64encode(content).decode()
        console.file.write(f"\x1b]1337;File=inline=1;width={size[0]};preserveAspectRatio=1:{data}\a\n")
    elif console.color_system is not None:
        console.file.write("\n".join(half_blocks(image.resize(size), full=console.color_system == "truecolor")) + "\n")
    console.file.flush()


def half_blocks(image: Image.Image, *, full: bool = True) -> Iterator[str]:
    """Lines of text: each character is two pixels, one above the other, transparent ones white.

    ``full`` gives all colours; without it those of the 256 that every terminal has.
    """
    paper = Image.new("RGBA", image.size, (*_PAPER, 255))
    flat = Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    pixels = flat.tobytes()
    width, height = flat.size

    def colour(column: int, row: int, ground: int) -> str:
        at = 3 * (row * width + column)
        red, green, blue = pixels[at : at + 3] if row < height else _PAPER
        if full:
            return f"{ground};2;{red};{green};{blue}"
        return f"{ground};5;{16 + 36 * round(red / 51) + 6 * round(green / 51) + round(blue / 51)}"

    for row in range(0, height, 2):
        cells = (f"\x1b[{colour(column, row, 38)};{colour(column, row + 1, 48)}m▀" for column in range(width))
        yield "".join(cells) + "\x1b[0m"


def _kitty(image: Image.Image, columns: int) -> Iterator[str]:
    """Kitty's graphics protocol: a PNG in pieces, scaled to a number of columns."""
    file = io.BytesIO()
    image.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    pieces = [data[start : start + _KITTY_CHUNK] for start in range(0, len(data), _KITTY_CHUNK)]
    for number, piece in enumerate(pieces):
        control = f"a=T,f=100,c={columns}," if number == 0 else ""
        yield f"\x1b_G{control}m={int(number < len(pieces) - 1)};{piece}\x1b\\"
