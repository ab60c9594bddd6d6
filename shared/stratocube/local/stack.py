"""The whole application, deployed and running on this machine: for the demo, for tests, for trying things out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stratocube.client.api import ApiClient
from stratocube.local.deploy import DeployError, deploy
from stratocube.local.emulator import DEFAULT_PORT, Emulator, running_emulator
from stratocube.local.project import find_project


@dataclass(frozen=True)
class Stack:
    """A running stack."""

    emulator: Emulator
    outputs: Mapping[str, str]
    """Outputs of the CloudFormation stack: names of buckets and tables."""
    url: str
    """Root of the REST API, without a slash at the end."""
    api_key: str

    def client(self, service: str) -> Any:
        """A boto3 client with the rights of the account's root."""
        return self.emulator.client(service)

    @property
    def api(self) -> ApiClient:
        """A client of the REST API with the API key."""
        return ApiClient(self.url, self.api_key)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the REST API with the API key; the answer's JSON.

        Raises:
            ApiError: for an answer of 400 and above, with its status and body.
        """
        return self.api.call(method, path, body)

    def request(self, method: str, path: str, body: Any = None, *, api_key: str | None = None) -> tuple[int, Any]:
        """Like :meth:`call`, without raising: status and JSON (text where it is none). ``api_key=""`` sends no key."""
        return self.api.request(method, path, body, api_key=api_key)

    def upload(self, folder: Path, bucket: str, prefix: str) -> int:
        """Puts all files below ``folder`` under ``prefix`` of a bucket; returns how many."""
        s3 = self.client("s3")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in files:
            s3.put_object(Bucket=bucket, Key=f"{prefix}/{path.relative_to(folder).as_posix()}", Body=path.read_bytes())
        return len(files)


@contextlib.contextmanager
def running_stack(
    *,
    port: int = DEFAULT_PORT,
    state_dir: Path | None = None,
    template: Path | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """A stack for the time of a ``with`` block: emulator started, template deployed; port 0 takes any free one.

    ``template`` is the project's unless another is given, ``state_dir`` is ``.stratocube`` in the checkout.
    ``parameters`` go over those that suit this machine (:func:`local_parameters`).

    Raises:
        PortInUse, EmulatorError: when the emulator does not start.
        TemplateError, DeployError: when the template cannot be deployed.
    """
    project = find_project()
    with running_emulator(state_dir or project.state, port) as emulator:
        yield deployed_stack(emulator, template or project.template, parameters)


def deployed_stack(emulator: Emulator, template: Path, parameters: Mapping[str, str] | None = None) -> Stack:
    """The template deployed into an emulator that runs; ``parameters`` as for :func:`running_stack`.

    Raises:
        TemplateError, DeployError: when the template cannot be deployed.
    """
    outputs = deploy(emulator, template, {**local_parameters(), **(parameters or {})})
    try:
        api, stage, key = (outputs[name] for name in ("ApiId", "ApiStage", "ApiKeyId"))
    except KeyError as error:
        raise DeployError(f"the template has no output {error.args[0]}") from None
    return Stack(
        emulator=emulator,
        outputs=outputs,
        # The address on AWS is in ApiUrl; the emulator serves the same API under a path.
        url=f"{emulator.url}/_aws/execute-api/{api}/{stage}",
        api_key=str(emulator.client("apigateway").get_api_key(apiKey=key, includeValue=True)["value"]),
    )


def local_parameters(cores: int | None = None) -> dict[str, str]:
    """Template parameters that suit one machine: no TLS, and no more functions at once than it has use for."""
    at_once = max(2, (cores or os.cpu_count() or 2))
    return {
        "RequireTls": "false",
        "UnitConcurrency": "2",
        # Per unit: two units together keep every core busy, with one function more to cover the waiting for S3.
        "MergeConcurrency": str((at_once + 2) // 2),
        "BlendConcurrency": str((at_once + 2) // 2),
        # Nobody here sends two hundred scenes of an overpass: one is built as soon as it is there.
        "SettleSeconds": "0",
    }
