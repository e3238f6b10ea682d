"""A client that hangs up at the worst moment costs its own request and nothing else. Each case once took the edge down."""

import pytest
from http_client import Client

MIB = 1 << 20

APP = '''
import time

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/hello":
        start_response("200 OK", [("Content-Length", "5")])
        return [b"hello"]
    if path == "/wrapped":
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](open("big.bin", "rb"))
    start_response("200 OK", [("Content-Length", "10000000")] if path == "/short" else [])
    return body(path)

def body(path):
    yield b"x" * 30000
    time.sleep(0.05)  # the client goes meanwhile; the server is not waited for
    yield b"x" * 30000
    if path == "/raises":
        raise ValueError("on purpose")
'''


@pytest.fixture
def files(serve, write_app, tmp_path):
    (tmp_path / "static").mkdir()
    for name in ("static/big.bin", "big.bin"):
        (tmp_path / name).write_bytes(b"x" * (8 * MIB))
    write_app(APP)
    return serve("app:app", "-w", 2, "--static", "/static=static")


@pytest.mark.parametrize("path", ["/static/big.bin", "/wrapped", "/short", "/raises"])
def test_clients_that_hang_up_in_an_answer_do_not_end_the_edge(files, path):
    edge = files.edge_pid()
    for read in (0, 1, 5000, 100_000) * 5:
        with Client(files) as client:
            client.request(path)
            if read:
                client.socket.recv(read)
    with Client(files) as client:
        assert client.get("/hello").body == b"hello"
    assert files.edge_pid() == edge
