"""Apps behind HTTP/2: what waits is taken back, what runs is told, who dies costs only its own streams, and a drain loses
nothing."""

import hashlib
import signal

from http2_wire import INTERNAL_ERROR, NO_ERROR, Ended, Reset
from hyperframe.frame import SettingsFrame
from server import wait_until

import pytest


def test_fifty_streams_are_answered_by_two_workers(edge):
    with edge.connect() as client:
        streams = [client.request("/size?20000") for _ in range(50)]
        assert all(len(client.response(stream).body) == 20000 for stream in streams)


def test_a_megabyte_comes_back_as_it_was_sent(serve_http2, write_app):
    write_app(
        "def app(environ, start_response):\n"
        "    body = environ['wsgi.input'].read()\n"
        "    start_response('200 OK', [('Content-Length', str(len(body)))])\n"
        "    return [body]\n",
        name="echo",
    )
    edge = serve_http2(app="echo:app")
    body = hashlib.sha256(b"seed").digest() * 32768
    with edge.connect() as client:
        while not client.server_settings:
            client.hear()
        streams = [client.request("/", method="POST", end=False) for _ in range(4)]
        for stream in streams:
            client.send_body(stream, body)
        assert all(client.response(stream).body == body for stream in streams)


def test_a_slow_stream_does_not_hold_up_a_fast_one(edge):
    with edge.connect() as client:
        slow = client.request(f"/gate?{edge.server.cwd}/gate")
        assert client.get("/echo?fast").body == b"fast"
        (edge.server.cwd / "gate").touch()
        assert client.response(slow).body == b"opened"


def test_what_is_reset_before_a_worker_has_it_is_taken_back(serve_http2):
    edge = serve_http2("-w", 1)
    with edge.connect() as client:
        first = client.request("/gate?first")
        wait_until((edge.server.cwd / "first.begun").exists, what="the worker to be busy")
        second = client.request("/gate?second")
        client.reset(second)
        client.sync()
        assert edge.counter("withdrawn") == 1
        (edge.server.cwd / "first").touch()
        assert client.response(first).body == b"opened"
        assert client.get("/echo?on").body == b"on"
        assert not (edge.server.cwd / "second.begun").exists()


def test_an_app_whose_stream_is_reset_is_told(edge, tmp_path):
    with edge.connect() as client:
        stream = client.request(f"/endless?{tmp_path}/closed")
        while len(client.stream(stream).body) < 100_000:
            client.hear()
        client.reset(stream)
        wait_until((tmp_path / "closed").exists, what="the iterable to be closed")
        assert client.get("/echo?on").body == b"on"


def test_a_client_that_does_not_read_makes_its_worker_wait_and_loses_nothing(serve_http2):
    edge = serve_http2("-w", 1, **{"limits.response_buffer_bytes": "64KiB"})
    with edge.connect(settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0}) as client:
        stream = client.request("/finish?4000000,finished")
        wait_until(lambda: edge.counter("limit_response_buffer") >= 1, what="the buffer to be full")
        assert not (edge.server.cwd / "finished").exists()
        client.window_update(stream, 1 << 24)
        assert len(client.response(stream).body) == 4_000_000
        wait_until((edge.server.cwd / "finished").exists, what="the app's end")


def test_a_worker_that_dies_costs_only_its_own_stream(serve_http2):
    edge = serve_http2("-w", 2)
    with edge.connect() as client:
        doomed = client.request("/kill?tries", method="POST")
        assert client.get("/echo?on").body == b"on"
        assert client.response(doomed).status == 502
        again = client.request("/kill-once?once")
        assert client.response(again).status == 200
        half = client.request("/kill-halfway?now")
        while not client.stream(half).body:
            client.hear()
        (edge.server.cwd / "now").touch()
        with pytest.raises(Reset) as reset:
            client.response(half)
        assert reset.value.code == INTERNAL_ERROR
        assert client.get("/echo?on").body == b"on"


def test_a_head_request_whose_app_goes_on_is_answered_at_once(serve_http2):
    edge = serve_http2("-w", 1)
    with edge.connect() as client:
        stream = client.request("/stream?3000", method="HEAD")
        assert client.response(stream).status == 200
        assert client.get("/echo?on").body == b"on"


def test_a_drain_is_told_twice_and_everything_is_answered(serve_http2):
    edge = serve_http2("-w", 1)
    with edge.connect() as client:
        stream = client.request("/gate?open")
        wait_until((edge.server.cwd / "open.begun").exists, what="the worker to be busy")
        edge.server.signal(signal.SIGTERM)
        while len(client.goaways) < 2:
            client.hear()
        assert [word.error_code for word in client.goaways] == [NO_ERROR, NO_ERROR]
        assert [word.last_stream_id for word in client.goaways] == [2**31 - 1, stream]
        (edge.server.cwd / "open").touch()
        assert client.response(stream).body == b"opened"
        with pytest.raises(Ended):
            while True:
                client.hear()
    assert edge.server.wait() == 0


def test_a_stream_that_was_under_way_when_the_drain_began_is_answered(serve_http2):
    edge = serve_http2("-w", 1)
    with edge.connect() as client:
        client.sync()
        edge.server.signal(signal.SIGTERM)
        wait_until(lambda: edge.admin("/ready").status == 503, what="the drain")
        stream = client.request("/echo?late")  # the client has not heard of it yet
        assert client.response(stream).body == b"late"
        assert client.hear_end() == NO_ERROR
    assert edge.server.wait() == 0
