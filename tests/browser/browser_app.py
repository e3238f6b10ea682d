"""An ASGI app for a page in a browser: what it is asked, what it gets, events, a WebSocket; what the page found comes back."""

import asyncio
import hashlib
import json
import os


async def answer(send, body, kind=b"application/json", status=200, fields=()):
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind), *fields]})
    await send({"type": "http.response.body", "body": body})


async def body_of(receive):
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            return body


async def who(scope, receive, send):
    headers = dict(scope["headers"])
    facts = {"scheme": scope["scheme"], "http": scope["http_version"], "cookie": headers.get(b"cookie", b"").decode()}
    padding = "the same again " * 200  # worth compressing
    await answer(send, json.dumps({**facts, "padding": padding}).encode(), fields=[(b"set-cookie", b"seen=yes; Path=/; Secure")])


async def digest(scope, receive, send):
    body = await body_of(receive)
    await answer(send, json.dumps({"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}).encode())


async def events(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for number in range(3):
        await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
        await asyncio.sleep(0)
    while (await receive())["type"] != "http.disconnect":
        pass


async def go(scope, receive, send):
    await answer(send, b"", status=302, fields=[(b"location", b"/app/who")])


async def found(scope, receive, send):
    """The page's own report, for the test."""
    with open("found.json.part", "wb") as file:
        file.write(await body_of(receive))
    os.rename("found.json.part", "found.json")
    await answer(send, b"{}")


async def socket(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept", "subprotocol": "shout"})
    while (event := await receive())["type"] == "websocket.receive":
        text = event.get("text")
        await send({"type": "websocket.send", "text": text.upper()} if text else {"type": "websocket.send", "bytes": event["bytes"]})


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (event := await receive())["type"] != "lifespan.shutdown":
            await send({"type": event["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    views = {"/app/who": who, "/app/digest": digest, "/app/events": events, "/app/go": go, "/app/found": found, "/app/socket": socket}
    await views[scope["path"]](scope, receive, send)
