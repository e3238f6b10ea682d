"""The same three as hello.py and bodies.py for ASGI."""

from bodies import BODY
from hello import BODY as HELLO


async def start(send, length):
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def lifespan(receive, send):
    for _ in range(2):
        message = await receive()
        await send({"type": message["type"] + ".complete"})


async def hello(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    await start(send, len(HELLO))
    await send({"type": "http.response.body", "body": HELLO})


async def ten_kb(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    await start(send, len(BODY))
    await send({"type": "http.response.body", "body": BODY})


async def echo(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    await start(send, len(body))
    await send({"type": "http.response.body", "body": body})
