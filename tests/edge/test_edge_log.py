"""The access log: one line for each answer, and nothing in a request can make it look like another."""

import os
import re
import signal

import pytest
from edge_wire import chunked, request_bytes
from server import wait_until

LINE = re.compile(
    r'(?P<host>\S+) - - \[(?P<time>\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] '
    r'"(?P<request>(?:[^"\\]|\\x[0-9a-f]{2})*)" (?P<status>\d{3}) (?P<bytes>\d+) '
    r'"(?P<referer>(?:[^"\\]|\\x[0-9a-f]{2})*)" "(?P<agent>(?:[^"\\]|\\x[0-9a-f]{2})*)" '
    r"queue_us=(?P<queue_us>\d+) total_us=(?P<total_us>\d+) id=(?P<id>[0-9a-f]{16})"
)


def parsed(path):
    lines = path.read_bytes().decode("ascii").split("\n")
    assert lines.pop() == "", "the last line is whole"
    return [LINE.fullmatch(line) or pytest.fail(f"not a log line: {line!r}") for line in lines]


def lines(path, count):
    """The log, once it has `count` lines; they are written within a second of their answers."""
    wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= count, 5, f"{count} lines in {path}")
    return parsed(path)


@pytest.fixture(params=["batches", "sync"])
def logged(request, serve_edge, tmp_path):
    path = tmp_path / "access.log"
    edge = serve_edge("-w", 1, "--access-log", path, access_log_sync="on" if request.param == "sync" else "off")
    edge.sync = request.param == "sync"
    return edge, path


def test_a_line_tells_what_was_asked_and_answered(logged):
    edge, path = logged
    with edge.client() as client:
        client.get("/echo?hello", fields=[("Referer", "http://from/here"), ("User-Agent", "agent/1.0 (x)")])
        client.get("/echo?hello", method="HEAD")
        client.send(request_bytes("/stream?3", version="1.0", fields=["Connection: keep-alive"]))
        client.response()
    with edge.client() as client:
        client.send(request_bytes("/body", "POST", ["Transfer-Encoding: chunked"], chunked(b"abc")))
        client.response()
        client.send(b"nonsense\r\n\r\n")
        client.response()
    rows = lines(path, 5)
    assert [(row["request"], row["status"]) for row in rows] == [
        ("GET /echo?hello HTTP/1.1", "200"),
        ("HEAD /echo?hello HTTP/1.1", "200"),
        ("GET /stream?3 HTTP/1.0", "200"),
        ("POST /body HTTP/1.1", "200"),
        ("-", "400"),
    ]
    assert {row["host"] for row in rows} == {"127.0.0.1"}
    assert (rows[0]["bytes"], rows[0]["referer"], rows[0]["agent"]) == ("5", "http://from/here", "agent/1.0 (x)")
    assert (rows[1]["bytes"], rows[1]["referer"], rows[1]["agent"]) == ("0", "-", "-")
    assert rows[2]["bytes"] == "24"
    assert len({row["id"] for row in rows}) == 5
    assert all(int(row["total_us"]) >= int(row["queue_us"]) for row in rows)


def test_a_synchronous_line_is_there_before_the_next_answer(logged):
    edge, path = logged
    if not edge.sync:
        pytest.skip("only in the synchronous mode")
    with edge.client() as client:
        for i in range(20):
            client.get(f"/echo?{i}")
            # The next answer can only come after this request was finished.
            client.send(request_bytes("*", "OPTIONS"))
            client.response()
            assert f"/echo?{i} " in path.read_text()


def test_hostile_bytes_cannot_forge_a_line_or_a_field(logged):
    edge, path = logged
    evil = '" 200 5 "-" "-"'
    with edge.client() as client:
        client.get('/a"b\\x22c' + "%0a%22", fields=[("User-Agent", evil), ("Referer", "tab\there")])
        client.get("/b", fields=[("User-Agent", "\x80\xff\x9b31m"), ("Referer", "\\")])
        client.get("/c", fields=[("X-Forwarded-For", "1.2.3.4"), ("User-Agent", "")])
    for line in (b"GET /\ninjected HTTP/1.1\r\n\r\n", b"GET /\x1b[31m HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nReferer: a\rb\r\n\r\n"):
        assert edge.say(line).status == 400
    rows = lines(path, 6)
    assert len(rows) == 6
    assert rows[0]["request"] == r"GET /a\x22b\x5cx22c%0a%22 HTTP/1.1"
    assert rows[0]["agent"] == r"\x22 200 5 \x22-\x22 \x22-\x22"
    assert rows[0]["referer"] == r"tab\x09here"
    assert rows[1]["agent"] == r"\x80\xff\x9b31m" and rows[1]["referer"] == r"\x5c"
    assert [row["request"] for row in rows[3:]] == ["-"] * 3


def test_refusals_are_logged_as_what_they_are(serve_edge, tmp_path):
    path = tmp_path / "access.log"
    edge = serve_edge("-w", 1, "--access-log", path, request_body_bytes="1000", header_timeout="100ms", body_timeout="100ms")
    with edge.client() as client:
        client.get("/echo?first")
        client.send(request_bytes("/too/large", "POST", ["Transfer-Encoding: chunked"], chunked(b"x" * 2000)))
        assert client.response().status == 413
    with edge.client() as client:
        client.get("/echo?second")
        client.send(b"GET /slow")
        assert client.response().status == 408
    assert edge.say(request_bytes("/slow/body", "POST", ["Content-Length: 5"])).status == 408
    assert edge.say(request_bytes("/large", "POST", ["Content-Length: 5000"])).status == 413
    assert edge.say(request_bytes("/../x")).status == 400
    assert [(row["request"], row["status"]) for row in lines(path, 7)] == [
        ("GET /echo?first HTTP/1.1", "200"),
        ("POST /too/large HTTP/1.1", "413"),
        ("GET /echo?second HTTP/1.1", "200"),
        ("-", "408"),
        ("POST /slow/body HTTP/1.1", "408"),
        ("POST /large HTTP/1.1", "413"),
        ("GET /../x HTTP/1.1", "400"),
    ]


def test_clients_that_leave_are_logged_too(serve_edge, tmp_path):
    path, closed = tmp_path / "access.log", tmp_path / "closed"
    (tmp_path / "root").mkdir()
    with open(tmp_path / "root" / "large", "wb") as file:
        file.truncate(200 << 20)
    edge = serve_edge("-w", 1, "--access-log", path, "--static", f"/static/={tmp_path / 'root'}")
    with edge.client() as client:
        client.request(f"/endless?{closed}")
        client.head()
    wait_until(closed.exists, what="close()")
    with edge.client() as client:
        client.request("/static/large")
        client.head()
    first, second = lines(path, 2)
    assert first["request"].startswith("GET /endless?") and first["status"] == "499"
    assert second["request"] == "GET /static/large HTTP/1.1" and second["status"] == "200"
    assert int(second["bytes"]) < 200 << 20, "what was sent, not what was planned"


def test_usr1_opens_the_log_again_after_it_was_renamed(logged):
    edge, path = logged
    old = path.with_suffix(".1")
    edge.get("/echo?before")
    lines(path, 1)
    path.rename(old)
    edge.get("/echo?between")
    lines(old, 2)
    edge.server.signal(signal.SIGUSR1)
    wait_until(path.exists, what="the new file")
    edge.get("/echo?after")
    assert [row["request"] for row in lines(path, 1)] == ["GET /echo?after HTTP/1.1"]
    assert [row["request"] for row in parsed(old)] == ["GET /echo?before HTTP/1.1", "GET /echo?between HTTP/1.1"]


def test_minus_is_standard_output(serve_edge):
    edge = serve_edge("-w", 1, "--access-log", "-")
    edge.get("/echo?to-stdout")
    output = b""

    def read():
        nonlocal output
        output += edge.server.process.stdout.read() or b""
        return output.endswith(b"\n")

    wait_until(read, what="the line on stdout")
    assert LINE.fullmatch(output.decode().splitlines()[-1])["request"] == "GET /echo?to-stdout HTTP/1.1"


def test_off_writes_nothing(serve_edge, tmp_path):
    before = set(os.listdir(tmp_path))
    edge = serve_edge("-w", 1)
    edge.get("/echo?x")
    assert edge.server.stop() == 0
    assert set(os.listdir(tmp_path)) - before == {"server0.stderr"}
    assert edge.server.process.stdout.read() == b""
    assert "/echo" not in edge.server.stderr()


def test_no_line_is_lost_at_the_end(serve_edge, tmp_path):
    path = tmp_path / "access.log"
    edge = serve_edge("-w", 2, "--edge-threads", 2, "--access-log", path)
    for _ in range(10):
        with edge.client() as client:
            client.send(b"".join(request_bytes(f"/echo?{i}") for i in range(50)))
            for _ in range(50):
                client.response()
    assert edge.server.stop() == 0
    assert len(parsed(path)) == 500


def test_a_log_that_cannot_be_written_stops_nobody(serve_edge):
    edge = serve_edge("-w", 1, "--access-log", "/dev/full")
    for _ in range(3):
        assert edge.get("/echo?x").body == b"x"
    wait_until(lambda: edge.counter("access_log_dropped") > 0, what="the counter")
    assert edge.get("/echo?x").body == b"x"


@pytest.mark.parametrize("target", ["/nowhere/access.log", "."])
def test_a_log_that_cannot_be_opened_is_one_sentence_and_exit_2_or_1(serve, tmp_path, target):
    server = serve("--static", f"/={tmp_path}", "--access-log", target, wait=False)
    assert server.wait() in (1, 2)
    assert server.stderr().count("\n") == 1 and "cannot be written" in server.stderr()
