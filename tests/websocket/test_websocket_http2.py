"""WebSockets over HTTP/2 (RFC 8441): a stream that CONNECT has opened carries the same frames."""

import json
import pathlib
import signal
import sys

import pytest
from edge_wire import Edge
from server import wait_until
from websocket_wire import BINARY, CLOSE, FIN, PING, PONG, TEXT, close_payload, frame

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "http2"))

from http2_wire import Http2Client  # noqa: E402

ENABLE_CONNECT_PROTOCOL = 8


class Tunnel:
    """One stream of a connection, opened with extended CONNECT."""

    def __init__(self, connection, path="/echo", version="13", fields=(), protocol="websocket", scheme="http", end=False):
        self.connection = connection
        while ENABLE_CONNECT_PROTOCOL not in connection.server_settings:
            connection.hear()
        pseudo = [(":method", "CONNECT"), (":protocol", protocol), (":scheme", scheme), (":authority", "test"), (":path", path)]
        self.id, head = connection.head([*pseudo, ("sec-websocket-version", version), *fields], end=end)
        connection.send(head)
        self.used = 0

    @property
    def stream(self):
        return self.connection.stream(self.id)

    def status(self):
        while self.stream.status is None:
            self.connection.hear()
        return self.stream.status

    def send(self, data, end=False):
        self.connection.send_body(self.id, data, end=end)

    def exactly(self, size):
        while len(self.stream.body) - self.used < size:
            assert not self.stream.ended and self.stream.reset is None, "the stream has ended"
            self.connection.hear()
        self.used += size
        return self.stream.body[self.used - size : self.used]

    def frame(self):
        first, length = self.exactly(2)
        if length >= 126:
            length = int.from_bytes(self.exactly(2 if length == 126 else 8), "big")
        return first, self.exactly(length)

    def message(self):
        first, payload = self.frame()
        opcode = first & 15
        while not first & FIN:
            first, piece = self.frame()
            payload += piece
        return opcode, payload

    def ended(self):
        while not self.stream.ended:
            self.connection.hear()
        return True


@pytest.fixture
def connection(app):
    with Http2Client(app.server.host, app.server.port) as client:
        yield client


def test_the_setting_says_that_it_is_there(connection):
    connection.get("/")
    assert connection.server_settings[ENABLE_CONNECT_PROTOCOL] == 1


def test_messages_go_both_ways_and_the_close_ends_the_stream(connection):
    tunnel = Tunnel(connection)
    assert tunnel.status() == 200
    for opcode, payload in [(TEXT, b"hello"), (BINARY, b""), (BINARY, bytes(200_000)), (TEXT, "é".encode() * 1000)]:
        tunnel.send(frame(opcode, payload))
        assert tunnel.message() == (opcode, payload)
    tunnel.send(frame(PING, b"p"))
    assert tunnel.frame() == (FIN | PONG, b"p")
    tunnel.send(frame(CLOSE, close_payload(1000)))
    assert tunnel.frame() == (FIN | CLOSE, close_payload(1000))
    assert tunnel.ended()
    assert connection.get("/").status == 200


def test_the_scope_says_what_was_asked(connection):
    tunnel = Tunnel(connection, "/scope?x", fields=[("sec-websocket-protocol", "a, b")])
    assert tunnel.status() == 200
    assert tunnel.stream.fields["sec-websocket-protocol"] == "b"
    assert "sec-websocket-accept" not in tunnel.stream.fields and "upgrade" not in tunnel.stream.fields
    said = json.loads(tunnel.message()[1])
    assert (said["type"], said["http_version"], said["scheme"], said["query"]) == ("websocket", "2", "ws", "x")
    assert said["host"] == "test"


def test_many_sockets_share_a_connection_with_requests(connection):
    tunnels = [Tunnel(connection) for _ in range(20)]
    for i, tunnel in enumerate(tunnels):
        tunnel.send(frame(TEXT, b"%d" % i))
    assert connection.get("/").status == 200
    assert [tunnel.message() for tunnel in tunnels] == [(TEXT, b"%d" % i) for i in range(20)]


@pytest.mark.parametrize("path, version, status", [("/echo", "8", 426), ("/deny", "13", 403)])
def test_a_refusal_is_an_ordinary_answer(connection, path, version, status):
    tunnel = Tunnel(connection, path, version)
    assert tunnel.status() == status
    assert tunnel.ended()


def test_another_protocol_is_501(connection):
    assert Tunnel(connection, protocol="connect-udp").status() == 501


def test_a_tunnel_that_ends_where_it_begins_is_400(connection):
    tunnel = Tunnel(connection, end=True)
    assert tunnel.status() == 400
    assert tunnel.ended()


@pytest.mark.parametrize("how", ["end", "reset", "connection"])
def test_the_app_hears_of_a_client_that_is_gone(app, how):
    with Http2Client(app.server.host, app.server.port) as connection:
        tunnel = Tunnel(connection, f"/record?h2{how}")
        assert tunnel.status() == 200
        tunnel.send(frame(TEXT, b"one"))
        if how == "end":
            connection.data(tunnel.id, b"", end=True)
            assert tunnel.ended()
        elif how == "reset":
            connection.reset(tunnel.id)
            connection.ping()
            while not connection.pongs:
                connection.hear()
    end = wait_until(lambda: json.loads(app.get("/ends").body).get(f"h2{how}"))
    assert end[1] == 1006


def test_an_app_that_does_not_read_closes_the_window_of_its_stream_alone(app, connection, tmp_path):
    tunnel = Tunnel(connection, f"/slow?{tmp_path}/go")
    assert tunnel.status() == 200
    piece = frame(BINARY, bytes(10_000))
    sent = 0
    while connection.window(tunnel.id) >= len(piece):
        tunnel.send(piece)
        sent += 1
        connection.ping()
        before = len(connection.pongs)
        while len(connection.pongs) == before:
            connection.hear()
    assert sent < 100
    assert connection.get("/").status == 200
    (tmp_path / "go").touch()
    tunnel.send(frame(BINARY, b"last"))
    assert tunnel.message() == (TEXT, b"%d" % (10_000 * sent + 4))


def test_stopping_sends_1001(serve_sockets):
    server = serve_sockets()
    with Http2Client(server.host, server.port) as connection:
        tunnel = Tunnel(connection)
        assert tunnel.status() == 200
        server.signal(signal.SIGTERM)
        first, payload = tunnel.frame()
        assert (first, payload[:2]) == (FIN | CLOSE, close_payload(1001))
        tunnel.send(frame(CLOSE, close_payload(1001)))
        assert tunnel.ended()
    assert server.wait() == 0


def test_what_would_look_like_a_tunnel_is_501(serve, write_app, tmp_path):
    write_app(
        """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"plain"]
"""
    )
    (tmp_path / "site").mkdir()
    (tmp_path / "site/file").write_text("a file")
    edge = Edge(serve("app:app", "-w", 1, "--static", "/files=site"))
    with Http2Client(edge.server.host, edge.server.port) as connection:
        assert Tunnel(connection, "/").status() == 501
        assert Tunnel(connection, "/files/file").status() == 501
        assert connection.get("/").status == 200


def test_a_large_message_that_waited_for_the_accept_fits_every_inbox(serve_sockets):
    """A tunnel brings all of its window at once; a large head or body in memory makes the inbox of a worker as large."""
    apart = {"MALLOC_MMAP_THRESHOLD_": "16384", "MALLOC_TOP_PAD_": "0"}  # so that what goes beyond its memory is noticed
    server = serve_sockets("--set", "limits.body_memory_bytes=1MiB", env=apart)
    with Http2Client(server.host, server.port) as connection:
        message = bytes(range(251)) * 1000
        pieces = []
        connection.send, send = pieces.append, connection.send
        connection.server_settings.update({ENABLE_CONNECT_PROTOCOL: 1, 4: 1 << 18})  # as they will be
        connection._windows()[1][0] = 1 << 20
        tunnel = Tunnel(connection)
        tunnel.send(frame(BINARY, message))
        connection.send = send
        connection.send(b"".join(pieces))  # all in one piece, before a worker has seen any of it
        assert tunnel.status() == 200
        assert tunnel.message() == (BINARY, message)
