"""An app without any package, for every Python: the same answers through WSGI and through ASGI."""

import asyncio
import json
import os
import sys

from labcoat import _labcoat
from shared import fail, pieces, pieces_async

EDITION = "first"


def about():
    return json.dumps(
        {
            "python": "%d.%d.%d" % sys.version_info[:3],
            "extension": _labcoat.__file__,
            "edition": EDITION,
            "pid": os.getpid(),
            "lifespan": lifespan,
        }
    ).encode()


lifespan = []


def wsgi(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/error":
        fail()
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    if path == "/stream":
        return pieces(environ["QUERY_STRING"])
    if path == "/echo":
        return iter(lambda: environ["wsgi.input"].read(50_000), b"")
    return [about()]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        lifespan.append((await receive())["type"])
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/error":
        await asyncio.sleep(0)
        fail()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/octet-stream")]})
    if scope["path"] == "/stream":
        async for piece in pieces_async(scope["query_string"].decode()):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    elif scope["path"] == "/echo":
        while (event := await receive())["more_body"]:
            await send({"type": "http.response.body", "body": event["body"], "more_body": True})
        await send({"type": "http.response.body", "body": event["body"], "more_body": True})
    else:
        await send({"type": "http.response.body", "body": about(), "more_body": True})
    await send({"type": "http.response.body"})
