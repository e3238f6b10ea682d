"""https through the real server, with certificates of an authority that lives as long as the tests."""

import contextlib
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "edge"))  # edge_wire.py
sys.path.insert(0, str(HERE.parent / "wsgi"))  # http_client.py

from edge_wire import ADMIN  # noqa: E402
from server import Server  # noqa: E402
from tls_wire import HTTPS, Authority, TlsEdge  # noqa: E402


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "Labcoat Test Authority")


@pytest.fixture(scope="session")
def other_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("other"), "Somebody Else")


def words(authority, names, knobs):
    """Options of a server that has these certificates, the first of them for everybody else's names."""
    out = ["-w", "1", *ADMIN]
    for name in names:
        out += ["--certificate", ",".join(map(str, authority.certificate(*name.split())))]
    for name, value in knobs.items():
        out += ["--set", f"{name}={value}"]
    return out


@pytest.fixture(scope="module")
def edge(tmp_path_factory, labcoat, authority):
    """Two certificates, two edge threads, otherwise defaults; and files below /files."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "files").mkdir()
    (folder / "files" / "small.txt").write_bytes(b"small\n" * 100)
    (folder / "files" / "large.bin").write_bytes(bytes(range(256)) * 4096 * 12)
    names = ["localhost", "shop.example *.shop.example"]
    arguments = words(authority, names, {"edge_threads": 2})
    with Server(
        "tls_app:app", *arguments, "--static", "/files=files", cwd=folder, listen=HTTPS, program=labcoat,
        env={"PYTHONPATH": str(HERE)},
    ) as server:
        yield TlsEdge(server, authority)


@pytest.fixture
def serve_tls(serve, authority):
    """serve_tls("localhost", hsts="5m"): a server of its own for this test."""

    def start(*names, more=(), listen=HTTPS, **knobs):
        arguments = words(authority, names or ["localhost"], knobs)
        return TlsEdge(serve("tls_app:app", *arguments, *more, listen=listen, env={"PYTHONPATH": str(HERE)}), authority)

    return start


@pytest.fixture
def clients():
    """Whatever is opened in it is closed at the end of the test."""
    with contextlib.ExitStack() as stack:
        yield stack
