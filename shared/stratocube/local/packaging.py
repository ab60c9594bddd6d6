"""From the SAM template and the folders beside it to a template and zip files that CloudFormation can deploy.

``sam build && sam package`` do this for AWS. Here nothing is built: functions run in this interpreter's environment,
so a layer is our own packages and none of their dependencies, and the zip of a tree depends on its content alone.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stratocube.errors import StratocubeError

_LONG_FORM = {"Ref": "Ref", "Condition": "Condition"}
_IGNORED_FOLDERS = {"__pycache__"}
_IGNORED_SUFFIXES = {".pyc", ".pyo"}
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time a zip file can tell."""


class TemplateError(StratocubeError):
    """A template that cannot be read or names what is not there."""


@dataclass(frozen=True)
class Package:
    """A template without local paths, and the files it refers to in their stead."""

    template: dict[str, Any]
    artifacts: Mapping[str, bytes]
    """Content by key; the key is made of the content's hash."""


def load_template(path: Path) -> dict[str, Any]:
    """The CloudFormation template in ``path``, its short functions (``!Sub``) in their long form (``Fn::Sub``).

    Raises:
        TemplateError: when the file is not there or is no template.
    """
    try:
        loader = _CloudFormationLoader(path.read_text())
        content = loader.get_single_data()
    except OSError as error:
        raise TemplateError(f"cannot read the template {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise TemplateError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("Resources"), dict):
        raise TemplateError(f"{path} is no CloudFormation template: it has no Resources")
    return content


def package(path: Path, bucket: str) -> Package:
    """The template in ``path`` with functions, layers and definitions as objects of ``bucket``.

    Raises:
        TemplateError: when the template cannot be read or a folder or file it names is not there.
    """
    template = load_template(path)
    artifacts: dict[str, bytes] = {}
    for name, resource in template["Resources"].items():
        local = _LOCAL_PATHS.get(resource.get("Type", ""))
        if local is None:
            continue
        field, read = local
        place = resource.get("Properties", {}).get(field)
        if not isinstance(place, str) or place.startswith(("s3://", "https://")):
            continue
        source = (path.parent / place).resolve()
        if not source.exists():
            raise TemplateError(f"{name}: {field} names {place}, and {source} is not there")
        content, suffix = read(source)
        key = hashlib.sha256(content).hexdigest() + suffix
        artifacts[key] = content
        resource["Properties"][field] = {"Bucket": bucket, "Key": key}
    return Package(template=template, artifacts=artifacts)


def zip_folder(folder: Path, *, under: str = "") -> bytes:
    """A zip file of all files below ``folder``, byte for byte the same for the same content.

    ``under`` is put before the paths inside. Compiled Python and its caches are left out.
    """
    return _zip({f"{under}{path.relative_to(folder).as_posix()}": path for path in _files(folder)})


def zip_layer(folder: Path) -> bytes:
    """A Lambda layer of the Python packages in ``folder``: ``python/<package>/…``."""
    packages = sorted(path.parent for path in folder.glob("*/__init__.py"))
    if not packages:
        raise TemplateError(f"there is no Python package in {folder}")
    return _zip(
        {
            f"python/{path.relative_to(folder).as_posix()}": path
            for package_folder in packages
            for path in _files(package_folder)
        }
    )


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix not in _IGNORED_SUFFIXES
        and not _IGNORED_FOLDERS.intersection(path.relative_to(folder).parts)
    )


def _zip(entries: Mapping[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            # Time, permissions and the system it was made on would otherwise change with every checkout.
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, entries[name].read_bytes())
    return buffer.getvalue()


def _read_function(source: Path) -> tuple[bytes, str]:
    return zip_folder(source), ".zip"


def _read_layer(source: Path) -> tuple[bytes, str]:
    return zip_layer(source), ".zip"


def _read_definition(source: Path) -> tuple[bytes, str]:
    # ministack reads no MaxConcurrencyPath: it would run 64 units at once, which no desk machine wants.
    definition = source.read_text().replace(_UNIT_CONCURRENCY, '"MaxConcurrency": ${UnitConcurrency}')
    return definition.encode(), source.suffix


_UNIT_CONCURRENCY = '"MaxConcurrencyPath": "$.concurrency.units"'

# Which property of which resource is a path on this machine, and how what is there becomes an object.
_LOCAL_PATHS = {
    "AWS::Serverless::Function": ("CodeUri", _read_function),
    "AWS::Serverless::LayerVersion": ("ContentUri", _read_layer),
    "AWS::Serverless::StateMachine": ("DefinitionUri", _read_definition),
}


class _CloudFormationLoader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: functions by tag, dates (``2012-10-17``) are text."""


def _construct_function(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if name == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise yaml.YAMLError(f"!{name} holds neither text nor a list nor a mapping")
    return {_LONG_FORM.get(name, f"Fn::{name}"): value}


_CloudFormationLoader.add_multi_constructor("!", _construct_function)
_CloudFormationLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
