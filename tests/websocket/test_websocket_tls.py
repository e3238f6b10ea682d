"""wss: WebSockets through TLS, over HTTP/1.1 and over HTTP/2."""

import json
import os
import pathlib
import signal
import sys

import pytest
from websocket_wire import BINARY, CLOSE, FIN, PING, PONG, TEXT, Wire, close_payload, frame

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path += [str(TESTS / "tls"), str(TESTS / "http2"), str(TESTS / "wsgi")]

from http2_wire import Http2Client  # noqa: E402
from test_websocket_http2 import Tunnel  # noqa: E402
from tls_wire import HTTPS, Authority  # noqa: E402


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "Labcoat WebSocket Authority")


@pytest.fixture
def tls_server(serve_sockets, authority):
    certificate = ",".join(map(str, authority.certificate("localhost")))
    return serve_sockets("--certificate", certificate, "--set", "response_buffer_bytes=64KiB", listen=HTTPS)


class Http1:
    def __init__(self, server, authority, path):
        self.wire = Wire(server, context=authority.context(alpn=["http/1.1"]))
        self.wire.connect(path)
        self.send, self.frame, self.message, self.ended = self.wire.send, self.wire.frame, self.wire.message, self.wire.ended

    def close(self):
        self.wire.__exit__()


class Http2:
    def __init__(self, server, authority, path):
        self.connection = Http2Client(server.host, server.port, context=authority.context(alpn=["h2"]))
        self.tunnel = Tunnel(self.connection, path, scheme="https")
        assert self.tunnel.status() == 200
        self.send, self.frame, self.message, self.ended = self.tunnel.send, self.tunnel.frame, self.tunnel.message, self.tunnel.ended

    def close(self):
        self.connection.close()


@pytest.fixture(params=[Http1, Http2])
def connect(request, tls_server, authority):
    """connect("/echo") is a client with an open WebSocket."""
    clients = []

    def open_one(path="/echo"):
        clients.append(request.param(tls_server, authority, path))
        return clients[-1]

    yield open_one
    for client in clients:
        client.close()


def test_the_scope_says_wss(connect):
    client = connect("/scope")
    scope = json.loads(client.message()[1])
    assert scope["type"] == "websocket" and scope["scheme"] == "wss"


def test_messages_of_all_sizes_pings_and_the_closing_handshake(connect):
    client = connect()
    # Around the sizes of TLS records, of frames' lengths and of the channel's rings.
    for size in (0, 1, 125, 126, 16383, 16384, 16385, 65535, 65536, 300_000):
        payload = os.urandom(size)
        client.send(frame(BINARY, payload))
        assert client.message() == (BINARY, payload)
    client.send(frame(PING, b"p"))
    assert client.frame() == (FIN | PONG, b"p")
    client.send(frame(CLOSE, close_payload(1000, b"bye")))
    assert client.frame() == (FIN | CLOSE, close_payload(1000))
    assert client.ended()


def test_frames_that_share_records_and_frames_in_pieces(connect):
    client = connect()
    client.send(b"".join(frame(TEXT, b"%d" % i) for i in range(100)))
    assert [client.message() for _ in range(100)] == [(TEXT, b"%d" % i) for i in range(100)]
    for byte in frame(TEXT, b"slow"):
        client.send(bytes([byte]))
    assert client.message() == (TEXT, b"slow")


def test_a_client_that_reads_late_gets_everything(connect):
    client = connect("/flood?200")
    sizes = {len(client.message()[1]) for _ in range(200)}
    assert len(sizes) == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_closes_with_1001(connect, tls_server, how):
    client = connect()
    client.send(frame(TEXT, b"hello"))
    assert client.message() == (TEXT, b"hello")
    tls_server.signal(how)
    first, payload = client.frame()
    assert first == FIN | CLOSE and payload[:2] == (1001).to_bytes(2, "big")
    client.send(frame(CLOSE, close_payload(1001)))
    assert client.ended()
    if how == signal.SIGTERM:
        client.close()  # of HTTP/2 the connection stays open until its client has heard the end of it
    assert tls_server.wait() == 0
