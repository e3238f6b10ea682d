"""Answers of apps compressed on their way: who gets what, what is said about it, and that streams stay streams."""

import gzip
import os
import subprocess
import urllib.parse
import zlib

import pytest
from answers_app import text
from answers_site import APP
from codings import unpack
from http2_wire import Http2Client
from server import wait_until

GZIP = ("Accept-Encoding", "gzip")


def ask(**query):
    return "/?" + urllib.parse.urlencode(query)


@pytest.mark.parametrize(
    "accept, coding",
    [
        (None, None),
        ("gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("zstd, gzip", "zstd"),
        ("gzip;q=0", None),
    ],
)
def test_an_answer_is_compressed_as_the_client_likes_it(compressing, accept, coding):
    response = compressing.get(ask(size=20000, headers='ETag: "v1"'), fields=[("Accept-Encoding", accept)] if accept else [])
    assert response.status == 200 and response.complete
    assert response.get("Content-Encoding") == coding and response.get("Vary") == "Accept-Encoding"
    if coding:
        # Bytes that we make have no strong tag, and nobody knows how many they are.
        assert response.get("ETag") == 'W/"v1"' and response.get("Content-Length") is None
        assert len(response.body) < 5000 and unpack(coding, response.body) == text(20000)
    else:
        assert response.get("ETag") == '"v1"' and response.get("Content-Length") == "20000"
        assert response.body == text(20000)


@pytest.mark.parametrize(
    "why, query, varies",
    [
        ("too small", {"size": 1023}, False),
        ("a picture", {"type": "image/png"}, False),
        ("events", {"type": "text/event-stream"}, False),
        ("compressed by the app", {"headers": "Content-Encoding: x-own"}, False),
        ("not to be changed", {"headers": "Cache-Control: public, no-transform"}, False),
        ("a part", {"status": 206, "headers": "Content-Range: bytes 0-4999/9000"}, False),
        ("no body", {"status": 204, "size": 0}, False),
        ("not modified", {"status": 304, "size": 0, "headers": 'ETag: "v1"'}, True),
    ],
)
def test_what_is_not_to_be_compressed_stays_as_it_is(compressing, why, query, varies):
    response = compressing.get(ask(**query), fields=[GZIP])
    assert response.get("Content-Encoding") == ("x-own" if "own" in query.get("headers", "") else None), why
    assert response.get("Vary") == ("Accept-Encoding" if varies else None)
    if query.get("status") == 304:
        assert response.get("ETag") == 'W/"v1"'  # as that of the 200 that the client has
    elif query.get("status") != 204:
        assert response.body == text(query.get("size", 5000))


def test_head_says_what_get_would(compressing):
    with compressing.client() as client:
        for size in (100, 5000):
            fields = []
            for method in ("GET", "HEAD"):
                response = client.get(ask(size=size, headers='ETag: "v1"\nAccept-Ranges: bytes'), method=method, fields=[GZIP])
                fields.append([field for field in response.fields if field[0] not in ("Date", "Transfer-Encoding")])
            assert fields[0] == fields[1]
            coded = ("Content-Encoding", "gzip") in fields[0]
            assert coded == (size == 5000) and (("Accept-Ranges", "bytes") in fields[0]) == (size == 100)


def test_an_old_client_without_chunks_gets_the_answer_as_it_is(compressing):
    response = compressing.get("/?size=5000", fields=[GZIP], version="1.0")
    assert response.get("Content-Encoding") is None and response.body == text(5000)
    assert response.get("Vary") == "Accept-Encoding"


def test_a_piece_can_be_read_before_the_next_is_made(compressing):
    gate = compressing.folder / "gate"
    for coding in ("gzip", "br", "zstd"):
        with compressing.client() as client:
            client.request(ask(pieces=3, type="text/plain", gate=f"{gate}-{coding}"), fields=[("Accept-Encoding", coding)])
            _, fields = client.head()
            assert ("Content-Encoding", coding) in fields and ("Transfer-Encoding", "chunked") in fields
            unpacker = zlib.decompressobj(31)
            whole = b""
            for i in range(3):
                # Blocks until the piece is here: the app does not go on before the gate is open. What a client can read
                # of the other codings at this point, compress_test.cc says.
                seen = b""
                while not seen:
                    piece = client.chunk()
                    whole += piece
                    seen = unpacker.decompress(piece) if coding == "gzip" else piece
                assert coding != "gzip" or seen == b"piece %d\n" % i
                (gate.parent / f"gate-{coding}{i + 1}").touch()
            while piece := client.chunk():
                whole += piece
            assert piece == b"" and unpack(coding, whole) == b"piece 0\npiece 1\npiece 2\n"


def test_an_answer_that_breaks_does_not_end_well(compressing):
    with compressing.client() as client:
        response = client.get(ask(fail=1), fields=[GZIP])
    assert not response.complete
    with pytest.raises(EOFError):
        gzip.decompress(response.body)
    wait_until(lambda: compressing.counter("compressing") == 0, what="the compressor to go")


def test_a_file_of_the_app_is_compressed_on_its_way(compressing):
    path = compressing.folder / "large.txt"
    path.write_bytes(text(1_000_000))
    response = compressing.get(ask(file=path), fields=[GZIP])
    assert response.get("Content-Encoding") == "gzip" and gzip.decompress(response.body) == text(1_000_000)
    assert compressing.get(ask(file=path)).body == text(1_000_000)


def test_the_same_over_http2(compressing):
    gate = compressing.folder / "gate2"
    server = compressing.server
    with Http2Client(server.host, server.port) as client:
        response = client.response(client.request(ask(size=300_000), fields=[("accept-encoding", "br")]))
        assert dict(response.fields)["content-encoding"] == "br" and unpack("br", response.body) == text(300_000)
        assert "content-length" not in dict(response.fields)
        stream = client.request(ask(pieces=2, gate=gate), fields=[("accept-encoding", "gzip")])
        while not client.stream(stream).body:
            client.hear()
        assert zlib.decompressobj(31).decompress(client.streams[stream].body) == b"piece 0\n"
        (gate.parent / "gate21").touch()
        assert gzip.decompress(client.response(stream).body) == b"piece 0\npiece 1\n"


def test_a_slow_reader_holds_little_memory(compressing):
    """Noise does not become smaller: what the client does not read must wait with the app, not in the edge."""
    noise = compressing.folder / "noise"
    noise.write_bytes(os.urandom(1 << 20) * 40)
    before = compressing.counter("compressed_bytes_in")
    with compressing.client() as client:
        client.request(ask(file=noise), fields=[("Accept-Encoding", "gzip")])
        seen = [-1, 0]
        # Until nothing is compressed any more from one look to the twentieth after it.
        wait_until(lambda: seen.append(compressing.counter("compressed_bytes_in")) or (seen[-1] > before and len(set(seen[-20:])) == 1))
        assert 1 << 20 < seen[-1] - before < 30 << 20
        response = client.response()
        assert gzip.decompress(response.body) == noise.read_bytes()


def test_beyond_the_limit_answers_go_as_they_are(serve_answers, tmp_path):
    edge = serve_answers(APP + "compress = true\n", compressions=1)
    with edge.client() as first:
        first.request(ask(pieces=2, gate=tmp_path / "gate"), fields=[GZIP])
        first.head()
        response = edge.get("/?size=5000", fields=[GZIP])
        assert response.get("Content-Encoding") is None and response.body == text(5000)
        assert response.get("Vary") == "Accept-Encoding"
        assert edge.counter("limit_compressions") == 1 and edge.counter("compressing") == 1
        (tmp_path / "gate1").touch()
        while first.chunk():
            pass
    assert edge.get("/?size=5000", fields=[GZIP]).get("Content-Encoding") == "gzip"
    assert edge.counter("compressed") == 2 and edge.counter("compressed_bytes_in") > edge.counter("compressed_bytes_out")


def test_without_a_word_nothing_is_compressed(serve_answers):
    edge = serve_answers(APP)
    response = edge.get("/?size=5000", fields=[GZIP])
    assert response.get("Content-Encoding") is None and response.get("Vary") is None


def test_a_site_says_it_for_its_routes_and_a_route_for_itself(serve_answers):
    edge = serve_answers(
        '[app.main]\ntarget = "answers_app:app"\nworkers = 1\n'
        '[[site]]\nhost = "localhost"\napp = "main"\ncompress = ["br", "gzip"]\ncompress_min = 10\n'
        '[[site.route]]\npath = "/zstd"\napp = "main"\ncompress = "zstd"\ncompress_types = "image/*"\n'
        '[[site.route]]\npath = "/off"\napp = "main"\ncompress = false\n'
    )

    def coding(path, accept="zstd, br, gzip"):
        with edge.client() as client:
            client.authority = "localhost"
            return client.get(path, fields=[("Accept-Encoding", accept)]).get("Content-Encoding")

    assert coding("/?size=10") == "br" and coding("/?size=9") is None
    assert coding("/?size=10", "zstd, gzip") == "gzip"
    assert coding("/zstd?type=image/x-own") == "zstd" and coding("/zstd") is None
    assert coding("/zstd?type=image/x-own", "gzip") is None
    assert coding("/off") is None


def test_curl_understands_it(compressing):
    url = f"http://{compressing.server.host}:{compressing.server.port}/?size=100000"
    out = subprocess.run(["curl", "-sS", "--compressed", url], capture_output=True, check=True).stdout
    assert out == text(100000)
