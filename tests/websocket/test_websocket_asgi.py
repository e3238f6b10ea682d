"""The websocket scope: what an application is given, what it may send, and what its client sees."""

import asyncio
import json
import os
import socket
import threading
import time

import pytest
import websockets
from server import wait_until
from websocket_wire import BINARY, CLOSE, FIN, PING, PONG, TEXT, close_payload, frame, handshake


@pytest.fixture(scope="session", params=["asyncio", "uvloop"])
def loop(request):
    return request.param


def ends_of(app, name):
    """What /record?NAME has heard, once it has ended."""
    return wait_until(lambda: json.loads(app.get("/ends").body).get(name), what=f"the end of {name}")


def test_the_scope_says_what_was_asked(wire):
    client = wire("/scope?a=b%20c", "Sec-WebSocket-Protocol: chat, super", "Sec-WebSocket-Protocol:  last ")
    said = json.loads(client.message()[1])
    assert said == {
        "type": "websocket", "scheme": "ws", "http_version": "1.1", "path": "/scope", "root_path": "", "query": "a=b%20c",
        "subprotocols": ["chat", "super", "last"], "extensions": {"websocket.http.response": {}}, "host": "test",
    }
    assert client.answer["sec-websocket-protocol"] == "last"
    assert client.answer["x-answer"] == "42"
    assert "sec-websocket-extensions" not in client.answer
    assert client.closed() == 1000  # the app has returned


@pytest.mark.parametrize("code", [1000, 1008, 3000, 4999])
def test_the_app_closes_with_code_and_reason(wire, code):
    client = wire(f"/close?{code}")
    assert client.closed() == code
    assert client.reason == "the app says so: é"
    client.send(frame(CLOSE, close_payload(code)))
    assert client.ended()


def test_messages_on_their_way_are_dropped_once_the_app_has_closed(wire):
    client = wire("/close?1000")
    assert client.closed() == 1000
    client.send(frame(TEXT, b"late") + frame(PING, b"x") + frame(CLOSE, close_payload(1000)))
    assert client.ended()


def test_a_close_before_the_accept_is_403(wire):
    status, _, body = wire(None).ask(handshake("/deny"))
    assert (status, body) == (403, b"")


def test_an_app_may_answer_with_a_response_instead(wire):
    client = wire(None)
    client.send(handshake("/deny_with"))
    data = b""
    while b"\r\n0\r\n\r\n" not in data:
        data += client.socket.recv(65536)
    assert data.startswith(b"HTTP/1.1 451 ")
    assert b"x-why: law\r\n" in data
    assert data.count(b"no entry") > 49_000


@pytest.mark.complains
@pytest.mark.parametrize("path", ["/fail_early", "/say_nothing"])
def test_an_app_that_fails_before_it_has_accepted_is_500(app, wire, path):
    assert wire(None).ask(handshake(path))[0] == 500
    wait_until(lambda: "before the accept" in app.new_log() or "without accepting" in app.new_log())


@pytest.mark.complains
def test_an_app_that_fails_later_is_1011(app, wire):
    assert wire("/fail_late").closed() == 1011
    wait_until(lambda: "after the accept" in app.new_log())


def test_an_app_that_returns_closes(wire):
    assert wire("/leave").closed() == 1000


def test_the_app_hears_how_the_client_closed(app, wire):
    client = wire("/record?closed")
    client.send(frame(TEXT, b"one") + frame(CLOSE, close_payload(4001, "gone fishing é".encode())))
    assert client.closed() == 4001
    assert ends_of(app, "closed") == [["one"], 4001, "gone fishing é", "ClientDisconnected", True]


def test_the_app_hears_of_a_close_without_a_code(app, wire):
    client = wire("/record?bare")
    client.send(frame(CLOSE))
    assert client.closed() == 1005
    assert ends_of(app, "bare")[1:3] == [1005, ""]


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_the_app_hears_of_a_client_that_is_gone_without_a_word(app, wire, how):
    client = wire(f"/record?{how}")
    client.send(frame(PING))
    assert client.frame() == (FIN | PONG, b"")
    if how == "reset":
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.__exit__()
    assert ends_of(app, how)[1] == 1006


def test_the_app_gets_all_messages_that_came_before_the_end(app, wire):
    client = wire("/record?all")
    messages = [f"message {i}" for i in range(500)]
    client.send(b"".join(frame(TEXT, one.encode()) for one in messages) + frame(CLOSE, close_payload(1000)))
    assert client.closed() == 1000
    assert ends_of(app, "all")[0] == messages


def test_half_a_message_is_none(app, wire):
    client = wire("/record?half")
    client.send(frame(TEXT, b"whole") + frame(TEXT, b"half", flags=0))
    client.send(frame(CLOSE, close_payload(1000)))
    assert client.closed() == 1000
    assert ends_of(app, "half")[0] == ["whole"]


def test_the_app_is_told_what_it_does_wrong(wire):
    client = wire("/wrong")
    assert client.message()[1].decode().split() == [
        "RuntimeError", "ValueError", "ValueError", "RuntimeError", "RuntimeError", "ValueError", "ValueError", "TypeError",
        "TypeError", "UnicodeEncodeError", "ValueError", "ValueError", "RuntimeError", "TypeError",
    ]


def test_giving_up_to_wait_loses_no_message(wire):
    client = wire("/impatient")
    for i in range(200):
        client.send(frame(TEXT, b"%d" % i))
        if i % 10 == 0:
            client.send(frame(PING))
            assert client.frame() == (FIN | PONG, b"")
    assert client.message()[1].decode().split() == [str(i) for i in range(200)]


def test_messages_of_several_tasks_do_not_mix(wire):
    client = wire("/together")
    got = [client.message()[1] for _ in range(18)]
    assert sorted(got) == sorted(letter * size for letter in (b"a", b"b", b"c", b"d", b"e", b"f") for size in (10, 200_000, 10))


def test_a_client_that_does_not_read_holds_its_app_up_and_nobody_else(app, wire):
    """The app's send() waits; memory is bounded by the ring, the edge's buffer and the kernel's."""
    slow = wire("/flood?30000", receive_buffer=4096)
    wait_until(lambda: json.loads(app.get("/ends").body).get("flood", 0) > 0)

    def stalled():
        before = json.loads(app.get("/ends").body)["flood"]
        time.sleep(0.1)
        return json.loads(app.get("/ends").body)["flood"] == before

    wait_until(stalled)
    assert json.loads(app.get("/ends").body)["flood"] < 30000
    other = wire("/echo")
    other.send(frame(TEXT, b"still here"))
    assert other.message() == (TEXT, b"still here")
    total = 0
    while (message := slow.message())[0] == BINARY:
        total += 1
    assert (total, message[1]) == (30000, b"done")


def test_an_app_that_does_not_read_holds_its_client_up(app, wire, tmp_path):
    client = wire(f"/slow?{tmp_path}/go")
    sent = 0
    piece = frame(BINARY, bytes(100_000))

    def push():
        nonlocal sent
        for _ in range(150):
            client.send(piece)
            sent += 1
        client.send(frame(BINARY, b"last"))

    pusher = threading.Thread(target=push, daemon=True)
    pusher.start()
    wait_until(lambda: sent > 0)
    while True:
        before = sent
        pusher.join(0.2)
        if sent == before:
            break
    assert sent < 150, "15 MB went somewhere"
    (tmp_path / "go").touch()
    assert client.message() == (TEXT, b"15000004")
    pusher.join()


def test_a_client_that_never_reads_the_echo_is_not_read_either(wire):
    client = wire("/echo", receive_buffer=4096)
    client.socket.settimeout(0.5)
    piece = frame(BINARY, bytes(100_000))
    with pytest.raises(TimeoutError):
        for _ in range(400):
            client.send(piece)


def test_a_ping_flood_from_a_client_that_reads_nothing_is_not_answered_for_ever(wire):
    client = wire("/echo", receive_buffer=4096)
    client.socket.settimeout(0.5)
    pings = frame(PING, bytes(125)) * 1000
    with pytest.raises(TimeoutError):
        for _ in range(200):
            client.send(pings)


def test_a_client_that_leaves_before_the_accept_is_told_to_the_app(app, wire, tmp_path):
    client = wire(None)
    client.send(handshake(f"/wait?{tmp_path}/go"))
    wait_until(lambda: app.server.worker_pids())
    client.__exit__()
    (tmp_path / "go").touch()
    assert app.get("/").status == 200


def test_what_one_says_goes_to_all(wire):
    clients = [wire("/broadcast") for _ in range(20)]
    for client in clients:
        client.send(frame(PING))
        assert client.frame() == (FIN | PONG, b"")
    time_limit = time.monotonic() + 20
    # All have accepted once each has heard itself.
    for i, client in enumerate(clients):
        client.send(frame(TEXT, b"hello %d" % i))
    for i, client in enumerate(clients):
        heard = set()
        while b"hello %d" % i not in heard:
            heard.add(client.message()[1])
            assert time.monotonic() < time_limit


def test_a_real_client_library_is_content(app):
    async def talk():
        url = f"ws://{app.server.host}:{app.server.port}/echo"
        for compression in ("deflate", None):
            async with websockets.connect(url, compression=compression, max_size=None) as client:
                for message in ["text", "é" * 70_000, b"", os.urandom(200_000), "a" * 900_000]:
                    await client.send(message)
                    assert await client.recv() == message
                await client.send(["in ", "fragments"])
                assert await client.recv() == "in fragments"
                await (await client.ping())
            assert client.close_code == 1000

    asyncio.run(talk())


def test_an_ordinary_request_goes_on_after_a_refusal_on_the_same_connection(wire):
    client = wire(None)
    assert client.ask(handshake("/deny"))[0] == 403
    assert client.ask(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")[0] == 200
