"""Requests in files: YAML that people write and comment, or JSON that programs write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from stratocube.errors import InvalidRequest

_YAML = {".yaml", ".yml"}
_WORDS = {
    # YAML 1.2's core schema. PyYAML's own rules read the tile 011007 as the octal number 4615 and a date as no string.
    "tag:yaml.org,2002:bool": (r"^(?:true|false)$", "tf"),
    "tag:yaml.org,2002:null": (r"^(?:null|~|)$", ["n", "~", ""]),
    "tag:yaml.org,2002:int": (r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
    "tag:yaml.org,2002:float": (r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$", "-0123456789"),
}


def read_request(path: Path) -> dict[str, Any]:
    """The object in a request file: YAML where the file is named so, else JSON; ``-`` is JSON on standard input.

    Raises:
        InvalidRequest: when it cannot be read, or is no object.
    """
    is_yaml = path.suffix.lower() in _YAML
    kind = "YAML" if is_yaml else "JSON"
    try:
        text = typer.get_text_stream("stdin").read() if str(path) == "-" else path.read_text(encoding="utf-8")
        document = _parsed_yaml(text) if is_yaml else json.loads(text)
    except FileNotFoundError:
        raise InvalidRequest(f"there is no file {path}{_beside(path)}") from None
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{path} cannot be read as {kind}: {error}") from error
    if not isinstance(document, dict):
        raise InvalidRequest(f"{path} holds no {kind} object")
    return document


def _beside(path: Path) -> str:
    """What lies where a file was looked for."""
    folder = path.parent
    found = sorted(entry.name for entry in folder.glob("*") if entry.suffix.lower() in {".json", *_YAML})
    if not found:
        return ": `stratocube init` writes examples"
    return f"; {folder.resolve()} has {', '.join(found[:10])}"


def _parsed_yaml(text: str) -> Any:
    import re  # noqa: PLC0415 - with yaml, where a file is YAML

    import yaml  # noqa: PLC0415 - not for JSON, and not for --help

    class Loader(yaml.SafeLoader):
        """Reads texts, numbers and truths as JSON has them."""

        yaml_implicit_resolvers = {}  # noqa: RUF012 - the name and the form are PyYAML's

    for tag, (pattern, first) in _WORDS.items():
        Loader.add_implicit_resolver(tag, re.compile(pattern), list(first))
    try:
        return yaml.load(text, Loader=Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
