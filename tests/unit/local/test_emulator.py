from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from stratocube.local.emulator import (
    HOST,
    Emulator,
    EmulatorError,
    PortInUse,
    emulator_environment,
    running_emulator,
    stop_leftover,
)


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_emulator_is_there_within_the_block_and_gone_after_it(tmp_path: Path) -> None:
    with running_emulator(tmp_path, port=0) as emulator:
        emulator.client("s3").create_bucket(Bucket="scenes")
        assert [bucket["Name"] for bucket in emulator.client("s3").list_buckets()["Buckets"]] == ["scenes"]
        assert json.loads((tmp_path / "emulator.json").read_text()) == {"pid": emulator.pid, "port": emulator.port}
    assert not _is_there(emulator.pid)
    # the log stays to be read, all else is gone
    assert [path.name for path in tmp_path.iterdir()] == ["emulator.log"]


def test_it_is_gone_when_the_block_raises_too(tmp_path: Path) -> None:
    def fail_inside() -> None:
        with running_emulator(tmp_path, port=0) as emulator:
            groups.append(emulator.pid)
            raise ZeroDivisionError

    groups: list[int] = []
    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert not _is_there(groups[0])


_HANDLER = b"""
import os
import stratocube

def handler(event, context):
    return {"group": os.getpgid(0), "home": os.environ["HOME"]}
"""


def test_functions_run_in_this_interpreter_and_end_with_the_emulator(tmp_path: Path) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", _HANDLER)
    with running_emulator(tmp_path, port=0) as emulator:
        role = emulator.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        function = emulator.client("lambda")
        function.create_function(
            FunctionName="f", Runtime="python3.13", Handler="app.handler", Role=role, Code={"ZipFile": code.getvalue()}
        )
        answer = json.loads(function.invoke(FunctionName="f")["Payload"].read())
    assert answer == {"group": emulator.pid, "home": str(tmp_path / "tmp")}
    assert not _is_there(emulator.pid)


def test_an_access_key_of_another_account_is_refused(emulator: Emulator) -> None:
    stranger = boto3.client(
        "s3",
        endpoint_url=emulator.url,
        region_name="us-east-1",
        aws_access_key_id="AKIA0000000000000000",
        aws_secret_access_key="somebody",  # noqa: S106 - made up
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        stranger.list_buckets()


def test_clients_do_not_heed_the_users_aws_environment(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL": "http://203.0.113.1",
        "AWS_ENDPOINT_URL_STS": "http://203.0.113.1",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_ACCESS_KEY_ID": "AKIA0000000000000000",
        "HTTP_PROXY": "http://203.0.113.1",
    }.items():
        monkeypatch.setenv(name, value)
    identity = emulator.client("sts").get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::000000000000:root"


def test_it_listens_on_the_loopback_interface_only(emulator: Emulator) -> None:
    # The same port of another address is still free; it would not be if the emulator listened on all of them.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("127.0.0.2", emulator.port))


def test_a_port_in_use_is_named_with_the_remedy(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port} .* is in use.*PORT={port + 1}.*STRATOCUBE_PORT"):
            running_emulator(tmp_path, port=port).__enter__()
    assert list(tmp_path.iterdir()) == []


def test_a_second_emulator_in_the_same_place_is_refused(tmp_path: Path) -> None:
    with running_emulator(tmp_path, port=0) as first:
        with pytest.raises(EmulatorError, match=rf"running \(process {first.pid}\).*make demo-down"):
            running_emulator(tmp_path, port=0).__enter__()
        assert first.client("s3").list_buckets()["Buckets"] == []


_SCRIPT = """
import sys, time
from pathlib import Path
from stratocube.local.emulator import running_emulator
with running_emulator(Path(sys.argv[1]), port=0) as emulator:
    print(emulator.pid, flush=True)
    time.sleep(60)
"""


def _owner(state: Path) -> tuple[subprocess.Popen[str], int]:
    owner = subprocess.Popen([sys.executable, "-c", _SCRIPT, str(state)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    return owner, int(owner.stdout.readline())


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    owner, emulator = _owner(tmp_path)
    with owner:
        owner.send_signal(signal.SIGINT)
        owner.wait(timeout=30)
    assert not _is_there(emulator)


def test_what_a_killed_owner_left_behind_can_be_ended(tmp_path: Path) -> None:
    owner, emulator = _owner(tmp_path)
    with owner:
        owner.kill()
    assert _is_there(emulator)
    assert stop_leftover(tmp_path)
    assert not _is_there(emulator)
    assert not stop_leftover(tmp_path)


def test_a_record_of_a_process_that_is_somebody_elses_ends_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        (tmp_path / "emulator.json").write_text(json.dumps({"pid": other.pid, "port": 4580}))
        assert not stop_leftover(tmp_path)
        assert other.poll() is None
        other.kill()


def test_the_environment_holds_nothing_of_the_users_account() -> None:
    environment = emulator_environment(
        {
            "PATH": "/bin",
            "AWS_PROFILE": "production",
            "AWS_SESSION_TOKEN": "secret",
            "AWS_ENDPOINT_URL": "http://203.0.113.1",
            "DOCKER_HOST": "tcp://203.0.113.1",
            "PERSIST_STATE": "1",
            "HTTPS_PROXY": "http://proxy.example",
            "GDAL_DATA": "/elsewhere",
        },
        port=4600,
        state_dir=Path("/state"),
        key="key",
        secret="word",  # noqa: S106 - made up
    )
    assert {name: environment[name] for name in environment if name.startswith(("AWS_", "DOCKER", "GDAL"))} == {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "word",
        "AWS_CONFIG_FILE": "/state/tmp/no-config",
        "AWS_SHARED_CREDENTIALS_FILE": "/state/tmp/no-credentials",
        "AWS_EC2_METADATA_DISABLED": "true",
        "DOCKER_HOST": "unix:///state/tmp/no-docker.sock",
    }
    assert environment["PATH"] == "/bin"
    assert environment["HTTPS_PROXY"] == "http://proxy.example"
    assert environment["NO_PROXY"] == "127.0.0.1,localhost"
    assert (environment["BIND_HOST"], environment["AUTH"], environment["PERSIST_STATE"]) == (HOST, "true", "0")
    assert (environment["IOT_MTLS_ENABLED"], environment["SFTP_ENABLED"]) == ("false", "0")
