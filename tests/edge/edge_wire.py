"""Clients for the edge's stories: what goes over the wire byte by byte, and what the edge says about itself."""

import json
import os
import socket
import types
import urllib.parse

from http_client import Client

# Words that give a server an admin listener on a free port.
ADMIN = ("--set", "admin.listen=http://127.0.0.1:0")


class UnixClient(Client):
    def __init__(self, path, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")
        self.authority = "localhost"


def request_bytes(path="/echo?x", method="GET", fields=(), body=b"", version="1.1"):
    lines = [f"{method} {path} HTTP/{version}", "Host: test", *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*pieces, trailer=b""):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailer + b"\r\n"


class Edge:
    """A running server, clients of it, and its own view of what happened."""

    def __init__(self, server):
        self.server = server
        self.pid = server.edge_pid()

    def client(self, **options):
        return Client(self.server, **options)

    def get(self, path, **options):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.get(path, **options)

    def say(self, data, method="GET"):
        """What comes back for these bytes."""
        with self.client() as client:
            client.send(data)
            return client.response(method)

    def admin_client(self):
        url = urllib.parse.urlsplit(self.server.admin_urls[0])
        return Client(types.SimpleNamespace(host=url.hostname, port=url.port))

    def admin(self, path="/status", method="GET"):
        with self.admin_client() as client:
            return client.get(path, method=method)

    def status(self):
        return json.loads(self.admin("/status").body)

    def counter(self, name):
        return self.status()["counters"][name]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def memory_kib(self, field="VmRSS"):
        with open(f"/proc/{self.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))

    def sanitized(self):
        """Whether this is a build whose allocator keeps freed memory for a while: then its size tells nothing."""
        with open(f"/proc/{self.pid}/maps") as maps:
            return "libasan" in maps.read()

    def cpu_ticks(self):
        """User and system time of the edge, in clock ticks."""
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
