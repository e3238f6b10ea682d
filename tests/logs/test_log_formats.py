"""What stands in a line, in each of the formats, and that nobody can forge a line or a field."""

import base64
import datetime
import json

import pytest
from edge_wire import request_bytes
from server import wait_until

FIELDS = (
    "time time_local time_unix remote_addr remote_port peer_addr user request method target path query protocol scheme host "
    "status bytes referer user_agent queue_us service_us total_us tls_version route app worker request_id"
).split()


def lines(path, count):
    wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= count, 10, f"{count} lines in {path}")
    return path.read_bytes().decode("ascii").splitlines()


def test_json_has_every_field_with_its_type(serve_logged, tmp_path):
    log = tmp_path / "log"
    edge = serve_logged("--access-log", log, access_log_format="json")
    basic = base64.b64encode(b"ann:secret").decode()
    with edge.client() as client:
        fields = ["Host: shop.example:81", "Referer: http://r/", "User-Agent: a b", f"Authorization: Basic {basic}"]
        client.send(("GET /echo?q=1 HTTP/1.1\r\n" + "\r\n".join(fields) + "\r\n\r\n").encode())
        assert client.response().body == b"q=1"
        port = client.socket.getsockname()[1]
    (line,) = lines(log, 1)
    row = json.loads(line)
    assert list(row) == FIELDS
    expected = {
        "remote_addr": "127.0.0.1", "peer_addr": "127.0.0.1", "remote_port": port, "user": "ann", "scheme": "http",
        "request": "GET /echo?q=1 HTTP/1.1", "method": "GET", "target": "/echo?q=1", "path": "/echo", "query": "q=1",
        "protocol": "HTTP/1.1", "host": "shop.example:81", "status": 200, "bytes": 3, "referer": "http://r/",
        "user_agent": "a b", "tls_version": "", "app": "app", "worker": "0",
    }
    assert {name: row[name] for name in expected} == expected
    assert "secret" not in line and basic not in line
    assert row["route"], "the route that answered has a name"
    assert row["queue_us"] + row["service_us"] <= row["total_us"]
    when = datetime.datetime.fromisoformat(row["time"])
    assert when.tzinfo == datetime.timezone.utc and abs(when.timestamp() - row["time_unix"]) < 0.01
    assert len(row["request_id"]) == 16


def test_a_format_of_ones_own_has_its_fields_in_its_order(serve_logged, tmp_path):
    log = tmp_path / "log"
    form = '{status} {{{method}}} "{user_agent}" {header.X-Trace} {host} {user}'
    edge = serve_logged("--access-log", log, access_log_format=form)
    edge.get("/echo?x", fields=[("User-Agent", "two words"), ("X-Trace", "two words")])
    edge.get("/echo?x")
    first, second = lines(log, 2)
    assert first.startswith(r'200 {GET} "two words" two\x20words 127.0.0.1'), "a space outside of quotes would end a field"
    assert first.endswith(" -")
    assert second.startswith('200 {GET} "-" - ')


def test_json_of_chosen_fields(serve_logged, tmp_path):
    log = tmp_path / "log"
    edge = serve_logged("--access-log", log, access_log_format="json status header.X-Trace")
    edge.get("/echo?x", fields=[("X-Trace", 'a"b\\c\x80\xff')])
    (line,) = lines(log, 1)
    assert json.loads(line) == {"status": 200, "header.X-Trace": 'a"b\\c\x80\xff'}


@pytest.mark.parametrize("form", ["combined", "json", "{target} {user_agent} {referer} {user}"])
def test_whatever_bytes_come_each_request_is_one_line(serve_logged, tmp_path, form):
    import random

    seed = random.randrange(2**32)
    print("seed", seed)
    dice = random.Random(seed)
    log = tmp_path / "log"
    edge = serve_logged("--access-log", log, access_log_format=form)
    asked = 60
    allowed = [bytes([c]) for c in range(256) if c not in (0, 10, 13)]
    for _ in range(asked):
        evil = b"".join(dice.choices(allowed, k=20))
        user = base64.b64encode(b'a"\n\r\0b:' + evil)
        head = b"GET /echo?" + evil + b" HTTP/1.1\r\nHost: a\r\nUser-Agent: " + evil + b"\r\nReferer: " + evil
        with edge.client() as client:
            client.send(head + b"\r\nAuthorization: Basic " + user + b"\r\nConnection: close\r\n\r\n")
            client.file.read()
    assert edge.server.stop() == 0
    text = log.read_bytes()
    assert text.count(b"\n") == asked and text.endswith(b"\n")
    assert set(text) <= set(range(0x20, 0x7F)) | {10}
    if form == "json":
        assert all(list(json.loads(line)) == FIELDS for line in text.splitlines())
    if form.startswith("{"):
        assert {line.count(b" ") for line in text.splitlines()} == {3}


def test_after_a_request_nothing_of_it_is_in_the_line_of_one_that_could_not_be_read(serve_logged, tmp_path):
    log = tmp_path / "log"
    edge = serve_logged("--access-log", log, access_log_format="json")
    with edge.client() as client:
        client.get("/echo?first", fields=[("User-Agent", "agent")])
        client.send(b"nonsense\r\n\r\n")
        assert client.response().status == 400
    row = json.loads(lines(log, 2)[1])
    names = ("request", "method", "target", "query", "user_agent", "protocol", "route", "app", "worker")
    assert {row[name] for name in names} == {""} and row["service_us"] == 0


@pytest.mark.parametrize(
    "knob, words",
    [
        ("access_log_format={statsu}", "did you mean 'status'?"),
        ("access_log_format=combind", "has no {field}"),
        ("access_log_only=error", "did you mean 'errors'?"),
        ("slow_log=on", "is not off, -, the name of a file"),
        ("access_log_sample=0", "from 1"),
    ],
)
def test_a_wrong_word_is_one_sentence_and_exit_2(serve, tmp_path, knob, words):
    server = serve("--static", f"/={tmp_path}", "--set", knob, wait=False)
    assert server.wait() == 2
    assert words in server.stderr() and server.stderr().count("\n") == 1


def test_pipelined_requests_have_their_own_lines(serve_logged, tmp_path):
    log = tmp_path / "log"
    edge = serve_logged("--access-log", log, access_log_format="{target} {status} {bytes}")
    with edge.client() as client:
        client.send(b"".join(request_bytes(f"/echo?{'x' * i}") for i in range(30)))
        for _ in range(30):
            client.response()
    assert lines(log, 30) == [f"/echo?{'x' * i} 200 {i}" for i in range(30)]
