"""A worker that was taken over: it accepts a WebSocket, then gives credit for messages that were never sent to it."""

import asyncio
import ctypes

from edge_hostile_app import channel, layout

INBOX_WRITTEN, INBOX_CONSUMED = 232, 240  # of a slot: src/channel/layout.h
TAKEN = 2


def open_sockets():
    """Addresses of the slots that workers have."""
    base, size = channel()
    _, _, _, slots, stride, _ = layout(base)
    return [at for at in range(base + slots, base + size, stride) if ctypes.string_at(at, 1)[0] == TAKEN]


async def app(scope, receive, send):
    if scope["type"] != "websocket":
        raise RuntimeError("only WebSockets")
    await send({"type": "websocket.accept"})
    (slot,) = open_sockets()
    written = int.from_bytes(ctypes.string_at(slot + INBOX_WRITTEN, 8), "little")
    impossible = written + 8 if scope["path"] == "/ahead" else 1 << 63
    ctypes.memmove(slot + INBOX_CONSUMED, impossible.to_bytes(8, "little"), 8)
    await send({"type": "websocket.send", "text": "done"})
    await asyncio.sleep(10**6)  # nothing more is said: the edge has to see it by itself
