"""What clients and the edge agree on, and what the edge does with those it cannot agree with."""

import contextlib
import random
import socket
import ssl
import struct
import subprocess

import pytest
from server import wait_until
from tls_wire import PieceClient

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("options, protocol", [(["--http1.1"], "1.1"), ([], "2")])
def test_curl_is_content(edge, authority, options, protocol):
    url = f"https://localhost:{edge.server.port}/"
    command = ["curl", "-sS", "--cacert", str(authority.file), "-w", " %{http_version}", *options, url]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert '"scheme": "https"' in answer.stdout and answer.stdout.endswith(" " + protocol), answer


@pytest.mark.parametrize(
    "host, who",
    [
        ("localhost", "localhost"),
        ("shop.example", "shop.example"),
        ("SHOP.example", "shop.example"),
        ("www.shop.example", "shop.example"),
        ("a.b.shop.example", "localhost"),  # a star is one label
        ("elsewhere.example", "localhost"),
        ("127.0.0.1", "localhost"),  # an address is no name: nothing is asked for
    ],
)
def test_the_name_chooses_the_certificate(edge, host, who):
    assert edge.who(host) == who


@pytest.mark.parametrize("version", VERSIONS)
def test_tls_12_and_13_are_spoken(edge, authority, version):
    with edge.client(authority.context(version)) as client:
        assert client.socket.version() == version.name.replace("_", ".")
        assert "GCM" in client.socket.cipher()[0]
        assert client.get("/").status == 200


def test_older_versions_and_other_ciphers_are_not(edge, authority):
    old = authority.context()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    for weak in (old, authority.context(ssl.TLSVersion.TLSv1_2)):
        if weak is not old:
            weak.set_ciphers("AES128-SHA:AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA256:DHE-RSA-AES128-GCM-SHA256")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            edge.client(weak)


def test_version_min_keeps_tls_12_out(serve_tls, authority):
    edge = serve_tls(version_min="1.3")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        edge.client(authority.context(ssl.TLSVersion.TLSv1_2))
    assert edge.told()["scheme"] == "https"


@pytest.mark.parametrize(
    "offered, chosen", [(["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "h2"), (["x", "http/1.1"], "http/1.1")]
)
def test_the_protocol_is_agreed_on_by_alpn(edge, authority, offered, chosen):
    with edge.client(authority.context(alpn=offered)) as client:
        assert client.socket.selected_alpn_protocol() == chosen


def test_a_client_of_other_protocols_is_told_so(edge, authority):
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        edge.client(authority.context(alpn=["acme-tls/1"]))


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_are_resumed_by_every_thread(edge, authority, version):
    context = authority.context(version)
    before = edge.counter("tls_resumed")
    with edge.client(context) as client:
        assert not client.socket.session_reused
        client.get("/")  # with TLS 1.3 the tickets come after the handshake
        session = client.socket.session
    for _ in range(8):
        with edge.client(context, session=session) as client:
            assert client.socket.session_reused
            assert client.get("/").status == 200
            session = client.socket.session
    assert edge.counter("tls_resumed") - before == 8


def test_renegotiation_is_refused(edge):
    command = ["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{edge.server.port}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        said = client.communicate(b"R\n", timeout=60)[0]
    assert b"no renegotiation" in said or b"handshake failure" in said, said
    assert edge.told()["scheme"] == "https"


class TypedClient:
    """openssl s_client, which understands letters as commands."""

    def __init__(self, edge):
        words = ["openssl", "s_client", "-tls1_3", "-crlf", "-connect", f"127.0.0.1:{edge.server.port}"]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.heard = b""

    def say(self, text, until):
        """Whether `until` was heard before the connection's end."""
        self.process.stdin.write(text)
        self.process.stdin.flush()
        for line in self.process.stdout:
            self.heard += line
            if until in line:
                return True
        return False

    def get(self):
        return self.say(b"GET / HTTP/1.1\nHost: localhost\n\n", b"200 OK")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()


def test_keys_may_change_in_between(edge):
    with TypedClient(edge) as client:
        for _ in range(3):
            assert client.say(b"k\n", b"KEYUPDATE")  # new keys of the client's
            assert client.get()


def test_a_client_may_ask_for_new_keys_of_ours(edge):
    """The kernel cannot change its own: then that is the end, not bytes that the client cannot read."""
    with TypedClient(edge) as client:
        for _ in range(3):
            assert client.say(b"K\n", b"KEYUPDATE")
            if edge.counter("tls_kernel") > 0:
                assert not client.get()
                assert b"bad record mac" not in client.heard and b"decryption failed" not in client.heard
                break
            assert client.get()
    assert edge.told()["scheme"] == "https"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_handshake_may_come_byte_by_byte(edge, authority, version):
    with PieceClient(edge, authority.context(version)) as client:

        def drip(data):
            for i in range(len(data)):
                client.socket.send(data[i : i + 1])

        client.run(lambda: client.tls.do_handshake() or True, drip)
        client.run(lambda: client.tls.write(b"GET /files/small.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"), drip)
        answer = b""
        while not answer.endswith(b"small\n" * 100):
            answer += client.run(lambda: client.tls.read(65536), drip)
        assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("version", VERSIONS)
def test_requests_that_come_with_the_end_of_the_handshake_are_not_forgotten(edge, authority, version):
    """The last flight of the handshake and three requests, a record each, in one packet."""
    with PieceClient(edge, authority.context(version)) as client:
        held, flights = [], []

        def send(data):
            # TLS 1.3: the client's second flight is its last. With 1.2 the server has the last word: nothing to hold.
            flights.append(data)
            if version == ssl.TLSVersion.TLSv1_3 and len(flights) == 2:
                held.append(data)
            else:
                client.socket.sendall(data)

        client.run(lambda: client.tls.do_handshake() or True, send)
        for _ in range(3):
            client.tls.write(b"GET /files/small.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
            held.append(client.outgoing.read())
        client.socket.sendall(b"".join(held))
        answer = b""
        while answer.count(b"small\n") < 300:
            answer += client.run(lambda: client.tls.read(65536), client.socket.sendall)
        assert answer.count(b"HTTP/1.1 200 OK") == 3


def data_segments(connection):
    """How many segments with data have come (tcpi_data_segs_in of struct tcp_info)."""
    return struct.unpack_from("=I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160), 152)[0]


def test_ticket_answer_and_end_travel_together(edge, authority):
    """A client wakes up twice in its life: for the server's part of the handshake, and for everything else."""
    if edge.counter("tls_kernel") > 0:
        pytest.skip("the kernel makes the records here")
    with PieceClient(edge, authority.context(ssl.TLSVersion.TLSv1_3)) as client:
        held = []
        client.run(lambda: client.tls.do_handshake() or True, lambda data: held.append(data) or len(held) > 1 or client.socket.sendall(data))
        assert data_segments(client.socket) == 1, "the server's part of the handshake"
        client.tls.write(b"GET /files/small.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        client.socket.sendall(held[1] + client.outgoing.read())
        while data := client.socket.recv(65536):
            client.incoming.write(data)
        assert data_segments(client.socket) == 2
        answer = client.tls.read(65536)
        assert answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"small\n" * 100)
        assert client.tls.read(1) == b"", "its end was said"
        assert client.tls.session.has_ticket


def test_a_ticket_comes_also_to_a_client_that_asks_nothing(edge, authority):
    with PieceClient(edge, authority.context(ssl.TLSVersion.TLSv1_3)) as client:
        client.run(lambda: client.tls.do_handshake() or True, client.socket.sendall)
        client.incoming.write(client.socket.recv(65536))
        with pytest.raises(ssl.SSLWantReadError):
            client.tls.read(1)
        assert client.tls.session.has_ticket


def test_garbage_is_dropped_and_counted(edge):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    before = edge.counter("tls_failed")
    for i in range(50):
        data = chance.randbytes(chance.randrange(6, 400))
        if i % 2:  # what begins like a record of a handshake
            data = b"\x16\x03\x01" + len(data).to_bytes(2, "big") + b"\x01" + data
        with socket.create_connection((edge.server.host, edge.server.port), timeout=60) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            try:
                while client.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    wait_until(lambda: edge.counter("tls_failed") - before == 50, 30, "50 failures to be counted")
    assert edge.told()["scheme"] == "https"


def test_http_on_the_port_of_https_is_explained(edge):
    with socket.create_connection((edge.server.host, edge.server.port), timeout=60) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 ") and b"speaks https" in answer


def test_handshakes_have_their_time(serve_tls):
    edge = serve_tls(header_timeout="100ms")
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # half of one
    for said in (b"", hello):
        with socket.create_connection((edge.server.host, edge.server.port), timeout=60) as client:
            client.sendall(said)
            assert client.recv(1) == b""
    assert edge.counter("timeout_tls") == 2
    assert edge.counter("connections_open") <= 1  # ours to the admin page


def test_sslscan_finds_nothing_to_complain_about(edge):
    words = ["sslscan", "--no-colour", f"127.0.0.1:{edge.server.port}"]
    scan = subprocess.run(words, capture_output=True, text=True, timeout=120).stdout
    for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"):
        assert f"{version}" in scan and f"{version}   enabled" not in scan and f"{version}     enabled" not in scan
    ciphers = [line.split() for line in scan.splitlines() if line.startswith(("Preferred", "Accepted"))]
    names = {words[4] for words in ciphers}
    assert names and all(name.startswith(("TLS_", "ECDHE-")) and "CBC" not in name for name in names), names
    assert "Session renegotiation not supported" in scan
    exchanges = {line.split(maxsplit=3)[3] for line in scan.splitlines() if " bits " in line and "Curve" not in line}
    assert exchanges and all("ffdhe" not in one for one in exchanges), exchanges
    assert "vulnerable to heartbleed" not in scan.replace("not vulnerable to heartbleed", "")
