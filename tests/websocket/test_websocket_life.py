"""What happens to WebSockets when something ends, and where their limits are."""

import json
import os
import signal

import pytest
from edge_wire import Edge
from server import wait_until
from websocket_wire import BINARY, CLOSE, FIN, PING, PONG, TEXT, Wire, close_payload, frame, handshake


def echoes(client, payload=b"hello"):
    client.send(frame(TEXT, payload))
    return client.message() == (TEXT, payload)


def test_the_ends_of_all_are_counted_by_code(serve_sockets):
    edge = Edge(serve_sockets())
    with Wire(edge.server) as one, Wire(edge.server) as two, Wire(edge.server) as three:
        for client in (one, two, three):
            client.connect("/echo")
            assert echoes(client)
        assert edge.counter("websockets_open") == 3
        one.send(frame(CLOSE, close_payload(1000)))
        assert one.closed() == 1000
        two.send(frame(TEXT, b"\xff"))
        assert two.closed() == 1007
    wait_until(lambda: edge.counter("websockets_open") == 0)
    counted = {name: value for name, value in edge.status()["counters"].items() if name.startswith("websocket") and value}
    assert counted == {
        "websockets": 3, "websocket_messages_in": 3, "websocket_messages_out": 3, "websocket_closed_normal": 1,
        "websocket_closed_not_utf8": 1, "websocket_closed_abnormal": 1,
    }
    # The slots are free again: nothing waits for an app that does not ask.
    assert 'labcoat_websockets_open 0' in edge.admin("/metrics").body.decode()


def test_one_line_of_the_access_log_is_about_all_of_it(serve_sockets, tmp_path):
    server = serve_sockets("--access-log", "access.log")
    with Wire(server) as client:
        client.connect("/echo?q=1")
        assert echoes(client, bytes(1000))
        client.send(frame(CLOSE, close_payload(1000)))
        assert client.closed() == 1000
    # Two frames: four bytes and a thousand, two bytes and the code.
    line = wait_until(lambda: (tmp_path / "access.log").read_text())
    assert '"GET /echo?q=1 HTTP/1.1" 101 1008 ' in line


def test_stopping_sends_1001(serve_sockets):
    server = serve_sockets()
    with Wire(server) as client:
        client.connect("/echo")
        assert echoes(client)
        server.signal(signal.SIGTERM)
        assert client.closed() == 1001
        client.send(frame(CLOSE, close_payload(1001)))
        assert client.ended()
    assert server.wait() == 0


def test_stopping_fast_sends_1001_as_well(serve_sockets):
    server = serve_sockets()
    with Wire(server) as answers, Wire(server) as silent, Wire(server) as busy:
        for client in (answers, silent):
            client.connect("/echo")
            assert echoes(client)
        busy.connect("/flood?1000")  # never read: its close frame stands behind the flood
        server.signal(signal.SIGINT)
        assert answers.closed() == 1001 and silent.closed() == 1001
        answers.send(frame(CLOSE, close_payload(1001)))
        assert answers.ended() and silent.ended()
    assert server.wait() == 0


def test_a_client_that_does_not_answer_a_close_is_cut(serve_sockets):
    edge = Edge(serve_sockets("--set", "websocket_close_timeout=50ms"))
    with Wire(edge.server) as client:
        client.connect("/close?1000")
        assert client.closed() == 1000
        assert client.ended()
        assert edge.counter("timeout_websocket_close") == 1


def test_a_dead_worker_is_1011_and_another_takes_the_next(serve_sockets):
    server = serve_sockets()
    with Wire(server) as client:
        client.connect("/echo")
        assert echoes(client)
        os.kill(server.worker_pids()[0], signal.SIGKILL)
        assert client.closed() == 1011
    with Wire(server) as client:
        client.connect("/echo")
        assert echoes(client)


def test_what_a_dead_worker_had_sent_still_comes(serve_sockets):
    server = serve_sockets()
    with Wire(server, receive_buffer=4096) as client:
        client.connect("/flood?100")
        client.message()
        os.kill(server.worker_pids()[0], signal.SIGKILL)
        seen = 1
        while True:
            first, payload = client.frame()
            if first == FIN | CLOSE:
                break
            seen += 1
        assert payload[:2] == (1011).to_bytes(2, "big")
        assert 1 <= seen <= 101


def test_a_dead_edge_ends_the_sockets_and_the_app_hears_of_it(serve_sockets, tmp_path):
    server = serve_sockets()
    with Wire(server) as client:
        client.connect("/echo")
        assert echoes(client)
        os.kill(server.edge_pid(), signal.SIGKILL)
        assert client.closed() == 1006
    wait_until(lambda: server.stderr().count("is ready") >= 4)
    with Wire(server) as client:
        client.connect("/echo")
        assert echoes(client)


def test_a_reload_leaves_open_sockets_their_time(serve_sockets):
    """The old worker's sockets go on while new ones are the new worker's; at the limit they are closed with 1012."""
    server = serve_sockets("--set", "websocket_retire_timeout=1s")
    with Wire(server) as old, Wire(server) as new:
        old.connect("/echo")
        assert echoes(old)
        before = server.worker_pids()[0]
        server.signal(signal.SIGHUP)
        server.wait_for_log("its workers are replaced")
        # One that has been told to stop may take one more.
        edge = Edge(server)
        wait_until(lambda: all(json.loads(edge.get("/").body)["pid"] != before for _ in range(3)))
        new.connect("/echo")
        assert echoes(old) and echoes(new)
        assert old.closed() == 1012
        old.send(frame(CLOSE, close_payload(1012)))
        assert old.ended()
        assert echoes(new)
    wait_until(lambda: "exited with status 0" in server.stderr())
    assert "is killed" not in server.stderr()


def test_a_worker_that_was_told_to_go_goes_when_its_last_socket_does(serve_sockets):
    server = serve_sockets("--set", "websocket_retire_timeout=1h")
    with Wire(server) as client:
        client.connect("/echo")
        assert echoes(client)
        old = server.worker_pids()[0]
        server.signal(signal.SIGHUP)
        server.wait_for_log("is ready", count=3)
        assert echoes(client)
        client.send(frame(CLOSE, close_payload(1000)))
        assert client.closed() == 1000
        wait_until(lambda: not os.path.exists(f"/proc/{old}"))


def test_too_many_are_503_and_requests_go_on(serve_sockets):
    edge = Edge(serve_sockets("--set", "websockets=3", "--set", "queue=2"))
    clients = [Wire(edge.server) for _ in range(3)]
    for client in clients:
        client.connect("/echo")
    with Wire(edge.server) as further:
        status, fields, _ = further.ask(handshake("/echo"))
        assert (status, fields["retry-after"]) == (503, "1")
    assert edge.get("/").status == 200
    assert edge.counter("limit_websockets") == 1
    clients[0].send(frame(CLOSE, close_payload(1000)))
    assert clients[0].closed() == 1000
    # The place is free once the worker has heard of it, which nobody outside can see: asked until it is.
    with Wire(edge.server) as further:
        assert wait_until(lambda: further.ask(handshake("/echo"))[0] == 101)
        assert echoes(further)
    for client in clients:
        client.__exit__()


def test_sockets_do_not_count_as_requests_in_flight(serve_sockets):
    edge = Edge(serve_sockets("--set", "in_flight=2"))
    clients = [Wire(edge.server) for _ in range(10)]
    for client in clients:
        client.connect("/echo")
    assert edge.get("/").status == 200
    assert all(echoes(client) for client in clients)
    for client in clients:
        client.__exit__()


def test_a_socket_may_live_longer_than_a_request_may_take(serve_sockets):
    server = serve_sockets("--set", "app.app.request_timeout=300ms")
    with Wire(server) as client:
        client.connect("/echo")
        pid = server.worker_pids()
        with pytest.raises(TimeoutError):
            client.socket.settimeout(1)
            client.frame()
        assert server.worker_pids() == pid


def test_a_silent_client_gets_pings_and_is_cut_when_it_does_not_answer(serve_sockets):
    edge = Edge(serve_sockets("--set", "websocket_ping=50ms", "--set", "websocket_pong_timeout=200ms"))
    with Wire(edge.server) as client:
        client.connect("/echo")
        for _ in range(3):
            assert client.frame() == (FIN | PING, b"")
            client.send(frame(PONG))
        assert client.frame() == (FIN | PING, b"")
        assert client.closed() == 1011
        assert client.reason == "keep-alive ping timed out"
        assert edge.counter("timeout_websocket_ping") == 1


def test_a_thousand_sockets_cost_little(serve_sockets):
    """Descriptors and slots are there for them, and each still works."""
    edge = Edge(serve_sockets())
    clients = []
    try:
        for _ in range(1000):
            client = Wire(edge.server)
            clients.append(client)
            client.send(handshake("/echo"))
        for client in clients:
            while client.file.readline() != b"\r\n":
                pass
        for client in clients:
            client.send(frame(BINARY, b"x" * 100))
        assert all(client.message() == (BINARY, b"x" * 100) for client in clients)
        assert edge.counter("websockets_open") == 1000
    finally:
        for client in clients:
            client.__exit__()
    wait_until(lambda: edge.counter("websockets_open") == 0)


def test_sockets_spread_over_the_workers(serve_sockets):
    server = serve_sockets(workers=2)
    server.wait_for_workers(2)
    edge = Edge(server)
    clients = [Wire(server) for _ in range(10)]
    for client in clients:
        client.connect("/echo")
        assert echoes(client)
    os.kill(server.worker_pids()[0], signal.SIGKILL)
    wait_until(lambda: edge.counter("websocket_closed_internal_error") > 0)
    assert 3 <= edge.counter("websocket_closed_internal_error") <= 7
    for client in clients:
        client.__exit__()
