"""Every limit has its status, its counter, and leaves the server to the others."""

import socket
import time

import pytest
from edge_wire import chunked, request_bytes
from server import wait_until


def head(*lines):
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


BAD = [
    (head("GET / HTTP/1.1"), "no Host"),
    (head("GET / HTTP/1.1", "Host: a", "Host: a"), "two Hosts"),
    (head("GET / HTTP/1.1", "Host: a b"), "a Host that is none"),
    (b"GET / HTTP/1.1\nHost: a\n\n", "bare LF"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n", "CR inside a value"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\x002\r\n\r\n", "NUL in a value"),
    (head("GET / HTTP/1.1", "Host: a", "X : 1"), "space before the colon"),
    (head("GET / HTTP/1.1", "Host: a", " folded"), "obs-fold"),
    (head("GET / HTTP/1.1", "Host: a", "no colon"), "no colon"),
    (head("GET / HTTP/1.1", "Host: a", ": nameless"), "no name"),
    (head("GET  / HTTP/1.1", "Host: a"), "two spaces"),
    (head("GET / HTTP/1.1 ", "Host: a"), "space behind the version"),
    (head("GET /a b HTTP/1.1", "Host: a"), "space in the target"),
    (head("GET /\xe9 HTTP/1.1", "Host: a"), "bytes above ASCII in the target"),
    (head("GET /#x HTTP/1.1", "Host: a"), "a fragment"),
    (head("GET relative HTTP/1.1", "Host: a"), "no slash"),
    (head("GET * HTTP/1.1", "Host: a"), "* is for OPTIONS"),
    (head("G(T / HTTP/1.1", "Host: a"), "method is no token"),
    (head("GET /"), "HTTP/0.9"),
    (head("GET / http/1.1", "Host: a"), "version in small letters"),
    (head("GET / HTTP/1.1x", "Host: a"), "version too long"),
    (head("\x16\x03\x01\x02"), "TLS on a plain port"),
    (head("GET /%zz HTTP/1.1", "Host: a"), "broken escape"),
    (head("GET /%00 HTTP/1.1", "Host: a"), "escaped NUL"),
    (head("GET /../x HTTP/1.1", "Host: a"), ".. above the root"),
    (head("GET /%2e%2e/x HTTP/1.1", "Host: a"), "escaped .. above the root"),
    (head("POST / HTTP/1.1", "Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"), "both lengths"),
    (head("POST / HTTP/1.1", "Host: a", "Content-Length: 5", "Content-Length: 5"), "two lengths"),
    (head("POST / HTTP/1.1", "Host: a", "Content-Length: 5, 5"), "a list of lengths"),
    (head("POST / HTTP/1.1", "Host: a", "Content-Length: +5"), "sign"),
    (head("POST / HTTP/1.1", "Host: a", "Content-Length: 0x5"), "hexadecimal"),
    (head("POST / HTTP/1.1", "Host: a", "Content-Length: -1"), "negative"),
    (head("POST / HTTP/1.1", "Host: a", "Content-Length: 99999999999999999999"), "more than 63 bits"),
    (head("POST / HTTP/1.1", "Host: a", "Content-Length:"), "empty length"),
    (head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked, chunked"), "chunked twice"),
    (head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked, gzip"), "chunked not last"),
    (head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), "two codings"),
    (head("POST / HTTP/1.0", "Transfer-Encoding: chunked"), "chunked in 1.0"),
]
BAD_CHUNKS = [
    (b"x\r\n", "no size"),
    (b"-1\r\n", "negative size"),
    (b"+1\r\nx\r\n", "sign"),
    (b"0x1\r\nx\r\n", "prefix"),
    (b"1 \r\nx\r\n", "space behind the size"),
    (b"1\nx\n0\n\n", "bare LF"),
    (b"1\r\nxy\r\n", "more data than size"),
    (b"1\r\nx0\r\n\r\n", "no CRLF behind the data"),
    (b"fffffffffffffffff\r\n", "more than 64 bits"),
    (b"1;" + b"e" * 300 + b"\r\nx\r\n", "endless extension"),
    (b"0\r\n" + b"X: y\r\n" * 2000, "endless trailers"),
    (b"0\r\nbad trailer\r\n\r\n", "trailer without colon"),
]


@pytest.mark.parametrize("data, why", BAD, ids=[why for _, why in BAD])
def test_what_http_forbids_is_400_and_the_end(edge, data, why):
    before = edge.counter("bad_requests")
    with edge.client() as client:
        client.send(data)
        response = client.response()
        assert response.status == 400 and response.complete
        assert response.get("Connection") == "close"
        assert client.at_end()
    assert edge.counter("bad_requests") == before + 1


@pytest.mark.parametrize("data, why", BAD_CHUNKS, ids=[why for _, why in BAD_CHUNKS])
def test_a_broken_chunked_body_is_400_and_the_end(edge, data, why):
    before = edge.counter("bad_requests")
    with edge.client() as client:
        client.send(request_bytes("/body", "POST", ["Transfer-Encoding: chunked"]))
        client.send(data)
        response = client.response()
        assert response.status == 400 and client.at_end()
    assert edge.counter("bad_requests") == before + 1


OTHERS = [
    (head("POST / HTTP/1.0"), 411, "a body of 1.0 without length"),
    (head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked"), 501, "another coding"),
    (head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: identity"), 501, "a coding that is gone"),
    (head("CONNECT a:80 HTTP/1.1", "Host: a"), 501, "a proxy's method"),
    (head("GET / HTTP/2.0", "Host: a"), 505, "another version"),
    (head("GET / HTTP/1.2", "Host: a"), 505, "a later version"),
    (head("GET /" + "x" * 8192 + " HTTP/1.1", "Host: a"), 414, "a long target"),
    (b"GET /" + b"x" * 40_000, 414, "a request line without end"),
    (b"x" * 40_000, 414, "a method without end"),
    (head("GET / HTTP/1.1", "Host: a", "X: " + "y" * 33_000), 431, "a large field"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 33_000, 431, "a field without end"),
    (head("GET / HTTP/1.1", "Host: a", *["X: y"] * 100), 431, "101 fields"),
    (head("GET / HTTP/1.1", "Host: a", *["X-Long: " + "y" * 400] * 90), 431, "fields too large together"),
]


@pytest.mark.parametrize("data, status, why", OTHERS, ids=[why for _, _, why in OTHERS])
def test_other_refusals_have_their_status(edge, data, status, why):
    counted = {414: "limit_request_head", 431: "limit_request_head", 505: "bad_requests", 501: "bad_requests"}.get(status)
    before = counted and edge.counter(counted)
    with edge.client() as client:
        client.send(data)
        response = client.response()
        assert response.status == status and response.complete
        assert response.get("Connection") == "close" and client.at_end()
    if counted:
        assert edge.counter(counted) == before + 1


def test_heads_just_inside_the_limits_are_served(edge):
    with edge.client() as client:
        client.send(head("GET /echo?" + "x" * (8192 - 6) + " HTTP/1.1", "Host: a"))
        assert len(client.response().body) == 8192 - 6
        client.send(head("GET /echo?a HTTP/1.1", "Host: a", *["X: y"] * 99))
        assert client.response().body == b"a"
        fill = head("GET /echo?b HTTP/1.1", "Host: a", "X: ")
        client.send(fill.replace(b"X: ", b"X: " + b"y" * (32 * 1024 - len(fill))))
        assert client.response().body == b"b"
        # All limits reached at once: it still fits into a slot of the channel.
        lines = ["GET /echo?" + "%41" * 2700 + " HTTP/1.1", "Host: a", *["X: y"] * 98]
        fill = head(*lines, "X: ")
        client.send(head(*lines, "X: " + "y" * (32 * 1024 - len(fill))))
        assert client.response().body == b"%41" * 2700


def test_a_refused_head_is_answered_in_its_own_right(edge):
    """Not as the request before it, which was a HEAD: answers to HEAD have no body."""
    with edge.client() as client:
        client.send(request_bytes("/echo?x", "HEAD") + b"nonsense\r\n\r\n")
        assert client.response("HEAD").status == 200
        response = client.response()
        assert response.status == 400 and response.complete and b"400" in response.body


def timed_out(client):
    response = client.response()
    assert response.status == 408 and response.get("Connection") == "close" and client.at_end()


def test_a_slow_head_is_408_however_steadily_it_trickles(serve_edge):
    edge = serve_edge("-w", 1, header_timeout="300ms")
    with edge.client() as client:
        began = time.monotonic()
        client.send(b"GET / HTTP/1.1\r\n")
        # A byte whenever the answer has not come within 10 ms: the clock is not wound up again by them.
        client.socket.settimeout(0.01)
        while True:
            try:
                answer = client.socket.recv(1000)
                break
            except TimeoutError:
                client.send(b"X")
                assert time.monotonic() - began < 30
        assert answer.startswith(b"HTTP/1.1 408 ")
    assert edge.counter("timeout_head") == 1


def test_a_head_that_stops_is_408_also_on_a_kept_connection(serve_edge):
    edge = serve_edge("-w", 1, header_timeout="200ms")
    with edge.client() as client:
        client.send(request_bytes("/echo?x") + b"GET / HT")
        assert client.response().body == b"x"
        timed_out(client)
    assert edge.counter("timeout_head") == 1


@pytest.mark.parametrize("fields", [["Content-Length: 10"], ["Transfer-Encoding: chunked"]])
def test_a_body_that_stops_is_408(serve_edge, fields):
    edge = serve_edge("-w", 1, body_timeout="200ms")
    with edge.client() as client:
        client.send(request_bytes("/echo?x", "HEAD"))  # what came before does not matter
        assert client.response("HEAD").status == 200
        client.send(request_bytes("/body", "POST", fields, b"5\r\n12"))
        timed_out(client)
    assert edge.counter("timeout_body") == 1


def test_idle_connections_are_closed_without_a_word(serve_edge):
    edge = serve_edge("-w", 1, idle_timeout="100ms", header_timeout="100ms")
    with edge.client() as fresh, edge.client() as used:
        assert used.get("/echo?x").body == b"x"
        assert fresh.at_end() and used.at_end()
    assert edge.counter("timeout_idle") >= 2
    assert edge.counter("timeout_head") == 0


def test_a_client_that_takes_nothing_is_dropped_after_write_timeout(serve_edge, tmp_path):
    edge = serve_edge("-w", 1, write_timeout="200ms")
    closed = tmp_path / "closed"
    with edge.client() as client:
        client.request(f"/endless?{closed}")
        # Nothing is read.
        wait_until(closed.exists, what="the app's close()")
        wait_until(lambda: edge.counter("timeout_write") == 1, what="the counter")
    assert edge.get("/echo?x").body == b"x", "the only worker is free again"


def test_at_the_limit_of_connections_the_next_one_waits_for_its_turn(serve_edge, clients):
    edge = serve_edge("-w", 1, connections=4)  # one of them for the questions on the admin listener
    assert edge.counter("limit_connections") == 0
    held = [clients.enter_context(edge.client()) for _ in range(4)]
    assert all(client.get("/echo?x").body == b"x" for client in held)
    waiting = clients.enter_context(edge.client())
    waiting.request("/echo?late")
    assert held[0].get("/echo?x").body == b"x"
    waiting.socket.settimeout(0.05)
    with pytest.raises(TimeoutError):
        waiting.socket.recv(1)
    held[1].close()
    held[2].close()
    waiting.socket.settimeout(30)
    assert waiting.socket.recv(1000).endswith(b"late")
    assert edge.counter("limit_connections") >= 1


def test_fields_with_underscores_are_dropped_and_counted(edge):
    before = edge.counter("underscore_fields")
    edge.say(request_bytes("/echo?x", fields=["X_Forwarded_For: 1", "X-Ok: 1"]))
    assert edge.counter("underscore_fields") == before + 1


def test_garbage_of_all_kinds_stops_nobody(edge):
    import random

    seed = random.randrange(2**32)
    print("seed", seed)
    random_bytes = random.Random(seed)
    good = request_bytes("/body", "POST", ["Transfer-Encoding: chunked"], chunked(b"abc", b"d" * 100))
    for _ in range(300):
        data = bytearray(good)
        for _ in range(random_bytes.randrange(1, 4)):
            at = random_bytes.randrange(len(data))
            data[at : at + random_bytes.randrange(3)] = random_bytes.randbytes(random_bytes.randrange(3))
        with edge.client() as client:
            client.send(bytes(data))
            client.socket.shutdown(socket.SHUT_WR)
            client.file.read()
    assert edge.get("/echo?x").body == b"x"
    assert edge.server.edge_pid() == edge.pid
