"""Where the kernel knows TLS it makes the records. On other kernels these stories are about OpenSSL's; tools/uml.sh has one that does."""

import pathlib
import ssl
import subprocess

import pytest
from server import wait_until

LARGE = bytes(range(256)) * 4096 * 12
KERNEL_HAS_TLS = pathlib.Path("/proc/net/tls_stat").exists()
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
# curl's words; with TLS 1.3 Python cannot choose.
CIPHERS = [
    ("--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    ("--tlsv1.3", "--tls13-ciphers", "TLS_AES_128_GCM_SHA256"),
    ("--tlsv1.3", "--tls13-ciphers", "TLS_AES_256_GCM_SHA384"),
    ("--tlsv1.3", "--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256"),
]


def by_kernel(edge):
    return edge.counter("tls_kernel")


@pytest.mark.parametrize("protocol", ["--http1.1", "--http2"])
@pytest.mark.parametrize("words", CIPHERS, ids=lambda words: words[-1])
def test_every_cipher_carries_files_and_ranges(edge, authority, tmp_path, words, protocol):
    def get(path, *more):
        url = f"https://localhost:{edge.server.port}{path}"
        whole = ["curl", "-sS", "--fail", "--cacert", authority.file, protocol, *words, *more, "-o", tmp_path / "got", url]
        subprocess.run(whole, check=True, timeout=120)
        return (tmp_path / "got").read_bytes()

    before = by_kernel(edge)
    assert get("/files/large.bin") == LARGE
    assert get("/files/large.bin", "-r", "100000-3100000") == LARGE[100000:3100001]
    assert get("/files/small.txt") == b"small\n" * 100
    assert get(f"/size?{1 << 20}") == LARGE[: 1 << 20]
    assert by_kernel(edge) - before == (4 if KERNEL_HAS_TLS else 0)


def test_kernel_tls_false_keeps_the_kernel_out(serve_tls):
    edge = serve_tls(kernel_tls="false")
    assert edge.told()["scheme"] == "https"
    assert by_kernel(edge) == 0


def test_a_client_that_leaves_in_the_middle_costs_nothing(edge, authority):
    before = edge.counter("clients_gone")
    for version in VERSIONS:
        with edge.client(authority.context(version), receive_buffer=4096) as client:
            client.request("/files/large.bin")
            assert client.file.read(1000)
    wait_until(lambda: edge.counter("clients_gone") - before == 2, what="two clients to be missed")
    assert edge.told()["scheme"] == "https"
