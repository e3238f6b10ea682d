"""What one client may have: connections, requests over time, and time for its bytes."""

import contextlib
import time

import pytest
from edge_wire import ADMIN, Edge, request_bytes
from server import wait_until


def is_cut(client):
    """Closed without an answer; with bytes of ours unread that is a reset."""
    try:
        return client.file.read() == b""
    except ConnectionResetError:
        return True


def test_one_address_has_so_many_connections_and_no_more(serve_guarded):
    edge = serve_guarded(connections_per_address=3)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(edge.client()) for _ in range(3)]
        assert all(client.get("/").status == 200 for client in clients)
        with edge.client() as late:
            assert is_cut(late)
        assert edge.counter("limit_connections_per_address") == 1, "and the admin listener has no such limit"
        clients[0].close()

        def enters():
            with edge.client() as client:
                with contextlib.suppress(ConnectionError):
                    client.request("/")
                    return client.socket.recv(1) == b"H"
                return False

        wait_until(enters, what="the place that became free")


def test_a_proxys_connections_are_not_counted_but_those_it_brings_are(serve_guarded):
    edge = serve_guarded(connections_per_address=1, trusted_proxies="127.0.0.1", proxy_protocol="on")
    with contextlib.ExitStack() as stack:
        for address in ("192.0.2.1", "192.0.2.2", "2001:db8:1:1::1", "2001:db8:1:2::1"):
            client = stack.enter_context(edge.client())
            family = "TCP6 {} ::1" if ":" in address else "TCP4 {} 192.0.2.9"
            client.send(f"PROXY {family.format(address)} 1 2\r\n".encode() + request_bytes("/"))
            assert client.response().status == 200
        for header in (b"PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n", b"PROXY TCP6 2001:db8:1:1::2 ::1 1 2\r\n"):
            with edge.client() as second:
                second.send(header + request_bytes("/"))
                assert is_cut(second), "the same address, or its network"
    assert edge.counter("limit_connections_per_address") == 2


def test_over_the_rate_is_429_with_retry_after(serve_guarded):
    edge = serve_guarded(rate_limit="4/h", rate_burst=3)
    with edge.client() as client:
        assert [client.get("/").status for _ in range(3)] == [200] * 3
        response = client.get("/")
        assert response.status == 429 and response.complete
        assert 800 <= int(response.get("Retry-After")) <= 900
        assert client.get("/").status == 429, "the connection stays"
    assert edge.get("/").status == 429, "whatever the connection"
    assert edge.counter("limit_rate") == 3
    assert edge.counter("limit_rate_buckets") == 0


def test_tokens_come_back(serve_guarded):
    edge = serve_guarded(rate_limit="20/s", rate_burst=1)
    with edge.client() as client:
        answers = []
        wait_until(lambda: answers.append(client.get("/").status) or answers.count(200) >= 3, what="three tokens")
    assert answers.count(429) == edge.counter("limit_rate")


def test_the_rate_is_that_of_the_client_behind_a_proxy(serve_guarded):
    edge = serve_guarded(rate_limit="1/h", rate_burst=1, trusted_proxies="127.0.0.1")
    with edge.client() as client:
        for address in ("192.0.2.1", "192.0.2.2", "2001:db8:1:1::1"):
            assert client.get("/", fields=[("X-Forwarded-For", address)]).status == 200
            assert client.get("/", fields=[("X-Forwarded-For", address)]).status == 429
        assert client.get("/", fields=[("X-Forwarded-For", "2001:db8:1:1::2")]).status == 429, "the same network"


def test_by_field_and_by_route(serve_guarded, tmp_path):
    edge = serve_guarded(rate_limit="1/h", rate_burst=1, rate_key="header.X-Api-Key")
    with edge.client() as client:
        assert [client.get("/", fields=[("X-Api-Key", key)]).status for key in "abab"] == [200, 200, 429, 429]
        assert [client.get("/").status for _ in range(2)] == [200, 429], "without the field by address"
    (tmp_path / "x.txt").write_text("x")
    edge = serve_guarded("--static", f"/static/={tmp_path}", rate_limit="1/h", rate_burst=1, rate_key="route")
    with edge.client() as client:
        assert [client.get(path).status for path in ("/static/x.txt", "/", "/static/x.txt", "/")] == [200, 200, 429, 429]


def test_a_route_has_a_rate_of_its_own(serve, tmp_path):
    (tmp_path / "labcoat.toml").write_text(
        '[limits]\nrate_limit = "1/h"\nrate_burst = 2\n'
        '[[route]]\npath = "/health"\nanswer = "fine"\nrate_limit = "off"\n'
        '[[site]]\nhost = "127.0.0.1"\nrate_limit = "1/h"\nrate_burst = 1\nrate_key = "header.X-Api-Key"\n'
        '[[site.route]]\npath = "/login"\nanswer = "in"\n'
        '[[site.route]]\npath = "/all"\nanswer = "all"\nrate_limit = "2/h"\nrate_key = "route"\nrate_burst = 3\n'
        '[[route]]\npath = "/*"\nanswer = "rest"\n'
    )
    edge = Edge(serve("-c", "labcoat.toml", *ADMIN))
    with edge.client() as client:
        def statuses(path, *keys):
            return [client.get(path, fields=[("X-Api-Key", key)]).status for key in keys]

        assert statuses("/health", *"aaaaa") == [200] * 5
        assert statuses("/login", *"abab") == [200, 200, 429, 429]
        assert statuses("/all", *"abcd") == [200, 200, 200, 429]
        # Those without one have the server's, of which the others took nothing.
        assert statuses("/rest", *"abc") == [200, 200, 429]
    assert edge.counter("limit_rate") == 4


def test_more_clients_than_buckets_are_forgotten_and_counted(serve_guarded):
    edge = serve_guarded(rate_limit="1/h", rate_burst=1, rate_key="header.X-Api-Key", rate_buckets=8)
    with edge.client() as client:
        assert all(client.get("/", fields=[("X-Api-Key", str(i))]).status == 200 for i in range(20))
    assert edge.counter("limit_rate_buckets") == 12


@pytest.mark.parametrize("fields", [["Content-Length: 1000000"], ["Transfer-Encoding: chunked"]])
def test_a_body_that_trickles_is_408_though_it_never_stops(serve_guarded, fields):
    edge = serve_guarded(body_rate_min=1000)
    with edge.client() as client:
        client.send(request_bytes("/", "POST", fields))
        client.socket.settimeout(0.1)
        began = time.monotonic()
        answer = b""
        while not answer:
            client.send(b"1\r\nx\r\n" if "chunked" in fields[0] else b"x")
            with contextlib.suppress(TimeoutError):
                answer = client.socket.recv(1000)
            assert time.monotonic() - began < 60
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began > 4, "the first seconds are free"
    assert edge.counter("limit_body_rate") == 1 and edge.counter("timeout_body") == 0


def test_a_client_that_takes_its_answer_in_drips_is_dropped(serve_guarded, tmp_path):
    with open(tmp_path / "large", "wb") as file:
        file.truncate(64 << 20)
    edge = serve_guarded("--static", f"/static/={tmp_path}", write_rate_min="1MiB")
    with edge.client() as client:
        client.request("/static/large")
        began = time.monotonic()
        while edge.counter("limit_write_rate") == 0:
            client.socket.recv(20_000)
            time.sleep(0.05)  # that is how slow this client is
            assert time.monotonic() - began < 60
        assert edge.counter("timeout_write") == 0
