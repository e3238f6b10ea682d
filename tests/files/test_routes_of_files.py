"""What a route can want for its files: index, listing, other names, a fallback, Cache-Control; and several ranges."""

import email
import email.policy
import html.parser
import json
import os
import re
import urllib.parse

import pytest

MIB = 1 << 20


def serve_route(serve_files, root, keys=""):
    return serve_files(routes=f'[[route]]\npath = "/*"\nfiles = "{root}"\n{keys}\n')


def test_the_first_index_file_that_is_there_is_the_directory(serve_files, root):
    (root / "both").mkdir()
    (root / "both" / "index.htm").write_text("htm")
    (root / "both" / "default.txt").write_text("default")
    (root / "index.html").write_text("html")
    files = serve_route(serve_files, root, 'index = ["index.htm", "default.txt"]')
    assert files.get("/both/").body == b"htm"
    assert files.get("/").status == 404, "index.html is not in the list"
    assert files.get("/both").status == 301
    assert serve_files(root).get("/").body == b"html"


def test_try_files_gives_pages_names_without_their_ending(serve_files, root):
    (root / "about.html").write_text("about")
    (root / "docs").mkdir()
    (root / "docs" / "index.html").write_text("docs")
    (root / "docs.html").write_text("docs page")
    (root / "data").write_text("data")
    (root / "data.html").write_text("data page")
    files = serve_route(serve_files, root, 'try_files = ["{path}.html", "/pages/{path}/main.html"]')
    (root / "pages" / "team").mkdir(parents=True)
    (root / "pages" / "team" / "main.html").write_text("team")
    expected = {"/about": "about", "/about/": "about", "/data": "data", "/docs/": "docs", "/docs": "docs page",
                "/team": "team"}  # fmt: skip
    for path, body in expected.items():
        response = files.get(path)
        assert (response.status, response.body.decode()) == (200, body), path
        assert body == "data" or response.get("Content-Type").startswith("text/html")
    assert files.get("/nothing").status == 404
    assert files.get("/../about").status == 400


def test_a_single_page_answers_for_all_that_is_not_there(serve_files, root):
    (root / "index.html").write_text("the page")
    (root / "app.js").write_text("1")
    files = serve_route(serve_files, root, 'fallback = "/index.html"\ncache_control = "no-cache"')
    for path in ("/", "/users/7", "/deep/er/path", "/users/"):
        response = files.get(path)
        assert (response.status, response.body) == (200, b"the page"), path
        assert response.get("Content-Type").startswith("text/html")
        assert response.get("Cache-Control") == "no-cache"
    assert files.get("/app.js").body == b"1"
    assert files.get("/.env").status == 404, "what is hidden stays hidden"
    tag = files.get("/users/7").get("ETag")
    same = files.get("/other", fields=[("If-None-Match", tag)])
    assert same.status == 304 and same.get("Cache-Control") == "no-cache"


def test_cache_control_is_the_routes(serve_files, root):
    (root / "a.txt").write_text("a")
    files = serve_files(
        routes=f'[[route]]\npath = "/static/*"\nfiles = "{root}"\ncache_control = "public, max-age=31536000, immutable"\n'
        f'[[route]]\npath = "/*"\nfiles = "{root}"\n'
    )
    assert files.get("/static/a.txt").get("Cache-Control") == "public, max-age=31536000, immutable"
    part = files.get("/static/a.txt", fields=[("Range", "bytes=0-0")])
    assert part.status == 206 and part.get("Cache-Control") == "public, max-age=31536000, immutable"
    assert files.get("/a.txt").get("Cache-Control") is None
    assert files.get("/static/missing").get("Cache-Control") is None


NASTY = [
    "<script>alert(1)<",
    'quote".txt',
    "apostrophe'.txt",
    "javascript:alert(1)",
    "a&b;c=d?e#f%41.txt",
    "größe.txt",
    "new\nline",
    " leading and trailing ",
]


class Links(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found, self.tags = [], set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "a":
            self.found.append(dict(attributes)["href"])


def test_a_listing_escapes_every_name_and_its_links_work(serve_files, root):
    folder = root / "list & more"
    (folder / "sub").mkdir(parents=True)
    (folder / ".hidden").write_text("")
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "fifo")
    for name in NASTY:
        (folder / name).write_text(f"content of {name}")
    with open(os.fsencode(folder) + b"/not \xff utf-8", "wb"):
        pass
    files = serve_route(serve_files, root, "listing = true")
    base = "/" + urllib.parse.quote("list & more") + "/"
    response = files.get(base)
    assert response.status == 200 and response.get("Content-Type") == "text/html; charset=utf-8"
    page = response.body.decode(errors="replace")
    links = Links(page)
    assert "script" not in links.tags
    assert "list &amp; more" in page and ".hidden" not in page and "fifo" not in page and "passwd" not in page
    assert links.found[0] == "../" and links.found[1] == "sub/"
    bodies = {files.get(urllib.parse.urljoin(base, link)).body.decode() for link in links.found[2:]}
    assert bodies == {f"content of {name}" for name in NASTY} | {""}
    assert all(urllib.parse.urlsplit(link).scheme == "" for link in links.found)

    listed = json.loads(files.get(base, fields=[("Accept", "application/json")]).body)
    assert listed["path"] == "/list & more/"
    names = [file["name"] for file in listed["files"]]
    assert set(NASTY) <= set(names) and listed["files"][0] == {
        "name": "sub", "type": "directory", "modified": int((folder / "sub").stat().st_mtime)}  # fmt: skip
    sizes = {file["name"]: file.get("bytes") for file in listed["files"]}
    assert sizes["quote\".txt"] == len('content of quote".txt')


def test_nothing_is_listed_unless_the_route_says_so(serve_files, root):
    (root / "secret-name.txt").write_text("")
    response = serve_files(root).get("/")
    assert response.status == 404 and b"secret" not in response.body


def parts_of(response):
    text = b"Content-Type: " + response.get("Content-Type").encode() + b"\r\n\r\n" + response.body
    message = email.message_from_bytes(text, policy=email.policy.HTTP)
    return [(part["Content-Range"], part.get_payload(decode=True)) for part in message.iter_parts()]


@pytest.mark.parametrize("size", [1000, 3 * MIB])
def test_several_ranges_are_one_answer_of_parts(serve_files, root, size):
    content = os.urandom(size).replace(b"\r", b"r").replace(b"\n", b"n")
    (root / "data.bin").write_bytes(content)
    files = serve_files(root)
    third = size // 3
    spans = [(0, 9), (third, 2 * third - 1), (size - 5, size - 1)]
    value = "bytes=0-9, %d-%d, -5, %d-" % (*spans[1], size + 7)
    with files.client() as client:
        response = client.get("/data.bin", fields=[("Range", value)])
        assert response.status == 206 and response.complete
        assert re.fullmatch(r"multipart/byteranges; boundary=[0-9a-f]{16}", response.get("Content-Type"))
        assert response.get("Content-Range") is None and response.get("ETag")
        expected = [(f"bytes {a}-{b}/{size}", content[a : b + 1]) for a, b in spans]
        assert parts_of(response) == expected
        head = client.get("/data.bin", method="HEAD", fields=[("Range", value)])
        assert head.status == 200 and int(head.get("Content-Length")) == size
        assert client.get("/data.bin", fields=[("Range", "bytes=0-0")]).body == content[:1], "the framing holds"


def test_too_many_or_too_much_of_ranges_is_the_whole(serve_files, root):
    (root / "a.txt").write_bytes(b"0123456789" * 10)
    files = serve_files(root)
    for value in ("bytes=" + ",".join(f"{i}-{i}" for i in range(17)), "bytes=0-60,20-99"):
        response = files.get("/a.txt", fields=[("Range", value)])
        assert response.status == 200 and len(response.body) == 100


def test_a_slow_client_gets_all_its_parts(serve_files, root):
    """More than the socket holds: the parts are sent as the client takes them."""
    content = os.urandom(24 * MIB)
    (root / "data.bin").write_bytes(content)
    files = serve_files(root)
    with files.client() as client, files.client() as other:
        client.request("/data.bin", fields=[("Range", f"bytes=0-{8 * MIB},{9 * MIB}-{17 * MIB},-10")])
        assert other.get("/data.bin", fields=[("Range", "bytes=0-0")]).body == content[:1]
        response = client.response()
        assert [len(body) for _, body in parts_of(response)] == [8 * MIB + 1, 8 * MIB + 1, 10]
        client.request("/data.bin", fields=[("Range", f"bytes=0-{8 * MIB},{9 * MIB}-{17 * MIB},-10")])
        client.file.read(1000)
    assert files.get("/data.bin", fields=[("Range", "bytes=-3")]).body == content[-3:], "who left did no harm"


def test_preconditions_that_fail_are_412(serve_files, root):
    (root / "a.txt").write_text("a")
    os.utime(root / "a.txt", (1_000_000_000, 1_000_000_000))
    files = serve_files(root)
    tag = files.get("/a.txt").get("ETag")
    rows = [
        (200, ("If-Match", tag)),
        (200, ("If-Match", "*")),
        (412, ("If-Match", '"other"')),
        (412, ("If-Match", f"W/{tag}")),
        (200, ("If-Unmodified-Since", "Sun, 09 Sep 2001 01:46:40 GMT")),
        (412, ("If-Unmodified-Since", "Sun, 09 Sep 2001 01:46:39 GMT")),
        (200, ("If-Match", tag), ("If-Unmodified-Since", "Sun, 09 Sep 2001 01:46:39 GMT")),
        (412, ("If-Match", '"other"'), ("If-None-Match", tag)),
    ]
    for status, *fields in rows:
        for method in ("GET", "HEAD"):
            assert files.get("/a.txt", method=method, fields=fields).status == status, fields


def test_the_well_known_directory_is_not_hidden(serve_files, root):
    (root / ".well-known" / "acme-challenge").mkdir(parents=True)
    (root / ".well-known" / "acme-challenge" / "token").write_text("token")
    (root / ".well-known" / ".secret").write_text("secret")
    files = serve_files(root)
    assert files.get("/.well-known/acme-challenge/token").body == b"token"
    assert files.get("/.well-known/.secret").status == 404


@pytest.mark.parametrize(
    "line, words",
    [
        ('index = "a/b"', "has a slash"),
        ('try_files = "page.html"', "has no {path}"),
        ('fallback = "../up.html"', "leads out of the directory"),
        ("listing = 3", "true or false"),
    ],
)
def test_bad_keys_are_told(serve, root, tmp_path, line, words):
    (tmp_path / "labcoat.toml").write_text(f'[[route]]\npath = "/*"\nfiles = "{root}"\n{line}\n')
    server = serve("-c", "labcoat.toml", wait=False)
    assert server.wait() == 2
    assert words in server.stderr() and "labcoat.toml:4" in server.stderr()
