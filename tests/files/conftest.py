"""Files through the real server, with the words of the edge's stories."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "wsgi"))  # http_client.py
sys.path.insert(0, str(HERE.parent / "edge"))  # edge_wire.py

from edge_wire import ADMIN, Edge  # noqa: E402


@pytest.fixture
def serve_files(serve, tmp_path):
    """serve_files(root, file_cache_entries=3): a server of the folder `root`; routes="…" instead of it is labcoat.toml."""

    def start(root=None, *words, routes=None, **knobs):
        if routes is not None:
            (tmp_path / "labcoat.toml").write_text(routes)
            words = ("-c", "labcoat.toml", *words)
        else:
            words = ("--static", f"/={root}", *words)
        sets = [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]
        return Edge(serve(*words, *ADMIN, "--edge-threads", 1, *sets))

    return start


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "www"
    folder.mkdir()
    return folder
