"""Content codings: what stands beside a file, what the server compresses, and what is said about it."""

import gzip
import os
import subprocess

import pytest
from codings import unpack

TEXT = b"".join(b"%d: the quick brown fox jumps over the lazy dog\n" % i for i in range(400))
BROWSER = ("Accept-Encoding", "gzip, deflate, br, zstd")


@pytest.mark.parametrize(
    "accept, coding",
    [
        (None, None),
        ("gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("zstd, gzip", "zstd"),
        ("gzip;q=0, *;q=0", None),
        ("identity", None),
        ("*", "br"),
    ],
)
def test_text_is_compressed_as_the_client_likes_it(serve_files, root, accept, coding):
    (root / "a.css").write_bytes(TEXT)
    files = serve_files(root)
    fields = [("Accept-Encoding", accept)] if accept else []
    response = files.get("/a.css", fields=fields)
    assert response.status == 200 and response.get("Content-Encoding") == coding
    assert response.get("Vary") == "Accept-Encoding"
    assert response.get("Content-Type") == "text/css; charset=utf-8"
    assert int(response.get("Content-Length")) == len(response.body)
    if coding:
        assert len(response.body) < len(TEXT) // 4
    assert (unpack(coding, response.body) if coding else response.body) == TEXT


def test_every_coding_has_a_tag_of_its_own_and_a_304_that_varies(serve_files, root):
    (root / "a.css").write_bytes(TEXT)
    files = serve_files(root)
    with files.client() as client:
        tags = {}
        for accept in ("identity", "gzip", "br", "zstd"):
            response = client.get("/a.css", fields=[("Accept-Encoding", accept)])
            tags[accept] = response.get("ETag")
            head = client.get("/a.css", method="HEAD", fields=[("Accept-Encoding", accept)])
            drop = ("Date",)
            assert [f for f in head.fields if f[0] not in drop] == [f for f in response.fields if f[0] not in drop]
        assert len(set(tags.values())) == 4
        for accept, tag in tags.items():
            for other in tags:
                fields = [("Accept-Encoding", other), ("If-None-Match", tag)]
                response = client.get("/a.css", fields=fields)
                assert response.status == (304 if other == accept else 200)
                assert response.get("Vary") == "Accept-Encoding"
                assert response.get("ETag") == tags[other]


def test_what_is_not_worth_it_is_sent_as_it_is(serve_files, root):
    (root / "small.txt").write_bytes(b"x" * 1000)
    (root / "noise.txt").write_bytes(os.urandom(5000))
    (root / "picture.png").write_bytes(TEXT)
    (root / "huge.txt").write_bytes(b"x" * (1 << 20))
    files = serve_files(root)
    with files.client() as client:
        for name in ("small.txt", "noise.txt", "picture.png", "huge.txt"):
            response = client.get(f"/{name}", fields=[BROWSER])
            assert response.get("Content-Encoding") is None and response.body == (root / name).read_bytes()
            if name in ("small.txt", "picture.png"):
                assert response.get("Vary") is None


def test_a_compressed_file_is_kept_and_follows_its_file(serve_files, root):
    path = root / "large.js"
    path.write_bytes(TEXT * 10)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    files = serve_files(root, file_cache_valid=0)
    with files.client() as client:
        for content in (TEXT * 10, TEXT * 11, TEXT * 12):
            path.write_bytes(content)
            for _ in range(3):
                response = client.get("/large.js", fields=[("Accept-Encoding", "gzip")])
                assert gzip.decompress(response.body) == content


def test_no_part_of_what_we_compress_is_sent(serve_files, root):
    (root / "a.css").write_bytes(TEXT)
    files = serve_files(root)
    with files.client() as client:
        whole = client.get("/a.css", fields=[BROWSER])
        assert whole.get("Content-Encoding") == "br" and whole.get("Accept-Ranges") is None
        part = client.get("/a.css", fields=[BROWSER, ("Range", "bytes=0-9")])
        assert part.status == 206 and part.get("Content-Encoding") is None and part.body == TEXT[:10]
        assert part.get("ETag") != whole.get("ETag")
        # Whoever has a part of the compressed one gets no part of the other.
        other = client.get("/a.css", fields=[BROWSER, ("Range", "bytes=0-9"), ("If-Range", whole.get("ETag"))])
        assert other.status == 200 and other.body == TEXT


def test_precompressed_files_stand_in_with_ranges_and_tags(serve_files, root):
    (root / "app.js").write_bytes(TEXT)
    beside = {"br": b"pretend brotli", "gzip": b"pretend gzip, larger"}
    (root / "app.js.br").write_bytes(beside["br"])
    (root / "app.js.gz").write_bytes(beside["gzip"])
    files = serve_files(root)
    with files.client() as client:
        for accept, coding in [("gzip, br, zstd", "br"), ("gzip", "gzip"), ("gzip;q=1, br;q=0.9", "gzip")]:
            response = client.get("/app.js", fields=[("Accept-Encoding", accept)])
            assert response.get("Content-Encoding") == coding and response.body == beside[coding]
            assert response.get("Content-Type").startswith("text/javascript")
            assert response.get("Vary") == "Accept-Encoding"
        tag = client.get("/app.js", fields=[BROWSER]).get("ETag")
        part = client.get("/app.js", fields=[BROWSER, ("Range", "bytes=2-4"), ("If-Range", tag)])
        assert part.status == 206 and part.body == beside["br"][2:5] and part.get("Content-Encoding") == "br"
        # There is no zstd beside it, and it is not made: whoever compresses beforehand has decided.
        assert client.get("/app.js", fields=[("Accept-Encoding", "zstd")]).get("Content-Encoding") is None
        assert client.get("/app.js.br").body == beside["br"], "it has a name of its own as well"


def test_a_precompressed_file_older_than_its_file_is_of_another_version(serve_files, root):
    (root / "app.js").write_bytes(TEXT)
    (root / "app.js.gz").write_bytes(gzip.compress(b"old"))
    os.utime(root / "app.js.gz", (1_000_000_000, 1_000_000_000))
    files = serve_files(root)
    response = files.get("/app.js", fields=[("Accept-Encoding", "gzip")])
    assert gzip.decompress(response.body) == TEXT


def test_both_can_be_switched_off_by_route(serve_files, root):
    (root / "app.js").write_bytes(TEXT)
    (root / "app.js.gz").write_bytes(b"beside")
    files = serve_files(
        routes=f'[[route]]\npath = "/plain/*"\nfiles = "{root}"\nprecompressed = false\ncompress = false\n'
        f'[[route]]\npath = "/made/*"\nfiles = "{root}"\nprecompressed = false\n'
        f'[[route]]\npath = "/*"\nfiles = "{root}"\ncompress = false\n'
    )
    fields = [("Accept-Encoding", "gzip")]
    plain = files.get("/plain/app.js", fields=fields)
    assert plain.body == TEXT and plain.get("Vary") is None
    assert gzip.decompress(files.get("/made/app.js", fields=fields).body) == TEXT
    assert files.get("/app.js", fields=fields).body == b"beside"


def test_curl_reads_all_codings(serve_files, root):
    (root / "a.html").write_bytes(TEXT)
    files = serve_files(root)
    url = f"{files.server.url}/a.html"
    out = subprocess.run(["curl", "-sS", "--compressed", url], capture_output=True, check=True).stdout
    assert out == TEXT
