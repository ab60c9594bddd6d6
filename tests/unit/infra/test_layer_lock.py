"""The layer's packages: locked, complete, and none that Lambda brings or that would not fit."""

from __future__ import annotations

import re
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.unit.infra.stack import ROOT

IN_THE_RUNTIME = {"boto3", "botocore", "s3transfer", "awscrt"}
TOO_LARGE = {"pyproj", "scipy", "scikit-image", "pandas", "xarray"}
LAMBDA = {
    "python_version": "3.13",
    "python_full_version": "3.13.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "os_name": "posix",
    "extra": "",
}

_LINE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+) \\$", re.MULTILINE)


def locked(name: str) -> dict[str, str]:
    """Version by package of a requirements file."""
    return {canonicalize_name(package): version for package, version in _LINE.findall((ROOT / name).read_text())}


def needed() -> set[str]:
    """The project's packages and all they need on Lambda, without what the runtime brings."""
    found: set[str] = set()
    open_ = ["stratocube"]
    while open_:
        for text in requires(open_.pop()) or []:
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            wanted = requirement.marker is None or requirement.marker.evaluate(LAMBDA)
            if wanted and name not in found | IN_THE_RUNTIME:
                found.add(name)
                open_.append(name)
    return found


LAYER = locked("shared/requirements.txt")


def test_the_layer_holds_what_the_package_needs_and_nothing_else() -> None:
    assert set(LAYER) == needed()


def test_the_layer_leaves_out_what_the_runtime_brings_and_what_would_not_fit() -> None:
    assert not set(LAYER) & (IN_THE_RUNTIME | TOO_LARGE)


@pytest.mark.parametrize("other", ["requirements/local.txt", "requirements/dev.txt"])
def test_what_is_tested_is_what_is_deployed(other: str) -> None:
    elsewhere = locked(other)
    assert {name: elsewhere.get(name) for name in LAYER} == LAYER


def test_every_package_is_pinned_by_hash() -> None:
    blocks = re.split(r"(?m)^(?=[a-z0-9])", (ROOT / "shared" / "requirements.txt").read_text())[1:]
    assert len(blocks) == len(LAYER)
    assert all("--hash=sha256:" in block for block in blocks)
