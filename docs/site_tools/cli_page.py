"""docs/cli.md: every command of the command line with its arguments and options, from the command line itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer.main

from stratocube.cli.main import app

_HEAD = """\
<!-- Made by `python -m docs.site_tools.pages`: change the docstrings of stratocube.cli instead. -->

# Command line

`stratocube --help` and `stratocube COMMAND --help` say the same. Options of `stratocube` itself (which stack is meant)
stand before the command: `stratocube --stack stratocube cube list`.

"""
_HELP = {"help"}


def cli_page() -> str:
    """The page's text."""
    root: Any = typer.main.get_command(app)
    context = root.make_context("stratocube", [], resilient_parsing=True)
    parts = [_HEAD, _parameters(root, context), f"{_plain(root.epilog)}\n\n"]
    for command, path in _commands(root, "stratocube"):
        parts.append(_section(command, path))
    return "".join(parts).rstrip() + "\n"


def _commands(group: Any, path: str) -> Iterator[tuple[Any, str]]:
    for name, command in sorted(group.commands.items()):
        if getattr(command, "hidden", False):
            continue
        below = f"{path} {name}"
        if hasattr(command, "commands"):
            yield from _commands(command, below)
        else:
            yield command, below


def _section(command: Any, path: str) -> str:
    context = command.make_context(path, [], resilient_parsing=True)
    usage = " ".join([path, *(_usage(parameter) for parameter in command.params if _is_argument(parameter))])
    lines = [f"## {path}\n\n", f"```text\n{usage}\n```\n\n" if usage != path else ""]
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        text = " ".join(paragraph.split())
        example = text.removeprefix("Example: ")
        lines.append(f"{text}\n\n" if example == text else f"Example: `{example}`\n\n")
    lines.append(_parameters(command, context))
    return "".join(lines)


def _is_argument(parameter: Any) -> bool:
    return str(parameter.param_type_name) == "argument"


def _usage(parameter: Any) -> str:
    name = str(parameter.metavar or parameter.name).strip("[]{}").upper()
    return name if parameter.required else f"[{name}]"


def _parameters(command: Any, context: Any) -> str:
    rows = [_row(parameter, context) for parameter in command.params if parameter.name not in _HELP]
    return "" if not rows else "| | |\n| --- | --- |\n" + "".join(rows) + "\n"


def _row(parameter: Any, context: Any) -> str:
    said = _plain(getattr(parameter, "help", None) or "")
    if _is_argument(parameter):
        return f"| `{_usage(parameter)}` | {said} |\n"
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    more = [said]
    if parameter.required:
        more.append("Required.")
    default = parameter.get_default(context, call=False)
    if not parameter.is_flag and default not in {None, ()} and not callable(default) and not parameter.required:
        more.append(f"Default: `{default}`.")
    if parameter.envvar and getattr(parameter, "show_envvar", True):
        more.append(f"Environment: `{parameter.envvar}`.")
    return f"| {names} | {' '.join(part for part in more if part)} |\n"


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
