"""ASGI through the real server. Servers are shared by the tests of a module; each test is held responsible for what it
added to the log."""

import pathlib
import re
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "wsgi"))  # its client shows what came over the wire

from http_client import Client  # noqa: E402
from server import Server  # noqa: E402

# The interpreter that runs the tests has what tools/setup.sh installs: uvloop, and the frameworks.
PYTHON = ("--python", sys.executable)
COMPLAINTS = re.compile(
    r"ASGI VALIDATOR|Traceback|never awaited|never retrieved|was destroyed but|Segmentation|CHECK|Exception in callback"
)


def pytest_configure(config):
    config.addinivalue_line("markers", "complains: the app of this test fails on purpose, so tracebacks are expected")


class Shared:
    """A running server, and clients of it."""

    def __init__(self, server):
        self.server = server
        self._before = len(server.stderr())

    def new_log(self):
        return self.server.stderr()[self._before :]

    def client(self, **options):
        return Client(self.server, **options)

    def get(self, path, **options):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.get(path, **options)


@pytest.fixture(scope="session", params=["asyncio", "uvloop"])
def validated_server(request, tmp_path_factory, labcoat):
    folder = tmp_path_factory.mktemp("server")
    words = ["asgi_app:app", "-w", 1, *PYTHON, "--set", f"loop={request.param}", "--set", "response_buffer_bytes=64KiB"]
    with Server(*words, cwd=folder, env={"PYTHONPATH": str(HERE)}, program=labcoat) as server:
        server.loop = request.param
        yield server


def watched(request, server):
    shared = Shared(server)
    yield shared
    if not request.node.get_closest_marker("complains"):
        complaint = COMPLAINTS.search(shared.new_log())
        assert not complaint, f"{complaint.group()!r} in the log:\n{shared.new_log()}"


@pytest.fixture
def app(request, validated_server):
    """asgi_app below the validator, one worker, with each of the event loops."""
    yield from watched(request, validated_server)


@pytest.fixture
def serve_app(request, serve):
    """serve_app("asgi_app:app", "-w", 2): a server of its own for this test."""
    started = []

    def start(target, *args, **options):
        environment = {"PYTHONPATH": str(HERE), **options.pop("env", {})}
        shared = Shared(serve(target, *args, *PYTHON, env=environment, **options))
        started.append(shared)
        return shared

    yield start
    if not request.node.get_closest_marker("complains"):
        for shared in started:
            complaint = COMPLAINTS.search(shared.server.stderr())
            assert not complaint, f"{complaint.group()!r} in the log:\n{shared.server.stderr()}"
