"""The logs through the real server; the app and the clients are those of tests/edge."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
EDGE = HERE.parent / "edge"
sys.path[:0] = [str(EDGE), str(HERE.parent / "wsgi")]

from edge_wire import ADMIN, Edge  # noqa: E402


@pytest.fixture
def serve_logged(serve):
    """serve_logged("-w", 1, access_log_format="json"): a server with an admin listener."""

    def start(*args, listen="http://127.0.0.1:0", **knobs):
        sets = [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]
        return Edge(serve("edge_app:app", "-w", 1, *args, *ADMIN, *sets, env={"PYTHONPATH": str(EDGE)}, listen=listen))

    return start
