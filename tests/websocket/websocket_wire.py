"""A WebSocket client that sends whatever bytes a test wants, also those that no honest client would."""

import os
import socket
import struct
import sys

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3
PATIENCE = 30


def frame(opcode, payload=b"", flags=FIN, masked=True, length=None):
    """A client's frame. `length` overrides the one that is told: (marker, bytes)."""
    marker, extended = length or shortest_length(len(payload))
    head = bytes([flags | opcode, marker | (0x80 if masked else 0)]) + extended
    if not masked:
        return head + payload
    mask = os.urandom(4)
    pattern = (mask * (len(payload) // 4 + 1))[: len(payload)]
    size = len(payload)
    mixed = int.from_bytes(payload, sys.byteorder) ^ int.from_bytes(pattern, sys.byteorder)
    return head + mask + mixed.to_bytes(size, sys.byteorder)


def shortest_length(size):
    if size <= 125:
        return size, b""
    if size <= 0xFFFF:
        return 126, struct.pack(">H", size)
    return 127, struct.pack(">Q", size)


def close_payload(code, reason=b""):
    return struct.pack(">H", code) + reason


def handshake(path="/", *fields, version="13", key=KEY, method="GET", upgrade="websocket"):
    lines = [f"{method} {path} HTTP/1.1", "Host: test", "Connection: Upgrade", f"Upgrade: {upgrade}"]
    if version is not None:
        lines.append(f"Sec-WebSocket-Version: {version}")
    if key is not None:
        lines.append(f"Sec-WebSocket-Key: {key}")
    return "\r\n".join([*lines, *fields, "", ""]).encode()


class Closed(Exception):
    """The connection ended where a frame was expected."""


class Wire:
    """One connection. After connect() frames go both ways."""

    def __init__(self, server, timeout=PATIENCE, receive_buffer=None, context=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((server.host, server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:  # of TLS
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def connect(self, path="/echo", *fields, **options):
        """The handshake; the fields of the answer, which must be 101."""
        status, answer, _ = self.ask(handshake(path, *fields, **options))
        assert status == 101, (status, answer)
        assert answer["sec-websocket-accept"] == ACCEPT
        assert answer["upgrade"].lower() == "websocket" and answer["connection"].lower() == "upgrade"
        return answer

    def ask(self, request):
        """Status, fields and body of whatever comes back."""
        self.send(request)
        line = self.file.readline().split()
        fields = {}
        while (field := self.file.readline()) not in (b"\r\n", b""):
            name, value = field.decode("latin-1").split(":", 1)
            fields[name.lower()] = value.strip()
        body = self.file.read(int(fields.get("content-length", 0)))
        return int(line[1]), fields, body

    def exactly(self, size):
        data = self.file.read(size)
        if len(data) < size:
            raise Closed
        return data

    def frame(self):
        """(first byte, payload) of the next frame."""
        first, length = self.exactly(2)
        assert length < 0x80, "the server masks"
        if length == 126:
            (length,) = struct.unpack(">H", self.exactly(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self.exactly(8))
        return first, self.exactly(length)

    def message(self):
        """(opcode, bytes) of the next message, which may come in fragments; control frames are not expected."""
        first, payload = self.frame()
        opcode, whole = first & 15, payload
        assert opcode in (TEXT, BINARY), (first, payload)
        while not first & FIN:
            first, payload = self.frame()
            assert first & 15 == CONTINUATION
            whole += payload
        return opcode, whole

    def closed(self):
        """The code of the close frame that must come next, and then the end of the connection; 1006 without one."""
        try:
            first, payload = self.frame()
        except (Closed, ConnectionResetError):
            return 1006
        assert first == FIN | CLOSE, (first, payload)
        code = struct.unpack(">H", payload[:2])[0] if payload else 1005
        self.reason = payload[2:].decode()
        return code

    def ended(self):
        """Whether the server has ended the connection."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True
