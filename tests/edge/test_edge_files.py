"""Files of --static: what is told about them, which of them are nobody's business, and sending large ones."""

import email.utils
import os
import socket
import threading

import pytest
from edge_wire import request_bytes
from server import wait_until

MIB = 1 << 20


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("www")
    root = folder / "root"
    (root / "sub").mkdir(parents=True)
    (root / "empty-directory").mkdir()
    (root / ".hidden-directory").mkdir()
    (folder / "secret.txt").write_text("secret")
    (folder / "root-beside").mkdir()
    (folder / "root-beside" / "secret.txt").write_text("secret")
    for name, text in {
        "a.txt": "0123456789",
        "page.html": "<p>",
        "style.css": "p {}",
        "code.js": "1",
        "data.json": "{}",
        "image.svg": "<svg/>",
        "no-extension": "?",
        "with space.txt": "space",
        "größe.txt": "utf-8",
        "percent%41.txt": "percent",
        "empty.txt": "",
        ".hidden": "secret",
        ".hidden-directory/x.txt": "secret",
        "sub/index.html": "<p>index",
        "sub/b.txt": "b",
    }.items():
        (root / name).write_text(text)
    (root / "link-inside.txt").symlink_to("sub/b.txt")
    (root / "sub" / "up-and-inside.txt").symlink_to("../a.txt")
    (root / "link-outside.txt").symlink_to("../secret.txt")
    (root / "link-absolute.txt").symlink_to(folder / "secret.txt")
    (root / "directory-outside").symlink_to("..")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "fifo")
    os.utime(root / "a.txt", (1_000_000_000, 1_000_000_000))
    return root


@pytest.fixture(scope="module")
def files(tmp_path_factory, labcoat, root):
    """The files below /static/ and below /, from two edge threads."""
    from edge_wire import ADMIN, Edge
    from server import Server

    words = ["--static", f"/static/={root}", "--static", f"/={root}", "--edge-threads", 2]
    with Server(*words, *ADMIN, cwd=tmp_path_factory.mktemp("server"), program=labcoat) as server:
        yield Edge(server)


@pytest.mark.parametrize(
    "name, kind",
    [
        ("a.txt", "text/plain"),
        ("page.html", "text/html"),
        ("style.css", "text/css"),
        ("code.js", "text/javascript"),
        ("data.json", "application/json"),
        ("image.svg", "image/svg+xml"),
        ("no-extension", "application/octet-stream"),
    ],
)
def test_a_file_has_its_type_length_date_and_tag(files, root, name, kind):
    response = files.get(f"/static/{name}")
    assert response.status == 200 and response.body == (root / name).read_bytes()
    assert response.get("Content-Type").split(";")[0] == kind
    assert int(response.get("Content-Length")) == len(response.body)
    assert response.get("Accept-Ranges") == "bytes"
    modified = email.utils.parsedate_to_datetime(response.get("Last-Modified")).timestamp()
    assert modified == int((root / name).stat().st_mtime)
    tag = response.get("ETag")
    assert tag.startswith('"') and tag.endswith('"')
    head = files.get(f"/static/{name}", method="HEAD")
    for field in ("Content-Type", "Content-Length", "Last-Modified", "ETag"):
        assert head.get(field) == response.get(field)


@pytest.mark.parametrize(
    "path, body",
    [
        ("/static/with%20space.txt", b"space"),
        ("/static/gr%C3%B6%C3%9Fe.txt", b"utf-8"),
        ("/static/percent%2541.txt", b"percent"),
        ("/static/%61.txt", b"0123456789"),
        ("/static//a.txt", b"0123456789"),
        ("//a.txt", b"0123456789"),
        ("/static/./sub/../a.txt", b"0123456789"),
        ("/static/sub/%2e%2e/a.txt", b"0123456789"),
        ("/static/sub/", b"<p>index"),
        ("/static/empty.txt", b""),
        ("/static/a.txt?query=is&ignored", b"0123456789"),
        ("/a.txt", b"0123456789"),
        ("/static/link-inside.txt", b"b"),
        ("/static/sub/up-and-inside.txt", b"0123456789"),
        ("http://elsewhere/static/a.txt", b"0123456789"),
    ],
)
def test_paths_are_decoded_once_and_normalised(files, path, body):
    response = files.get(path)
    assert response.status == 200 and response.body == body


@pytest.mark.parametrize(
    "path",
    [
        *(f"/static/{up}secret.txt" for up in ("../", "%2e%2e/", "..%2f", "%2e%2e%2f", ".%2e/", "%2E./", "sub/../../", "./../")),
        *(f"/{up}secret.txt" for up in ("../", "%2e%2e/", "..%2f", "static/../../", "static/..%2f../")),
        *(f"/static/{up}secret.txt" for up in ("..%5c", "..\\", "%252e%252e/", "..%252f", "..;/", "%c0%ae%c0%ae/", "..%00/")),
        "/static../secret.txt",
        "/static-beside/secret.txt",
        "/static/../root-beside/secret.txt",
        "/static/link-outside.txt",
        "/static/link-absolute.txt",
        "/static/directory-outside/secret.txt",
        "/static/directory-outside/root/a.txt",
        "/static/%2fetc/passwd",
        "/static//etc/passwd",
        "/static/.hidden",
        "/static/%2ehidden",
        "/static/.hidden-directory/x.txt",
        "/static/sub/../.hidden",
        "/.hidden",
        "/static/fifo",
        "/static/loop",
        "/static/a.txt/",
        "/static/a.txt/x",
        "/static/empty-directory/",
        "/static/missing.txt",
        "/static/" + "x" * 300,
        "/static/" + "x/" * 3000,
        "/etc/passwd",
        "/proc/self/environ",
    ],
)
def test_nothing_else_is_given_away(files, path):
    response = files.get(path)
    assert response.status in (400, 403, 404) and b"secret" not in response.body
    assert str(response.status).encode() in response.body


@pytest.mark.parametrize(
    "path, location",
    [
        ("/static/sub", "/static/sub/"),
        ("/static/%73ub", "/static/%73ub/"),
        ("/static/sub?a=b&c", "/static/sub/?a=b&c"),
        ("/static//sub", "/static//sub/"),
        ("///sub", "/sub/"),
        ("/sub", "/sub/"),
        ("//sub", "/sub/"),
    ],
)
def test_a_directory_without_its_slash_is_a_redirect_to_the_same_host(files, path, location):
    response = files.get(path)
    assert response.status == 301 and response.get("Location") == location


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_other_methods_are_405(files, method):
    with files.client() as client:
        client.send(request_bytes("/static/a.txt", method, ["Content-Length: 2"], b"xx"))
        response = client.response()
        assert response.status == 405 and response.get("Allow") == "GET, HEAD"
        assert client.get("/a.txt").status == 200


def asked(files, *fields, method="GET", path="/static/a.txt"):
    return files.get(path, method=method, fields=fields)


def test_who_has_the_file_gets_304(files):
    full = asked(files)
    tag, date = full.get("ETag"), full.get("Last-Modified")
    older = email.utils.formatdate(999_999_999, usegmt=True)
    rows = [
        (304, ("If-None-Match", tag)),
        (304, ("If-None-Match", f'"other", W/{tag} ')),
        (304, ("If-None-Match", "*")),
        (200, ("If-None-Match", '"other"')),
        (200, ("If-None-Match", tag.strip('"'))),
        (304, ("If-Modified-Since", date)),
        (304, ("If-Modified-Since", email.utils.formatdate(usegmt=True))),
        (200, ("If-Modified-Since", older)),
        (200, ("If-Modified-Since", "yesterday")),
        (200, ("If-None-Match", '"other"'), ("If-Modified-Since", date)),  # the tag decides
        (304, ("If-None-Match", tag), ("If-Modified-Since", older)),
        (304, ("If-None-Match", tag), ("Range", "bytes=0-1")),
    ]
    for status, *fields in rows:
        for method in ("GET", "HEAD"):
            response = asked(files, *fields, method=method)
            assert response.status == status, fields
            assert response.get("ETag") == tag
            if status == 304:
                assert response.body == b"" and response.get("Transfer-Encoding") is None


@pytest.mark.parametrize(
    "value, status, body, range_",
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=9-", 206, b"9", "bytes 9-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=5-100", 206, b"56789", "bytes 5-9/10"),
        ("bytes=-100", 206, b"0123456789", "bytes 0-9/10"),
        ("Bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=99999999999999999999-", 416, None, "bytes */10"),
        ("bytes=3-1", 200, b"0123456789", None),
        ("bytes=x-1", 200, b"0123456789", None),
        ("bytes=", 200, b"0123456789", None),
        ("lines=0-1", 200, b"0123456789", None),
        ("bytes=0-1,3-4", 206, None, None),  # parts: tests/files
    ],
)
def test_ranges(files, value, status, body, range_):
    with files.client() as client:
        response = client.get("/static/a.txt", fields=[("Range", value)])
        assert response.status == status and response.get("Content-Range") == range_
        assert body is None or response.body == body
        assert client.get("/static/sub/b.txt").body == b"b", "the framing holds"


def test_head_and_range_of_a_missing_file_do_not_matter(files):
    assert asked(files, ("Range", "bytes=0-1"), method="HEAD").status == 200
    assert asked(files, ("Range", "bytes=0-1"), path="/static/missing").status == 404
    assert asked(files, ("Range", "bytes=0-1"), path="/static/empty.txt").status in (200, 416)


def test_if_range_asks_for_the_part_only_of_the_same_file(files):
    full = asked(files)
    for condition, status in [
        (full.get("ETag"), 206),
        (full.get("Last-Modified"), 206),
        ('"other"', 200),
        ("W/" + full.get("ETag"), 200),
        (email.utils.formatdate(999_999_999, usegmt=True), 200),
    ]:
        response = asked(files, ("Range", "bytes=0-3"), ("If-Range", condition))
        assert response.status == status, condition
        assert response.body == (b"0123" if status == 206 else b"0123456789")


def test_a_changed_file_has_another_tag_and_length(files, root):
    path = root / "changing.txt"
    path.write_text("old")
    before = files.get("/changing.txt")
    path.write_text("new and longer")

    def changed():  # each edge thread has a cache of its own: only this answer can tell
        answer = files.get("/changing.txt", fields=[("If-None-Match", before.get("ETag"))])
        return answer if answer.status == 200 else None

    # Within file_cache_valid, a second.
    assert wait_until(changed, 10, "the change to show").body == b"new and longer"


def test_fifty_pipelined_files_keep_their_order(files):
    with files.client() as client:
        client.send(b"".join(request_bytes(f"/static/a.txt?{i}", fields=[f"Range: bytes={i % 10}-"]) for i in range(50)))
        assert [client.response().body for _ in range(50)] == [b"0123456789"[i % 10 :] for i in range(50)]


def test_a_large_file_goes_out_in_bounded_memory(files, root):
    size = 100 * MIB
    with open(root / "large", "wb") as file:
        file.truncate(size - 4)
        file.seek(0, 2)
        file.write(b"last")
    before = files.memory_kib("VmRSS")
    with files.client() as client, files.client() as other:
        client.request("/large")
        assert dict(client.head()[1])["Content-Length"] == str(size)
        read, tail = 0, b""
        while read < size:
            tail = client.file.read(min(MIB, size - read))
            read += len(tail)
            if read % (20 * MIB) == 0:
                assert other.get("/a.txt").status == 200
        assert tail.endswith(b"last")
        assert client.get("/a.txt").body == b"0123456789"
    assert files.memory_kib("VmRSS") - before < 8_000
    (root / "large").unlink()


def test_several_threads_and_connections_send_the_same_file(files, root):
    (root / "shared").write_bytes(os.urandom(3 * MIB))
    expected, wrong = (root / "shared").read_bytes(), []

    def fetch():
        with files.client() as client:
            for _ in range(3):
                if client.get("/shared").body != expected:
                    wrong.append(1)

    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_file_cut_short_while_it_is_sent_ends_the_connection(files, root):
    with open(root / "shrinking", "wb") as file:
        file.truncate(64 * MIB)
    with files.client() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.request("/shrinking")
        client.head()
        client.file.read(MIB)
        os.truncate(root / "shrinking", 0)
        rest = len(client.file.read())
        assert rest < 63 * MIB, "neither padded nor hung"
    assert files.get("/a.txt").status == 200
    (root / "shrinking").unlink()


def test_a_file_that_vanishes_while_it_is_sent_is_sent_to_its_end(files, root):
    (root / "vanishing").write_bytes(b"x" * 20 * MIB)
    with files.client() as client:
        client.request("/vanishing")
        client.head()
        (root / "vanishing").unlink()
        assert len(client.file.read(20 * MIB)) == 20 * MIB


def test_idle_connections_hold_no_file(files, clients):
    with files.client() as client:
        client.get("/a.txt")
    before = files.descriptors()
    many = [clients.enter_context(files.client()) for _ in range(30)]
    for path in ("/empty.txt", "/a.txt"):
        for client in many:
            assert client.get(path).status == 200
    # One descriptor for each connection, and the admin's.
    wait_until(lambda: files.descriptors() <= before + 31, 5, "the files to be closed")


def test_clients_that_leave_in_the_middle_of_a_file_leave_nothing_open(files, root):
    with open(root / "large2", "wb") as file:
        file.truncate(200 * MIB)
    wait_until(lambda: files.counter("connections_open") == 1, what="earlier connections to be gone")
    before, gone = files.descriptors(), files.counter("clients_gone")
    for _ in range(20):
        with files.client() as client:
            client.request("/large2")
            client.file.read(1000)
    wait_until(lambda: files.counter("clients_gone") == gone + 20, what="the counter")
    wait_until(lambda: files.descriptors() <= before, what="the files to be closed")


def test_a_route_may_be_one_file_and_apps_and_files_live_side_by_side(serve_edge, root, tmp_path):
    (tmp_path / "labcoat.toml").write_text(
        "[app.it]\n"
        'target = "edge_app:app"\n'
        "workers = 1\n"
        f'[[route]]\npath = "/favicon.txt"\nfiles = "{root}/sub"\n'
        f'[[route]]\npath = "/files/*"\nfiles = "{root}"\n'
        '[[route]]\npath = "/app/*"\napp = "it"\n'
    )
    (root / "sub" / "favicon.txt").write_text("icon")
    edge = serve_edge("-c", "labcoat.toml", app=None)
    assert edge.get("/favicon.txt").body == b"icon"
    assert edge.get("/files/a.txt").body == b"0123456789"
    assert edge.get("/app/x").body == b"hello\n"
    assert edge.get("/favicon.txt.bak").status == 404
    assert edge.get("/elsewhere").status == 404
    assert edge.get("/files/../app/x").body == b"hello\n", "the route is that of the normalised path"
    assert edge.get("/app/%2e%2e/files/a.txt").body == b"0123456789"
