"""Files that an app names with X-Accel-Redirect or X-Sendfile, and the edge sends: for whom, with which headers, and never others."""

import gzip
import os
import pathlib
import urllib.parse

import pytest
from answers_app import text
from edge_wire import ADMIN, Edge
from http2_wire import Http2Client
from server import Server

HERE = pathlib.Path(__file__).resolve().parent
ROUTES = """
[app.main]
target = "answers_app:app"
workers = 2
[[route]]
path = "/protected/*"
files = "files"
internal = true
cache_control = "max-age=1"
[[route]]
path = "/plain/*"
app = "main"
[[route]]
path = "/*"
app = "main"
sendfile = ["files", "more"]
error_pages = { 404 = "lost.html" }
"""


def ask(headers="", path="/", **query):
    return path + "?" + urllib.parse.urlencode({"headers": headers, **query})


def accel(name, headers="", **query):
    return ask(f"X-Accel-Redirect: {name}" + (f"\n{headers}" if headers else ""), **query)


def sendfile(path, headers="", **query):
    return ask(f"X-Sendfile: {path}" + (f"\n{headers}" if headers else ""), **query)


@pytest.fixture(scope="module")
def site(tmp_path_factory, labcoat):
    folder = tmp_path_factory.mktemp("site")
    for name in ("files", "more", "files2", "files/deep"):
        (folder / name).mkdir()
    (folder / "files/a.css").write_bytes(text(3000))
    (folder / "files/ä ö.txt").write_bytes(b"umlauts")
    (folder / "files/large.bin").write_bytes(bytes(range(256)) * 20000)
    (folder / "files/.hidden").write_bytes(b"no")
    (folder / "more/b.txt").write_bytes(b"more")
    (folder / "files2/c.txt").write_bytes(b"outside")
    os.symlink("../files2/c.txt", folder / "files/link.txt")
    (folder / "lost.html").write_bytes(b"<p>lost")
    (folder / "labcoat.toml").write_text(ROUTES)
    with Server("-c", "labcoat.toml", *ADMIN, cwd=folder, env={"PYTHONPATH": str(HERE)}, program=labcoat) as server:
        edge = Edge(server)
        edge.folder = folder
        yield edge


def test_a_named_file_is_sent_with_the_headers_of_the_app(site):
    headers = "Content-Disposition: attachment\nSet-Cookie: a=1\nSet-Cookie: b=2\nCache-Control: private\nETag: \"app\""
    for path in (accel("/protected/a.css?x=1", headers), sendfile(site.folder / "files/a.css", headers)):
        with site.client() as client:
            response = client.get(path)
            assert response.status == 200 and response.body == text(3000)
            assert response.get("Content-Length") == "3000" and response.get("Content-Type") == "text/html; charset=utf-8"
            assert response.get("Content-Disposition") == "attachment" and response.all("Set-Cookie") == ["a=1", "b=2"]
            assert response.get("Cache-Control") == "private" and response.get("ETag") != '"app"'
            assert not any(name.lower() in ("x-accel-redirect", "x-sendfile") for name, _ in response.fields)
            # The connection goes on: the app's own body was nobody's.
            assert client.get("/?size=10").body == text(10)


def test_an_empty_type_is_that_of_the_files_name(site):
    response = site.get(accel("/protected/a.css", type=""))
    assert response.get("Content-Type") == "text/css; charset=utf-8" and response.get("Cache-Control") == "max-age=1"


def test_conditions_ranges_and_codings_are_those_of_the_client(site):
    with site.client() as client:
        for path in (accel("/protected/a.css"), sendfile(site.folder / "files/a.css")):
            tag = client.get(path).get("ETag")
            response = client.get(path, fields=[("If-None-Match", tag)])
            assert response.status == 304 and response.get("ETag") == tag and response.get("Content-Type") is None
            response = client.get(path, fields=[("Range", "bytes=10-19"), ("If-Range", tag)])
            assert response.status == 206 and response.body == text(3000)[10:20]
            assert response.get("Content-Range") == "bytes 10-19/3000"
            response = client.get(path, fields=[("Range", "bytes=0-0,10-11")])
            assert response.status == 206 and response.get("Content-Type").startswith("multipart/byteranges")
            assert client.get(path, fields=[("Range", "bytes=9000-")]).status == 416
            assert client.get(path, fields=[("If-Match", '"other"')]).status == 412
            response = client.get(path, fields=[("Accept-Encoding", "gzip")])
            assert response.get("Content-Encoding") == "gzip" and gzip.decompress(response.body) == text(3000)
            response = client.get(path, method="HEAD")
            assert response.get("Content-Length") == "3000" and response.body == b""
            # What a POST wants has nothing to do with the file that it gets.
            response = client.get(path, method="POST", body=b"x", fields=[("If-None-Match", tag), ("Range", "bytes=0-1")])
            assert response.status == 200 and response.body == text(3000)
    response = site.get(accel("/protected/a.css", "Content-Encoding: x-own"), fields=[("Accept-Encoding", "gzip")])
    assert response.get("Content-Encoding") == "x-own" and response.body == text(3000)


def test_a_large_file_comes_whole_also_over_http2(site):
    large = (site.folder / "files/large.bin").read_bytes()
    path = sendfile(site.folder / "files/large.bin")
    assert site.get(path).body == large
    with Http2Client(site.server.host, site.server.port) as client:
        response = client.get(path)
        assert response.status == 200 and response.body == large
        response = client.get(accel("/protected/a.css"), fields=[("range", "bytes=0-4")])
        assert response.status == 206 and response.body == text(5)


def test_names_of_paths_are_decoded_and_paths_of_files_are_not(site):
    assert site.get(accel("/protected/%C3%A4%20%C3%B6.txt")).body == b"umlauts"
    raw = urllib.parse.quote(str(site.folder / "files/ä ö.txt"), safe="/ ").replace("%C3", "Ã").replace("%A4", "¤").replace("%B6", "¶")
    assert site.get(sendfile(raw)).body == b"umlauts"
    assert site.get(sendfile(site.folder / "files/%61.css")).status == 404
    assert site.get(sendfile(site.folder / "more/b.txt")).body == b"more"


def test_what_is_not_allowed_is_refused_and_logged_and_not_told(site):
    refused = site.counter("file_orders_refused")
    cases = [
        (sendfile("/etc/passwd"), 500),
        (sendfile(site.folder / "files2/c.txt"), 500),  # beside a root whose name it begins with
        (sendfile(site.folder / "files/../files2/c.txt"), (403, 404)),
        (sendfile(site.folder / "files/link.txt"), (403, 404)),
        (sendfile(site.folder / "files/.hidden"), 404),
        (sendfile(site.folder / "files/deep"), 404),
        (sendfile(site.folder / "files"), 500),
        (sendfile("files/a.css"), 500),
        (accel("/elsewhere/a.css"), 500),
        (accel("/protected/../elsewhere"), 500),
        (accel("/protected/nothing"), 404),
        (accel("protected/a.css"), 500),
        (accel("/protected/%"), 500),
    ]
    for path, expected in cases:
        response = site.get(path)
        assert response.status in (expected if isinstance(expected, tuple) else (expected,)), path
        assert str(site.folder).encode() not in response.body and b"protected" not in response.body
        assert (response.body == b"<p>lost") == (response.status == 404)
    assert site.counter("file_orders_refused") - refused == len(cases)
    # One line a second at most.
    assert "the app 'main' answers with the file /" in site.server.stderr()


def test_clients_reach_an_internal_route_by_no_other_way(site):
    with site.client() as client:
        assert client.get("/protected/a.css").body == text(5000)  # the app's own answer, of the next route
        fields = [("X-Accel-Redirect", "/protected/a.css"), ("X-Sendfile", "/etc/passwd")]
        assert client.get("/?size=10", fields=fields).body == text(10)


def test_without_a_root_x_sendfile_is_for_somebody_in_front(site):
    response = site.get(ask("X-Sendfile: /etc/passwd", path="/plain/x", size=10))
    assert response.get("X-Sendfile") == "/etc/passwd" and response.body == text(10)


def test_an_app_that_breaks_after_it_has_named_a_file_is_an_error(site):
    assert site.get(accel("/protected/a.css", fail=1)).status == 500


def test_an_asgi_app_names_files_too(serve_answers, write_app, tmp_path):
    write_app(
        "async def app(scope, receive, send):\n"
        "    name = scope['query_string']\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'x-accel-redirect', name)]})\n"
        "    for more in (True, True, False):\n"
        "        await send({'type': 'http.response.body', 'body': b'x' * 200000, 'more_body': more})\n"
    )
    (tmp_path / "a.txt").write_text("by name")
    edge = serve_answers(
        '[app.main]\ntarget = "app:app"\nworkers = 1\n[[route]]\npath = "/files/*"\nfiles = "."\ninternal = true\n'
        '[[route]]\npath = "/*"\napp = "main"\n'
    )
    with edge.client() as client:
        for _ in range(3):
            response = client.get("/?/files/a.txt")
            assert response.body == b"by name" and response.get("Content-Type") == "text/plain; charset=utf-8"
