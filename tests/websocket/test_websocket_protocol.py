"""RFC 6455 frame by frame, in the order of the Autobahn test suite's chapters (which needs Python 2): an echo that obeys
every rule, and the code with which each broken rule is answered."""

import pytest
from websocket_wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    PING,
    PONG,
    RSV1,
    RSV2,
    RSV3,
    TEXT,
    close_payload,
    frame,
)


def close(client, code=1000):
    client.send(frame(CLOSE, close_payload(code)))
    assert client.closed() == code
    assert client.ended()


# 1: messages

@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65535, 65536, 300_000])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_messages_of_every_size_come_back(wire, opcode, size):
    client = wire()
    payload = bytes(32 + i % 90 for i in range(size))
    client.send(frame(opcode, payload))
    assert client.message() == (opcode, payload)
    close(client)


def test_a_message_that_comes_byte_by_byte_is_the_same_message(wire):
    client = wire()
    for byte in frame(TEXT, "Schrödinger".encode()):
        client.send(bytes([byte]))
    assert client.message() == (TEXT, "Schrödinger".encode())


# 2: pings

@pytest.mark.parametrize("payload", [b"", b"Hello", bytes(range(125)), b"\xfe" * 125])
def test_a_ping_is_answered_with_its_payload(wire, payload):
    client = wire()
    client.send(frame(PING, payload))
    assert client.frame() == (FIN | PONG, payload)
    close(client)


def test_pings_are_answered_in_their_order_and_pongs_not_at_all(wire):
    client = wire()
    client.send(frame(PONG, b"unasked") + b"".join(frame(PING, b"%d" % i) for i in range(10)))
    assert [client.frame() for _ in range(10)] == [(FIN | PONG, b"%d" % i) for i in range(10)]


# 2.5, 3, 4, 5, 7: what must not be

BROKEN = {
    "a ping that is too long": frame(PING, bytes(126)),
    "RSV1 without an extension": frame(TEXT, b"x", flags=FIN | RSV1),
    "RSV2": frame(TEXT, b"x", flags=FIN | RSV2),
    "RSV3": frame(BINARY, b"x", flags=FIN | RSV3),
    "all of them, in a ping": frame(PING, b"x", flags=FIN | RSV1 | RSV2 | RSV3),
    "all of them, in a close": frame(CLOSE, flags=FIN | RSV1 | RSV2 | RSV3),
    **{f"opcode {opcode}": frame(opcode, b"x") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "a ping in fragments": frame(PING, b"x", flags=0),
    "a pong in fragments": frame(PONG, b"x", flags=0),
    "a continuation of nothing": frame(CONTINUATION, b"x"),
    "a continuation of nothing, not the last": frame(CONTINUATION, b"x", flags=0),
    "a message within a message": frame(TEXT, b"x", flags=0) + frame(TEXT, b"y"),
    "no mask": frame(TEXT, b"x", masked=False),
    "a length that could be shorter": frame(TEXT, b"x", length=(126, b"\0\1")),
    "a length of 64 bits": frame(TEXT, length=(127, b"\xff" * 8)),
    "a close with one byte": frame(CLOSE, b"\x03"),
    **{f"close code {code}": frame(CLOSE, close_payload(code))
       for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)},
}


@pytest.mark.parametrize("why", BROKEN)
def test_what_breaks_the_protocol_is_answered_1002(wire, why):
    client = wire()
    client.send(frame(TEXT, b"before"))
    assert client.message() == (TEXT, b"before")
    client.send(BROKEN[why])
    assert client.closed() == 1002
    assert client.ended()


# 5: fragments

def test_fragments_are_one_message_though_pings_come_between(wire):
    client = wire()
    client.send(frame(TEXT, b"frag", flags=0) + frame(PING, b"1"))
    assert client.frame() == (FIN | PONG, b"1")
    client.send(frame(CONTINUATION, b"men", flags=0) + frame(CONTINUATION, b"", flags=0) + frame(PING, b"2"))
    assert client.frame() == (FIN | PONG, b"2")
    client.send(frame(CONTINUATION, b"ted"))
    assert client.message() == (TEXT, b"fragmented")


def test_fragments_may_be_empty(wire):
    client = wire()
    client.send(frame(BINARY, flags=0) + frame(CONTINUATION, flags=0) * 1000 + frame(CONTINUATION))
    assert client.message() == (BINARY, b"")


# 6: UTF-8

VALID = ["κόσμε", "\x00", "\x7f", "\x80", "߿", "ࠀ", "\uffff", "𐀀", "\U0010ffff", "\ud7ff", "\ue000"]
INVALID = [b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xff",
           b"\x80", b"\xed\xb0\x80", b"\xf8\x88\x80\x80\x80", b"\xe0\x80\xaf", b"abc\xce"]


@pytest.mark.parametrize("text", VALID)
def test_text_is_utf8_however_it_is_cut(wire, text):
    client = wire()
    data = text.encode()
    client.send(frame(TEXT, data))
    assert client.message() == (TEXT, data)
    pieces = [frame(CONTINUATION, bytes([byte]), flags=0) for byte in data]
    client.send(frame(TEXT, flags=0) + b"".join(pieces) + frame(CONTINUATION))
    assert client.message() == (TEXT, data)


@pytest.mark.parametrize("data", INVALID)
def test_what_is_not_utf8_is_answered_1007(wire, data):
    client = wire()
    client.send(frame(TEXT, data))
    assert client.closed() == 1007
    assert client.ended()


def test_what_is_not_utf8_is_told_before_the_message_is_complete(wire):
    client = wire()
    client.send(frame(TEXT, b"good", flags=0) + frame(CONTINUATION, b"\xf4\x90", flags=0))
    assert client.closed() == 1007
    client = wire()
    client.send(frame(TEXT, b"x" * 1000 + b"\xff" + b"x" * 1000)[:1200])  # the rest of the frame never comes
    assert client.closed() == 1007


def test_binary_need_not_be_utf8(wire):
    client = wire()
    client.send(frame(BINARY, b"\xff\xfe"))
    assert client.message() == (BINARY, b"\xff\xfe")


# 7: closing

@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 3000, 3999, 4000, 4999])
def test_a_close_is_answered_with_its_code(wire, code):
    client = wire()
    client.send(frame(CLOSE, close_payload(code, b"r" * 123)))
    assert client.closed() == code
    assert client.ended()


def test_a_close_without_a_code_is_answered_without_one(wire):
    client = wire()
    client.send(frame(CLOSE))
    assert client.closed() == 1005
    assert client.ended()


def test_nothing_behind_a_close_is_looked_at(wire):
    client = wire()
    client.send(frame(CLOSE, close_payload(1000)) + frame(PING, b"x") + frame(TEXT, b"x", masked=False))
    assert client.closed() == 1000
    assert client.ended()


def test_a_reason_that_is_not_utf8_is_answered_1007(wire):
    client = wire()
    client.send(frame(CLOSE, close_payload(1000, b"\xff")))
    assert client.closed() == 1007


# 9, 10: sizes

def test_a_message_above_the_limit_is_answered_1009(wire):
    client = wire()
    client.send(frame(BINARY, bytes(1 << 20)))
    assert client.message() == (BINARY, bytes(1 << 20))
    client.send(frame(BINARY, length=(127, (1 + (1 << 20)).to_bytes(8, "big"))))
    assert client.closed() == 1009
    client = wire()
    client.send(frame(BINARY, bytes(1 << 19), flags=0) + frame(CONTINUATION, bytes(1 << 19), flags=0) + frame(CONTINUATION, b"x"))
    assert client.closed() == 1009
