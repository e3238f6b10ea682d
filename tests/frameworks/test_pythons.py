"""One build of the extension, for the stable ABI, serves on every CPython of this machine."""

import os
import pathlib
import random
import shutil
import signal
import uuid

import pytest
import requests
from interpreters import pythons
from server import wait_until

pytestmark = pytest.mark.release_only  # the extension is the same in the sanitized build
APP = pathlib.Path(__file__).resolve().parent / "apps/plain_app.py"


class Plain:
    def __init__(self, server, python, interface, folder):
        self.server, self.python, self.interface, self.folder = server, python, interface, folder
        self.browser = requests.Session()
        self.browser.trust_env = False

    def url(self, path):
        return self.server.url + path

    def about(self):
        return self.browser.get(self.url("/")).json()


CASES = [(python, interface) for python in pythons() for interface in ("wsgi", "asgi")]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def site(request, tmp_path_factory, start_app):
    python, interface = request.param
    folder = tmp_path_factory.mktemp("plain")
    shutil.copy(APP, folder)  # a reload will change it
    with start_app(f"plain_app:{interface}", folder, "-w", 2, "--python", python.path) as server:
        plain = Plain(server, python, interface, folder)
        with plain.browser:
            yield plain


def test_the_machine_has_at_least_debians():
    assert pythons() and pythons()[0].version >= (3, 11, 0)
    assert os.path.realpath("/usr/bin/python3") in [python.path for python in pythons()]


def test_the_one_extension_serves(site, labcoat):
    about = site.about()
    assert about["python"] == str(site.python)
    assert pathlib.Path(about["extension"]) == labcoat.parent / "python/labcoat/_labcoat.abi3.so"
    assert about["lifespan"] == (["lifespan.startup"] if site.interface == "asgi" else [])
    assert f"{site.interface} on Python {site.python}" in site.server.stderr()


@pytest.mark.parametrize("size", [0, 10, 100_000, 3_000_000])
def test_bodies_come_back_as_they_were(site, size):
    body = random.Random(size).randbytes(size)
    assert site.browser.post(site.url("/echo"), data=body).content == body
    chunks = [piece for piece in (body, b"end") if piece]
    assert site.browser.post(site.url("/echo"), data=iter(chunks)).content == body + b"end"


def test_streams_go_out_piece_by_piece(site):
    gate = f"gate-{uuid.uuid4().hex}"
    with site.browser.get(site.url(f"/stream?{gate}"), stream=True, timeout=30) as answer:
        lines = answer.iter_lines(chunk_size=None)
        assert next(lines) == b"before the gate"
        (site.folder / gate).touch()
        assert list(lines) == [b"behind the gate"]


@pytest.mark.complains
def test_an_exception_is_a_500_with_its_traceback_and_no_more(site):
    workers = site.server.wait_for_workers(2)
    before = site.server.stderr().count("RuntimeError: on purpose")
    for count in range(1, 20):
        assert site.browser.get(site.url("/error")).status_code == 500
        site.server.wait_for_log("RuntimeError: on purpose", before + count)
    assert site.server.worker_pids() == workers and "in fail" in site.server.stderr()


def test_a_killed_worker_is_replaced(site):
    killed = site.about()["pid"]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: killed not in site.server.wait_for_workers(2), what="another worker")
    assert site.about()["pid"] != killed


def test_a_reload_brings_new_code_and_loses_nothing(site):
    edition = site.about()["edition"]
    source = (site.folder / "plain_app.py").read_text()
    (site.folder / "plain_app.py").write_text(source.replace(f'EDITION = "{edition}"', 'EDITION = "after the reload"'))
    before = set(site.server.wait_for_workers(2))
    site.server.signal(signal.SIGHUP)

    def replaced():
        site.about()  # fails if a request is lost
        return not before & set(site.server.worker_pids())

    wait_until(replaced, what="new workers")
    site.server.wait_for_workers(2)
    assert site.about()["edition"] == "after the reload"
