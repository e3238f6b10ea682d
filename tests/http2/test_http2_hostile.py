"""Clients of HTTP/2 that would cost us more than them. Each ends in GOAWAY ENHANCE_YOUR_CALM, a counter tells of it, and
the others do not notice."""

import contextlib
import socket
import struct
import threading
import time

import pytest
from http2_wire import (
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    STREAM_CLOSED,
    Ended,
    frame,
    request_fields,
)
from hyperframe.frame import SettingsFrame
from server import wait_until

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9


def flood(client, data):
    """Sends all of it, or as much as is taken before the server hangs up; the code of its GOAWAY."""
    try:
        client.send(data)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return client.hear_end()


def assert_others_are_served(edge, path="/echo?on"):
    with edge.connect() as client:
        assert client.get(path).status == 200


FLOODS = {
    "PING": frame(PING, 0, 0, b"12345678"),
    "SETTINGS": frame(SETTINGS),
    "SETTINGS with a value": frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65536)),
    "PRIORITY": frame(PRIORITY, 0, 1, struct.pack(">IB", 0, 10)),
    "PRIORITY_UPDATE": frame(16, 0, 0, struct.pack(">I", 1) + b"u=1"),
    "WINDOW_UPDATE": frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)),
    "WINDOW_UPDATE of a stream": frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 1)),
    "empty DATA": frame(DATA, 0, 1),
    "DATA of padding alone": frame(DATA, 8, 1, b"\0"),
    "frames nobody knows": frame(0x42, 0, 0, b"?"),
    "answers to no PING": frame(PING, 1, 0, b"12345678"),
    "GOAWAY": frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_frames_without_work_ends_the_connection(edge, name):
    before = edge.counter("limit_http2_control_frames")
    with edge.connect() as client:
        client.request("/body", method="POST", end=False)
        assert flood(client, FLOODS[name] * 3000) == ENHANCE_YOUR_CALM
    assert edge.counter("limit_http2_control_frames") == before + 1
    assert_others_are_served(edge)


def test_as_many_pings_as_are_allowed_are_answered(edge):
    with edge.connect() as client:
        for _ in range(500):
            client.ping()
        client.sync()
        assert len(client.pongs) == 501
        assert client.get("/echo?on").body == b"on"


def test_work_earns_frames(edge):
    """Three control frames a request, for more requests than the budget has frames: an honest, chatty client."""
    with edge.connect() as client:
        for _ in range(600):
            client.ping()
            client.window_update(0, 1)
            assert client.get("/files/small").status == 200


def test_rapid_reset_ends_the_connection(edge):
    """CVE-2023-44487."""
    before = edge.counter("limit_http2_resets")
    with edge.connect() as client:
        data = b""
        for _ in range(1000):
            stream, head = client.head(request_fields("/files/small"))
            data += head + frame(RST_STREAM, 0, stream, struct.pack(">I", 8))
        assert flood(client, data) == ENHANCE_YOUR_CALM
    assert edge.counter("limit_http2_resets") == before + 1
    assert_others_are_served(edge)


def test_who_provokes_resets_resets(edge):
    """CVE-2025-8671: frames that are errors make the server reset stream after stream."""
    before = edge.counter("limit_http2_resets")
    with edge.connect() as client:
        with pytest.raises(Ended) as ended:
            while client.next_stream < 10_000:
                data = b""
                for _ in range(20):
                    stream, head = client.head(request_fields("/body", method="POST"), end=False)
                    data += head + frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", 2**31 - 1))
                client.send(data)
                client.hear_reset(stream)
        assert ended.value.goaway == ENHANCE_YOUR_CALM
    assert edge.counter("limit_http2_resets") == before + 1


def test_some_cancelled_requests_are_nothing_special(edge):
    with edge.connect() as client:
        for _ in range(150):
            client.reset(client.request("/files/small"))
        assert client.get("/echo?on").body == b"on"


@pytest.mark.parametrize("piece", [b"", b"\x40\x01a\x01b" * 100])
def test_a_head_of_endless_continuations_ends_the_connection(edge, piece):
    """CVE-2024-27316 and its like."""
    before = edge.counter("limit_http2_head")
    with edge.connect() as client:
        stream, head = client.head(request_fields(), flags=())
        assert flood(client, head + frame(CONTINUATION, 0, stream, piece) * 2000) == ENHANCE_YOUR_CALM
    assert edge.counter("limit_http2_head") == before + 1
    assert_others_are_served(edge)


def test_a_short_head_that_unpacks_into_megabytes_ends_the_connection(edge):
    before = edge.counter("limit_http2_head")
    with edge.connect() as client:
        value = b"x" * 3900
        stream, head = client.head(request_fields(), flags=())
        entry = b"\x40\x01a\x7f" + bytes([(len(value) - 127) & 0x7F | 0x80, (len(value) - 127) >> 7]) + value
        block = entry + b"\xbe" * 12_000  # the newest entry of the table, again and again
        assert flood(client, head + frame(CONTINUATION, 4, stream, block)) == ENHANCE_YOUR_CALM
    assert edge.counter("limit_http2_head") == before + 1


def test_more_streams_than_allowed_are_refused(serve_http2):
    edge = serve_http2("-w", 1, **{"limits.http2_streams": 3})
    with edge.connect() as client:
        streams = [client.request("/gate?open", method="GET") for _ in range(5)]
        assert [client.hear_reset(stream) for stream in streams[3:]] == [REFUSED_STREAM] * 2
        assert client.server_settings[SettingsFrame.MAX_CONCURRENT_STREAMS] == 3
        (edge.server.cwd / "open").touch()
        assert [client.response(stream).body for stream in streams[:3]] == [b"opened"] * 3
    assert edge.counter("limit_http2_streams") == 2


def test_a_head_that_does_not_end_in_time_ends_the_connection(serve_http2):
    edge = serve_http2(**{"limits.header_timeout": "0.2s"})
    with edge.connect() as client:
        client.sync()
        client.send(client.head(request_fields(), flags=())[1])
        assert client.hear_end() == ENHANCE_YOUR_CALM
    assert edge.counter("timeout_head") == 1


def test_an_idle_connection_is_said_goodbye(serve_http2):
    edge = serve_http2(**{"limits.idle_timeout": "0.2s"})
    with edge.connect() as client:
        assert client.get("/echo?on").body == b"on"
        assert client.hear_end() == 0
        assert client.goaways[-1].last_stream_id == 1
    assert edge.counter("timeout_idle") == 1


def test_a_window_that_stays_shut_ends_the_connection(serve_http2):
    edge = serve_http2(**{"limits.write_timeout": "0.2s"})
    with edge.connect(settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0}) as client:
        client.request("/files/large")
        client.request("/size?1000000")
        assert client.hear_end() == ENHANCE_YOUR_CALM
    assert edge.counter("timeout_write") >= 1
    assert_others_are_served(edge)


def test_a_stream_that_is_not_read_is_reset_while_the_others_go_on(serve_http2):
    edge = serve_http2(**{"limits.write_timeout": "0.3s"})
    with edge.connect(settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0}) as client:
        left = client.request("/files/large")
        while client.stream(left).reset is None:
            stream = client.request("/files/small")
            client.window_update(stream, 1000)
            assert len(client.response(stream).body) == 768
        assert client.stream(left).reset == ENHANCE_YOUR_CALM


def test_a_stream_whose_turn_does_not_come_waits_for_longer_than_the_timeout(serve_http2):
    """Answers that are of use only as a whole go one after the other: the second is not its client's fault."""
    edge = serve_http2(**{"limits.write_timeout": "0.3s"})
    with edge.connect(open_windows=False) as client:
        first, second = client.request("/files/large"), client.request("/files/large")
        began = time.monotonic()
        while time.monotonic() - began < 1:
            client.window_update(0, 2000)
            client.sync()
            time.sleep(0.01)  # that is how slow this client is
        assert client.stream(first).body and not client.stream(second).body
        assert client.stream(first).reset is None and client.stream(second).reset is None
        client.reset(first)
        client.window_update(0, 8 << 20)
        assert len(client.response(second).body) == 4 << 20
    assert edge.counter("timeout_write") == 0


def test_many_answers_without_a_body_do_not_wait_in_memory(serve_http2):
    """A head of some bytes, by the table of HPACK, is answered by one of thousands."""
    edge = serve_http2("-w", 1)
    (edge.server.cwd / "site/folder").mkdir()
    before = edge.memory_kib()
    with edge.connect() as client:
        stream, data = client.head(request_fields("/files/folder?" + "x" * 3900, method="HEAD"))
        block = client.encoder.encode(request_fields("/files/folder?" + "x" * 3900, method="HEAD"), huffman=False)
        assert len(block) < 20
        for number in range(stream + 2, 4000, 2):
            data += frame(HEADERS, 5, number, block)
        assert flood(client, data) == ENHANCE_YOUR_CALM
        assert client.stream(stream).status in (301, 302, 307, 308) and len(client.stream(stream).fields["location"]) > 3900
    if not edge.sanitized():
        assert edge.memory_kib() - before < 4 * 1024
    assert_others_are_served(edge)


def test_requests_that_are_answered_and_worked_on_count_as_streams(serve_http2, write_app):
    """HEAD is answered with the head; the app writes a body that nobody wants."""
    write_app(
        "import asyncio, os\n"
        "async def app(scope, receive, send):\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'x' * 10, 'more_body': True})\n"
        "    while scope['path'] == '/long' and not os.path.exists('end'):\n"
        "        await asyncio.sleep(0.01)\n"
        "    await send({'type': 'http.response.body', 'body': b''})\n",
        name="long",
    )
    edge = serve_http2("-w", 1, app="long:app", **{"limits.http2_streams": 3})
    with edge.connect() as client:
        for _ in range(3):
            assert client.get("/long", method="HEAD").status == 200
        assert client.hear_reset(client.request("/long", method="HEAD")) == REFUSED_STREAM
        assert edge.counter("limit_http2_streams") == 1
        (edge.server.cwd / "end").touch()
        wait_until(lambda: answers(client), what="the app to come to its end")


def answers(client):
    stream = client.request("/short")
    while not client.stream(stream).ended and client.stream(stream).reset is None:
        client.hear()
    return client.stream(stream).reset is None


def test_a_stream_that_is_read_in_drips_is_reset_while_the_others_go_on(serve_http2):
    edge = serve_http2(**{"limits.write_rate_min": "1KiB"})
    began = time.monotonic()
    with edge.connect(settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0}, open_windows=False) as client:
        slow = client.request("/files/large")
        while client.stream(slow).reset is None:
            client.window_update(0, 1000)
            client.window_update(slow, 1)
            stream = client.request("/files/small")
            client.window_update(stream, 1000)
            assert len(client.response(stream).body) == 768
            time.sleep(0.02)  # that is how slow this client is
            assert time.monotonic() - began < 60
        assert client.stream(slow).reset == ENHANCE_YOUR_CALM
    assert time.monotonic() - began > 4, "the first seconds are free"
    assert edge.counter("limit_write_rate") == 1 and edge.counter("timeout_write") == 0


def test_a_stream_that_waited_for_more_urgent_ones_was_not_slow(serve_http2):
    edge = serve_http2(**{"limits.write_rate_min": "10KiB"})
    with edge.connect(settings={SettingsFrame.INITIAL_WINDOW_SIZE: 32768}, open_windows=False) as client:
        urgent = client.request("/files/large", fields=[("priority", "u=0")])
        client.window_update(urgent, 1 << 24)
        while len(client.stream(urgent).body) < 65535:
            client.hear()
        patient = client.request("/files/large", fields=[("priority", "u=7")])
        began = time.monotonic()
        while time.monotonic() - began < 6:  # the first seconds are free
            client.window_update(0, 2000)
            seen = len(client.stream(urgent).body) + 2000
            while len(client.stream(urgent).body) < seen:
                client.hear()
            time.sleep(0.05)  # that is how fast this client is
        assert client.stream(patient).body == b""
        client.reset(urgent)
        client.window_update(0, 1 << 24)
        while len(client.stream(patient).body) < 32768:  # its window is used up
            client.hear()
        client.window_update(patient, 1 << 24)
        assert client.response(patient).body
    assert edge.counter("limit_write_rate") == 0


def test_a_body_that_trickles_is_408_though_it_never_stops(serve_http2):
    edge = serve_http2(**{"limits.body_rate_min": 1000})
    began = time.monotonic()
    with edge.connect() as client:
        stream = client.request("/echo", method="POST", end=False)
        client.socket.settimeout(0.05)
        while client.stream(stream).status is None:
            client.data(stream, b"x")
            with contextlib.suppress(TimeoutError):
                client.hear()
            assert time.monotonic() - began < 60
        assert client.stream(stream).status == 408 and time.monotonic() - began > 4
    assert edge.counter("limit_body_rate") == 1 and edge.counter("timeout_body") == 0


def test_who_reads_nothing_at_all_is_dropped_and_holds_little(serve_http2):
    edge = serve_http2("-w", 1, **{"limits.write_timeout": "0.5s", "limits.response_buffer_bytes": "64KiB"})
    before = edge.memory_kib()
    with edge.connect(open_windows=True) as client:
        for _ in range(90):
            client.request("/files/large")
        client.request("/endless?closed")
        wait_until(lambda: edge.counter("timeout_write") == 1, what="the write timeout")
        wait_until((edge.server.cwd / "closed").exists, what="the app's end")
    if not edge.sanitized():
        assert edge.memory_kib() - before < 8 * 1024
    assert_others_are_served(edge)


def test_answers_that_nobody_reads_do_not_pile_up(serve_http2, tmp_path):
    """To answers without bodies nothing is left to be done, but until they are sent their streams count: who asks on is refused."""
    route = '[[route]]\npath = "/cookie"\nstatus = 204\nadd_header = { Set-Cookie = "%s" }\n'
    (tmp_path / "labcoat.toml").write_text(route % ("x" * 3000))
    edge = serve_http2("-c", "labcoat.toml", app=None)
    count = 8000
    with edge.connect() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.get("/cookie")
        # The same bytes again and again: everything in them is in the table.
        block = client.head(request_fields("/cookie"))[1][9:]
        requests = b"".join(frame(HEADERS, 5, 3 + 2 * i, block) for i in range(count))
        assert flood(client, requests) == ENHANCE_YOUR_CALM
    assert edge.counter("requests") < count
    assert_others_are_served(edge, "/files/small")
    assert edge.counter("limit_http2_resets") > 0


def test_answers_that_were_reset_and_that_nobody_reads_do_not_pile_up(serve_http2, tmp_path):
    """A stream that its client resets does not count any more, its head stays to be sent: who has some of them waiting is not heard further."""
    route = '[[route]]\npath = "/cookie"\nanswer = "x"\nadd_header = { Set-Cookie = "%s" }\n'
    (tmp_path / "labcoat.toml").write_text(route % ("x" * 30_000))
    edge = serve_http2("-c", "labcoat.toml", app=None, **{"edge_threads": 1, "limits.http2_resets": 10_000})
    count = 600
    with edge.connect(settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0}) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.reset(client.request("/cookie"))
        client.sync()
        # The same bytes again and again, and some to fill: everything else is in the table.
        block = client.head(request_fields("/cookie"))[1][9:] + b"\0\1a\x7f\xe9\6" + b"x" * 1000
        streams = range(3, 3 + 2 * count, 2)
        reset = struct.pack(">I", 8)
        requests = b"".join(frame(HEADERS, 5, one, block) + frame(RST_STREAM, 0, one, reset) for one in streams)
        sender = threading.Thread(target=client.send, args=[requests])
        sender.start()
        for _ in range(5):
            assert_others_are_served(edge, "/files/small")
        assert edge.counter("requests") < count
        while client.stream(streams[-1]).status is None:
            client.hear()
        sender.join()
        assert all(client.stream(one).status == 200 for one in streams)


@pytest.mark.parametrize("first, second, code", [(5, 3, PROTOCOL_ERROR), (1, 1, STREAM_CLOSED)])
def test_a_number_that_was_used_or_left_out_does_not_come_back(edge, first, second, code):
    with edge.connect() as client:
        client.send(client.head(request_fields("/files/small"), stream=first)[1])
        client.response(first)
        client.send(client.head(request_fields("/files/small"), stream=second)[1])
        assert client.hear_end() == code


def test_data_for_a_stream_that_has_ended_is_an_error_of_that_stream(edge):
    with edge.connect() as client:
        stream = client.request("/files/small")
        client.response(stream)
        client.data(stream, b"x")
        assert client.hear_reset(stream) == STREAM_CLOSED
        assert client.get("/echo?on").body == b"on"


def test_a_window_beyond_its_bound_by_settings_ends_the_connection(edge):
    with edge.connect(settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0}) as client:
        # Whose answer does not begin: DATA would make room in the window.
        client.window_update(client.request("/body", method="POST", end=False), 2**31 - 1)
        client.send(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1)))
        assert client.hear_end() == FLOW_CONTROL_ERROR


@pytest.mark.parametrize(
    "fields, flags",
    [([(":path", "/")], 5), ([("X-Capitals", "1")], 5), ([("connection", "close")], 5), ([("x-sum", "1")], 4)],
)
def test_trailers_that_are_malformed_reset_the_stream(edge, fields, flags):
    with edge.connect() as client:
        stream = client.request("/body", method="POST", end=False)
        client.send(frame(HEADERS, flags, stream, client.encoder.encode(fields)))
        assert client.hear_reset(stream) == PROTOCOL_ERROR
        assert client.get("/echo?on").body == b"on"


@pytest.mark.parametrize(
    "data, code",
    [
        (frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR),
        (frame(HEADERS, 4, 2, b"\x82"), PROTOCOL_ERROR),
        (frame(SETTINGS, 0, 0, b"12345"), FRAME_SIZE_ERROR),
        (frame(PING, 0, 0, b"short"), FRAME_SIZE_ERROR),
        (frame(DATA, 0, 1, b"x" * 16385), FRAME_SIZE_ERROR),
        (frame(CONTINUATION, 4, 1, b""), PROTOCOL_ERROR),
        (frame(5, 4, 1, b"\0\0\0\2\x82"), PROTOCOL_ERROR),  # PUSH_PROMISE
        (frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), 3),
        (frame(HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff"), 9),
    ],
)
def test_what_breaks_the_framing_ends_the_connection_with_its_name(edge, data, code):
    with edge.connect() as client:
        client.sync()
        assert flood(client, data) == code


def test_a_preface_without_settings_is_refused(edge):
    with edge.connect() as client:
        assert client.get("/echo?on").body == b"on"
    with edge.connect(preface=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(PING, 0, 0, b"12345678")) as client:
        assert client.hear_end() == PROTOCOL_ERROR


def test_who_hangs_up_in_the_middle_leaves_nothing_behind(edge):
    with edge.admin_client() as admin:
        admin.get("/status")
        before = edge.descriptors()
        for _ in range(5):
            client = edge.connect()
            client.request("/files/large")
            client.request("/body", method="POST", end=False)
            client.request("/size?10000000")
            client.hear()
            client.close()
        wait_until(lambda: edge.descriptors() <= before, what="the descriptors to be closed")
    assert_others_are_served(edge)


def test_the_last_word_is_heard(edge):
    with edge.connect() as client, pytest.raises(Ended) as ended:
        client.send(frame(DATA, 0, 0, b"x"))
        while True:
            client.hear()
    assert ended.value.goaway == PROTOCOL_ERROR
