"""The server of route_site.py, shared by the tests of a module."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from route_site import Site, write_site  # noqa: E402
from server import Server  # noqa: E402


@pytest.fixture(scope="module")
def site(tmp_path_factory, labcoat):
    folder = tmp_path_factory.mktemp("site")
    write_site(folder)
    with Server(cwd=folder, program=labcoat, listen=None) as server:
        yield Site(server)
