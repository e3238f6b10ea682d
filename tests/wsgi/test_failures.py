"""Apps that fail or break the rules: a logged reason, an honest answer, and the next request is served."""

import re

import pytest
from server import wait_until

pytestmark = pytest.mark.complains


def lines_with(log, text):
    return [line for line in log.splitlines() if text in line]


def test_an_exception_is_a_500_and_a_traceback_with_the_requests_id(app):
    response = app.get("/raises?x=1")
    assert response.status == 500
    assert response.get("Content-Type").startswith("text/plain")
    assert b"on purpose" not in response.body, "the reason is for the log only"
    wait_until(lambda: "ValueError: on purpose" in app.new_log())
    log = app.new_log()
    assert re.search(r"^\[[0-9a-f]{16}\] GET /raises\?x=1: ", log, re.M)
    assert 'File "' in log and "in raises" in log
    assert app.get("/hello").status == 200


def test_an_exception_after_start_response_but_before_the_body_is_a_500(app):
    response = app.get("/raises_after_start")
    assert response.status == 500


def test_an_exception_in_the_body_breaks_the_response_off(app, tmp_path):
    with app.client() as client:
        response = client.get(f"/raises_in_body?folder={tmp_path}")
        assert response.status == 200
        assert response.body == b"some"
        assert not response.complete, "the client must be able to see that something is missing"
        assert client.at_end()
    wait_until((tmp_path / "closed").exists)
    wait_until(lambda: "on purpose, in the body" in app.new_log())


def test_an_exception_in_close_is_logged_and_the_response_stays_whole(app, tmp_path):
    response = app.get(f"/raises_in_close?folder={tmp_path}")
    assert response.body == b"fine" and response.complete
    wait_until(lambda: "on purpose, in close" in app.new_log())


def test_exc_info_after_the_head_was_sent_breaks_off(app):
    with app.client() as client:
        response = client.get("/too_late")
        assert response.status == 200 and response.body == b"some" and not response.complete
    wait_until(lambda: "on purpose, too late" in app.new_log())


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("no_start", "did not call start_response"),
        ("no_start_generated", "did not call start_response"),
        ("returns_none", "NoneType"),
        ("returns_bytes", "return [body]"),
        ("returns_str", "return [body]"),
        ("yields_str", "blocks of bytes"),
        ("starts_twice", "called twice without exc_info"),
        ("status_int", "status must be a str"),
        ("status_bytes", "status must be a str"),
        ("status_short", "must look like '200 OK'"),
        ("status_100", "code from 200 to 599"),
        ("status_splits", "must look like '200 OK'"),
        ("headers_dict", "must be a list of tuples"),
        ("header_list", "must be a tuple (name, value)"),
        ("header_int", "must be str"),
        ("header_bytes", "must be str"),
        ("header_splits", "control character"),
        ("header_name_space", "is not a header name"),
        ("header_name_empty", "is not a header name"),
        ("header_unicode", "not latin-1"),
        ("header_surrogate", "not latin-1"),
        ("header_hop", "belongs to the connection"),
        ("header_chunked", "belongs to the connection"),
        ("header_huge", "the limit is"),
        ("length_negative", "Content-Length must be"),
        ("length_twice", "Content-Length must be"),
        ("exc_info_wrong", "sys.exc_info()"),
        ("exits", "SystemExit"),
    ],
)
def test_a_broken_rule_is_named_in_the_log_and_answered_500(broken, path, said):
    with broken.client() as client:
        response = client.get("/" + path)
        assert response.status == 500
        assert response.all("X-Evil") == []
        assert client.get("/ok").body == b"ok"
    wait_until(lambda: said in broken.new_log())


def test_a_str_after_bytes_breaks_off(broken):
    with broken.client() as client:
        response = client.get("/yields_str_late")
        assert response.body == b"some" and not response.complete
    wait_until(lambda: "blocks of bytes" in broken.new_log())


def test_a_body_shorter_than_its_content_length_is_visibly_broken(broken):
    with broken.client() as client:
        response = client.get("/too_short")
        assert response.get("Content-Length") == "10"
        assert response.body == b"123" and not response.complete
    wait_until(lambda: lines_with(broken.new_log(), "7 bytes shorter than its Content-Length"))


@pytest.mark.parametrize("path", ["/too_long", "/too_long_generated"])
def test_a_body_longer_than_its_content_length_is_cut_off(broken, path):
    with broken.client() as client:
        response = client.get(path)
        assert response.body == b"123" and response.complete
        assert client.get("/ok").body == b"ok", "what was too much may not begin the next response"
    wait_until(lambda: lines_with(broken.new_log(), "longer than its Content-Length"))


def test_what_an_app_keeps_of_a_request_is_dead_for_the_next(broken):
    assert broken.get("/keeps?keep").body == b"kept"
    response = broken.get("/keeps")
    assert response.status == 200
    start, read, write, query = response.body.decode().split(" ")
    assert start == "RuntimeError" and read == "ValueError"
    assert query == "keep"
    wait_until(lambda: "after the end" in broken.new_log())


def test_errors_go_to_the_log_with_the_requests_id(app):
    request_id = app.get("/errors").body.decode()
    wait_until(lambda: "unfinished" in app.new_log())
    mine = [line for line in app.new_log().splitlines() if line.startswith(f"[{request_id}] ")]
    assert [line.removeprefix(f"[{request_id}] ") for line in mine] == [
        "first line",
        "second line",
        "t\xe4st \u20ac",
        "printed",
        "unfinished",
    ]
