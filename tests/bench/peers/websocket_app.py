"""ASGI: /echo sends every message back, /broadcast sends it to every client of /broadcast; anything else is a page."""

from asgi_apps import hello

listeners = {}


async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return await hello(scope, receive, send)
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"] == "/echo":
        await echo(receive, send)
    else:
        await broadcast(receive, send)


async def echo(receive, send):
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def broadcast(receive, send):
    own = object()
    listeners[own] = send
    try:
        while (message := await receive())["type"] == "websocket.receive":
            for name, send_to in list(listeners.items()):
                try:
                    await send_to({"type": "websocket.send", "text": message["text"]})
                except Exception:  # that one has gone; how servers say so differs
                    listeners.pop(name, None)
    finally:
        listeners.pop(own, None)
