"""permessage-deflate (RFC 7692) as it is agreed on and as it goes over the wire: Autobahn's chapters 12 and 13, in short."""

import random
import zlib

import pytest
from websocket_wire import BINARY, CONTINUATION, FIN, PING, PONG, RSV1, TEXT, Wire, frame

OFFERS = [
    ("permessage-deflate", "permessage-deflate"),
    ("permessage-deflate; server_no_context_takeover; client_no_context_takeover",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
    ("permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
     "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9"),
    ("permessage-deflate; server_max_window_bits=15; client_max_window_bits",
     "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"),
]


class Codec:
    """The client's half of what was agreed on."""

    def __init__(self, answer):
        words = dict((part.strip().split("=") + [""])[:2] for part in answer.split(";"))
        self.bits_out = int(words.get("client_max_window_bits") or 15)
        self.bits_in = int(words.get("server_max_window_bits") or 15)
        self.forget_out = "client_no_context_takeover" in words
        self.forget_in = "server_no_context_takeover" in words
        self.out = self.back = None

    def deflate(self, data):
        if self.out is None or self.forget_out:
            self.out = zlib.compressobj(9, zlib.DEFLATED, -self.bits_out)
        data = self.out.compress(data) + self.out.flush(zlib.Z_SYNC_FLUSH)
        assert data.endswith(b"\0\0\xff\xff")
        return data[:-4]

    def inflate(self, data):
        if self.back is None or self.forget_in:
            self.back = zlib.decompressobj(-self.bits_in)
        return self.back.decompress(data + b"\0\0\xff\xff")


def connect(wire, offer="permessage-deflate", path="/echo"):
    client = wire(path, f"Sec-WebSocket-Extensions: {offer}")
    client.codec = Codec(client.answer["sec-websocket-extensions"])
    return client


def message(client):
    """(compressed, opcode, bytes)"""
    first, payload = client.frame()
    compressed, opcode, last = bool(first & RSV1), first & 15, first & FIN
    while not last:
        more, piece = client.frame()
        assert more & 15 == CONTINUATION and not more & RSV1
        payload, last = payload + piece, more & FIN
    return compressed, opcode, client.codec.inflate(payload) if compressed else payload


@pytest.mark.parametrize("offer, answer", OFFERS)
def test_messages_come_back_whatever_was_agreed_on(wire, offer, answer):
    client = connect(wire, offer)
    assert client.answer["sec-websocket-extensions"] == answer
    words = random.Random(5)
    for size in [0, 1, 63, 64, 1000, 1000, 5000, 65536, 400_000]:
        data = "".join(words.choice(["some ", "words ", "again "]) for _ in range(size // 5 + 1))[:size].encode()
        client.send(frame(TEXT, client.codec.deflate(data), flags=FIN | RSV1))
        compressed, opcode, back = message(client)
        assert (opcode, back) == (TEXT, data)
        assert compressed == (size >= 64)


def test_a_message_may_be_compressed_in_fragments_and_the_next_not_at_all(wire):
    client = connect(wire)
    data = b"repeat " * 1000
    packed = client.codec.deflate(data)
    client.send(frame(BINARY, packed[:3], flags=RSV1) + frame(PING, b"p"))
    assert client.frame() == (FIN | PONG, b"p")
    client.send(frame(CONTINUATION, b"", flags=0) + frame(CONTINUATION, packed[3:]) + frame(BINARY, b"plain"))
    assert message(client) == (True, BINARY, data)
    assert message(client) == (False, BINARY, b"plain")


def test_what_was_not_agreed_on_is_not_understood(wire):
    client = wire()
    client.send(frame(TEXT, b"x", flags=FIN | RSV1))
    assert client.closed() == 1002


def test_utf8_is_checked_after_inflating(wire):
    client = connect(wire)
    client.send(frame(TEXT, client.codec.deflate(b"\xff" * 100), flags=FIN | RSV1))
    assert client.closed() == 1007


def test_what_is_no_deflate_is_1007(wire):
    client = connect(wire)
    client.send(frame(TEXT, b"\xff" * 100, flags=FIN | RSV1))
    assert client.closed() == 1007


def test_a_bomb_is_1009_before_it_explodes(wire):
    client = connect(wire)
    bomb = client.codec.deflate(bytes(50 << 20))
    assert len(bomb) < 1 << 17
    client.send(frame(BINARY, bomb, flags=FIN | RSV1))
    assert client.closed() == 1009


def test_large_messages_flow_in_pieces_when_the_app_is_slow(wire, tmp_path):
    client = connect(wire, path=f"/slow?{tmp_path}/go")
    for _ in range(3):
        client.send(frame(BINARY, client.codec.deflate(bytes(1_000_000)), flags=FIN | RSV1))
    (tmp_path / "go").touch()
    client.send(frame(BINARY, client.codec.deflate(b"last"), flags=FIN | RSV1))
    assert message(client)[1:] == (TEXT, b"3000004")


@pytest.mark.parametrize("setting, answer", [("off", None), ("stateless", "permessage-deflate; server_no_context_takeover; "
                                                                          "client_no_context_takeover")])
def test_it_can_be_switched_off_or_made_stateless(serve_sockets, setting, answer):
    server = serve_sockets("--set", f"websocket_compression={setting}")
    with Wire(server) as client:
        fields = client.connect("/echo", "Sec-WebSocket-Extensions: permessage-deflate")
        assert fields.get("sec-websocket-extensions") == answer
