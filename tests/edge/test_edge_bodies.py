"""Request bodies: cut at every place, announced by Expect, refused with the right status."""

import hashlib
import socket
import threading

import pytest
from edge_wire import chunked, request_bytes
from server import wait_until

BODY = b"The quick brown fox, 0123456789\r\n\r\n"
EXPECTED = b"%d %s" % (len(BODY), hashlib.sha256(BODY).hexdigest().encode())

FORMS = {
    "Content-Length": request_bytes("/body", "POST", [f"Content-Length: {len(BODY)}"], BODY),
    "chunked": request_bytes(
        "/body", "POST", ["Transfer-Encoding: chunked"], chunked(BODY[:1], BODY[1:20], BODY[20:], trailer=b"X-Sum: 1\r\n")
    ),
    "chunked, with extensions": request_bytes(
        "/body", "POST", ["Transfer-Encoding: chunked"], b"%x;a=\"b\"\r\n%s\r\n000;c\r\n\r\n" % (len(BODY), BODY)
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_request_with_a_body_may_be_cut_at_every_place(edge, form):
    data = FORMS[form]
    with edge.client() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(1, len(data)):
            # The first half of the next request comes with the second half of this one.
            client.send(data[:at])
            client.send(data[at:] + data[:at])
            assert client.response().body == EXPECTED, f"cut at {at}"
            client.send(data[at:])
            assert client.response().body == EXPECTED, f"cut at {at}"


@pytest.mark.parametrize("size", [16 * 1024, 16 * 1024 + 1, 300_000])
@pytest.mark.parametrize("form", ["Content-Length", "chunked"])
def test_bodies_around_the_limit_of_memory_arrive_whole(edge, size, form):
    body = bytes(i * 7 % 251 for i in range(size))
    pieces = [body[at : at + 5000] for at in range(0, size, 5000)]
    field, sent = ("Transfer-Encoding: chunked", chunked(*pieces)) if form == "chunked" else (f"Content-Length: {size}", body)
    before = edge.counter("body_files")
    with edge.client() as client:
        client.send(request_bytes("/body", "POST", [field], sent) + request_bytes("/echo?next"))
        assert client.response().body == b"%d %s" % (size, hashlib.sha256(body).hexdigest().encode())
        assert client.response().body == b"next"
    assert edge.counter("body_files") - before == (1 if size > 16 * 1024 else 0)


@pytest.mark.parametrize("fields", [["Content-Length: 5"], ["Transfer-Encoding: chunked"]])
def test_100_is_sent_when_the_body_is_awaited(edge, fields):
    with edge.client() as client:
        client.send(request_bytes("/body", "POST", ["Expect: 100-continue", *fields]))
        assert client.head() == ("HTTP/1.1 100 Continue", [])
        client.send(b"12345" if "Length" in fields[0] else chunked(b"12345"))
        assert client.response().body.startswith(b"5 ")


@pytest.mark.parametrize(
    "data, why",
    [
        (request_bytes("/body", "POST", ["Expect: 100-continue", "Content-Length: 5"], b"12345"), "the body is there"),
        (request_bytes("/body", "POST", ["Expect: 100-continue", "Content-Length: 0"]), "there is none"),
        (request_bytes("/body", "GET", ["Expect: 100-continue"]), "a GET has none"),
        (request_bytes("/body", "POST", ["Expect: 100-continue", "Content-Length: 5"], b"12345", "1.0"), "1.0 knows it not"),
    ],
)
def test_100_is_not_sent_without_need(edge, data, why):
    assert edge.say(data).status == 200, why


def test_100_is_not_sent_to_http_1_0_that_still_owes_its_body(edge):
    with edge.client() as client:
        client.send(request_bytes("/body", "POST", ["Expect: 100-continue", "Content-Length: 5"], version="1.0"))
        client.send(b"12345")
        assert client.response().status == 200


def test_too_large_a_body_is_413_instead_of_100(edge):
    with edge.client() as client:
        client.send(request_bytes("/body", "POST", ["Expect: 100-continue", f"Content-Length: {2**31}"]))
        response = client.response()
        assert response.status == 413 and response.get("Connection") == "close"
        assert client.at_end()


def test_an_unknown_expectation_is_417(edge):
    with edge.client() as client:
        client.send(request_bytes("/body", "POST", ["Expect: the unexpected", "Content-Length: 5"]))
        assert client.response().status == 417


def test_413_can_be_read_by_a_client_that_is_still_sending(serve_edge):
    edge = serve_edge("-w", 1, request_body_bytes="100KiB")
    for field, sent in [
        ("Content-Length: 8000000", b"x" * 8_000_000),
        ("Transfer-Encoding: chunked", chunked(*[b"x" * 50_000] * 160)),
    ]:
        before = edge.counter("limit_request_body")
        with edge.client() as client:

            def send():
                try:
                    client.send(request_bytes("/body", "POST", [field], sent))
                except OSError:
                    pass  # the server may close after it has answered

            sender = threading.Thread(target=send)
            sender.start()
            response = client.response()
            assert response.status == 413 and response.complete
            assert response.get("Connection") == "close"
            client.socket.shutdown(socket.SHUT_RDWR)
            sender.join()
        assert edge.counter("limit_request_body") == before + 1
    assert edge.get("/echo?x").body == b"x"


def test_a_body_exactly_at_the_limit_is_taken(serve_edge):
    edge = serve_edge("-w", 1, request_body_bytes="1000")
    for size, status in [(1000, 200), (1001, 413)]:
        body = b"x" * size
        assert edge.say(request_bytes("/body", "POST", [f"Content-Length: {size}"], body)).status == status
        assert edge.say(request_bytes("/body", "POST", ["Transfer-Encoding: chunked"], chunked(body))).status == status
        halves = chunked(body[:500], body[500:])
        assert edge.say(request_bytes("/body", "POST", ["Transfer-Encoding: chunked"], halves)).status == status


def test_a_refused_body_is_answered_in_its_own_right(serve_edge):
    """Not as the request before it: that was a HEAD, whose answers have no body, and from HTTP/1.0."""
    edge = serve_edge("-w", 1, request_body_bytes="1000")
    with edge.client() as client:
        client.send(request_bytes("/echo?x", "HEAD", ["Connection: keep-alive"], version="1.0"))
        assert client.response("HEAD").status == 200
        client.send(request_bytes("/body", "POST", ["Transfer-Encoding: chunked"], chunked(b"x" * 2000)))
        response = client.response()
        assert response.status == 413 and response.complete and b"413" in response.body


def test_a_client_that_leaves_in_its_body_leaves_nothing_behind(edge):
    descriptors = edge.descriptors()
    requests = edge.status()["counters"]["requests"]
    for _ in range(20):
        with edge.client() as client:
            client.send(request_bytes("/body", "POST", ["Content-Length: 200000"], b"x" * 100_000))
    wait_until(lambda: edge.counter("connections_open") == 1, what="the connections to be closed")
    assert edge.counter("requests") >= requests + 20
    wait_until(lambda: edge.descriptors() <= descriptors, what="the body files to be closed")
