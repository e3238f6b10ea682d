"""How requests wait for workers, through the real server; clients are those of tests/edge, the app is queue_app.py."""

import contextlib
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "edge"), str(HERE.parent / "wsgi")]

from edge_wire import ADMIN, Edge, request_bytes  # noqa: E402
from server import wait_until  # noqa: E402


def sets(knobs):
    return [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]


@pytest.fixture
def serve_queue(serve, tmp_path):
    """serve_queue("-w", 1, queue_wait="1s"): queue_app; routes="[[route]]…" makes it a configuration with that text."""

    def start(*args, app="queue_app:app", routes=None, **knobs):
        words = [app]
        if routes is not None:
            (tmp_path / "labcoat.toml").write_text(f'[app.main]\ntarget = "{app}"\n' + routes)
            words = ["-c", "labcoat.toml"]
        return Edge(serve(*words, *args, *ADMIN, *sets(knobs), env={"PYTHONPATH": str(HERE)}))

    return start


@pytest.fixture
def clients():
    """Whatever is opened in it is closed at the end of the test."""
    with contextlib.ExitStack() as stack:
        yield stack


def inside(edge):
    """Requests that wait or run."""
    app = next(iter(edge.status()["apps"].values()))
    return app["queue"] + app["held"] + app["busy"]


@pytest.fixture
def asking(clients):
    """asking(edge, data) sends these bytes on `count` new connections; their requests are in line when it returns."""

    def ask(edge, data, count=1):
        before = inside(edge)
        opened = [clients.enter_context(edge.client()) for _ in range(count)]
        for client in opened:
            client.send(data if isinstance(data, bytes) else request_bytes(data))
        wait_until(lambda: inside(edge) >= before + count, what="the requests to arrive")
        return opened

    return ask


@pytest.fixture
def begun(tmp_path):
    """Waits until workers hold so many requests for a gate in tmp_path."""

    def wait(gate, count=1):
        wait_until(lambda: len(list(tmp_path.glob(f"{gate.name}.begun.*"))) >= count, what=f"{count} to have begun")

    return wait
