"""A server of ASGI apps, its clients, and what its log must not hold."""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "wsgi"))  # its client shows what came over the wire

from http_client import Client  # noqa: E402

# The interpreter that runs the tests has what tools/setup.sh installs: uvloop, and the frameworks.
PYTHON = ("--python", sys.executable)
COMPLAINTS = re.compile(
    r"ASGI VALIDATOR|Traceback|never awaited|never retrieved|was destroyed but|Segmentation|CHECK|Exception in callback"
)


class Shared:
    """A running server, and clients of it."""

    def __init__(self, server):
        self.server = server
        self._before = len(server.stderr())

    def new_log(self):
        return self.server.stderr()[self._before :]

    def client(self, **options):
        return Client(self.server, **options)

    def get(self, path, **options):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.get(path, **options)


def watched(request, server):
    shared = Shared(server)
    yield shared
    if not request.node.get_closest_marker("complains"):
        complaint = COMPLAINTS.search(shared.new_log())
        assert not complaint, f"{complaint.group()!r} in the log:\n{shared.new_log()}"
