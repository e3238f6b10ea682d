"""A server of websocket_app, shared by all tests that do not end it."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE))
sys.path.append(str(HERE.parent / "asgi"))
sys.path.append(str(HERE.parent / "edge"))

from asgi_server import PYTHON, watched  # noqa: E402
from server import Server  # noqa: E402
from websocket_wire import Wire  # noqa: E402

PATH = {"PYTHONPATH": f"{HERE}:{HERE.parent / 'asgi'}"}
ADMIN = ("--set", "admin.listen=http://127.0.0.1:0")


def pytest_configure(config):
    config.addinivalue_line("markers", "complains: the app of this test fails on purpose, so tracebacks are expected")


@pytest.fixture(scope="session")
def loop():
    """The event loop of the shared server; a module may ask for more than one."""
    return "uvloop"


@pytest.fixture(scope="session")
def websocket_server(loop, tmp_path_factory, labcoat):
    folder = tmp_path_factory.mktemp("server")
    words = ["websocket_app:app", "-w", 1, *PYTHON, *ADMIN, "--set", f"loop={loop}", "--set",
             "websocket_message_bytes=1MiB", "--set", "response_buffer_bytes=64KiB", "--access-log", "access.log"]
    with Server(*words, cwd=folder, env=PATH, program=labcoat) as server:
        yield server


@pytest.fixture
def app(request, websocket_server):
    yield from watched(request, websocket_server)


@pytest.fixture
def wire(app):
    """wire("/echo") is a connected client; wire(None) one that has not said anything yet."""
    open_ones = []

    def connect(path="/echo", *fields, **options):
        client = Wire(app.server, **options)
        open_ones.append(client)
        if path is not None:
            client.answer = client.connect(path, *fields)
        return client

    yield connect
    for client in open_ones:
        client.__exit__()


@pytest.fixture
def serve_sockets(serve):
    """A server of its own for this test, one worker."""

    def start(*words, workers=1, env=(), **options):
        return serve("websocket_app:app", "-w", workers, *PYTHON, *ADMIN, *words, env={**PATH, **dict(env)}, **options)

    return start
