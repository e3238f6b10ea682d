"""Bytes through TLS, both ways: large, slow, cut off."""

import hashlib
import ssl

import h2.connection
import h2.events
import pytest
from server import wait_until
from tls_wire import PieceClient

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
LARGE = bytes(range(256)) * 4096 * 12


@pytest.mark.parametrize("version", VERSIONS)
def test_large_bodies_arrive_whole(edge, authority, version):
    with edge.client(authority.context(version)) as client:
        for _ in range(2):
            body = LARGE[:5_000_000]
            assert client.get("/body", method="POST", body=body).body.decode() == hashlib.sha256(body).hexdigest()
            assert client.get("/files/large.bin").body == LARGE
            answer = client.get(f"/size?{16 << 20}")
            assert len(answer.body) == 16 << 20 and answer.complete
            assert client.get("/files/small.txt").body == b"small\n" * 100


@pytest.mark.parametrize("path, size", [("/files/large.bin", len(LARGE)), (f"/size?{16 << 20}", 16 << 20)])
def test_a_slow_reader_gets_all_of_it(edge, authority, path, size):
    """Its window is so small that the edge's socket is full all the time, mostly in the middle of a record."""
    with edge.client(authority.context(), receive_buffer=4096) as client:
        client.request(path)
        head = client.head()
        assert head[0] == "HTTP/1.1 200 OK"
        digest, got = hashlib.sha256(), 0
        while got < size:
            piece = client.file.read1(3000)
            assert piece
            digest.update(piece)
            got += len(piece)
        assert digest.hexdigest() == hashlib.sha256((LARGE * 2)[:size]).hexdigest()
        assert client.get("/").status == 200


def test_a_chunked_upload_in_small_records_arrives_whole(edge, authority):
    pieces = [LARGE[i : i + 997] for i in range(0, 200_000, 997)]
    with edge.client(authority.context()) as client:
        client.send(b"POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        client.send(b"0\r\n\r\n")
        assert client.response().body.decode() == hashlib.sha256(b"".join(pieces)).hexdigest()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_end_is_said(edge, authority, version):
    """Without close_notify this client raises an error: it must take the answer for cut off."""
    with edge.client(authority.context(version)) as client:
        client.request("/files/small.txt", fields=[("Connection", "close")])
        assert client.response().body == b"small\n" * 100
        assert client.file.read() == b""
    with edge.client(authority.context(version)) as client:
        client.request("/files/small.txt", version="1.0")
        assert client.response().body == b"small\n" * 100
        assert client.file.read() == b""


def sent_when_settled(edge, before):
    """How many bytes the edge has sent since its counter was `before`, once only our looks at the counter still add to it."""
    seen = [before]

    def looks():
        return [b - a for a, b in zip(seen[-5:], seen[-4:])]

    def settled():
        seen.append(edge.counter("bytes_out"))
        return len(seen) > 5 and max(looks()) - min(looks()) < 500

    wait_until(settled)
    return seen[-1] - before - (seen[-1] - seen[-2]) * (len(seen) - 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_answer_that_just_fits_into_the_socket_is_whole_and_has_its_end(edge, authority, version):
    """Where the kernel makes the records it also takes one that it cannot pass on yet: an end must not overtake it."""

    def ask(fields):
        client = edge.client(authority.context(version), receive_buffer=4096)
        client.request("/files/large.bin", fields=fields)
        return client

    before = edge.counter("bytes_out")
    with ask([]):
        room = sent_when_settled(edge, before)
    assert room < len(LARGE)
    for size in range(room - 16_000, room + 2_000, 2_000):
        with ask([("Connection", "close"), ("Range", f"bytes=0-{size - 1}")]) as client:
            sent_when_settled(edge, edge.counter("bytes_out"))
            assert client.head()[0] == "HTTP/1.1 206 Partial Content"
            assert client.file.read() == LARGE[:size]


@pytest.mark.parametrize("last", [b"Connection: close\r\n", b""])
def test_an_answer_that_just_fits_is_whole_also_for_a_client_that_has_shut_its_side(edge, authority, last):
    """It has asked, has said that it says no more, and reads slowly."""

    def ask(client, fields):
        client.run(lambda: client.tls.do_handshake() is None, client.socket.sendall)
        client.tls.write(b"GET /files/large.bin HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % fields)
        client.socket.sendall(client.outgoing.read())

    before = edge.counter("bytes_out")
    with PieceClient(edge, authority.context(), receive_buffer=4096) as client:
        ask(client, b"")
        room = sent_when_settled(edge, before)
    for size in range(room - 16_000, room + 2_000, 2_000):
        with PieceClient(edge, authority.context(), receive_buffer=4096) as client:
            ask(client, b"%sRange: bytes=0-%d\r\n" % (last, size - 1))
            with pytest.raises(ssl.SSLWantReadError):
                client.tls.unwrap()
            client.socket.sendall(client.outgoing.read())
            sent_when_settled(edge, edge.counter("bytes_out"))
            got = b""
            with pytest.raises(ssl.SSLZeroReturnError):
                while True:
                    got += client.run(lambda: client.tls.read(65536), client.socket.sendall)
            assert got.partition(b"\r\n\r\n")[2] == LARGE[:size]


def test_over_http2_too(edge, authority):
    context = authority.context(alpn=["h2"])

    def ask(client, fields):
        client.run(lambda: client.tls.do_handshake() is None, client.socket.sendall)
        session = h2.connection.H2Connection()
        session.local_settings.initial_window_size = 2**31 - 1
        session.initiate_connection()
        session.increment_flow_control_window(2**30)
        words = {":method": "GET", ":scheme": "https", ":authority": "localhost", ":path": "/files/large.bin", **fields}
        session.send_headers(1, list(words.items()), end_stream=True)
        client.tls.write(session.data_to_send())
        client.socket.sendall(client.outgoing.read())
        return session

    before = edge.counter("bytes_out")
    with PieceClient(edge, context, receive_buffer=4096) as client:
        ask(client, {})
        room = sent_when_settled(edge, before)
    # More than fits it does not get: with a stream under way it is gone.
    for size in range(room - 24_000, room - 4_000, 2_000):
        with PieceClient(edge, context, receive_buffer=4096) as client:
            session = ask(client, {"range": f"bytes=0-{size - 1}"})
            sent_when_settled(edge, edge.counter("bytes_out"))
            with pytest.raises(ssl.SSLWantReadError):
                client.tls.unwrap()
            client.socket.sendall(client.outgoing.read())
            got = b""
            with pytest.raises(ssl.SSLZeroReturnError):
                while True:
                    for event in session.receive_data(client.run(lambda: client.tls.read(65536), client.socket.sendall)):
                        got += event.data if isinstance(event, h2.events.DataReceived) else b""
            assert got == LARGE[:size]


def test_the_end_of_half_an_answer_is_not(edge, authority):
    """HTTP/1.0: only the connection's end tells the length."""
    with edge.client(authority.context()) as client:
        client.request("/cut", version="1.0")
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            client.response()


def test_a_client_that_ends_with_close_notify_gets_its_answer(edge, authority):
    with edge.client(authority.context(ssl.TLSVersion.TLSv1_3)) as client:
        client.request("/files/small.txt")
        assert client.response().body == b"small\n" * 100
        client.socket.unwrap()  # waits for the edge's own


def test_idle_connections_keep_no_buffers(edge, authority, clients):
    """A record needs 16 KiB each way; a hundred idle connections with both would be 3.2 MiB and more."""
    if edge.sanitized():
        pytest.skip("a sanitized build keeps freed memory")
    context = authority.context()

    def open_connections(count):
        for _ in range(count):
            client = clients.enter_context(edge.client(context))
            assert client.get("/files/small.txt").status == 200

    open_connections(20)  # what is allocated once
    before = edge.memory_kib()
    open_connections(100)
    assert (edge.memory_kib() - before) / 100 < 24
