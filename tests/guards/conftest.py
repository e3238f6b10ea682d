"""Limits and proxies through the real server; clients are those of tests/edge, the app is guards_app.py."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "edge"), str(HERE.parent / "wsgi")]

from edge_wire import ADMIN, Edge  # noqa: E402


@pytest.fixture
def serve_guarded(serve):
    """serve_guarded(rate_limit="2/h"): guards_app on one worker."""

    def start(*args, listen="http://127.0.0.1:0", **knobs):
        sets = [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]
        return Edge(serve("guards_app:app", "-w", 1, *args, *ADMIN, *sets, env={"PYTHONPATH": str(HERE)}, listen=listen))

    return start
