"""schemathesis over a served OpenAPI document, as its command line runs it: the same requests every time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
    "missing_required_header",
    "negative_data_rejection",
)
"""Every check but positive_data_acceptance (that tiles exist, that a source may be read and so on is no matter of
schemas) and those of sequences of requests."""


ALIKE = (
    "startCube",
    "completeCube",
    "completeOneCube",
    "rebuildStale",
    "createWatch",
    "changeCube",
    "changeCubeParameters",
)
"""Operations whose bodies are those of startBuild and createCube, but for a field or two: thousands of requests more
would try the same bounds."""


@dataclass(frozen=True)
class Run:
    """What is sent, and how much of it."""

    phases: Sequence[str]
    """``examples``: those of the document; ``coverage``: bounds and types, kept and broken; ``fuzzing``: anything."""
    examples: int = 10
    """Of fuzzing, an operation."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values of parameters that lead to something (``path.cube_id``), in place of made ones."""
    not_covered: Sequence[str] = ()
    """Operations without the coverage phase."""
    left_out: Sequence[str] = ()
    """Operations no request is sent to."""
    seconds: int = 900


def schemathesis(url: str, key: str, run: Run, folder: Path) -> tuple[int, str]:
    """Run it in ``folder``: its exit code (0: nothing found) and what it printed."""
    config = folder / "schemathesis.toml"
    config.write_text(_config(run))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{url}/openapi.json", "--header", f"x-api-key: {key}", "--checks", ",".join(CHECKS)),
        *("--phases", ",".join(run.phases), "--max-examples", str(run.examples), "--generation-deterministic"),
        *("--continue-on-failure", "--no-shrink", "--no-color", "--warnings", "off"),
        *(option for name in run.left_out for option in ("--exclude-operation-id", name)),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=run.seconds)
    return done.returncode, done.stdout + done.stderr


def _config(run: Run) -> str:
    # methods that API Gateway has no resource for (TRACE, QUERY) it answers itself, with 403
    lines = ["[phases.coverage]", 'unexpected-methods = ["get", "put", "post", "delete", "patch"]']
    if run.parameters:
        lines.append("[parameters]")
        lines += [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in run.parameters.items()]
    for name in run.not_covered:
        lines += ["[[operations]]", f"include-operation-id = {json.dumps(name)}", "phases.coverage.enabled = false"]
    return "\n".join(lines) + "\n"
