"""What an application is given, and what the client gets of its events."""

import ast
import hashlib
import json

import pytest


def scope_of(response):
    shown = json.loads(response.body)
    return {key: ast.literal_eval(value) for key, value in shown["scope"].items()}, ast.literal_eval(shown["event"])


def test_the_scope_says_what_the_client_sent(app):
    with app.client() as client:
        fields = [("X-Some", "One"), ("x-some", "two"), ("Accept", "a\xe9")]
        scope, event = scope_of(client.get("/%73cope?a=%20b&c", fields=fields))
        address, port = client.socket.getsockname()
    assert scope["type"] == "http"
    assert scope["http_version"] == "1.1"
    assert scope["method"] == "GET"
    assert scope["scheme"] == "http"
    assert scope["path"] == "/scope"
    assert scope["raw_path"] == b"/%73cope"
    assert scope["query_string"] == b"a=%20b&c"
    assert scope["root_path"] == ""
    assert scope["client"] == (address, port)
    assert scope["server"] == (app.server.host, app.server.port)
    assert scope["state"] == {"greeting": "from the lifespan", "shared": scope["state"]["shared"]}
    assert scope["extensions"] == {"http.response.pathsend": {}, "http.response.early_hint": {}, "http.response.trailers": {}}
    assert [(name, value) for name, value in scope["headers"] if name != b"host"] == [
        (b"x-some", b"One"),
        (b"x-some", b"two"),
        (b"accept", b"a\xe9"),
    ]
    assert event == {"type": "http.request", "body": b"", "more_body": False}


def test_the_same_connection_gives_each_request_its_own_values(app):
    with app.client() as client:
        for number in range(5):
            scope, _ = scope_of(client.get(f"/scope?{number}", fields=[("X-Number", str(number))]))
            assert scope["query_string"] == str(number).encode()
            assert (b"x-number", str(number).encode()) in scope["headers"]


def test_http_1_0_and_other_methods_are_told_apart(app):
    scope, _ = scope_of(app.get("/scope", version="1.0"))
    assert scope["http_version"] == "1.0"
    scope, event = scope_of(app.get("/scope", method="PUT", body=b"new"))
    assert scope["method"] == "PUT"
    assert event == {"type": "http.request", "body": b"new", "more_body": False}


def test_an_absolute_target_has_a_raw_path_of_its_path(app):
    scope, _ = scope_of(app.get(f"http://{app.server.host}:{app.server.port}/scope?x"))
    assert (scope["raw_path"], scope["query_string"]) == (b"/scope", b"x")


def test_a_chunked_body_has_a_length(app):
    fields = [("Transfer-Encoding", "chunked")]
    scope, event = scope_of(app.get("/scope", method="POST", fields=fields, body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
    assert event["body"] == b"abcde"
    assert (b"content-length", b"5") in scope["headers"]
    assert b"transfer-encoding" not in dict(scope["headers"])


def test_many_different_headers_are_all_right(app):
    # More names than are remembered, and values too long to be.
    with app.client() as client:
        for round_number in range(6):
            names = [f"X-{round_number}-{number}-{'y' * number}" for number in range(60)]
            fields = [(name, name * (8 if number == 7 else 1)) for number, name in enumerate(names)]
            scope, _ = scope_of(client.get("/scope", fields=fields))
            sent = [(name.lower().encode(), value.encode()) for name, value in fields]
            assert [pair for pair in scope["headers"] if pair[0].startswith(b"x-")] == sent


def test_one_piece_has_a_length_and_several_do_not(app):
    response = app.get("/hello")
    assert response.body == b"hello" and response.get("Content-Length") == "5"
    assert response.get("Content-Type") == "text/plain"
    assert response.status_line == "HTTP/1.1 200 OK"
    response = app.get("/echo", method="POST", body=b"abc")
    assert response.body == b"abc" and response.get("Transfer-Encoding") == "chunked"


@pytest.mark.parametrize(("status", "phrase"), [(200, "OK"), (404, "Not Found"), (299, "")])
def test_the_status_line_has_the_usual_phrase(app, status, phrase):
    assert app.get(f"/empty?status={status}").status_line == f"HTTP/1.1 {status} {phrase}"


def test_204_and_304_and_head_have_no_body(app):
    with app.client() as client:
        for status in (204, 304):
            assert client.get(f"/empty?status={status}").status == status
        response = client.get("/hello", method="HEAD")
        assert response.get("Content-Length") == "5" and response.body == b""
        response = client.get("/big?bytes=100000&length=1", method="HEAD")
        assert response.get("Content-Length") == "100000"
        # What follows on the connection is the next response, so nothing of a body came before.
        assert client.get("/hello").body == b"hello"


def test_pieces_may_be_anything_that_is_bytes(app):
    assert app.get("/bytes_likes").body == b"one two three"


def test_headers_may_be_any_iterable_of_pairs(app):
    response = app.get("/headers_of_any_kind")
    assert [response.get(f"X-{name}") for name in ("List", "Tuple", "Iterator")] == ["1", "2", "3"]


def test_headers_of_the_connection_are_the_servers(app):
    with app.client() as client:
        response = client.get("/hop_by_hop")
        assert response.body == b"fine" and response.get("X-A") == "1"
        assert response.get("Transfer-Encoding") is None
        assert client.get("/hello").body == b"hello"


@pytest.mark.parametrize("size", [1, 16 * 1024, 16 * 1024 + 1, 64 * 1024, 1024 * 1024 + 7, 5 * 1024 * 1024])
def test_a_body_of_any_size_arrives_whole(app, size):
    body = hashlib.shake_128(str(size).encode()).digest(size)
    answer = json.loads(app.get("/digest", method="POST", body=body).body)
    assert answer["sha256"] == hashlib.sha256(body).hexdigest()
    assert sum(answer["sizes"]) == size
    assert max(answer["sizes"]) <= 64 * 1024, "large bodies come in pieces"


@pytest.mark.parametrize("size", [1000, 3 * 1024 * 1024])
def test_a_body_streams_in_and_out(app, size):
    body = hashlib.shake_128(b"both ways").digest(size)
    response = app.get("/echo", method="POST", body=body)
    assert response.complete and response.body == body


@pytest.mark.parametrize(
    ("size", "pieces", "length"), [(64 * 1024, 1, ""), (5_000_000, 1, ""), (5_000_000, 1, "&length=1"), (700, 900, ""), (70_000, 30, "&length=1")]
)
def test_a_response_of_any_size_arrives_whole(app, size, pieces, length):
    response = app.get(f"/big?bytes={size}&pieces={pieces}{length}")
    assert response.complete
    assert response.body == b"".join(bytes([number % 251]) * size for number in range(pieces))


def test_a_body_that_nobody_reads_is_no_hindrance(app):
    with app.client() as client:
        assert client.get("/unread", method="POST", body=b"x" * 2_000_000).body == b"no, thanks"
        assert json.loads(client.get("/note?key=unread").body) == repr({"type": "http.disconnect"})


def test_pieces_of_two_tasks_do_not_mix(app):
    body = app.get("/two_senders").body
    assert sorted(body[at] for at in (0, 300_000, 600_000)) == sorted(b"abc")
    assert all(len(set(body[at : at + 300_000])) == 1 for at in (0, 300_000, 600_000)) and len(body) == 900_000


def test_a_send_that_was_given_up_loses_nothing(app):
    response = app.get("/send_cancelled")
    assert response.complete and response.body == b"a" * 4_000_000 + b"end"


@pytest.mark.parametrize("size", [0, 1000, 64 * 1024, 64 * 1024 + 1, 3_000_000])
def test_a_file_is_sent_by_its_path(app, tmp_path, size):
    content = hashlib.shake_128(b"file").digest(size)
    (tmp_path / "file").write_bytes(content)
    with app.client() as client:
        response = client.get(f"/pathsend?path={tmp_path}/file")
        assert response.body == content and response.get("Content-Length") == str(size)
        response = client.get(f"/pathsend?path={tmp_path}/file", method="HEAD")
        assert response.get("Content-Length") == str(size)
        assert client.get("/hello").body == b"hello"


def test_a_file_that_has_grown_is_cut_at_its_content_length(app, tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 200_000)
    for length in (10, 100_000):
        response = app.get(f"/pathsend?path={tmp_path}/file&length={length}")
        assert response.complete and response.body == b"x" * length


def test_each_request_has_a_copy_of_the_lifespans_state(app):
    first, second = (json.loads(app.get("/state").body) for _ in range(2))
    assert first["greeting"] == "from the lifespan"
    assert second["calls"] == first["calls"] + 1, "a shallow copy: what is in it is shared"


def test_the_loop_is_the_one_that_was_asked_for(app):
    assert app.get("/loop_name").body.decode().split(".")[0] == app.server.loop


def test_the_app_may_go_on_after_its_response(app):
    with app.client() as client:
        assert client.get("/background").body == b"at once"
        assert json.loads(client.get("/note?key=background").body) == repr("http.disconnect")
