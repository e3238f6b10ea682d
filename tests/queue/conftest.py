"""How requests wait for workers, through the real server; clients are those of tests/edge, the app is queue_app.py."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "edge"), str(HERE.parent / "wsgi")]

from edge_wire import ADMIN, Edge  # noqa: E402


def sets(knobs):
    return [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]


@pytest.fixture
def serve_queue(serve, tmp_path):
    """serve_queue("-w", 1, queue_wait="1s"): queue_app; routes="[[route]]…" makes it a configuration with that text."""

    def start(*args, app="queue_app:app", routes=None, **knobs):
        words = [app]
        if routes is not None:
            (tmp_path / "labcoat.toml").write_text(f'[app.main]\ntarget = "{app}"\n' + routes)
            words = ["-c", "labcoat.toml"]
        return Edge(serve(*words, *args, *ADMIN, *sets(knobs), env={"PYTHONPATH": str(HERE)}))

    return start
