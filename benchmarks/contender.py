"""What one contender's process runs: ``python -m benchmarks.contender JOB MODULE INPUTS OUT``. Not for people."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from stratocube.start_up import load_rasters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=["blend", "merge", "encode"])
    parser.add_argument("module")
    parser.add_argument("inputs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--dates", type=int)
    given = parser.parse_args()
    # For everybody, as in a function: else rasterio would import boto3, a third of a second of no use to anyone here.
    load_rasters()
    run = getattr(import_module(f"benchmarks.peers.{given.module}"), given.job)
    given.out.mkdir(parents=True, exist_ok=True)
    import_module("benchmarks.jobs").run_job(
        run, given.job, given.inputs, given.out, threads=given.threads, dates=given.dates
    )


if __name__ == "__main__":
    main()
