"""A worker that was taken over: it writes into the channel whatever it likes (docs/formats/channel.md), then answers or dies."""

import ctypes
import os
import random
import re
import signal
import struct
import time

WORDS = 10


def channel():
    """Address and size of the mapping of the channel's memfd."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            if match := re.match(r"([0-9a-f]+)-([0-9a-f]+) rw-s .*memfd:", line):
                return int(match[1], 16), int(match[2], 16) - int(match[1], 16)


def layout(base):
    """Offsets of endpoints, edge threads, queue and slots, a slot's stride, and its ring's offset."""
    header = ctypes.string_at(base, 128)
    endpoints, threads, _, queue, slots, stride, _, ring = (
        int.from_bytes(header[at : at + 8], "little") for at in range(48, 112, 8)
    )
    assert 4096 == endpoints < threads < queue < slots and 256 < ring < stride, "src/channel/layout.h has changed"
    return endpoints, threads, queue, slots, stride, ring


def scribble(chance):
    """Nonsense everywhere."""
    base, size = channel()
    endpoints, threads, queue, slots, stride, ring = layout(base)

    def place():
        slot = slots + stride * chance.choice([0, 0, 512, 512, 1, 513, chance.randrange(1024)])  # those in use, mostly
        # The queue's ends and the closing word would stop this app for good: not often, so that more is tried.
        if chance.random() < 0.003:
            return chance.choice([128, 256, 384])
        return chance.choice(
            [
                endpoints + 8 * chance.randrange(64),
                threads + 8 * chance.randrange(48),  # sleeping flags, dirty bits
                queue + 8 * chance.randrange(64),
                slot + 8 * chance.choice([0, 24, 25, 26, 27, 28]),  # claim, written, waiting, consumed, cancelled, taken
                slot + 64 + 8 * chance.randrange(16),  # the request's numbers
                slot + ring + 8 * chance.randrange(40),  # frames
            ]
        )

    for _ in range(WORDS):
        value = chance.choice(
            [chance.randrange(8), chance.randrange(1 << 64), (1 << 64) - 1, chance.randrange(1 << 20) * 8, 1 << chance.randrange(64)]
        )
        at = place()
        if at + 8 <= size:
            ctypes.memmove(base + at, value.to_bytes(8, "little"), 8)


def forge(chance):
    """Frames as they should be, in an order and with numbers that they should not have; the edge is told of them."""
    base, _ = channel()
    _, threads, _, slots, stride, ring = layout(base)
    kinds = [1, 2, 3, 4, 5, 6]
    frames = b""
    for _ in range(chance.randrange(1, 5)):
        kind = chance.choice(kinds)
        payload = {
            # status, reason_bytes, field_count, body_bytes; the reason; a field
            1: struct.pack("<HHIq", chance.choice([99, 200, 204, 600, 999]), 2, 1, chance.choice([-2, -1, 0, 5, 1 << 62]))
            + b"OK" + struct.pack("<II", 1, chance.choice([1, 3, 1 << 31])) + chance.choice([b"A:\n", b"Abc", b"A\x00\r"]),
            2: bytes(chance.randrange(100)),
            3: struct.pack("<Qqq", chance.randrange(3), chance.choice([-1, 0, 1 << 62]), chance.choice([-1, 0, 1 << 62])),
        }.get(kind, b"")
        told = chance.choice([len(payload)] * 3 + [len(payload) + 8, 1 << 31])
        frames += struct.pack("<II", kind, told) + payload + bytes(-len(payload) % 8)
    for slot in [*range(16), *range(512, 528)]:  # one of them is ours
        at = base + slots + slot * stride
        ctypes.memmove(at + ring, frames, len(frames))
        ctypes.memmove(at + 192, struct.pack("<Q", chance.choice([len(frames)] * 3 + [len(frames) + 8, 1 << 40])), 8)
    for word in range(16):  # every slot of both threads is news
        ctypes.memmove(base + threads + 2 * 128 + 8 * word, b"\xff" * 8, 8)
    time.sleep(0.003)  # the other app's requests wake the edge: let it look


def app(environ, start_response):
    seed, _, end = environ["QUERY_STRING"].partition(",")
    chance = random.Random(seed)
    attack = chance.choice([scribble, forge, forge, forge]) if seed else lambda chance: None
    late = chance.random() < 0.5

    def body():
        yield b"hello\n"
        if late:
            attack(chance)
        if end == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        yield b"goodbye\n"

    if not late:
        attack(chance)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return body()
