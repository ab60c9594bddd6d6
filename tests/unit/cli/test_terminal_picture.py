"""Pictures in a terminal."""

from __future__ import annotations

import base64
import io

from PIL import Image
from rich.console import Console

from stratocube.cli.terminal_picture import half_blocks, show_picture

RED, BLUE, CLEAR = (255, 0, 0, 255), (0, 0, 255, 255), (9, 9, 9, 0)


def picture(size: tuple[int, int], *pixels: tuple[int, ...]) -> Image.Image:
    image = Image.new("RGBA", size)
    image.putdata(pixels)
    return image


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def shown(content: bytes, env: dict[str, str], **console: object) -> str:
    file = io.StringIO()
    show_picture(content, Console(file=file, width=40, height=20, legacy_windows=False, **console), env)  # type: ignore[arg-type]  # Console's own options
    return file.getvalue()


def test_a_character_is_two_pixels_and_what_is_transparent_is_white() -> None:
    assert list(half_blocks(picture((1, 2), RED, BLUE))) == ["\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[0m"]
    assert list(half_blocks(picture((1, 1), CLEAR))) == ["\x1b[38;2;255;255;255;48;2;255;255;255m▀\x1b[0m"]
    assert list(half_blocks(picture((1, 2), RED, BLUE), full=False)) == ["\x1b[38;5;196;48;5;21m▀\x1b[0m"]


def test_a_large_picture_is_made_as_large_as_the_terminal_has_room() -> None:
    text = shown(png(Image.new("RGB", (400, 200), "red")), {}, force_terminal=True, color_system="truecolor")
    lines = text.splitlines()
    assert {line.count("▀") for line in lines} == {39}
    assert len(lines) == 10


def test_a_terminal_without_colours_shows_nothing() -> None:
    assert shown(png(Image.new("RGB", (4, 4))), {}, force_terminal=True, color_system=None) == ""


def test_terminals_that_show_pictures_get_them() -> None:
    content = png(picture((1, 2), RED, BLUE))
    kitty = shown(content, {"TERM": "xterm-kitty"}, force_terminal=True)
    assert kitty.startswith("\x1b_Ga=T,f=100,c=16,m=0;")
    data = kitty.partition(";")[2].partition("\x1b")[0]
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (1, 2)
    assert "]1337;File=inline=1" in shown(content, {"TERM_PROGRAM": "WezTerm"}, force_terminal=True)
