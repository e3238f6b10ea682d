"""Interpreters with frameworks, and servers whose logs are read."""

import os
import pathlib
import re

import pytest
from interpreters import WITHOUT, environment
from server import Server

APPS = pathlib.Path(__file__).resolve().parent / "apps"
DEBIAN = "/usr/bin/python3"
COMPLAINTS = re.compile(r"Traceback|never awaited|never retrieved|was destroyed but|Segmentation|CHECK|Exception in callback")


def pytest_configure(config):
    config.addinivalue_line("markers", "complains: the app of this test fails on purpose, so tracebacks are expected")


@pytest.fixture(scope="session")
def interpreter_with():
    """interpreter_with("debian") or ("pypi"): the path of an interpreter that has all the frameworks."""

    failures = []

    def find(source):
        if source == "debian":
            return DEBIAN
        if os.environ.get(WITHOUT):
            pytest.skip(f"{WITHOUT} is set: no packages from PyPI")
        if failures:
            raise failures[0]  # pip tries for long before it gives up: once is enough
        try:
            return environment()
        except RuntimeError as why:
            failures.append(why)
            raise

    return find


@pytest.fixture(scope="module")
def start_app(labcoat):
    """start_app(target, folder, *args): a server of one of the apps beside this file, in that folder."""

    def start(target, folder, *args, env=None, **options):
        return Server(target, *args, cwd=folder, env={"PYTHONPATH": str(APPS), **(env or {})}, program=labcoat, **options)

    return start


@pytest.fixture(autouse=True)
def quiet_log(request):
    """What a test adds to the log of a server that it shares with others must not be a complaint."""
    site = request.getfixturevalue("site") if "site" in request.fixturenames else None
    before = len(site.server.stderr()) if site else 0
    yield
    if site and not request.node.get_closest_marker("complains"):
        log = site.server.stderr()[before:]
        assert not COMPLAINTS.search(log), f"{COMPLAINTS.search(log).group()!r} in the log:\n{log}"
