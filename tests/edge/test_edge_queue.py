"""Overload has a designed answer, work for clients that have gone is dropped, and a dying worker costs what it held."""

import os
import random
import signal
import socket
import threading

import pytest
from edge_wire import chunked, request_bytes
from server import wait_gone, wait_until


def busy(edge, clients, gate):
    """A client whose request keeps a worker busy until `gate` exists."""
    client = clients.enter_context(edge.client())
    client.request(f"/gate?{gate}")
    wait_until(gate.with_name(gate.name + ".begun").exists, what="the app to begin")
    return client


def tells_when(response):
    """Retry-After: by what the worker took in the second before, which may be one request of seventy, and spread (StandingQueue)."""
    return 1 <= int(response.get("Retry-After") or 0) < 60


def queued(edge):
    return next(iter(edge.status()["apps"].values()))["queue"]


@pytest.mark.parametrize("limit", [1, 3, 70])
def test_when_the_queue_is_full_the_answer_is_503_at_once(serve_edge, clients, tmp_path, limit):
    edge = serve_edge("-w", 1, queue=limit)
    gate = tmp_path / "gate"
    inside = [busy(edge, clients, gate)]
    for _ in range(limit - 1):
        client = clients.enter_context(edge.client())
        client.request("/echo?x")
        inside.append(client)
    wait_until(lambda: edge.counter("requests") >= limit and queued(edge) == limit - 1, what="the queue to be full")
    with edge.client() as client:
        for _ in range(2):
            response = client.get("/echo?x")
            assert response.status == 503 and tells_when(response)
            assert response.get("Connection") is None, "the connection is not to blame"
        assert edge.counter("limit_queue") == 2
        gate.touch()
        assert [client.response().status for client in inside] == [200] * limit
        assert client.get("/echo?x").status == 200


def test_a_request_that_waits_too_long_is_503(serve_edge, clients, tmp_path):
    edge = serve_edge("-w", 1, queue_wait="150ms")
    gate = tmp_path / "gate"
    first = busy(edge, clients, gate)
    with edge.client() as client:
        client.send(request_bytes("/echo?waits") + request_bytes("*", "OPTIONS") + request_bytes("/echo?too"))
        for status in (503, 200, 503):
            response = client.response()
            assert response.status == status and tells_when(response) == (status == 503)
        assert edge.counter("limit_queue_wait") == 2
        gate.touch()
        assert first.response().status == 200, "who is served already is not hurried"
        assert client.get("/echo?x").body == b"x"


def test_a_client_that_goes_while_it_waits_is_never_seen_by_the_app(serve_edge, clients, tmp_path):
    edge = serve_edge("-w", 1)
    gate, seen = tmp_path / "gate", tmp_path / "seen"
    first = busy(edge, clients, gate)
    gone = clients.enter_context(edge.client())
    gone.send(request_bytes("/body", "POST", ["Content-Length: 100000"], b"x" * 100_000))  # a file, too
    also_gone = clients.enter_context(edge.client())
    also_gone.request(f"/endless?{seen}")
    wait_until(lambda: queued(edge) == 2, what="the requests to wait")
    gone.close()
    also_gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # leaves with a reset
    also_gone.close()
    wait_until(lambda: edge.counter("withdrawn") == 2, what="both to be withdrawn")
    assert edge.counter("clients_gone") == 2
    gate.touch()
    assert first.response().status == 200
    assert edge.get("/echo?x").body == b"x"
    assert not seen.exists()

    def finished():  # counted a moment after the last byte of the answer
        return [worker["requests"] for worker in next(iter(edge.status()["apps"].values()))["workers"]]

    wait_until(lambda: finished() == [2], what="two requests to be all that the worker has seen")


def test_a_client_that_goes_in_the_middle_of_its_response_ends_the_apps_work(serve_edge, tmp_path):
    edge = serve_edge("-w", 1)
    for i in range(5):
        closed = tmp_path / f"closed{i}"
        with edge.client() as client:
            client.request(f"/endless?{closed}")
            assert client.head() and client.chunk()
        wait_until(closed.exists, what="close()")
    assert edge.get("/echo?x").body == b"x"
    wait_until(lambda: edge.counter("clients_gone") == 5, what="the counter")
    assert edge.counter("withdrawn") == 0


def test_many_clients_that_come_and_go_leave_the_queue_in_order(serve_edge, clients, tmp_path):
    """More withdrawn requests than the queue has entries: those that still wait are not lost."""
    edge = serve_edge("-w", 1, queue=64)
    gate = tmp_path / "gate"
    first = busy(edge, clients, gate)
    waiting = [clients.enter_context(edge.client()) for _ in range(10)]
    for i, client in enumerate(waiting):
        client.request(f"/echo?{i}")
    for round_number in range(1, 9):
        leaving = [clients.enter_context(edge.client()) for _ in range(40)]
        before = edge.counter("requests")
        for client in leaving:
            client.request("/echo?gone")
        wait_until(lambda: edge.counter("requests") >= before + 40, what="the requests to arrive")
        for client in leaving:
            client.close()
        wait_until(lambda: edge.counter("withdrawn") == 40 * round_number, what="all to be withdrawn")
    gate.touch()
    assert first.response().status == 200
    assert [client.response().body for client in waiting] == [b"%d" % i for i in range(10)]


def test_gets_survive_workers_that_are_killed_at_any_moment(serve_edge):
    edge = serve_edge("-w", 3)
    seed = random.randrange(2**32)
    print("seed", seed)
    moments = random.Random(seed)
    failures, done = [], threading.Event()
    counts = [0] * 4

    def load(index):
        with edge.client() as client:
            while not done.is_set():
                size = 1 + 7919 * counts[index] % 30_000
                response = client.get(f"/size?{size}")
                # A request may meet two dying workers; that is told, never hidden.
                if response.status != 200 or len(response.body) != size or not response.complete:
                    failures.append((response.status, len(response.body), size))
                counts[index] += 1

    threads = [threading.Thread(target=load, args=(i,)) for i in range(len(counts))]
    for thread in threads:
        thread.start()
    killed = 0
    try:
        while killed < 15:
            total = sum(counts) + moments.randrange(60)
            wait_until(lambda: sum(counts) >= total or failures, what="some requests")
            # Only one at a time: a request that loses two workers is rightly 502.
            victim = moments.choice(edge.server.wait_for_workers(3))
            os.kill(victim, signal.SIGKILL)
            wait_gone(victim)
            killed += 1
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert failures == []
    counters = edge.status()["counters"]
    assert counters["worker_lost"] == 0 and counters["status_5xx"] == 0
    assert counters["repeated"] <= killed
    assert edge.server.edge_pid() == edge.pid


def test_a_get_whose_worker_dies_is_answered_by_another(serve_edge, tmp_path):
    edge = serve_edge("-w", 2)
    response = edge.get(f"/kill-once?{tmp_path / 'died'}")
    assert response.status == 200
    assert edge.counter("repeated") == 1 and edge.counter("worker_lost") == 0


@pytest.mark.parametrize("size", [0, 1000, 100_000])
def test_a_repeated_get_still_has_its_body(serve_edge, tmp_path, size):
    edge = serve_edge("-w", 1)
    body = b"x" * size
    response = edge.say(request_bytes(f"/kill-once?{tmp_path / 'died'}", "GET", [f"Content-Length: {size}"], body))
    assert response.status == 200 and response.body.startswith(b"%d " % size)
    assert edge.counter("repeated") == 1


def test_a_get_is_repeated_once_and_then_502(serve_edge, tmp_path):
    edge = serve_edge("-w", 2)
    tries = tmp_path / "tries"
    with edge.client() as client:
        response = client.get(f"/kill?{tries}")
        assert response.status == 502
        assert tries.read_text() == "xx"
        assert client.get("/echo?x").body == b"x", "the connection goes on"
    counters = edge.status()["counters"]
    assert (counters["repeated"], counters["worker_lost"]) == (1, 1)


def test_a_post_is_never_repeated(serve_edge, tmp_path):
    edge = serve_edge("-w", 2)
    tries = tmp_path / "tries"
    with edge.client() as client:
        client.send(request_bytes(f"/kill?{tries}", "POST", ["Content-Length: 2"], b"ab") + request_bytes("/echo?x"))
        assert client.response().status == 502
        assert client.response().body == b"x"
    assert tries.read_text() == "x"
    assert edge.counter("repeated") == 0 and edge.counter("worker_lost") == 1


def test_a_response_half_sent_is_cut(serve_edge, tmp_path):
    edge = serve_edge("-w", 2)
    for path, version in [("/kill-halfway", "1.1"), ("/kill-in-stream", "1.1"), ("/kill-in-stream", "1.0")]:
        gate = tmp_path / f"gate{path.replace('/', '-')}{version}"
        with edge.client() as client:
            client.send(request_bytes(f"{path}?{gate}", version=version))
            assert client.head()[0] == "HTTP/1.1 200 OK"
            assert client.file.read(1 if version == "1.0" else 4)
            gate.touch()
            rest = b""
            try:
                while piece := client.socket.recv(1000):
                    rest += piece
                reset = False
            except ConnectionResetError:
                reset = True
            # The end of a body without length is the connection's end: only a reset tells that it is none.
            assert reset or version == "1.1"
            assert b"0\r\n\r\n" not in rest
    assert edge.counter("worker_lost") == 3 and edge.counter("repeated") == 0
    assert edge.get("/echo?x").body == b"x"


def test_the_queue_survives_a_killed_worker(serve_edge, clients, tmp_path):
    edge = serve_edge("-w", 1)
    gate = tmp_path / "gate"
    busy(edge, clients, gate)
    waiting = [clients.enter_context(edge.client()) for _ in range(20)]
    for i, client in enumerate(waiting):
        client.send(request_bytes("/body", "POST", ["Transfer-Encoding: chunked"], chunked(b"x" * i, b"y")[0 if i else 5 :]))
    wait_until(lambda: queued(edge) == 20, what="all to wait")
    os.kill(edge.server.worker_pids()[0], signal.SIGKILL)
    gate.touch()
    for i, client in enumerate(waiting):
        assert client.response().body.startswith(b"%d " % (i + 1)), "even POSTs: no worker had begun them"
