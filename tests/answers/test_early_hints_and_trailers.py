"""What an app says before and behind its answer: 103 Early Hints and trailers, from WSGI and ASGI, over HTTP/1 and HTTP/2."""

import pytest
from http2_wire import Http2Client

HINTS = """
def app(environ, start_response):
    hints = environ["wsgi.early_hints"]
    if environ["QUERY_STRING"] == "bad":
        for wrong in ([("Link", "a\\r\\nX: y")], [("Li nk", "a")], "Link", [("Connection", "close")]):
            try:
                hints(wrong)
            except (TypeError, ValueError):
                continue
            raise AssertionError(wrong)
    for i in range(int(environ["QUERY_STRING"]) if environ["QUERY_STRING"].isdigit() else 1):
        hints([("Link", f"</{i}.css>; rel=preload; as=style"), ("X-Number", str(i))])
    start_response("200 OK", [("Content-Length", "2")])
    yield b"o"
    try:
        hints([("Link", "late")])
    except RuntimeError:
        yield b"k"
"""

ASGI = """
import os

async def app(scope, receive, send):
    assert {"http.response.early_hint", "http.response.trailers"} <= set(scope["extensions"])
    query = scope["query_string"].decode()
    if query == "hint":
        await send({"type": "http.response.early_hint", "links": (b"</a.css>; rel=preload", b"</b.js>; rel=preload")})
    fields = [(b"content-length", b"6")] if query == "length" else []
    await send({"type": "http.response.start", "status": 200, "headers": fields, "trailers": query != "hint"})
    if query == "unwanted":
        await send({"type": "http.response.body", "body": b"x" * 3, "more_body": True})
        try:
            await send({"type": "http.response.trailers", "headers": []})
        except RuntimeError:
            pass
        else:
            raise AssertionError("trailers before the end of the body")
        return
    await send({"type": "http.response.body", "body": b"abc", "more_body": True})
    large = b"x" * 1000000 if query == "large" else b""
    await send({"type": "http.response.body", "body": large + b"def"})
    if query == "hint":
        return
    for bad in ([("a", b"b")], [(b"a b", b"c")], [(b"a", b"b\\r\\nc: d")]):
        try:
            await send({"type": "http.response.trailers", "headers": bad})
        except (TypeError, ValueError):
            continue
        raise AssertionError(bad)
    await send({"type": "http.response.trailers", "headers": [(b"X-Sum", b"1"), (b"Content-Type", b"a/b")], "more_trailers": True})
    await send({"type": "http.response.trailers", "headers": iter([(b"x-last", b"2"), (b"Transfer-Encoding", b"x")])})
"""

SITE = '[app.main]\ntarget = "app:app"\nworkers = 1\n[[route]]\npath = "/*"\napp = "main"\n'


def hint_of(client):
    status, fields = client.head()
    assert status == "HTTP/1.1 103 Early Hints"
    return fields


def test_wsgi_hints_come_before_the_answer(serve_answers, write_app):
    write_app(HINTS)
    edge = serve_answers(SITE)
    with edge.client() as client:
        client.request("/?2")
        for i in range(2):
            assert hint_of(client) == [("Link", f"</{i}.css>; rel=preload; as=style"), ("X-Number", str(i))]
        response = client.response()
        assert response.status == 200 and response.body == b"ok"
        # The same connection, and the callable of another request.
        client.request("/")
        assert len(hint_of(client)) == 2 and client.response().body == b"ok"
        client.request("/?bad")
        assert hint_of(client)[0][0] == "Link" and client.response().body == b"ok"
        client.request("/?100")
        assert [hint_of(client)[1][1] for _ in range(16)] == [str(i) for i in range(16)]
        assert client.response().body == b"ok"
    with edge.client() as client:
        response = client.get("/", version="1.0")
        assert response.status == 200 and response.body == b"ok"
    assert edge.counter("early_hints") == 20
    with Http2Client(edge.server.host, edge.server.port) as client:
        response = client.get("/?2")
        assert response.informational == [103, 103] and response.body == b"ok"
        assert response.informational_fields[1] == [("link", "</1.css>; rel=preload; as=style"), ("x-number", "1")]


def test_a_hint_is_there_before_the_app_goes_on(serve_answers, write_app, tmp_path):
    gate = tmp_path / "gate"
    write_app(
        "import os, time\n"
        "def app(environ, start_response):\n"
        "    environ['wsgi.early_hints']([('Link', 'a')])\n"
        f"    while not os.path.exists({str(gate)!r}):\n"
        "        time.sleep(0.01)\n"
        "    start_response('200 OK', [])\n"
        "    return [b'done']\n"
    )
    edge = serve_answers(SITE)
    with edge.client() as client:
        client.request("/")
        assert hint_of(client) == [("Link", "a")]
        gate.touch()
        assert client.response().body == b"done"


def raw_body(client):
    """Head, body and trailer lines of a chunked response."""
    head = client.head()
    body = b""
    while size := int(client.file.readline(), 16):
        body += client.file.read(size)
        assert client.file.readline() == b"\r\n"
    trailers = []
    while (line := client.file.readline()) != b"\r\n":
        trailers.append(line.decode().rstrip("\r\n"))
    return head, body, trailers


@pytest.fixture
def asgi(serve_answers, write_app):
    write_app(ASGI)
    return serve_answers(SITE)


def test_asgi_hints_become_links(asgi):
    with asgi.client() as client:
        client.request("/?hint")
        assert hint_of(client) == [("link", "</a.css>; rel=preload"), ("link", "</b.js>; rel=preload")]
        assert client.response().body == b"abcdef"


def test_trailers_follow_the_body_for_those_who_take_them(asgi):
    with asgi.client() as client:
        for query in ("", "large"):
            client.request(f"/?{query}", fields=[("TE", "deflate, Trailers"), ("Connection", "TE")])
            _, body, trailers = raw_body(client)
            assert body.endswith(b"def") and len(body) == (1000006 if query else 6)
            # A type would have been needed before the body, and framing is the server's.
            assert trailers == ["X-Sum: 1", "x-last: 2"]
        client.request("/")
        assert raw_body(client)[1:] == (b"abcdef", [])
        # Where the length is known there is no place for them.
        response = client.get("/?length", fields=[("TE", "trailers")])
        assert response.get("Content-Length") == "6" and response.body == b"abcdef"
        assert client.get("/", method="HEAD", fields=[("TE", "trailers")]).status == 200
        assert client.get("/?length").body == b"abcdef"
    assert asgi.get("/", version="1.0").body == b"abcdef"


def test_trailers_end_an_http2_stream(asgi):
    with Http2Client(asgi.server.host, asgi.server.port) as client:
        streams = [client.request(f"/?{query}") for query in ("", "large", "length")]
        for stream, size in zip(streams, (6, 1000006, 6)):
            response = client.response(stream)
            assert len(response.body) == size and response.trailers == [("x-sum", "1"), ("x-last", "2")]
        assert client.response(client.request("/", method="HEAD")).trailers is None
        assert client.get("/?hint").informational_fields == [[("link", "</a.css>; rel=preload"), ("link", "</b.js>; rel=preload")]]


def test_an_app_that_promises_trailers_and_gives_none_has_not_answered(asgi):
    with asgi.client() as client:
        client.request("/?unwanted")
        response = client.response()
        assert response.status == 200 and response.body == b"xxx" and not response.complete
    assert "AssertionError" not in asgi.server.stderr()
