"""An AWS emulator (ministack) on the loopback interface, as a child process that never outlives its owner."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stratocube.errors import StratocubeError

DEFAULT_PORT = 4580
PORT_VARIABLE = "STRATOCUBE_PORT"
HOST = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT = "000000000000"

START_SECONDS = 60.0
STOP_SECONDS = 5.0
_POLL_SECONDS = 0.1
_LOG_TAIL_LINES = 15
_RECORD = "emulator.json"
"""Says which process belongs to a state directory."""

_PASSED_ON = (
    # How programs are found, in which language they speak, and how Python finds this very package.
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT",
    # The way to the outside, for builds that read public archives.
    "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
)  # fmt: skip

# How a boto3 session finds each of these: (key of the config file, environment variable, default, conversion).
# Without the first two, what the user's shell and ~/.aws say cannot reach us.
_ISOLATED: Mapping[str, tuple[Any, Any, Any, Any]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "use_fips_endpoint": (None, None, None, None),
    "use_dualstack_endpoint": (None, None, None, None),
    "ca_bundle": (None, None, None, None),
}


class EmulatorError(StratocubeError):
    """The emulator did not start or broke down."""


class PortInUse(EmulatorError):
    """Somebody listens on the port already."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} of {HOST} is in use. If a demo was killed, `make demo-down` clears it away; otherwise "
            f"choose another port: `make demo PORT={port + 1}`, `--port {port + 1}` or {PORT_VARIABLE}={port + 1}"
        )
        self.port = port


@dataclass(frozen=True)
class Emulator:
    """A running emulator, and credentials of its account's root."""

    port: int
    pid: int
    log: Path
    access_key_id: str
    secret_access_key: str

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator. Profiles, endpoints and proxies of the user's environment have no say."""
        import boto3  # noqa: PLC0415 - half a second of start-up, for the command line's --help too
        import botocore.session  # noqa: PLC0415 - as above
        from botocore.config import Config  # noqa: PLC0415 - as above

        session = boto3.session.Session(botocore_session=botocore.session.Session(session_vars=dict(_ISOLATED)))
        create: Any = session.client  # typed by overload on each service's literal name otherwise
        return create(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(
                proxies={},
                retries={"total_max_attempts": 3, "mode": "standard"},
                s3={"addressing_style": "path"},
            ),
        )


@contextlib.contextmanager
def running_emulator(state_dir: Path, port: int = DEFAULT_PORT) -> Iterator[Emulator]:
    """An emulator for the time of a ``with`` block, with IAM enforced; port 0 takes any free one.

    Everything it writes (log, unpacked functions, record of the process) is in ``state_dir``. Whatever ends the block,
    Ctrl-C and SIGTERM included when they raise, the emulator and the function processes it started are ended too.

    Raises:
        PortInUse: when somebody listens on ``port``.
        EmulatorError: when another emulator uses ``state_dir``, or this one does not answer within START_SECONDS
            (with the end of its log).
    """
    launched = _launch(state_dir, port)
    try:
        yield launched.healthy()
    finally:
        launched.end()


def start_emulator(state_dir: Path, port: int = DEFAULT_PORT) -> Emulator:
    """Like :func:`running_emulator`, for an emulator that outlives this process; :func:`stop_leftover` ends it.

    Errors as there; nothing is left running after one.
    """
    launched = _launch(state_dir, port)
    try:
        return launched.healthy()
    except BaseException:
        launched.end()
        raise


@dataclass(frozen=True)
class _Launched:
    """An emulator's process, and where it writes."""

    process: subprocess.Popen[bytes]
    state_dir: Path
    emulator: Emulator

    def healthy(self) -> Emulator:
        """The emulator, once it answers."""
        record = {"pid": self.process.pid, "port": self.emulator.port}
        (self.state_dir / _RECORD).write_text(json.dumps(record))
        _wait_until_healthy(self.process, self.emulator.port, self.emulator.log)
        return self.emulator

    def end(self) -> None:
        """End the process and those it started, and remove what they wrote."""
        with _undisturbed():
            end_group(self.process.pid)
            self.process.wait()
            (self.state_dir / _RECORD).unlink(missing_ok=True)
            shutil.rmtree(self.state_dir / "tmp", ignore_errors=True)


def _launch(state_dir: Path, port: int) -> _Launched:
    if port == 0:
        port = _free_port()
    elif _answers(port):
        raise PortInUse(port)
    state_dir = state_dir.absolute()
    scratch, log = state_dir / "tmp", state_dir / "emulator.log"
    other = _recorded(state_dir / _RECORD)
    if other is not None:
        raise EmulatorError(
            f"this checkout has an embedded stack running (process {other}): wait, or end it with `make demo-down`"
        )
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    # Twenty characters as real ones; it says where it is from if it ever shows up in somebody's log.
    key, secret = "AKIASTRATOCUBE" + secrets.token_hex(3).upper(), secrets.token_urlsafe(30)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env=emulator_environment(os.environ, port=port, state_dir=state_dir, key=key, secret=secret),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=scratch,
            # A process group of its own: Ctrl-C reaches us alone, and we end the whole group.
            start_new_session=True,
        )
    found = Emulator(port=port, pid=process.pid, log=log, access_key_id=key, secret_access_key=secret)
    return _Launched(process, state_dir, found)


def emulator_environment(
    env: Mapping[str, str], *, port: int, state_dir: Path, key: str, secret: str
) -> dict[str, str]:
    """The emulator's environment, which its functions inherit: named things of ``env``, nothing else.

    The user's AWS profile, keys, endpoints and docker stay out of it on purpose.
    """
    scratch = str(state_dir / "tmp")
    passed = {name: env[name] for name in _PASSED_ON if name in env}
    return passed | {
        "HOME": scratch,
        "TMPDIR": scratch,
        "PYTHONUNBUFFERED": "1",
        # Where it listens. The MQTT broker would listen on all interfaces, the SFTP server too.
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "IOT_MTLS_ENABLED": "false",
        "SFTP_ENABLED": "0",
        "MINISTACK_HOST": "localhost",
        "no_proxy": f"{HOST},localhost",
        "NO_PROXY": f"{HOST},localhost",
        # Roles and their policies are enforced; these are the root's credentials.
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_CONFIG_FILE": f"{scratch}/no-config",
        "AWS_SHARED_CREDENTIALS_FILE": f"{scratch}/no-credentials",
        "AWS_EC2_METADATA_DISABLED": "true",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        # Functions run as processes of this interpreter; a docker daemon of the user is not looked for.
        "LAMBDA_EXECUTOR": "local",
        "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
        # All in memory; a new run starts empty.
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "STATE_DIR": f"{scratch}/state",
        "S3_DATA_DIR": f"{scratch}/s3",
        # Parallelism is over functions: a pool of threads in each would only make them wait for each other.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "LOG_LEVEL": "INFO",
    }


def stop_leftover(state_dir: Path) -> bool:
    """Ends the emulator that a killed run left behind; says whether there was one."""
    record = state_dir / _RECORD
    pid = _recorded(record)
    if pid is not None:
        end_group(pid)
    record.unlink(missing_ok=True)
    return pid is not None


def end_group(pid: int) -> None:
    """Ends a process group: asks, waits STOP_SECONDS, forces. Harmless when it is gone already."""
    _signal_group(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        # Our own child stays in the group as a zombie until it is waited for.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if not _signal_group(pid, 0):
            return
        time.sleep(_POLL_SECONDS)
    _signal_group(pid, signal.SIGKILL)


def _signal_group(pid: int, number: int) -> bool:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _recorded(record: Path) -> int | None:
    """The process of a record, if it is alive and an emulator."""
    try:
        pid = int(json.loads(record.read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if _is_emulator(pid) else None


def _is_emulator(pid: int) -> bool:
    # A process id may have been given to somebody else since: it must be the leader of its group and say ministack.
    try:
        if os.getpgid(pid) != pid:
            return False
    except ProcessLookupError:
        return False
    shown = subprocess.run(  # noqa: S603 - fixed program, a number as argument
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607 - ps is where PATH says
        capture_output=True,
        text=True,
        check=False,
    )
    return "ministack" in shown.stdout


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            if _answers(port):
                raise PortInUse(port)
            raise EmulatorError(f"the emulator ended while it started. Its last words ({log}):\n{_tail(log)}")
        try:
            with opener.open(f"http://{HOST}:{port}/_ministack/health", timeout=2.0) as answer:
                health = json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            time.sleep(_POLL_SECONDS)
            continue
        if health.get("auth") != "enabled":
            raise EmulatorError(f"the emulator on port {port} does not enforce IAM policies")
        return
    raise EmulatorError(
        f"the emulator did not answer within {START_SECONDS:.0f} s. Its last words ({log}):\n{_tail(log)}"
    )


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not interrupt the clearing away that the first one caused."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals do not reach other threads, which cannot handle them either
        return
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _answers(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])
