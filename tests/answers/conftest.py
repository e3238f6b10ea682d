"""What the edge does with an app's answer on its way: compression, files that a header names, early hints, trailers."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "edge"), str(HERE.parent / "wsgi"), str(HERE.parent / "http2")]

from answers_site import APP  # noqa: E402
from edge_wire import ADMIN, Edge  # noqa: E402
from server import Server  # noqa: E402


def start(make, folder, routes, *words, **knobs):
    (folder / "labcoat.toml").write_text(routes)
    sets = [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]
    server = make("-c", "labcoat.toml", *ADMIN, "--edge-threads", 1, *words, *sets, cwd=folder, env={"PYTHONPATH": str(HERE)})
    return server


@pytest.fixture
def serve_answers(serve, tmp_path):
    """serve_answers(routes): a server of its own for this test, with answers_app as "main"."""
    return lambda routes, *words, **knobs: Edge(start(serve, tmp_path, routes, *words, **knobs))


@pytest.fixture(scope="module")
def compressing(tmp_path_factory, labcoat):
    """answers_app behind one route that compresses; shared by the tests of a module."""
    folder = tmp_path_factory.mktemp("server")
    with start(lambda *words, **more: Server(*words, program=labcoat, **more), folder, APP + "compress = true\n") as server:
        edge = Edge(server)
        edge.folder = folder
        yield edge
