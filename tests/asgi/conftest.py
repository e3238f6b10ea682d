"""ASGI through the real server. Servers are shared by the tests of a module; each test is held responsible for what it
added to the log."""

import pytest
from asgi_server import COMPLAINTS, HERE, PYTHON, Shared, watched
from server import Server


def pytest_configure(config):
    config.addinivalue_line("markers", "complains: the app of this test fails on purpose, so tracebacks are expected")


@pytest.fixture(scope="session", params=["asyncio", "uvloop"])
def validated_server(request, tmp_path_factory, labcoat):
    folder = tmp_path_factory.mktemp("server")
    words = ["asgi_app:app", "-w", 1, *PYTHON, "--set", f"loop={request.param}", "--set", "response_buffer_bytes=64KiB"]
    with Server(*words, cwd=folder, env={"PYTHONPATH": str(HERE)}, program=labcoat) as server:
        server.loop = request.param
        yield server


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
