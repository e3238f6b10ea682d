"""A real browser (Debian's Chromium, without a window) that looks at pages of the real server."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tls"), str(HERE.parent / "edge"), str(HERE.parent / "wsgi")]

from browser import Browser, Certificate  # noqa: E402


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def browser(certificate, tmp_path):
    """browser(url) opens a page; it is closed at the end of the test."""
    open_ones = []

    def look_at(url):
        open_ones.append(Browser(url, tmp_path / f"browser{len(open_ones)}", certificate))
        return open_ones[-1]

    yield look_at
    for one in open_ones:
        one.close()
