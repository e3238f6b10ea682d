"""WSGI through the real server. Servers are shared by the tests of a module; each test is held responsible for what it
added to the log."""

import pathlib
import re

import pytest
from http_client import Client
from server import Server

HERE = pathlib.Path(__file__).resolve().parent
# What wsgiref's validator says, in its three ways, and what nobody should ever say.
COMPLAINTS = re.compile(r"AssertionError|WSGIWarning|garbage collected without being closed|Traceback|Segmentation|CHECK")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than some seconds")
    config.addinivalue_line("markers", "complains: the app of this test fails on purpose, so tracebacks are expected")


class Shared:
    """A running server, and clients of it."""

    def __init__(self, server):
        self.server = server

    def client(self, **options):
        return Client(self.server, **options)

    def get(self, path, **options):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.get(path, **options)


def start(factory, labcoat, target, *args, **options):
    folder = factory.mktemp("server")
    environment = {"PYTHONPATH": str(HERE)}
    return Server(target, *args, cwd=folder, env=environment, program=labcoat, **options)


@pytest.fixture(scope="module")
def validated_server(tmp_path_factory, labcoat):
    with start(tmp_path_factory, labcoat, "wsgi_app:app", "-w", 1) as server:
        yield server


@pytest.fixture(scope="module")
def bare_server(tmp_path_factory, labcoat):
    with start(tmp_path_factory, labcoat, "wsgi_app:bare", "-w", 1) as server:
        yield server


@pytest.fixture(scope="module")
def broken_server(tmp_path_factory, labcoat):
    with start(tmp_path_factory, labcoat, "broken_app:app", "-w", 1) as server:
        yield server


def watched(request, server):
    before = len(server.stderr())
    shared = Shared(server)
    shared.new_log = lambda: server.stderr()[before:]
    yield shared
    if not request.node.get_closest_marker("complains"):
        complaint = COMPLAINTS.search(shared.new_log())
        assert not complaint, f"{complaint.group()!r} in the log:\n{shared.new_log()}"


@pytest.fixture
def app(request, validated_server):
    """wsgi_app below the validator, one worker."""
    yield from watched(request, validated_server)


@pytest.fixture
def bare(request, bare_server):
    """wsgi_app without the validator, which hides the file wrapper."""
    yield from watched(request, bare_server)


@pytest.fixture
def broken(request, broken_server):
    """broken_app: breaks the rules on purpose."""
    yield from watched(request, broken_server)


@pytest.fixture
def serve_app(serve):
    """serve_app("wsgi_app:app", "-w", 2): a server of its own for this test."""
    return lambda target, *args, **options: Shared(
        serve(target, *args, env={"PYTHONPATH": str(HERE), **options.pop("env", {})}, **options)
    )


def memory_kib(pid, field):
    """A figure of /proc/PID/status, such as VmHWM or RssAnon."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))


@pytest.fixture
def memory():
    return memory_kib


