"""Certificates of clients, and what https means for browsers: redirects, Strict-Transport-Security."""

import json
import ssl

import pytest

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture
def ann(authority, tmp_path):
    return authority.certificate(subject="/O=Shop/CN=Ann \u00c4", folder=tmp_path, name="ann")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_required_certificate_must_be_a_good_one(serve_tls, authority, other_authority, ann, tmp_path, version):
    edge = serve_tls(client_certificates="required", client_ca=authority.file)
    told = edge.told(context=authority.context(version, certificate=ann))
    assert told["SSL_CLIENT_VERIFY"] == "SUCCESS"
    assert told["SSL_CLIENT_S_DN"] == "CN=Ann \\C3\\84,O=Shop"
    assert told["SSL_CLIENT_I_DN"] == "CN=Labcoat Test Authority"
    assert int(told["SSL_CLIENT_M_SERIAL"], 16) > 0

    stranger = other_authority.certificate(subject="/CN=Ann", folder=tmp_path, name="stranger")
    for certificate in (None, stranger):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            # With TLS 1.3 the client is done before the edge has looked at its certificate.
            edge.told(context=authority.context(version, certificate=certificate))


def test_an_optional_certificate_may_be_missing_but_not_bad(serve_tls, authority, other_authority, ann, tmp_path):
    edge = serve_tls(client_certificates="optional", client_ca=authority.file)
    told = edge.told()
    assert told["SSL_CLIENT_VERIFY"] == "NONE" and "SSL_CLIENT_S_DN" not in told
    assert edge.told(context=authority.context(certificate=ann))["SSL_CLIENT_VERIFY"] == "SUCCESS"
    stranger = other_authority.certificate(subject="/CN=Ann", folder=tmp_path, name="stranger")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        edge.told(context=authority.context(certificate=stranger))


def test_nobody_can_claim_a_certificate_in_a_field(serve_tls, authority):
    edge = serve_tls(client_certificates="optional", client_ca=authority.file)
    claims = [("SSL_CLIENT_VERIFY", "SUCCESS"), ("SSL_CLIENT_S_DN", "CN=root"), ("SSL-CLIENT-S-DN", "CN=root")]
    with edge.client() as client:
        told = json.loads(client.get("/", fields=claims).body)
    assert told["SSL_CLIENT_VERIFY"] == "NONE" and "SSL_CLIENT_S_DN" not in told
    assert told["HTTP_SSL_CLIENT_S_DN"] == "CN=root"  # plainly the client's word


@pytest.mark.parametrize("version", VERSIONS)
def test_a_resumed_session_still_knows_whose_it_is(serve_tls, authority, ann, version):
    edge = serve_tls(client_certificates="required", client_ca=authority.file)
    context = authority.context(version, certificate=ann)
    with edge.client(context) as client:
        client.get("/")
        session = client.socket.session
    with edge.client(context, session=session) as client:
        assert client.socket.session_reused
        assert json.loads(client.get("/").body)["SSL_CLIENT_S_DN"] == "CN=Ann \\C3\\84,O=Shop"


def test_http_is_redirected_to_https(serve_tls):
    edge = serve_tls(more=["-l", "https://127.0.0.1:0", "-l", "http://127.0.0.1:0"], redirect_https="on")
    port = edge.server.port
    with edge.plain_client(1) as client:
        client.authority = "shop.example:80"
        answer = client.get("/a%20b?c=d")
        assert answer.status == 301
        assert dict(answer.fields)["Location"] == f"https://shop.example:{port}/a%20b?c=d"
        answer = client.get("/form", method="POST", body=b"x=1")
        assert answer.status == 308
        client.authority = "[::1]:80"
        assert dict(client.get("/").fields)["Location"] == f"https://[::1]:{port}/"
    assert edge.told()["scheme"] == "https"
    assert edge.admin("/health").status == 200  # not the admin's listener


def test_http_is_redirected_to_the_port_that_clients_see(serve_tls):
    edge = serve_tls(more=["-l", "https://127.0.0.1:0", "-l", "http://127.0.0.1:0"], redirect_https=443)
    with edge.plain_client(1) as client:
        client.authority = "shop.example"
        assert dict(client.get("/x").fields)["Location"] == "https://shop.example/x"


def test_without_redirect_both_are_served(serve_tls):
    edge = serve_tls(more=["-l", "https://127.0.0.1:0", "-l", "http://127.0.0.1:0"], hsts="5m")
    with edge.plain_client(1) as client:
        answer = client.get("/")
        assert json.loads(answer.body)["scheme"] == "http"
        # RFC 6797 section 7.2: never in clear.
        assert "Strict-Transport-Security" not in dict(answer.fields)


def test_browsers_are_told_to_stay_with_https(serve_tls):
    edge = serve_tls(hsts="8760h", hsts_subdomains="on", more=["--static", "/files=."])
    with edge.client() as client:
        for path in ("/", "/files/none.txt"):
            fields = dict(client.get(path).fields)
            assert fields["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        own = [value for name, value in client.get("/own-hsts").fields if name == "Strict-Transport-Security"]
        assert own == ["max-age=1"]


def test_term_ends_idle_clients_and_the_edge(serve_tls):
    edge = serve_tls()
    with edge.client() as client:
        assert client.get("/").status == 200
        edge.server.signal(15)
        assert client.file.read() == b""
    assert edge.server.wait() == 0
