"""The client's address: from trusted proxies, never from anybody else."""

import json
import pathlib
import signal
import socket
import struct

import pytest
from edge_wire import ADMIN, Edge, UnixClient
from server import wait_until

LIES = [("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Prefix", "/evil"), ("Forwarded", "for=203.0.113.2;proto=https"), ("X-Real-IP", "203.0.113.3")]


def told(edge, *fields, client=None):
    response = client.get("/", fields=fields) if client else edge.get("/", fields=fields)
    assert response.status == 200
    return json.loads(response.body)


def test_nobody_is_trusted_by_default_and_an_app_sees_no_claims(serve_guarded):
    edge = serve_guarded()
    seen = told(edge, *LIES)
    assert seen["REMOTE_ADDR"] == "127.0.0.1" and seen["wsgi.url_scheme"] == "http"
    assert "evil" not in json.dumps(seen)
    assert not [name for name in seen if "FORWARDED" in name or "REAL_IP" in name]


def test_an_address_outside_of_the_networks_is_nobody(serve_guarded):
    edge = serve_guarded(trusted_proxies="127.0.0.2 10.0.0.0/8 unix")
    assert told(edge, *LIES)["REMOTE_ADDR"] == "127.0.0.1"


@pytest.mark.parametrize(
    "fields, expected, why",
    [
        ([("X-Forwarded-For", "192.0.2.7")], ("192.0.2.7", "http", None), "one hop"),
        ([("X-Forwarded-For", "6.6.6.6, 192.0.2.7")], ("192.0.2.7", "http", None), "what the client said itself is to the left"),
        ([("X-Forwarded-For", "6.6.6.6, 192.0.2.7, 10.1.2.3")], ("192.0.2.7", "http", None), "trusted proxies in a row"),
        ([("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "192.0.2.7")], ("192.0.2.7", "http", None), "two fields, one list"),
        ([("X-Forwarded-For", "10.0.0.5, 10.0.0.6")], ("10.0.0.5", "http", None), "all of them trusted"),
        ([("X-Forwarded-For", "192.0.2.7, nonsense, 10.0.0.6")], ("10.0.0.6", "http", None), "nothing is believed left of nonsense"),
        ([("X-Forwarded-For", "unknown")], ("127.0.0.1", "http", None), "nobody named"),
        ([("X-Forwarded-For", "[2001:db8::1]:99")], ("2001:db8::1", "http", None), "IPv6 with a port"),
        ([("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")], ("192.0.2.7", "https", None), "the scheme"),
        ([("X-Forwarded-For", "6.6.6.6, 192.0.2.7"), ("X-Forwarded-Proto", "http, https")], ("192.0.2.7", "https", None), "in step"),
        ([("X-Forwarded-Proto", "https")], ("127.0.0.1", "https", None), "the scheme alone"),
        ([("X-Forwarded-Host", "shop.example")], ("127.0.0.1", "http", "shop.example"), "the host"),
        ([("X-Forwarded-Host", "no host")], ("127.0.0.1", "http", None), "a host that is none"),
        ([("Forwarded", "for=192.0.2.7;proto=https")], ("127.0.0.1", "http", None), "not the fields this proxy sets"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_x_forwarded_of_a_trusted_proxy(request, guarded_by_x, fields, expected, why):
    seen = told(guarded_by_x, *fields)
    address, scheme, host = expected
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == (address, scheme), why
    assert seen["HTTP_HOST"] == (host or f"127.0.0.1:{guarded_by_x.server.port}"), why
    assert not [name for name in seen if "FORWARDED" in name], "used up"


@pytest.fixture(scope="module")
def guarded_by_x(tmp_path_factory, labcoat):
    import pathlib

    from edge_wire import ADMIN, Edge
    from server import Server

    words = ["guards_app:app", "-w", 1, *ADMIN, "--set", "trusted_proxies=127.0.0.1 10.0.0.0/8"]
    here = str(pathlib.Path(__file__).parent)
    with Server(*words, cwd=tmp_path_factory.mktemp("proxies"), env={"PYTHONPATH": here}, program=labcoat) as server:
        yield Edge(server)


def test_forwarded_of_rfc_7239(serve_guarded):
    edge = serve_guarded(trusted_proxies="127.0.0.1 10.0.0.0/8", proxy_fields="forwarded")
    rows = [
        ("for=192.0.2.7", ("192.0.2.7", "http")),
        ('for=6.6.6.6;proto=http, For="[2001:db8::7]:4711";Proto=https', ("2001:db8::7", "https")),
        ("for=192.0.2.7;proto=https, for=10.0.0.1;proto=http", ("192.0.2.7", "https")),
        ("for=192.0.2.7, for=_hidden", ("127.0.0.1", "http")),
        ('for=192.0.2.7, for="broken', ("127.0.0.1", "http")),
    ]
    for value, expected in rows:
        seen = told(edge, ("Forwarded", value), ("X-Forwarded-For", "6.6.6.6"))
        assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == expected, value
        assert "HTTP_X_FORWARDED_FOR" not in seen


def test_each_request_of_a_proxys_connection_has_its_own_client(serve_guarded, tmp_path):
    log = tmp_path / "log"
    edge = serve_guarded("--access-log", log, trusted_proxies="127.0.0.1", access_log_format="{remote_addr} {peer_addr} {scheme}")
    with edge.client() as client:
        for number in (1, 2):
            seen = told(edge, ("X-Forwarded-For", f"192.0.2.{number}"), ("X-Forwarded-Proto", "https"), client=client)
            assert seen["REMOTE_ADDR"] == f"192.0.2.{number}"
        assert told(edge, client=client)["REMOTE_ADDR"] == "127.0.0.1"
    wait_until(lambda: log.read_text().count("\n") == 3, what="three lines")
    assert log.read_text().splitlines() == [
        "192.0.2.1 127.0.0.1 https", "192.0.2.2 127.0.0.1 https", "127.0.0.1 127.0.0.1 http"
    ]


@pytest.mark.parametrize("trusted, expected", [("unix", "192.0.2.7"), ("127.0.0.1", "")])
def test_unix_sockets_are_trusted_when_named(serve_guarded, tmp_path, trusted, expected):
    path = tmp_path / "s"
    serve_guarded(listen=f"unix:{path}", trusted_proxies=trusted)
    with UnixClient(path) as client:
        seen = json.loads(client.get("/", fields=[("X-Forwarded-For", "192.0.2.7")]).body)
    assert (seen["REMOTE_ADDR"] or "") == expected


V1 = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def version_2(command=0x21, family=0x11, rest=socket.inet_aton("192.0.2.7") + socket.inet_aton("192.0.2.1") + b"\x12\x67\0\x50"):
    return SIGNATURE + struct.pack("!BBH", command, family, len(rest)) + rest


IPV6 = socket.inet_pton(socket.AF_INET6, "2001:db8::7") + socket.inet_pton(socket.AF_INET6, "::1") + b"\x12\x67\0\x50"


@pytest.mark.parametrize(
    "header, expected",
    [
        (V1, ("192.0.2.7", "4711", "http")),
        (b"PROXY TCP6 2001:db8::7 ::1 4711 80\r\n", ("2001:db8::7", "4711", "http")),
        (b"PROXY UNKNOWN\r\n", ("127.0.0.1", None, "http")),
        (version_2(), ("192.0.2.7", "4711", "http")),
        (version_2(family=0x21, rest=IPV6), ("2001:db8::7", "4711", "http")),
        (version_2(family=0x21, rest=IPV6 + b"\x20\0\5\1\0\0\0\0"), ("2001:db8::7", "4711", "https")),
        (version_2(command=0x20, family=0, rest=b""), ("127.0.0.1", None, "http")),
    ],
)
def test_proxy_protocol_names_the_client_of_the_connection(serve_guarded, header, expected):
    edge = serve_guarded(trusted_proxies="127.0.0.1", proxy_protocol="on")
    # At once with a request, and byte by byte.
    for pieces in ([header + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"], [*(bytes([byte]) for byte in header), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]):
        with edge.client() as client:
            for piece in pieces:
                client.send(piece)
            seen = json.loads(client.response().body)
            assert seen["REMOTE_ADDR"] == expected[0] and seen["wsgi.url_scheme"] == expected[2]
            assert expected[1] is None or seen["REMOTE_PORT"] == expected[1]
            again = json.loads(client.get("/", fields=[("X-Forwarded-For", "6.6.6.6")]).body)
            if expected[0] != "127.0.0.1":
                assert again["REMOTE_ADDR"] == expected[0], "the client itself is not trusted"


def test_proxy_protocol_is_strict(serve_guarded):
    edge = serve_guarded(trusted_proxies="127.0.0.1", proxy_protocol="on")
    refused = [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PROXY TCP4 192.0.2.7 192.0.2.1 4711\r\n", b"PROXY " + b"x" * 200,
               version_2(command=0x22), version_2(rest=b"short"), b"\r\n\r\n\0\r\nQUIX"]
    for data in refused:
        with edge.client() as client:
            client.send(data)
            try:
                assert client.file.read() == b"", data
            except ConnectionResetError:
                pass  # what we sent was not read
    assert edge.counter("proxy_refused") == len(refused)
    assert edge.admin("/health").status == 200, "the admin listener has none"


def test_proxy_protocol_of_somebody_who_is_not_trusted_is_cut(serve_guarded):
    edge = serve_guarded(trusted_proxies="10.0.0.0/8", proxy_protocol="on")
    with edge.client() as client:
        assert client.at_end()
    wait_until(lambda: edge.counter("proxy_refused") == 1, what="the counter")


def test_a_proxy_header_that_does_not_come_costs_header_timeout(serve_guarded):
    edge = serve_guarded(trusted_proxies="127.0.0.1", proxy_protocol="on", header_timeout="100ms")
    with edge.client() as client:
        client.send(b"PROXY TC")
        assert client.at_end()
    assert edge.counter("timeout_head") == 1


@pytest.mark.parametrize(
    "knob, words",
    [
        ("trusted_proxies=10.0.0.1/8", "is not an address, a network"),
        ("trusted_proxies=localhost", "is not an address, a network"),
        ("proxy_protocol=http://elsewhere:80", "URL that stands in listen"),
        ("rate_limit=100", "is not off, or a rate"),
        ("rate_key=cookie", "is not address, route, or header.NAME"),
    ],
)
def test_a_wrong_word_is_one_sentence_and_exit_2(serve, tmp_path, knob, words):
    server = serve("--static", f"/={tmp_path}", "--set", knob, wait=False)
    assert server.wait() == 2
    assert words in server.stderr() and server.stderr().count("\n") == 1


def test_routes_go_by_the_host_that_the_client_asked_for(serve, tmp_path):
    (tmp_path / "labcoat.toml").write_text(
        '[server]\ntrusted_proxies = "127.0.0.1"\n'
        '[[site]]\nhost = "shop.test"\nanswer = "shop"\n'
        '[[site.route]]\npath = "/old"\nredirect = "{scheme}://{host}/new"\n'
        '[[site]]\nhost = "inner.test"\nanswer = "inner"\n'
    )
    edge = Edge(serve("-c", "labcoat.toml", *ADMIN))

    def ask(path, *fields, host="inner.test:8080"):
        with edge.client() as client:
            client.authority = host
            return client.get(path, fields=fields)

    shop = ("X-Forwarded-Host", "SHOP.test:443")
    assert ask("/").body == b"inner"
    assert ask("/", shop).body == b"shop"
    # Of several hops the host is the one that the client said to the first trusted one.
    assert ask("/", ("X-Forwarded-For", "6.6.6.6, 192.0.2.7"), ("X-Forwarded-Host", "inner.test, shop.test")).body == b"shop"
    response = ask("/old", shop, ("X-Forwarded-Proto", "https"))
    assert response.get("Location") == "https://SHOP.test/new"
    assert ask("/", ("X-Forwarded-Host", "other.test")).status == 421


def test_nobody_else_chooses_a_route_by_it(serve, tmp_path):
    (tmp_path / "labcoat.toml").write_text('[[site]]\nhost = "a.test"\nanswer = "a"\n[[route]]\npath = "/*"\nanswer = "rest"\n')
    edge = Edge(serve("-c", "labcoat.toml", *ADMIN))
    assert edge.get("/", fields=[("X-Forwarded-Host", "a.test"), ("Forwarded", "host=a.test")]).body == b"rest"


SITE = """
[server]
listen = "http://127.0.0.1:0"
{rules}
[admin]
listen = "http://127.0.0.1:0"
[app.main]
target = "guards_app:app"
workers = 1
"""


def test_whom_to_believe_is_taken_from_a_changed_configuration(serve, tmp_path):
    config = tmp_path / "labcoat.toml"
    config.write_text(SITE.format(rules=""))
    edge = Edge(serve(listen=None, env={"PYTHONPATH": str(pathlib.Path(__file__).parent)}))
    lie = ("X-Forwarded-For", "192.0.2.7")
    assert told(edge, lie)["REMOTE_ADDR"] == "127.0.0.1"
    config.write_text(SITE.format(rules='trusted_proxies = "127.0.0.1"'))
    edge.server.signal(signal.SIGHUP)
    wait_until(lambda: told(edge, lie)["REMOTE_ADDR"] == "192.0.2.7", what="the new configuration")
    config.write_text(SITE.format(rules='trusted_proxies = "10.0.0.1"'))
    edge.server.signal(signal.SIGHUP)
    wait_until(lambda: told(edge, lie)["REMOTE_ADDR"] == "127.0.0.1", what="the new configuration")
