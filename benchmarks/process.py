"""One contender in a process of its own, and what the process used by the operating system's own accounts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class ContenderFailed(Exception):
    """A contender's process ended badly; says what it wrote last."""


@dataclass(frozen=True)
class Usage:
    """What one run took."""

    wall_s: float
    cpu_s: float
    """User and system time of all threads."""
    rss_mb: float
    """Most resident memory at any time, MB of 10⁶ bytes."""
    bytes_read: int
    """By the job, without what importing packages reads."""
    job_wall_s: float
    """The job alone: no start of the interpreter, no imports."""
    job_cpu_s: float
    answer: Any
    """What the job had to say besides."""


def bytes_read() -> int:
    """Bytes this process and its threads have read from files and sockets: what ``read`` and its kin returned.

    Files mapped into memory do not count. Linux only.
    """
    return int(_proc("io")["rchar"])


def peak_rss() -> int:
    """Most resident memory of this process so far, in bytes.

    Not ``ru_maxrss``: that also counts what the parent held when it started the process.
    """
    return int(_proc("status")["VmHWM"].split()[0]) * 1024


def _proc(name: str) -> dict[str, str]:
    lines = Path(f"/proc/self/{name}").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def run_module(module: str, arguments: Sequence[str]) -> Usage:
    """Run a module of this package, which ends with :func:`report`, in a fresh interpreter, and wait.

    Raises ContenderFailed.
    """
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - this interpreter, a module of this package
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=os.environ | memory_settings(),
            stdout=said,
            stderr=complained,
        )
        _, status, used = os.wait4(process.pid, 0)  # subprocess would keep the resource usage for itself
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complained.seek(0)
        lines, complaint = said.read().splitlines(), complained.read()
    if process.returncode or not lines:
        raise ContenderFailed(f"{module} {' '.join(arguments)} ended with {process.returncode}:\n{complaint[-2000:]}")
    told = json.loads(lines[-1])
    return Usage(
        wall_s=wall,
        cpu_s=used.ru_utime + used.ru_stime,
        rss_mb=told["peak_rss"] / 1e6,
        bytes_read=told["bytes_read"],
        job_wall_s=told["wall_s"],
        job_cpu_s=told["cpu_s"],
        answer=told["answer"],
    )


def memory_settings() -> dict[str, str]:
    """What the functions tell glibc about its memory, by the template: everybody here gets the same."""
    template = (ROOT / "infra" / "template.yaml").read_text()
    return dict(re.findall(r'^ +(MALLOC_\w+): "(\d+)"$', template, re.MULTILINE))


class JobClock:
    """Measures a job from within its process; :meth:`report` is the last thing the process does."""

    def __init__(self) -> None:
        self._read = bytes_read()
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def report(self, answer: Any = None) -> None:
        """Tell the parent (on standard output) what the job took."""
        told = {
            "wall_s": time.perf_counter() - self._wall,
            "cpu_s": time.process_time() - self._cpu,
            "bytes_read": bytes_read() - self._read,
            "peak_rss": peak_rss(),
            "answer": answer,
        }
        sys.stdout.write("\n" + json.dumps(told) + "\n")
