"""A client of HTTP/2 that says exactly the frames it is told to, however wrong, and hears every frame that comes back."""

import socket
import struct
import types

import hpack
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL = 5, 6, 7, 8
COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 9, 11


class Ended(Exception):
    """The server closed the connection; `goaway` is its last word, an error code, or None."""

    def __init__(self, goaway):
        super().__init__(f"the connection has ended, GOAWAY: {goaway}")
        self.goaway = goaway


class Reset(Exception):
    def __init__(self, code):
        super().__init__(f"the stream was reset with {code}")
        self.code = code


def frame(kind, flags=0, stream=0, payload=b""):
    """Any frame at all, byte by byte."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def request_fields(path="/", method="GET", authority="test", scheme="http", fields=()):
    pseudo = [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path)]
    return [(name, value) for name, value in pseudo if value is not None] + list(fields)


class Http2Client:
    """Opens the connection with preface and SETTINGS; acknowledges what it hears; gives windows back unless told not to."""

    def __init__(self, host, port, settings=None, window=1 << 24, open_windows=True, timeout=60, preface=PREFACE, context=None):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:  # of TLS
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
            assert self.socket.selected_alpn_protocol() == "h2"
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.bytes = b""
        self.open_windows = open_windows
        self.streams = {}
        self.goaways = []
        self.pongs = []
        self.server_settings = {}
        self.next_stream = 1
        self.order = []  # stream ids of DATA frames, as they came
        opening = SettingsFrame(0, settings=settings or {SettingsFrame.INITIAL_WINDOW_SIZE: window})
        opening = preface + opening.serialize()
        if open_windows:
            opening += WindowUpdateFrame(0, window_increment=(1 << 30)).serialize()
        self.send(opening)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    # Requests.
    def head(self, fields, end=True, stream=None, flags=("END_HEADERS",)):
        """The bytes of HEADERS for the next stream; returns (stream, bytes)."""
        if stream is None:
            stream, self.next_stream = self.next_stream, self.next_stream + 2
        message = HeadersFrame(stream, data=self.encoder.encode(fields, huffman=False))
        message.flags = set(flags) | ({"END_STREAM"} if end else set())
        return stream, message.serialize()

    def request(self, path="/", body=None, end=None, **words):
        """Sends a request, all of its body included, and returns its stream."""
        end = body is None if end is None else end
        stream, head = self.head(request_fields(path, **words), end=end)
        self.send(head)
        if body is not None:
            self.send_body(stream, body)
        return stream

    def send_body(self, stream, body, end=True):
        """Within the windows that the server gives."""
        sent = 0
        while sent < len(body):
            room = min(self.window(0), self.window(stream), 16384)
            if room <= 0:
                self.hear()
                if self.stream(stream).reset is not None:
                    raise Reset(self.stream(stream).reset)
                continue
            piece = body[sent : sent + room]
            sent += len(piece)
            self.spend(stream, len(piece))
            self.data(stream, piece, end and sent == len(body))

    def data(self, stream, piece=b"", end=False):
        message = DataFrame(stream, data=piece)
        if end:
            message.flags.add("END_STREAM")
        self.send(message.serialize())

    def reset(self, stream, code=CANCEL):
        self.send(RstStreamFrame(stream, error_code=code).serialize())

    def ping(self, data=b"12345678"):
        self.send(PingFrame(0, opaque_data=data).serialize())

    def window_update(self, stream, increment):
        self.send(WindowUpdateFrame(stream, window_increment=increment).serialize())

    # Windows for what we send.
    def _windows(self):
        if not hasattr(self, "_sent"):
            self._sent, self._granted = {}, {}
        return self._sent, self._granted

    def window(self, stream):
        sent, granted = self._windows()
        first = 65535 if stream == 0 else self.server_settings.get(SettingsFrame.INITIAL_WINDOW_SIZE, 65535)
        return first + granted.get(stream, 0) - sent.get(stream, 0)

    def spend(self, stream, count):
        sent, _ = self._windows()
        for one in (0, stream):
            sent[one] = sent.get(one, 0) + count

    # What comes back.
    def _frame(self):
        while True:
            if len(self.bytes) >= 9:
                message, length = Frame.parse_frame_header(memoryview(self.bytes[:9]))
                if len(self.bytes) >= 9 + length:
                    message.parse_body(memoryview(self.bytes[9 : 9 + length]))
                    self.bytes = self.bytes[9 + length :]
                    return message
            try:
                got = self.socket.recv(1 << 16)
            except ConnectionResetError:
                got = b""
            if not got:
                raise Ended(self.goaways[-1].error_code if self.goaways else None)
            self.bytes += got

    def stream(self, number):
        empty = dict(fields=None, status=None, body=b"", ended=False, reset=None, informational=[], block=b"")
        empty.update(informational_fields=[], trailers=None)
        return self.streams.setdefault(number, types.SimpleNamespace(**empty))

    def hear(self):
        """The next frame, after what it means has been noted."""
        message = self._frame()
        kind = type(message).__name__
        number = message.stream_id
        if kind == "SettingsFrame" and "ACK" not in message.flags:
            self.server_settings.update(message.settings)
            self.send(SettingsFrame(0, flags=["ACK"]).serialize())
        elif kind == "PingFrame":
            if "ACK" in message.flags:
                self.pongs.append(message.opaque_data)
            else:
                self.send(PingFrame(0, opaque_data=message.opaque_data, flags=["ACK"]).serialize())
        elif kind == "WindowUpdateFrame":
            _, granted = self._windows()
            granted[number] = granted.get(number, 0) + message.window_increment
        elif isinstance(message, GoAwayFrame):
            self.goaways.append(message)
        elif kind in ("HeadersFrame", "ContinuationFrame"):
            stream = self.stream(number)
            stream.block += message.data
            if "END_HEADERS" in message.flags:
                fields = self.decoder.decode(stream.block)
                stream.block = b""
                status = int(dict(fields).get(":status", 0))
                if status == 0:
                    stream.trailers = fields
                elif status < 200:
                    stream.informational.append(status)
                    stream.informational_fields.append(fields[1:])
                else:
                    stream.fields, stream.status = dict(fields), status
            stream.ended = stream.ended or "END_STREAM" in message.flags
        elif isinstance(message, DataFrame):
            stream = self.stream(number)
            stream.body += message.data
            stream.ended = "END_STREAM" in message.flags
            self.order.append(number)
            if self.open_windows and message.flow_controlled_length:
                self.window_update(0, message.flow_controlled_length)
                if not stream.ended:
                    self.window_update(number, message.flow_controlled_length)
        elif isinstance(message, RstStreamFrame):
            self.stream(number).reset = message.error_code
        return message

    def _look(self, number):
        stream = self.stream(number)
        if stream.reset not in (None, NO_ERROR) or (stream.reset == NO_ERROR and not stream.ended):
            raise Reset(stream.reset)
        return stream

    def response(self, number):
        """Waits for the whole answer on this stream; Reset or Ended when there is none."""
        while not self._look(number).ended:
            self.hear()
        return self._look(number)

    def get(self, path="/", **words):
        return self.response(self.request(path, **words))

    def hear_reset(self, number):
        """The code that the stream is reset with."""
        while self.stream(number).reset is None:
            self.hear()
        return self.stream(number).reset

    def hear_end(self):
        """Listens until the server closes; the code of its GOAWAY."""
        try:
            while True:
                self.hear()
        except Ended as ended:
            return ended.goaway

    def sync(self):
        """Everything that was sent before has been dealt with when this returns."""
        mark = b"%8d" % len(self.pongs)
        self.ping(mark)
        while mark not in self.pongs:
            self.hear()
