"""The edge through the real server. A server that only answers is shared by the tests of a module."""

import contextlib
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "wsgi"))  # http_client.py

from edge_wire import ADMIN, Edge  # noqa: E402
from server import Server  # noqa: E402



def options(**knobs):
    """options(queue=3) are the words for --set."""
    return [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]


@pytest.fixture(scope="module")
def edge(tmp_path_factory, labcoat):
    """edge_app on two workers, with all defaults."""
    folder = tmp_path_factory.mktemp("server")
    with Server(
        "edge_app:app", "-w", 2, *ADMIN, cwd=folder, env={"PYTHONPATH": str(HERE)}, program=labcoat
    ) as server:
        yield Edge(server)


@pytest.fixture
def serve_edge(serve):
    """serve_edge("-w", 1, queue=3): a server of its own for this test; app=None serves files only."""

    def start(*args, app="edge_app:app", listen="http://127.0.0.1:0", cwd=None, **knobs):
        words = [*([app] if app else []), *args, *ADMIN, *options(**knobs)]
        folder = {} if cwd is None else {"cwd": cwd}
        return Edge(serve(*words, env={"PYTHONPATH": str(HERE)}, listen=listen, **folder))

    return start


@pytest.fixture
def clients():
    """Whatever is opened in it is closed at the end of the test."""
    with contextlib.ExitStack() as stack:
        yield stack
