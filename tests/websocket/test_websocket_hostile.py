"""A hostile worker behind a WebSocket is found out by what the edge reads of the inbox, at once."""

import pathlib

import pytest
from edge_wire import Edge
from server import wait_gone
from websocket_wire import TEXT, Wire, frame

HERE = pathlib.Path(__file__).resolve().parent
PATH = {"PYTHONPATH": f"{HERE}:{HERE.parent / 'edge'}"}


@pytest.mark.parametrize("path", ["/ahead", "/far"])
def test_impossible_credit_ends_the_socket_and_the_worker(serve, path):
    server = serve("hostile_socket_app:app", "-w", 1, "--set", "admin.listen=http://127.0.0.1:0", env=PATH)
    edge = Edge(server)
    (worker,) = server.wait_for_workers(1)
    with Wire(server) as client:
        client.connect(path)
        assert client.message() == (TEXT, b"done")
        client.send(frame(TEXT, b"hello"))
        assert client.closed() == 1011
    wait_gone(worker)
    server.wait_for_log("writes what no worker may write, says the edge; it is killed")
    assert edge.counter("corrupt_frames") == 1
    assert edge.server.edge_pid() == edge.pid, "the edge lives"
    (other,) = server.wait_for_workers(1)
    assert other != worker
