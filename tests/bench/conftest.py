"""Runs labcoat bench for the tests of this folder."""

import json
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture
def bench(labcoat):
    """bench(url, "-c", 4, …) runs the program and returns the finished process."""

    def run(*args, timeout=60):
        words = [str(labcoat), "bench", *map(str, args)]
        return subprocess.run(words, capture_output=True, text=True, timeout=timeout)

    return run


@pytest.fixture
def report(bench):
    """Like bench, but returns the JSON report; `exit` says which exit codes are right."""

    def run(*args, exit=(0, 3), **options):
        done = bench(*args, "--json", "-", "--no-calibrate", **options)
        assert done.returncode in exit, f"exit {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    return run
