"""Listeners of all kinds, the end of a server's life, and what it costs while nothing happens."""

import ctypes
import errno
import os
import select
import socket
import struct
import time

import pytest
from edge_wire import Edge, UnixClient, chunked, request_bytes
from http_client import Client
from server import wait_until


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def test_term_answers_what_was_accepted_and_takes_nothing_new(serve_edge, clients, tmp_path):
    edge = serve_edge("-w", 4)
    gate = tmp_path / "gate"
    inside = [clients.enter_context(edge.client()) for _ in range(20)]  # four with a worker, the others queued
    for client in inside:
        client.request(f"/gate?{gate}")
    idle = [clients.enter_context(edge.client()) for _ in range(5)]
    for client in idle:
        assert client.send(request_bytes("*", "OPTIONS")) is None and client.response().status == 200
    half = clients.enter_context(edge.client())  # its request is still on the way
    half.send(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
    wait_until(lambda: edge.counter("requests") >= 26, what="all to have arrived")
    edge.server.signal(15)
    assert all(client.at_end() for client in idle), "who waits for nothing is let go at once"

    def refused():
        try:
            edge.client().close()
        except ConnectionRefusedError:
            return True
        return False

    wait_until(refused, what="new connections to be refused")
    half.send(b"67890")
    gate.touch()
    for client in inside:
        response = client.response()
        assert response.body == b"opened" and response.get("Connection") == "close"
        assert client.at_end()
    assert half.response().body.startswith(b"10 ")
    assert edge.server.wait() == 0


class DeafClient(Client):
    """Has begun to connect, and does not hear the server's part of the handshake until told to."""

    ATTACH_FILTER, DETACH_FILTER = 26, 27  # socket(7): SO_ATTACH_FILTER

    def __init__(self, server):
        self.socket = socket.socket()
        nothing = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))  # BPF: return 0 bytes
        program = struct.pack("@HP", 1, ctypes.addressof(nothing))
        self.socket.setsockopt(socket.SOL_SOCKET, self.ATTACH_FILTER, program)
        self.socket.setblocking(False)
        assert self.socket.connect_ex((server.host, server.port)) == errno.EINPROGRESS
        self.authority = "test"

    def hear(self):
        self.socket.setsockopt(socket.SOL_SOCKET, self.DETACH_FILTER, 0)
        self.socket.settimeout(60)
        assert select.select([], [self.socket], [], 60)[1], "connected, or refused"
        self.file = self.socket.makefile("rb")


def test_term_serves_those_who_had_begun_to_connect(serve_edge):
    edge = serve_edge("-w", 1)
    client = DeafClient(edge.server)
    edge.server.signal(15)
    client.hear()
    with client:
        assert client.get("/echo?late").body == b"late"
        assert client.at_end()
    assert edge.server.wait() == 0


def test_a_response_that_streams_is_sent_to_its_end(serve_edge):
    edge = serve_edge("-w", 1)
    with edge.client() as client:
        client.request(f"/size?{50_000_000}")
        client.head()
        assert client.file.read(1000)
        edge.server.signal(15)
        assert len(client.file.read()) == 50_000_000 - 1000
    assert edge.server.wait() == 0


def test_a_unix_socket_serves_like_any_other(serve_edge, tmp_path):
    path = tmp_path / "labcoat.sock"
    edge = serve_edge("-w", 1, "--access-log", "access.log", listen=f"unix:{path}")
    assert edge.server.url == f"unix:{path}"
    with UnixClient(path) as client:
        client.send(b"".join(request_bytes(f"/echo?{i}") for i in range(50)))
        assert [client.response().body for _ in range(50)] == [b"%d" % i for i in range(50)]
        client.send(request_bytes("/body", "POST", ["Transfer-Encoding: chunked"], chunked(b"x" * 70_000)))
        assert client.response().body.startswith(b"70000 ")
        assert len(client.get("/size?5000000").body) == 5_000_000
        client.send(b"nonsense\r\n\r\n")
        assert client.response().status == 400 and client.at_end()
    wait_until(lambda: (tmp_path / "access.log").read_text().count("\n") >= 53, what="the log")
    assert all(line.startswith("- - - [") for line in (tmp_path / "access.log").read_text().splitlines())
    with UnixClient(path) as client:
        client.request("/endless?" + str(tmp_path / "closed"))
        client.head()
    wait_until((tmp_path / "closed").exists, what="close() after the client has gone")
    assert edge.server.stop() == 0
    assert not path.exists(), "its name is gone with it"


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6(serve_edge, tmp_path):
    edge = serve_edge("-w", 1, "--access-log", "access.log", listen="http://[::1]:0")
    assert edge.server.host == "::1" and edge.server.url.startswith("http://[::1]:")
    assert edge.say(request_bytes("/echo?x", fields=["X-Host: [::1]"])).body == b"x"
    wait_until(lambda: (tmp_path / "access.log").read_text().startswith("::1 - - ["), what="the log")


def test_several_listeners_lead_to_the_same_app(serve_edge, tmp_path):
    path = tmp_path / "s"
    words = ["-l", "http://127.0.0.1:0", "-l", f"unix:{path}", "-l", "http://127.0.0.1:0"]
    edge = serve_edge("-w", 1, "--edge-threads", 2, *words)
    first, unix, second = edge.server.urls
    assert unix == f"unix:{path}" and first != second
    pids = set()
    for url in (first, second):
        host, port = url.removeprefix("http://").rsplit(":", 1)
        target = type("Address", (), {"host": host, "port": int(port)})
        with Client(target) as client:
            pids.add(client.get("/pid").body)
    with UnixClient(path) as client:
        pids.add(client.get("/pid").body)
    assert len(pids) == 1


def idle_ticks(edge, seconds):
    """CPU time of the edge while `seconds` go by: an observation, not a wait."""
    before = edge.cpu_ticks()
    time.sleep(seconds)
    return edge.cpu_ticks() - before


def test_an_idle_edge_does_not_spin(serve_edge, clients, tmp_path):
    edge = serve_edge("-w", 2, "--edge-threads", 2, "--access-log", "access.log")
    gate = tmp_path / "gate"
    idle = [clients.enter_context(edge.client()) for _ in range(100)]
    for client in idle[:50]:
        assert client.get("/echo?x").body == b"x"
    idle[50].send(b"GET / HTTP/1.1\r\nHost:")  # a head that has stopped
    idle[51].send(request_bytes("/body", "POST", ["Content-Length: 100"], b"x"))  # a body
    idle[52].request(f"/gate?{gate}")  # a request that is with its worker
    idle[53].request(f"/endless?{tmp_path / 'closed'}")  # a response that nobody reads
    idle[54].send(request_bytes("*", "OPTIONS"))
    idle[54].socket.shutdown(socket.SHUT_WR)  # a client that shut its side
    idle[55].send(request_bytes(f"/gate?{gate}"))  # one in the queue
    wait_until(lambda: edge.counter("limit_response_buffer") > 0, what="the buffer to be full")
    ticks = idle_ticks(edge, 1.0)
    assert ticks <= 0.05 * os.sysconf("SC_CLK_TCK"), f"{ticks} ticks in a second"
    gate.touch()
    assert idle[52].response().body == b"opened"


def test_requests_of_all_kinds_leak_no_descriptor_and_no_memory(serve_edge, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").write_bytes(b"x" * 100_000)
    edge = serve_edge("-w", 2, "--edge-threads", 2, "--static", f"/static/={root}", queue=8, request_body_bytes="1MiB")
    kinds = [
        request_bytes("/echo?x"),
        request_bytes("/stream?5"),
        request_bytes("/stream?5", version="1.0"),
        request_bytes("/size?300000"),
        request_bytes("/echo?x", "HEAD"),
        request_bytes("/empty?204"),
        request_bytes("/body", "POST", ["Content-Length: 100000"], b"x" * 100_000),
        request_bytes("/body", "POST", ["Transfer-Encoding: chunked"], chunked(b"x" * 100_000)),
        request_bytes("/body", "POST", ["Content-Length: 100000"], b"x" * 50_000),  # and gone
        request_bytes("/body", "POST", ["Content-Length: 2000000"], b"x" * 50_000),  # 413
        request_bytes("/echo?x", "POST", ["Content-Length: 100000"], b"x" * 100_000),  # not read by the app
        request_bytes("/static/file"),
        request_bytes("/static/file", fields=["Range: bytes=5-"]),
        request_bytes("/static/none"),
        b"nonsense\r\n\r\n",
        b"",
    ]

    def rounds(count):
        for number in range(count):
            for data in kinds:
                with edge.client() as client:
                    client.send(data)
                    if number % 2:
                        client.socket.shutdown(socket.SHUT_WR)
                        try:
                            while client.socket.recv(1 << 20):
                                pass
                        except ConnectionResetError:
                            pass

    def quiet():
        status = edge.status()
        return status["counters"]["connections_open"] == 1 and next(iter(status["apps"].values()))["queue"] == 0

    rounds(6)
    wait_until(quiet, what="the server to be idle")
    descriptors, memory = edge.descriptors(), edge.memory_kib()
    workers = {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in edge.server.worker_pids()}
    rounds(60)
    wait_until(quiet, what="the server to be idle")
    wait_until(lambda: edge.descriptors() <= descriptors, 10, f"{descriptors} descriptors, not {edge.descriptors()}")
    assert edge.sanitized() or edge.memory_kib() - memory < 3_000
    for pid, count in workers.items():
        wait_until(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= count, 10, "the worker's descriptors")
    assert edge.get("/echo?x").body == b"x"
    assert Edge(edge.server).pid == edge.pid


def pauses_of(process):
    """How often its threads have gone to sleep."""
    found = 0
    for task in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{task}/status") as status:
            found += next(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))
    return found


def test_an_edge_that_waits_for_slow_answers_is_not_woken_in_between(serve, write_app):
    write_app("import time\ndef app(environ, start):\n time.sleep(0.005)\n start('200 OK', [])\n return [b'x']\n")
    server = serve("app:app", "-w", 1, "--edge-threads", 1)
    edge, count = server.edge_pid(), 100
    with Client(server) as client:
        for _ in range(20):  # until it knows that the answers take their time
            assert client.get("/").status == 200
        before = pauses_of(edge)
        for _ in range(count):
            assert client.get("/").status == 200
    # One before the request and one before its answer. A third would end for nothing, at the cost of the worker.
    assert pauses_of(edge) - before < 2.6 * count
