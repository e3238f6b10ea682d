"""wsgi.input: bodies that fit into the slot, bodies in a file, and every way of reading them."""

import hashlib
import json
import random
import urllib.parse

import pytest

TEXT = b"first\nsecond line\n\nlast without end"


def calls(app, body, *do, fields=()):
    do = urllib.parse.quote(json.dumps(do))
    response = app.get(f"/read_calls?do={do}", method="POST", body=body, fields=fields)
    assert response.status == 200, response.body
    return json.loads(response.body)


# The second kind is too large for the slot: it goes through a file. Both must read alike.
@pytest.fixture(params=["in the slot", "in a file"])
def padding(request):
    return b"" if request.param == "in the slot" else b"\n" + b"p" * 100_000


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ([["read", 5]], ["first"]),
        ([["read", 0], ["read", 3], ["read", 3]], ["", "fir", "st\n"]),
        ([["readline"], ["readline"], ["readline"]], ["first\n", "second line\n", "\n"]),
        ([["readline", 3], ["readline", 100]], ["fir", "st\n"]),
        ([["readline", 0], ["readline", 6]], ["", "first\n"]),
        ([["readlines", 7]], [["first\n", "second line\n"]]),
        ([["read", 6], ["readline"]], ["first\n", "second line\n"]),
    ],
)
def test_sizes_and_lines(bare, padding, do, expected):
    assert calls(bare, TEXT + padding, *do) == expected


def test_everything_at_once(bare, padding):
    body = TEXT + padding
    text = body.decode("latin-1")
    lines = text.splitlines(keepends=True)
    for do in ([["read"]], [["read", -1]], [["read", None]]):
        assert calls(bare, body, *do) == [text]
    for do in ([["readlines"]], [["iterate"]], [["readlines", -1]], [["readlines", 0]]):
        assert calls(bare, body, *do) == [lines]


def test_the_end_is_an_empty_read_however_often(bare, padding):
    body = TEXT + padding
    assert calls(bare, body, ["read", len(body)], ["read", 1], ["read"], ["readline"], ["readlines"], ["iterate"])[1:] == [
        "", "", "", [], [],
    ]  # fmt: skip


def test_lines_that_cross_the_pieces_in_which_a_file_is_read(bare):
    seed = 20261121
    rng = random.Random(seed)
    lines = [b"x" * rng.choice((0, 1, 100, 65534, 65535, 65536, 70000)) + b"\n" for _ in range(40)]
    body = b"".join(lines)
    sizes = [len(line) for line in calls(bare, body, ["iterate"])[0]]
    assert sizes == [len(line) for line in lines], f"seed {seed}"


@pytest.mark.parametrize("size", [0, 1, 100, 4096, 16383, 16384, 16385, 65536, 1_000_000, 10 << 20])
def test_bodies_of_any_size_arrive_whole(app, size):
    body = random.Random(size).randbytes(size)
    with app.client() as client:
        client.request("/digest", method="POST", body=body)
        assert client.response().body.decode() == f"{size} {hashlib.sha256(body).hexdigest()}"
        assert client.get("/hello").body == b"Hello, world\n"


@pytest.mark.parametrize("piece", [1, 7, 8192, 65536, 1 << 20])
def test_bodies_arrive_whole_in_any_piece(app, piece):
    body = random.Random(piece).randbytes(min(300_000, piece * 30_000))
    response = app.get(f"/digest?piece={piece}", method="POST", body=body)
    assert response.body.decode() == f"{len(body)} {hashlib.sha256(body).hexdigest()}"


@pytest.mark.parametrize("chunk", [1, 1000, 70_000])
@pytest.mark.parametrize("size", [0, 5000, 300_000])
def test_chunked_bodies_arrive_whole(app, size, chunk):
    if chunk == 1 and size > 5000:
        size = 5000
    body = random.Random(size).randbytes(size)
    pieces = [body[at : at + chunk] for at in range(0, size, chunk)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    response = app.get("/digest", method="POST", body=coded, fields=[("Transfer-Encoding", "chunked")])
    assert response.body.decode() == f"{size} {hashlib.sha256(body).hexdigest()}"


def test_echo(app):
    for size in (0, 1, 20_000, 2_000_000):
        body = random.Random(size).randbytes(size)
        assert app.get("/echo", method="POST", body=body).body == body


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_body_that_the_app_does_not_read_harms_nobody(app, size):
    with app.client() as client:
        for _ in range(3):
            client.request("/never_reads", method="POST", body=b"z" * size)
            assert client.response().body == b"did not look"


@pytest.mark.parametrize("size", [5, 100_000])
def test_expect_100_continue(app, size):
    body = b"e" * size
    with app.client() as client:
        client.request("/digest", method="POST", fields=[("Content-Length", size), ("Expect", "100-continue")])
        assert client.head()[0].startswith("HTTP/1.1 100")
        client.send(body)
        assert client.response().body.decode() == f"{size} {hashlib.sha256(body).hexdigest()}"
        assert client.get("/hello").body == b"Hello, world\n"


def test_frameworks_can_put_text_and_buffers_on_top(serve, write_app):
    write_app(
        """
import io
def app(environ, start_response):
    text = io.TextIOWrapper(io.BufferedReader(environ["wsgi.input"]), encoding="utf-8")
    body = "|".join(line.rstrip() for line in text).encode()
    start_response("200 OK", [])
    return [body]
"""
    )
    import requests

    server = serve("app:app", "-w", 1)
    assert requests.post(server.url, data="eins\nzw\u00f6lf\n".encode()).content.decode() == "eins|zw\u00f6lf"
