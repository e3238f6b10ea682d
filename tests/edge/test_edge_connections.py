"""One connection, many requests: how it is kept, pipelined and closed, and how answers are framed."""

import socket

import pytest
from edge_wire import chunked, request_bytes
from server import wait_until

WAYS = {
    "HTTP/1.1": ("1.1", [], True),
    "HTTP/1.1 and close": ("1.1", ["Connection: close"], False),
    "HTTP/1.1, close in a list, in capitals": ("1.1", ["Connection: foo, CLOSE"], False),
    "HTTP/1.1, close in a second field": ("1.1", ["Connection: foo", "Connection: close"], False),
    "HTTP/1.0": ("1.0", [], False),
    "HTTP/1.0 and keep-alive": ("1.0", ["Connection: keep-alive"], True),
    "HTTP/1.0, keep-alive and close": ("1.0", ["Connection: keep-alive, close"], False),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_is_kept_as_version_and_connection_field_say(edge, way):
    version, fields, kept = WAYS[way]
    with edge.client() as client:
        client.send(request_bytes("/echo?1", fields=fields, version=version))
        response = client.response()
        assert response.body == b"1"
        if not kept:
            assert response.get("Connection") == "close"
            assert client.at_end()
            return
        # 1.0 must be told that the connection stays; for 1.1 that goes without saying.
        assert response.get("Connection") == ("keep-alive" if version == "1.0" else None)
        client.send(request_bytes("/echo?2", fields=fields, version=version))
        assert client.response().body == b"2"


@pytest.mark.parametrize("path", ["/echo?{}", "/stream?{}"])
def test_fifty_requests_in_one_packet_are_answered_in_order(edge, path):
    with edge.client() as client:
        client.send(b"".join(request_bytes(path.format(i)) for i in range(50)))
        for i in range(50):
            body = client.response().body
            assert body == (b"%d" % i if "echo" in path else b"".join(b"block %d\n" % k for k in range(i)))
        client.send(request_bytes("/echo?last"))
        assert client.response().body == b"last"


def test_requests_that_arrive_byte_by_byte_are_the_same_requests(edge):
    with edge.client() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = request_bytes("/echo?a") + request_bytes("/body", "POST", ["Content-Length: 5"], b"12345")
        data += request_bytes("/body", "POST", ["Transfer-Encoding: chunked"], chunked(b"678", b"90"))
        for byte in data * 2:
            client.send(bytes([byte]))
        for _ in range(2):
            assert client.response().body == b"a"
            assert client.response().body.startswith(b"5 ")
            assert client.response().body.startswith(b"5 ")


def test_fifty_pipelined_requests_of_all_kinds_keep_their_order(edge):
    kinds = [
        (request_bytes("/echo?x"), "GET", 200, b"x"),
        (request_bytes("/echo?x", "HEAD"), "HEAD", 200, b""),
        (request_bytes("/empty?204"), "GET", 204, b""),
        (request_bytes("/stream?2"), "GET", 200, b"block 0\nblock 1\n"),
        (request_bytes("/body", "POST", ["Content-Length: 3"], b"abc"), "POST", 200, b"3 "),
        (request_bytes("/body", "PUT", ["Transfer-Encoding: chunked"], chunked(b"ab", b"cd")), "PUT", 200, b"4 "),
        (request_bytes("*", "OPTIONS"), "OPTIONS", 200, b""),
    ]
    sequence = [kinds[i * i % len(kinds)] for i in range(50)]
    with edge.client() as client:
        client.send(b"".join(data for data, *_ in sequence))
        for _, method, status, body in sequence:
            response = client.response(method)
            assert response.status == status and response.body.startswith(body)


def test_what_was_pipelined_before_the_client_shut_its_side_is_answered(edge, tmp_path):
    gate = tmp_path / "gate"
    with edge.client() as client:
        client.send(request_bytes(f"/gate?{gate}"))
        wait_until((tmp_path / "gate.begun").exists, what="the app to begin")
        client.send(b"".join(request_bytes("*", "OPTIONS") for _ in range(20)))
        client.socket.shutdown(socket.SHUT_WR)
        gate.touch()
        answered = 0
        while client.response():
            answered += 1
    assert answered == 21


def test_nothing_behind_connection_close_is_looked_at(edge):
    before = edge.counter("requests")
    with edge.client() as client:
        client.send(request_bytes("/echo?1", fields=["Connection: close"]) + request_bytes("/echo?2"))
        assert client.response().body == b"1"
        assert client.at_end()
    assert edge.counter("requests") == before + 2, "this one and the question itself"


def test_unknown_length_is_chunked_for_1_1_and_ends_with_the_connection_for_1_0(edge):
    expected = b"".join(b"block %d\n" % i for i in range(20))
    with edge.client() as client:
        client.send(request_bytes("/stream?20"))
        response = client.response()
        assert response.get("Transfer-Encoding") == "chunked" and response.get("Content-Length") is None
        assert response.body == expected and response.complete
        client.send(request_bytes("/stream?20", version="1.0", fields=["Connection: keep-alive"]))
        response = client.response()
        assert response.status_line == "HTTP/1.1 200 OK"
        assert response.get("Transfer-Encoding") is None and response.get("Content-Length") is None
        assert response.get("Connection") == "close", "it cannot be kept: its end is the body's end"
        assert response.body == expected


def test_head_is_get_without_the_body_and_the_connection_goes_on(edge):
    with edge.client() as client:
        for path in ("/echo?abc", "/size?1000000", "/stream?3"):
            full, head = client.get(path), client.get(path, method="HEAD")
            assert head.status_line == full.status_line
            for name in ("Content-Length", "Content-Type"):
                assert head.get(name) == full.get(name)
        assert client.get("/echo?still").body == b"still"


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_204_and_304_have_no_body_and_no_framing(edge, status, version):
    with edge.client() as client:
        for _ in range(2):
            client.send(request_bytes(f"/empty?{status}", version=version, fields=["Connection: keep-alive"]))
            response = client.response()
            assert response.status == status
            assert response.get("Transfer-Encoding") is None
            assert response.get("Content-Length") in (None, "0")
        assert edge.get("/echo?x").body == b"x"


def test_a_thousand_idle_connections_are_kept_and_all_answer(edge, clients):
    open_before = edge.counter("connections_open")
    descriptors = edge.descriptors()
    many = [clients.enter_context(edge.client()) for _ in range(1000)]
    for client in many:
        client.send(request_bytes("/echo?1"))
    assert all(client.response().body == b"1" for client in many)
    # Now they are idle. Every one of them still answers, in whatever order they are asked.
    assert edge.counter("connections_open") - open_before == 1000
    for client in reversed(many):
        client.send(request_bytes("/echo?2"))
    assert all(client.response().body == b"2" for client in many)
    for client in many:
        client.close()
    wait_until(lambda: edge.counter("connections_open") == open_before, what="the connections to be closed")
    wait_until(lambda: edge.descriptors() <= descriptors, what="the descriptors to be closed")


@pytest.mark.release_only  # sanitizers keep what was freed
def test_idle_connections_give_their_buffers_back(edge, clients):
    before = edge.memory_kib("VmRSS")
    many = [clients.enter_context(edge.client()) for _ in range(1000)]
    for client in many:
        client.send(request_bytes("/echo?1"))
    assert all(client.response().body == b"1" for client in many)
    assert edge.memory_kib("VmRSS") - before < 20_000


def test_requests_that_never_end_at_the_end_of_a_packet_do_not_pile_up(edge):
    """A pipelining client whose packets always end inside a request must not make the edge remember it all."""
    one = request_bytes("*", "OPTIONS", ["X-Padding: " + "p" * 4001])
    with edge.client() as client:
        client.send(one[:50])
        for rounds in range(100):
            client.send(one[50:] + one * 63 + one[:50])
            assert all(client.response().status == 200 for _ in range(64))
            if rounds == 10:
                before = edge.memory_kib()
        assert edge.memory_kib() - before < 4_000, "23 MB were sent since then"
