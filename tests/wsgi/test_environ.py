"""The environ dictionary: every key of PEP 3333, and those Labcoat adds."""

import json

import pytest


def environ_of(app, path="/environ", **options):
    response = app.get(path, **options)
    assert response.status == 200, response.body
    return json.loads(response.body)


def test_every_key_of_the_pep_is_there_with_its_value(app):
    environ = environ_of(app, "/environ?a=1&b=%20")
    assert environ["type"], "environ must be a dict, no subclass"
    assert environ["REQUEST_METHOD"] == "GET"
    assert environ["SCRIPT_NAME"] == ""
    assert environ["PATH_INFO"] == "/environ"
    assert environ["QUERY_STRING"] == "a=1&b=%20"
    assert environ["SERVER_NAME"] == app.server.host
    assert environ["SERVER_PORT"] == str(app.server.port)
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["HTTP_HOST"] == f"{app.server.host}:{app.server.port}"
    assert environ["wsgi.version"] == [1, 0]
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["wsgi.run_once"] is False
    assert environ["wsgi.multithread"] is False
    assert environ["wsgi.multiprocess"] is False
    assert "CONTENT_TYPE" not in environ
    assert "CONTENT_LENGTH" not in environ


def test_the_keys_labcoat_adds(app):
    with app.client() as client:
        client.request("/environ?x=%41")
        environ = json.loads(client.response().body)
        assert environ["REMOTE_ADDR"] == "127.0.0.1"
        assert environ["REMOTE_PORT"] == str(client.socket.getsockname()[1])
    assert environ["wsgi.input_terminated"] is True
    assert environ["REQUEST_URI"] == environ["RAW_URI"] == "/environ?x=%41"
    assert 0 <= environ["labcoat.queue_wait"] < 30
    assert len(environ["labcoat.request_id"]) == 16
    int(environ["labcoat.request_id"], 16)


def test_request_ids_differ(app):
    assert environ_of(app)["labcoat.request_id"] != environ_of(app)["labcoat.request_id"]


def test_content_type_and_length_have_no_http_prefix(app):
    environ = environ_of(app, method="POST", body=b"{}", fields=[("Content-Type", "application/json")])
    assert environ["CONTENT_TYPE"] == "application/json"
    assert environ["CONTENT_LENGTH"] == "2"
    assert "HTTP_CONTENT_TYPE" not in environ
    assert "HTTP_CONTENT_LENGTH" not in environ


def test_a_chunked_body_has_a_length_by_the_time_the_app_sees_it(app):
    fields = [("Transfer-Encoding", "chunked")]
    environ = environ_of(app, method="POST", body=b"3\r\nabc\r\n0\r\n\r\n", fields=fields)
    assert environ["CONTENT_LENGTH"] == "3"
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_headers_become_http_keys_and_equal_names_are_joined(app):
    fields = [
        ("Accept", "text/html"),
        ("X-Many-Words", "1"),
        ("x-many-words", "2"),
        ("X-MANY-WORDS", "3"),
        ("Cookie", "a=1"),
        ("Cookie", "b=2"),
        ("X-Empty", ""),
    ]
    for _ in range(3):  # the second time the names are remembered
        environ = environ_of(app, fields=fields)
        assert environ["HTTP_ACCEPT"] == "text/html"
        assert environ["HTTP_X_MANY_WORDS"] == "1,2,3"
        assert environ["HTTP_COOKIE"] == "a=1; b=2"
        assert environ["HTTP_X_EMPTY"] == ""


def test_headers_of_one_request_never_show_up_in_the_next(app):
    environ_of(app, fields=[("Authorization", "secret"), ("X-Only-Once", "1")])
    environ = environ_of(app)
    assert "HTTP_AUTHORIZATION" not in environ
    assert "HTTP_X_ONLY_ONCE" not in environ


def test_a_header_that_changes_its_value_is_seen_with_the_new_one(app):
    for value in ("1", "2", "2", "", "1"):
        assert environ_of(app, fields=[("X-Value", value)])["HTTP_X_VALUE"] == value


def test_a_thousand_different_header_names_are_all_delivered(app):
    # More than the worker remembers.
    for start in range(0, 1000, 50):
        fields = [(f"X-Name-{start + i}", f"value {start + i}") for i in range(50)]
        environ = environ_of(app, fields=fields)
        for name, value in fields:
            assert environ["HTTP_" + name.upper().replace("-", "_")] == value
    fields = [("X-After-All", "1"), ("X-After-All", "2")]
    assert environ_of(app, fields=fields)["HTTP_X_AFTER_ALL"] == "1,2"


def test_names_that_could_pass_for_others_are_dropped(app):
    environ = environ_of(app, fields=[("X_Real-IP", "spoofed"), ("Proxy", "http://evil")])
    assert "HTTP_X_REAL_IP" not in environ
    assert "HTTP_PROXY" not in environ


def test_header_values_are_latin1(app):
    assert environ_of(app, fields=[("X-Name", "J\xf6rg \xff")])["HTTP_X_NAME"] == "J\xf6rg \xff"


@pytest.mark.parametrize(
    ("sent", "path_info"),
    [
        ("/a%20b", "/a b"),
        ("/%C3%A9", "\u00e9".encode().decode("latin-1")),
        ("/%e4", "\xe4"),
        ("/a+b", "/a+b"),
        ("/x;y=1", "/x;y=1"),
    ],
)
def test_path_info_is_the_decoded_path_as_latin1(app, sent, path_info):
    environ = environ_of(app, sent + "?q=%C3%A9")
    assert environ["PATH_INFO"].removeprefix("/") == path_info.removeprefix("/")
    assert environ["REQUEST_URI"] == sent + "?q=%C3%A9"
    assert environ["QUERY_STRING"] == "q=%C3%A9"


def test_http_1_0_is_named(app):
    assert environ_of(app, version="1.0")["SERVER_PROTOCOL"] == "HTTP/1.0"


def test_other_methods_reach_the_app(app):
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert environ_of(app, method=method)["REQUEST_METHOD"] == method


def test_the_flags_tell_the_truth_about_threads_and_processes(serve_app):
    environ = environ_of(serve_app("wsgi_app:app", "-w", 2, "-t", 3))
    assert environ["wsgi.multithread"] is True
    assert environ["wsgi.multiprocess"] is True


def test_a_unix_socket_has_a_server_name_and_port_all_the_same(serve_app, tmp_path):
    import socket

    path = tmp_path / "socket"
    serve_app("wsgi_app:app", "-w", 1, listen=f"unix:{path}")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /environ HTTP/1.0\r\nHost: example.com\r\n\r\n")
        environ = json.loads(client.makefile("rb").read().partition(b"\r\n\r\n")[2])
    assert environ["SERVER_NAME"] and environ["SERVER_PORT"]
    assert environ["HTTP_HOST"] == "example.com"
