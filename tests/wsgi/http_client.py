"""A client that shows what came over the wire: raw requests, responses with their framing, pipelining."""

import socket


class Response:
    def __init__(self, status_line, fields, body, chunks, complete):
        self.status_line = status_line
        self.status = int(status_line.split(" ")[1])
        self.fields = fields  # (name, value), in order, as sent
        self.body = body
        self.chunks = chunks  # of a chunked body
        self.complete = complete  # False: the connection broke off before the announced end

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None

    def has_body_length(self):
        return self.get("Content-Length") is not None


class Client:
    def __init__(self, server, timeout=60):
        self.socket = socket.create_connection((server.host, server.port), timeout=timeout)
        self.file = self.socket.makefile("rb")
        self.authority = f"{server.host}:{server.port}"

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, path, method="GET", fields=(), body=None, version="1.1"):
        """Sends a request; `fields` are (name, value) with str (latin-1) or bytes."""
        lines = [f"{method} {path} HTTP/{version}", f"Host: {self.authority}"]
        lines += [f"{name}: {value}" for name, value in fields]
        if body is not None and not any(name.lower() == "transfer-encoding" for name, _ in fields):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))

    def get(self, path, **options):
        self.request(path, **options)
        return self.response(options.get("method", "GET"))

    def head(self):
        """Status line and fields of the next response; None when the connection ended before."""
        line = self.file.readline()
        if not line:
            return None
        fields = []
        while (field := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            fields.append((name, value.strip()))
        return line.decode("latin-1").rstrip("\r\n"), fields

    def chunk(self):
        """The next chunk of a chunked body; b"" is the end, None a break."""
        line = self.file.readline()
        if not line:
            return None
        size = int(line, 16)
        data = self.file.read(size)
        end = self.file.readline()
        return data if len(data) == size and end == b"\r\n" else None

    def response(self, method="GET"):
        head = self.head()
        if head is None:
            return None
        status_line, fields = head
        names = {name.lower(): value for name, value in fields}
        status = int(status_line.split(" ")[1])
        if method == "HEAD" or status in (204, 304) or status < 200:
            return Response(status_line, fields, b"", [], True)
        if names.get("transfer-encoding") == "chunked":
            chunks = []
            while chunk := self.chunk():
                chunks.append(chunk)
            return Response(status_line, fields, b"".join(chunks), chunks, chunk is not None)
        if "content-length" in names:
            size = int(names["content-length"])
            body = self.file.read(size)
            return Response(status_line, fields, body, [], len(body) == size)
        return Response(status_line, fields, self.file.read(), [], True)

    def at_end(self):
        """Whether the server has closed the connection and sent nothing more."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True
