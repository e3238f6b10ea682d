"""HTTP/2 through the real server. One that only answers is shared by the tests of a module."""

import contextlib
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
EDGE = HERE.parent / "edge"
for folder in (HERE, EDGE, HERE.parent / "wsgi"):  # http2_wire.py, edge_wire.py, http_client.py
    sys.path.insert(0, str(folder))

from edge_wire import ADMIN, Edge  # noqa: E402
from http2_wire import Http2Client  # noqa: E402
from server import Server  # noqa: E402


class Http2Edge(Edge):
    def connect(self, **options):
        return Http2Client(self.server.host, self.server.port, **options)


def make_site(folder):
    (folder / "site").mkdir()
    (folder / "site/small").write_bytes(bytes(range(256)) * 3)
    (folder / "site/large").write_bytes(bytes(range(256)) * 4096 * 4)  # 4 MiB


@pytest.fixture(scope="module")
def edge(tmp_path_factory, labcoat):
    """edge_app on two workers and a folder of files, with all defaults."""
    folder = tmp_path_factory.mktemp("server")
    make_site(folder)
    words = ("edge_app:app", "-w", 2, "--static", "/files=site", *ADMIN)
    with Server(*words, cwd=folder, env={"PYTHONPATH": f"{EDGE}:{HERE}"}, program=labcoat) as server:
        yield Http2Edge(server)


@pytest.fixture
def serve_http2(serve, tmp_path):
    """serve_http2("-w", 1, **{"limits.http2_streams": 3}): a server of its own for this test."""

    def start(*args, app="edge_app:app", **knobs):
        make_site(tmp_path)
        settings = [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]
        words = [*([app] if app else []), "--static", "/files=site", *args, *ADMIN, *settings]
        return Http2Edge(serve(*words, env={"PYTHONPATH": f"{EDGE}:{HERE}"}))

    return start


@pytest.fixture
def clients():
    """Whatever is opened in it is closed at the end of the test."""
    with contextlib.ExitStack() as stack:
        yield stack
