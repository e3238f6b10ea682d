"""labcoat bench against servers that close, fail and stall."""

import json
import threading
import time

from small_server import SmallServer, always, answer, errors_of


def test_connection_close_is_no_error(report):
    def script(server, connection):
        if server.take(connection):
            connection.send(answer(headers=["Connection: close"]))

    with SmallServer(script) as server:
        result = report(server.url, "-c", 4, "-n", 100)
        assert len(server.requests) == 100
    assert result["responses"] == 100 and errors_of(result) == {}


def test_a_server_that_drops_kept_connections_is_no_error(report):
    """It answers two requests, then closes without a word while the third may be under way."""

    def script(server, connection):
        for _ in range(2):
            if not server.take(connection):
                return
            connection.send(answer())
        connection.request()  # received, not answered

    with SmallServer(script) as server:
        result = report(server.url, "-c", 2, "-n", 100)
        assert len(server.requests) == 100
    assert result["responses"] == 100 and errors_of(result) == {}


def test_what_may_not_be_repeated_is_an_error_instead(report):
    posts = []

    def script(server, connection):
        if server.take(connection):
            connection.send(answer())
        if request := connection.request():
            posts.append(request)

    with SmallServer(script) as server:
        result = report(server.url, "-m", "POST", "-c", 1, "-n", 10, exit=(0, 1, 3))
        assert len(server.requests) + len(posts) == 10, "no POST was sent twice"
    assert errors_of(result) == {"read": len(posts)} and posts


def test_a_server_that_hangs_up_fails_every_request(bench):
    with SmallServer(lambda server, connection: server.take(connection)) as server:
        done = bench(server.url, "-c", 2, "-n", 6, "--json", "-", "--no-calibrate")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert result["responses"] == 0 and errors_of(result) == {"read": 6}
    assert result["response_us"]["p50"] is None
    assert "not one request was answered well" in done.stderr


def test_only_5xx_is_a_failed_run(bench):
    with SmallServer(always(answer(status="502 Bad Gateway"))) as server:
        done = bench(server.url, "-c", 2, "-n", 20)
    assert done.returncode == 1
    assert "5xx 20" in done.stdout


def test_garbage_is_a_protocol_error(report):
    with SmallServer(always(b"220 mail.example ESMTP\r\n\r\n")) as server:
        result = report(server.url, "-c", 1, "-n", 3, exit=(1,))
    assert errors_of(result) == {"protocol": 3}


def test_no_answer_is_a_timeout_and_counts_as_slow(report):
    silent = threading.Event()

    def script(server, connection):
        while server.take(connection):
            if len(server.requests) == 10:
                silent.wait(30)
                return
            connection.send(answer())

    with SmallServer(script) as server:
        result = report(server.url, "-c", 1, "-n", 20, "--timeout", "200ms")
        silent.set()
    assert errors_of(result) == {"timeout": 1}
    assert result["responses"] == 19 and result["requests"] == 20
    assert result["response_us"]["max"] >= 200_000


def test_a_stall_shows_in_the_open_loop_and_hides_in_the_closed_loop(report):
    """The server stands still once for 0.6 s in 3 s. With 500 requests/s planned, about 300 should have been sent in
    that time: a fifth of all. A closed loop of 8 connections only ever sees 8 of them."""
    stall, period = 0.6, 3.0

    def stalling():
        state = {"start": None}
        lock = threading.Lock()

        def script(server, connection):
            while server.take(connection):
                with lock:  # one worker
                    now = time.monotonic()
                    state["start"] = state["start"] or now
                    if now - state["start"] > 1.0 and "done" not in state:
                        state["done"] = True
                        time.sleep(stall)  # the behaviour under test, not a wait for something
                connection.send(answer())

        return script

    with SmallServer(stalling()) as server:
        closed = report(server.url, "-c", 8, "-d", f"{period}s", "--warmup", "0")
    with SmallServer(stalling()) as server:
        open_ = report(server.url, "-c", 8, "-d", f"{period}s", "--warmup", "0", "-r", 500)
    stall_us = stall * 1e6
    assert closed["response_us"]["p99"] < stall_us / 4, "the closed loop's blind spot"
    assert closed["response_us"]["max"] > stall_us * 0.9
    assert open_["response_us"]["p95"] > stall_us / 4, "one in five was delayed, 0.3 s in the mean"
    assert open_["service_us"]["p95"] < stall_us / 4, "only those on a connection saw it in their service time"
    assert open_["send_lag_us"]["p95"] > stall_us / 4
    assert 1300 < open_["requests"] < 1700


def test_an_overloaded_server_is_not_the_generators_fault(report):
    """It can do 100/s and is asked for 1000/s: response times grow without end, but the run is the server's."""
    lock = threading.Lock()

    def script(server, connection):
        while server.take(connection):
            with lock:
                time.sleep(0.01)
            connection.send(answer())

    with SmallServer(script) as server:
        result = report(server.url, "-c", 4, "-d", "1s", "-r", 1000, "--warmup", "0", "--timeout", "2s")
    assert 850 < result["requests"] < 1150, "what was planned is accounted for"
    assert result["errors"]["timeout"] > 300, "what never got its turn"
    assert result["requests"] == result["responses"] + sum(result["errors"].values())
    assert result["response_us"]["p50"] > 500_000
    assert result["service_us"]["p50"] < 200_000
    assert not any("did not keep up" in reason for reason in result["invalid_reasons"])
