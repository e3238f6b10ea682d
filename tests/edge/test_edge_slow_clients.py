"""Slow clients cost themselves time, never a worker, never another client, and never much memory."""

import socket
import threading
import time

import pytest
from edge_wire import request_bytes
from server import wait_until

MIB = 1 << 20


def small_window(client):
    """A client whose kernel takes little on its behalf."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)


def test_a_client_that_reads_slowly_does_not_hold_the_others(serve_edge):
    edge = serve_edge("-w", 2)
    with edge.client() as slow, edge.client() as other:
        slow.request(f"/size?{10 * MIB}")
        assert slow.head()[0].endswith("200 OK")
        read = 0
        for _ in range(10 * 16):
            read += len(slow.file.read(65536))
            began = time.monotonic()
            assert other.get("/echo?x").body == b"x"
            assert time.monotonic() - began < 5
        assert read == 10 * MIB


def test_a_worker_is_free_as_soon_as_its_answer_fits_into_the_buffer(serve_edge, tmp_path):
    edge = serve_edge("-w", 1, response_buffer_bytes="8MiB")
    done = tmp_path / "done"
    with edge.client() as client:
        client.request(f"/finish?{8 * MIB},{done}")
        wait_until(done.exists, what="the app to be done, though nobody reads")
        assert edge.get("/echo?x").body == b"x", "the only worker serves the next"
        response = client.response()
        assert len(response.body) == 8 * MIB and response.complete


def test_beyond_the_buffer_the_worker_waits_and_that_is_counted(serve_edge, tmp_path):
    edge = serve_edge("-w", 1, response_buffer_bytes="64KiB")
    done = tmp_path / "done"
    with edge.client() as client:
        client.request(f"/finish?{30 * MIB},{done}")
        wait_until(lambda: edge.counter("limit_response_buffer") > 0, what="the counter")
        assert not done.exists()
        assert len(client.response().body) == 30 * MIB
    wait_until(done.exists, what="the app to be done")


def test_fifty_clients_that_read_nothing_cost_bounded_memory(serve_edge, clients, tmp_path):
    edge = serve_edge("-w", 50, "--edge-threads", 1, response_buffer_bytes="256KiB")
    edge.server.wait_for_workers(50)
    before = edge.memory_kib("RssAnon")
    many = []
    for i in range(50):
        client = clients.enter_context(edge.client())
        small_window(client)
        client.request(f"/endless?{tmp_path / str(i)}")
        many.append(client)
    wait_until(lambda: edge.counter("limit_response_buffer") >= 50, what="all to be held up")
    grown = edge.memory_kib("RssAnon") - before
    # 256 KiB and what one pass may add (a ring), for each, in buffers that double.
    assert grown < 50 * 1100, f"{grown} KiB"
    for client in many:
        client.close()
    wait_until(lambda: (tmp_path / "49").exists(), what="close()")
    wait_until(lambda: edge.counter("connections_open") == 1, what="the connections to be closed")
    assert edge.get("/echo?x").body == b"x"


@pytest.mark.parametrize("what", ["pipelined requests", "an upload", "a download"])
def test_a_client_that_is_fast_does_not_starve_the_others(serve_edge, tmp_path, what):
    """Each keeps its side of the socket busy all the time, on the one edge thread that there is."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "small").write_bytes(b"x")
    with open(tmp_path / "root" / "large", "wb") as file:
        file.truncate(1 << 30)
    edge = serve_edge("--static", f"/={tmp_path / 'root'}", "--edge-threads", 1, app=None, request_body_bytes="8GiB")
    stop = threading.Event()

    def send(client):
        if what == "an upload":
            client.send(request_bytes("/small", "POST", [f"Content-Length: {1 << 33}"]))
            data = b"x" * (4 * MIB)
        elif what == "a download":
            data = request_bytes("/large")
        else:
            data = request_bytes("/small") * 20_000
        try:
            while not stop.is_set():
                client.socket.sendall(data)
        except OSError:
            pass

    def receive(client):
        try:
            while client.socket.recv(4 * MIB):
                pass
        except OSError:
            pass

    with edge.client() as greedy, edge.client() as other:
        threads = [threading.Thread(target=task, args=(greedy,)) for task in (send, receive)]
        for thread in threads:
            thread.start()
        try:
            moved = "bytes_out" if what == "a download" else "bytes_in"
            wait_until(lambda: edge.counter(moved) > MIB, what="the greedy client to be at work")
            waits = []
            for _ in range(20):
                began = time.monotonic()
                assert other.get("/small").body == b"x"
                waits.append(time.monotonic() - began)
        finally:
            stop.set()
            greedy.socket.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
    assert sorted(waits)[10] < 0.1, waits
