"""A server for one test: each connection gets a thread and a script that says what to do with its requests.

It speaks just enough HTTP to receive what labcoat bench sends, so that a test can answer with any bytes it likes, at any
time, or not at all.
"""

import contextlib
import os
import socket
import threading


class Request:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ")
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = body


class Connection:
    """One accepted connection; `number` counts from 0 over the server's life."""

    def __init__(self, sock, number):
        self.sock, self.number, self.buffer = sock, number, b""

    def request(self):
        """The next request, or None when the client is gone."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                return None
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        request = Request(head, b"")
        length = int(request.headers.get("content-length", 0))
        while len(self.buffer) < length:
            if not self._more():
                return None
        request.body, self.buffer = self.buffer[:length], self.buffer[length:]
        return request

    def _more(self):
        try:
            data = self.sock.recv(65536)
        except OSError:
            return False
        self.buffer += data
        return bool(data)

    def send(self, data):
        with contextlib.suppress(OSError):
            self.sock.sendall(data)


def answer(body=b"hello", status="200 OK", headers=()):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class SmallServer:
    """with SmallServer(script) as server: script(connection) runs once per connection; then it is closed."""

    def __init__(self, script, unix_path=None):
        self.script = script
        self.accepted = 0
        self.requests = []  # every Request that a script received through `take`
        self.lock = threading.Lock()
        if unix_path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(os.fspath(unix_path))
        else:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.authority = f"127.0.0.1:{self.listener.getsockname()[1]}"
            self.url = f"http://{self.authority}/"
        self.listener.listen(512)
        self.connections = []

    def take(self, connection):
        """connection.request(), remembered in self.requests."""
        request = connection.request()
        if request is not None:
            with self.lock:
                self.requests.append(request)
        return request

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for sock in self.connections:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                connection = Connection(sock, self.accepted)
                self.accepted += 1
                self.connections.append(sock)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.script(self, connection)
        finally:
            connection.sock.close()


def always(data):
    """A script that keeps the connection and answers every request with the same bytes."""

    def script(server, connection):
        while server.take(connection) is not None:
            connection.send(data)

    return script


def errors_of(result):
    """The kinds of error that a JSON report counts, without the zeros."""
    return {kind: count for kind, count in result["errors"].items() if count}
