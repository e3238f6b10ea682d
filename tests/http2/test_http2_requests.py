"""HTTP/2 as its users see it: curl, h2load, and a client that looks at every frame."""

import hashlib
import socket
import subprocess

import h2.config
import h2.connection
import h2.events
import pytest
from http2_wire import NO_ERROR, PREFACE, PROTOCOL_ERROR, Reset, frame, request_fields
from hyperframe.frame import SettingsFrame
from server import wait_until

BODY = bytes(range(256)) * 4096  # 1 MiB


def curl(edge, path, *words):
    command = ["curl", "-sS", "--max-time", "60", "--http2-prior-knowledge", *words, edge.server.url + path]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_curl_gets_what_the_app_says(edge):
    assert curl(edge, "/echo?hello") == b"hello"
    assert curl(edge, "/echo", "-o", "/dev/null", "-w", "%{http_version} %{http_code}") == b"2 200"


def test_curl_uploads_a_body_and_gets_it_counted(edge, tmp_path):
    (tmp_path / "body").write_bytes(BODY)
    said = curl(edge, "/body", "--data-binary", f"@{tmp_path}/body")
    assert said == b"%d %s" % (len(BODY), hashlib.sha256(BODY).hexdigest().encode())


def test_files_come_whole_in_parts_and_by_their_head(edge):
    site = edge.server.cwd / "site"
    with edge.connect() as client:
        assert client.get("/files/small").body == (site / "small").read_bytes()
        assert client.get("/files/large").body == (site / "large").read_bytes()
        part = client.get("/files/large", fields=[("range", "bytes=1000-70000")])
        assert (part.status, part.body) == (206, (site / "large").read_bytes()[1000:70001])
        head = client.get("/files/large", method="HEAD")
        assert (head.status, head.body, head.fields["content-length"]) == (200, b"", str(4 << 20))
        again = client.get("/files/small", fields=[("if-none-match", head.fields["etag"]), ("range", "bytes=0-")])
        assert again.status in (200, 206)
        tag = client.get("/files/small").fields["etag"]
        known = client.get("/files/small", fields=[("if-none-match", tag)])
        assert (known.status, known.body) == (304, b"")
        assert client.get("/files/none").status == 404


def test_a_hundred_streams_at_once_are_all_answered(edge):
    with edge.connect() as client:
        streams = {client.request(f"/echo?{number}"): number for number in range(100)}
        for stream, number in streams.items():
            assert client.response(stream).body == str(number).encode()


def test_bodies_of_many_streams_may_arrive_mixed(edge):
    with edge.connect() as client:
        streams = [client.request("/body", method="POST", end=False) for _ in range(8)]
        for piece in range(4):
            for stream in streams:
                client.send_body(stream, bytes([stream]) * 10_000, end=piece == 3)
        for stream in streams:
            digest = hashlib.sha256(bytes([stream]) * 40_000).hexdigest()
            assert client.response(stream).body == f"40000 {digest}".encode()


def test_a_body_larger_than_all_windows_is_taken(edge):
    with edge.connect() as client:
        while not client.server_settings:
            client.hear()
        stream = client.request("/body", BODY * 3, method="POST", fields=[("content-length", str(len(BODY) * 3))])
        assert client.response(stream).body.startswith(b"%d " % (len(BODY) * 3))


def test_a_generator_streams_and_its_end_is_an_empty_frame(edge):
    with edge.connect() as client:
        answer = client.get("/stream?500")
        assert answer.body == b"".join(b"block %d\n" % i for i in range(500))
        assert "content-length" not in answer.fields and "transfer-encoding" not in answer.fields


def test_the_app_is_told_http_2_and_one_cookie_field_and_the_authority_as_host(serve_http2, write_app):
    write_app(
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [('X-UPPER', ' padded ')])\n"
        "    names = 'SERVER_PROTOCOL', 'HTTP_COOKIE', 'HTTP_HOST', 'REQUEST_METHOD', 'QUERY_STRING'\n"
        "    return ['|'.join(environ.get(name, '') for name in names).encode()]\n"
    )
    edge = serve_http2("--access-log", "log", app="app:app")
    with edge.connect() as client:
        crumbs = [("cookie", "a=1"), ("cookie", "b=2")]
        answer = client.get("/x?q=1", authority="shop.example:81", fields=crumbs)
        assert answer.body == b"HTTP/2.0|a=1; b=2|shop.example:81|GET|q=1"
        assert answer.fields["x-upper"] == "padded"
        assert client.get("/x", authority=None, fields=[("host", "old"), ("cookie", "")]).body.startswith(b"HTTP/2.0||old|")
    log = edge.server.cwd / "log"
    wait_until(lambda: '"GET /x?q=1 HTTP/2.0" 200' in log.read_text(), what="the access log's line")


def test_a_status_that_forbids_a_body_ends_with_its_head(edge):
    with edge.connect() as client:
        for status in (204, 304):
            answer = client.get(f"/empty?{status}")
            assert (answer.status, answer.body) == (status, b"")
        assert client.get("/size?100000", method="HEAD").fields["content-length"] == "100000"
        assert client.get("/stream?10", method="HEAD").body == b""
        assert client.get("/echo?on").body == b"on"


def test_expect_100_continue_is_answered_before_the_body(edge):
    with edge.connect() as client:
        fields = [("expect", "100-continue"), ("content-length", "5")]
        stream = client.request("/body", method="POST", fields=fields, end=False)
        while not client.stream(stream).informational:
            client.hear()
        client.data(stream, b"hello", end=True)
        assert client.response(stream).body.startswith(b"5 ")
        assert client.stream(stream).informational == [100]


def test_trailers_end_a_request(edge):
    with edge.connect() as client:
        stream = client.request("/body", method="POST", end=False)
        client.data(stream, b"hello")
        client.send(client.head([("x-checksum", "1")], stream=stream)[1])
        assert client.response(stream).body.startswith(b"5 ")


@pytest.mark.parametrize(
    "words, status",
    [
        (dict(path="/%zz"), 400),
        (dict(path="/../x"), 400),
        (dict(path="/" + "x" * 9000), 414),
        (dict(fields=[(f"x-{i}", "1") for i in range(101)]), 431),
        (dict(fields=[("x-long", "1" * 33_000)]), 431),
        (dict(fields=[("expect", "tea")]), 417),
        (dict(scheme="gopher"), 400),
        (dict(method="CONNECT", path=None, scheme=None), 501),
        (dict(method="OPTIONS", path="*"), 200),
        (dict(fields=[("te", "trailers"), ("priority", "u=1, i")]), 200),
    ],
)
def test_what_is_well_formed_gets_an_answer_and_the_connection_goes_on(edge, words, status):
    with edge.connect() as client:
        long = [("x-long", "1" * 33_000)] == words.get("fields")
        stream, head = client.head(request_fields(**words))
        if long:  # a head of several frames
            block = head[9:]
            client.send(frame(1, 1, stream, block[:16384]) + frame(9, 0, stream, block[16384:32768]))
            client.send(frame(9, 4, stream, block[32768:]))
        else:
            client.send(head)
        assert client.response(stream).status == status
        assert client.get("/echo?on").body == b"on"


MALFORMED = {
    "no method": [(":scheme", "http"), (":authority", "t"), (":path", "/")],
    "no path": [(":method", "GET"), (":scheme", "http"), (":authority", "t")],
    "an empty path": request_fields(""),
    "no authority and no host": request_fields("/", authority=None),
    "two paths": request_fields() + [(":path", "/b")],
    "a pseudo-field behind a field": [("x", "y"), *request_fields()],
    "a pseudo-field for responses": [*request_fields(), (":status", "200")],
    "an unknown pseudo-field": [(":version", "2"), *request_fields()],
    "a name in capitals": request_fields(fields=[("X-Name", "1")]),
    "a name with a space": request_fields(fields=[("x name", "1")]),
    "a name with a colon": request_fields(fields=[("x:name", "1")]),
    "a value with a line break": request_fields(fields=[("x", "a\r\nb: c")]),
    "a value with a NUL": request_fields(fields=[("x", "a\0b")]),
    "a value with a space in front": request_fields(fields=[("x", " a")]),
    "connection": request_fields(fields=[("connection", "close")]),
    "transfer-encoding": request_fields(fields=[("transfer-encoding", "chunked")]),
    "upgrade": request_fields(fields=[("upgrade", "h2c")]),
    "te that is not trailers": request_fields(fields=[("te", "gzip")]),
    "a host that is not the authority": request_fields(fields=[("host", "other")]),
    "an authority with a user": request_fields(authority="user@test"),
    "an authority with a slash": request_fields(authority="test/x"),
    "a target without a slash": request_fields("x"),
    "a target with a fragment": request_fields("/#x"),
    "a target with a space": request_fields("/a b"),
    "a target with a raw byte": request_fields("/\xe4"),
    "* for a GET": request_fields("*"),
    "a method with a space": request_fields(method="GE T"),
    "two lengths": request_fields(fields=[("content-length", "0"), ("content-length", "0")]),
    "a length that is none": request_fields(fields=[("content-length", "+0")]),
    "a length without a body": request_fields(fields=[("content-length", "3")]),
    "CONNECT with a path": request_fields(method="CONNECT"),
}


@pytest.mark.parametrize("why", MALFORMED)
def test_what_rfc_9113_calls_malformed_resets_the_stream_and_no_more(edge, why):
    with edge.connect() as client:
        stream, head = client.head([(name, value.encode("latin-1")) for name, value in MALFORMED[why]])
        client.send(head)
        assert client.hear_reset(stream) == PROTOCOL_ERROR
        assert client.get("/echo?on").body == b"on"


def test_a_body_shorter_or_longer_than_its_length_resets_the_stream(edge):
    with edge.connect() as client:
        for body in (b"four", b"sixsix"):
            stream = client.request("/body", method="POST", fields=[("content-length", "5")], end=False)
            client.data(stream, body, end=True)
            assert client.hear_reset(stream) == PROTOCOL_ERROR
        assert client.get("/echo?on").body == b"on"


def test_a_body_over_the_limit_is_answered_413_and_the_rest_not_asked_for(serve_http2):
    edge = serve_http2(**{"limits.request_body_bytes": "100KiB"})
    with edge.connect() as client:
        told = client.request("/body", method="POST", fields=[("content-length", "200000")], end=False)
        assert client.response(told).status == 413
        assert client.hear_reset(told) == NO_ERROR
        stream = client.request("/body", method="POST", end=False)
        with pytest.raises(Reset) as reset:
            client.send_body(stream, b"x" * (1 << 20))
            client.response(stream)
        assert reset.value.code == NO_ERROR and client.stream(stream).status == 413
        assert client.get("/echo?on").body == b"on"
    assert edge.counter("limit_request_body") == 2


def test_a_body_that_stops_is_answered_408_and_the_others_go_on(serve_http2):
    edge = serve_http2(**{"limits.body_timeout": "0.2s"})
    with edge.connect() as client:
        stream = client.request("/body", method="POST", end=False)
        client.data(stream, b"some")
        assert client.response(stream).status == 408
        assert client.get("/echo?on").body == b"on"


def test_urgent_streams_go_first(edge):
    """RFC 9218: with both waiting for the window, the one of higher urgency gets all of it."""
    opening = {SettingsFrame.INITIAL_WINDOW_SIZE: 1 << 24}
    with edge.connect(settings=opening, open_windows=False) as client:
        low = client.request("/files/large", fields=[("priority", "u=6")])
        while len(client.stream(low).body) < 65535:  # the connection's first window
            client.hear()
        high = client.request("/files/small", fields=[("priority", "u=0")])
        client.sync()
        client.window_update(0, 1 << 24)
        assert len(client.response(high).body) == 768
        assert len(client.stream(low).body) < 4 << 20
        client.response(low)


def test_priority_update_moves_a_stream_to_the_front(edge):
    opening = {SettingsFrame.INITIAL_WINDOW_SIZE: 1 << 24}
    with edge.connect(settings=opening, open_windows=False) as client:
        first = client.request("/files/large")
        while len(client.stream(first).body) < 65535:
            client.hear()
        second = client.request("/files/large")
        client.send(frame(0x10, 0, 0, second.to_bytes(4, "big") + b"u=0"))
        client.sync()
        assert client.server_settings[9] == 1  # SETTINGS_NO_RFC7540_PRIORITIES
        client.window_update(0, 1 << 24)
        client.response(second)
        assert len(client.stream(first).body) < 4 << 20
        client.response(first)


def test_http_1_goes_on_where_http_2_is_spoken(edge):
    assert edge.get("/echo?one").body == b"one"
    answer = edge.say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX")
    assert answer.status == 505


def test_the_preface_may_come_byte_by_byte(edge):
    with socket.create_connection((edge.server.host, edge.server.port)) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in PREFACE + SettingsFrame(0).serialize():
            raw.sendall(bytes([byte]))
        assert raw.recv(9)[3] == 4  # SETTINGS


def test_h2_the_other_implementation_has_no_complaint(edge):
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    connection.initiate_connection()
    with socket.create_connection((edge.server.host, edge.server.port), timeout=60) as raw:
        fields = [(":method", "POST"), (":scheme", "http"), (":authority", "t"), (":path", "/body")]
        connection.send_headers(1, fields)
        connection.send_data(1, b"x" * 16000, end_stream=True)
        connection.send_headers(3, [(":method", "GET"), *fields[1:3], (":path", "/size?300000")], end_stream=True)
        raw.sendall(connection.data_to_send())
        sizes, ended = {1: 0, 3: 0}, set()
        while ended != {1, 3}:
            for event in connection.receive_data(raw.recv(65536)):
                assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated))
                if isinstance(event, h2.events.DataReceived):
                    sizes[event.stream_id] += len(event.data)
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if isinstance(event, h2.events.StreamEnded):
                    ended.add(event.stream_id)
            raw.sendall(connection.data_to_send())
        assert sizes[3] == 300000


def test_over_tls_a_client_that_knows_http_2_speaks_it(serve, write_app, tmp_path):
    key = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2"
    subprocess.run([*key.split(), "-subj", "/CN=localhost"], cwd=tmp_path, capture_output=True, check=True)
    (tmp_path / "key.pem").chmod(0o600)
    write_app(
        "def app(environ, start_response):\n"
        "    body = environ['wsgi.input'].read()\n"
        "    start_response('200 OK', [])\n"
        "    return [f'{environ[\"SERVER_PROTOCOL\"]} {environ[\"wsgi.url_scheme\"]} {len(body)}'.encode()]\n"
    )
    (tmp_path / "labcoat.toml").write_text(
        '[server]\nlisten = ["https://127.0.0.1:0"]\n'
        '[[tls.certificate]]\nfile = "cert.pem"\nkey = "key.pem"\n'
        '[app.main]\ntarget = "app:app"\nworkers = 1\n'
    )
    server = serve("-c", "labcoat.toml", listen=None)
    (tmp_path / "body").write_bytes(BODY)
    for words, protocol in ((["--http2"], "HTTP/2.0"), (["--http1.1"], "HTTP/1.1")):
        command = ["curl", "-sSk", "--max-time", "60", *words, "--data-binary", f"@{tmp_path}/body", server.url]
        said = subprocess.run(command, capture_output=True, check=True).stdout
        assert said == f"{protocol} https {len(BODY)}".encode()


def test_h2load_gets_every_answer(edge):
    words = ["h2load", "-n", "2000", "-c", "5", "-m", "20"]
    for path in ("/files/small", "/echo?x"):
        said = subprocess.run([*words, edge.server.url + path], capture_output=True, check=True, text=True).stdout
        assert "2000 succeeded, 0 failed, 0 errored, 0 timeout" in said, said
