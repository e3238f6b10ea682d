"""Clients that go away or read slowly, and applications that fail: each is heard of, and the next request is served."""

import json
import re
import socket
import struct

import pytest
from asgi_app import WRONG_EVENTS
from server import wait_until


def note(app, key):
    return json.loads(app.get(f"/note?key={key}").body)


def reset(client):
    """Closes without a goodbye."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("path", ["waits", "waits_impatiently"])
@pytest.mark.parametrize("body", [None, b"x" * 100_000], ids=["small", "large"])
def test_receive_tells_that_the_client_has_gone(app, path, body):
    client = app.client()
    client.request(f"/{path}", method="POST" if body else "GET", body=body)
    assert note(app, "waiting") == "True"
    reset(client)
    assert "http.disconnect" in note(app, path)


@pytest.mark.parametrize("size", [1000, 100_000])
def test_send_tells_that_the_client_has_gone(app, size):
    client = app.client()
    client.request(f"/endless?bytes={size}")
    assert client.head()[0] == "HTTP/1.1 200 OK"
    note(app, "streaming")
    reset(client)
    assert note(app, "endless") == repr(("ClientDisconnected", "http.disconnect"))


def test_send_that_waits_for_a_slow_client_tells_that_it_has_gone(app):
    client = app.client()
    client.request("/endless?bytes=30000000")
    assert client.head()[0] == "HTTP/1.1 200 OK"
    assert app.get("/hello").body == b"hello", "the others are served meanwhile"
    reset(client)
    assert note(app, "endless") == repr(("ClientDisconnected", "http.disconnect"))


def test_a_stream_can_be_stopped_by_who_listens(app):
    client = app.client()
    client.request("/listens_and_streams")
    assert client.head()[0] == "HTTP/1.1 200 OK"
    note(app, "streaming")
    reset(client)
    assert note(app, "listens_and_streams") == "True"


def test_receive_ends_with_the_response(app):
    with app.client() as client:
        assert client.get("/listens_for_the_end").body == b"done"
        assert note(app, "listens_for_the_end") == repr("http.disconnect")


def test_a_slow_client_holds_up_its_own_response_only(app):
    total, piece = 64 * 1024 * 1024, 1024 * 1024
    with app.client() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        client.request(f"/big?bytes={piece}&pieces={total // piece}&length=1")
        assert client.head()[0] == "HTTP/1.1 200 OK"
        for _ in range(50):
            assert app.get("/hello").body == b"hello"
        sent = json.loads(app.get("/peek?key=big").body) or 0
        assert sent < total, "nobody has read it, so it must be waiting"
        got = 0
        while got < total:
            got += len(client.file.read(piece))
        assert got == total
        assert client.get("/hello").body == b"hello"


# Failures.


@pytest.mark.complains
@pytest.mark.parametrize(("path", "said"), [("raises", "on purpose"), ("raises_after_start", "after start"), ("exits", "SystemExit")])
def test_an_exception_is_a_500_and_a_traceback_with_the_requests_id(app, path, said):
    with app.client() as client:
        response = client.get(f"/{path}?x=1")
        assert response.status == 500 and response.get("Content-Type").startswith("text/plain")
        assert b"on purpose" not in response.body, "the reason is for the log only"
        wait_until(lambda: said in app.new_log())
        assert re.search(rf"^\[[0-9a-f]{{16}}\] GET /{path}\?x=1: the application failed$", app.new_log(), re.M)
        assert 'File "' in app.new_log()
        assert client.get("/hello").body == b"hello"


@pytest.mark.complains
@pytest.mark.parametrize(
    ("path", "said"),
    [("raises_in_body", "on purpose, in the body"), ("returns_early", "without completing"), ("too_short", "shorter")],
)
def test_a_failure_in_the_body_breaks_the_response_off(app, path, said):
    with app.client() as client:
        response = client.get(f"/{path}")
        assert response.status == 200 and not response.complete
        assert client.at_end()
    wait_until(lambda: said in app.new_log())
    assert app.get("/hello").body == b"hello"


@pytest.mark.complains
def test_an_exception_after_the_response_is_logged(app):
    response = app.get("/raises_after_the_end")
    assert response.complete and response.body == b"whole"
    wait_until(lambda: "on purpose, after the end" in app.new_log())


@pytest.mark.complains
@pytest.mark.parametrize(
    ("path", "said"), [("returns_nothing", "without a response"), ("too_long", "longer than"), ("cancels_itself", "cancelled")]
)
def test_an_app_that_gives_no_answer_is_a_500(app, path, said):
    assert app.get(f"/{path}").status == 500
    wait_until(lambda: said in app.new_log())
    assert app.get("/hello").body == b"hello"


@pytest.mark.complains
def test_wrong_events_are_refused(serve_app):
    app = serve_app("asgi_app:wrong", "-w", 1)
    with app.client() as client:
        for name in WRONG_EVENTS:
            response = client.get(f"/?{name}")
            assert response is not None and response.status == 500, name
    log = app.server.stderr()
    for said in (
        "http.response.body was sent before http.response.start",
        "http.response.start was sent twice",
        "there is no event 'http.response.magic'",
        "the event's type must be a str, not 3",
        "an event must be a dict",
        "status must be an int, not '200'",
        "status must be 200 to 599, not 101",
        "name and value of a header must be bytes: ('a', 'b')",
        "must be a pair (name, value)",
        "control character",
        "no header name in (b'a b', b'c')",
        "Content-Length must be one whole number",
        "the limit is",
        "body must be bytes, not <class 'str'>",
        "path must be a str, not 3",
        "No such file or directory: '/none'",
        "'/' is not a regular file",
    ):
        assert said in log, said


@pytest.mark.complains
@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("sends_after_the_end", 200, "after the response was complete"),
        ("called_in_a_thread", 500, "only be called in the thread of the event loop"),
    ],
)
def test_misuse_of_send_is_refused(serve_app, target, status, said):
    app = serve_app(f"asgi_app:{target}", "-w", 1)
    for _ in range(2):
        assert app.get("/").status == status
    wait_until(lambda: said in app.server.stderr())
