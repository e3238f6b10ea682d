"""What the tests ask of an ASGI app: each path does one thing. It stands below tests/asgi/asgi_validator.py."""

import asyncio
import json
import os

from asgi_validator import Validator

clients = set()
ends = {}  # of /record sockets: what receive() said at the end, by the name in the query


async def echo(scope, receive, send):
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        if event.get("text") is not None:
            await send({"type": "websocket.send", "text": event["text"]})
        else:
            await send({"type": "websocket.send", "bytes": event["bytes"]})


async def broadcast(scope, receive, send):
    """What one client says goes to all."""
    await send({"type": "websocket.accept"})
    clients.add(send)
    try:
        while (event := await receive())["type"] != "websocket.disconnect":
            for one in list(clients):
                await one({"type": "websocket.send", "text": event["text"]})
    finally:
        clients.discard(send)


async def record(scope, receive, send):
    """Keeps what happens for /ends."""
    await send({"type": "websocket.accept"})
    seen = []
    while (event := await receive())["type"] != "websocket.disconnect":
        seen.append(event.get("text", event.get("bytes")))
    try:
        await send({"type": "websocket.send", "text": "too late"})
        after = "sent"
    except OSError as error:
        after = type(error).__name__
    again = await receive()
    ends[scope["query_string"].decode()] = [
        [len(one) if len(one) > 1000 else one for one in seen], event["code"], event["reason"], after, again == event
    ]


async def scope_of(scope, receive, send):
    await send({"type": "websocket.accept", "subprotocol": (scope["subprotocols"] or [None])[-1],
                "headers": [(b"x-answer", b"42"), (b"connection", b"close"), (b"sec-websocket-extensions", b"lies")]})
    said = {key: scope[key] for key in ("type", "scheme", "http_version", "path", "root_path", "subprotocols", "extensions")}
    said["query"] = scope["query_string"].decode()
    said["host"] = dict(scope["headers"])[b"host"].decode()
    await send({"type": "websocket.send", "text": json.dumps(said)})


async def close(scope, receive, send):
    code = int(scope["query_string"] or 1000)
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": code, "reason": "the app says so: é"})
    event = await receive()
    assert event == {"type": "websocket.disconnect", "code": code, "reason": "the app says so: é"}, event
    try:
        await send({"type": "websocket.send", "text": "late"})
    except RuntimeError:
        return
    raise AssertionError("a send after the close was taken")


async def deny(scope, receive, send):
    await send({"type": "websocket.close"})
    assert (await receive())["type"] == "websocket.disconnect"


async def deny_with(scope, receive, send):
    body = b"no entry" * 50_000
    await send({"type": "websocket.http.response.start", "status": 451, "headers": [(b"x-why", b"law")]})
    await send({"type": "websocket.http.response.body", "body": body[:10], "more_body": True})
    await send({"type": "websocket.http.response.body", "body": body[10:]})


async def fail_early(scope, receive, send):
    raise ValueError("before the accept")


async def fail_late(scope, receive, send):
    await send({"type": "websocket.accept"})
    raise ValueError("after the accept")


async def leave(scope, receive, send):
    await send({"type": "websocket.accept"})


async def say_nothing(scope, receive, send):
    pass


async def wait(scope, receive, send):
    """Accepts only when it is told to by a file, or by the client's end."""
    while not os.path.exists(scope["query_string"].decode()):
        await asyncio.sleep(0.01)
    await send({"type": "websocket.accept"})
    await receive()


async def flood(scope, receive, send):
    """More than the client reads; then says how far it came."""
    await send({"type": "websocket.accept"})
    count = int(scope["query_string"])
    for i in range(count):
        await send({"type": "websocket.send", "bytes": bytes(1000)})
        ends["flood"] = i + 1
    await send({"type": "websocket.send", "text": "done"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def slow(scope, receive, send):
    """Reads only when it is told to."""
    await send({"type": "websocket.accept"})
    while not os.path.exists(scope["query_string"].decode()):
        await asyncio.sleep(0.01)
    sizes = 0
    while (event := await receive())["type"] != "websocket.disconnect":
        sizes += len(event["bytes"])
        if event["bytes"].endswith(b"last"):
            await send({"type": "websocket.send", "text": str(sizes)})


async def impatient(scope, receive, send):
    """Asks again and again with a time limit; nothing may be lost, and nothing come twice."""
    await send({"type": "websocket.accept"})
    got = []
    while len(got) < 200:
        try:
            event = await asyncio.wait_for(receive(), 0.0005)
        except asyncio.TimeoutError:
            continue
        got.append(event["text"])
    await send({"type": "websocket.send", "text": " ".join(got)})


async def wrong(scope, receive, send):
    """Events that break the rules are told to the app, and spoil nothing."""
    errors = []

    async def attempt(event):
        try:
            await send(event)
        except Exception as error:
            errors.append(type(error).__name__)
        else:
            errors.append("taken")

    await attempt({"type": "websocket.send", "text": "early"})
    await attempt({"type": "websocket.accept", "subprotocol": "not a token"})
    await attempt({"type": "websocket.accept", "headers": [(b"a b", b"c")]})
    await attempt({"type": "http.response.start", "status": 200})
    await send({"type": "websocket.accept"})
    await attempt({"type": "websocket.accept"})
    await attempt({"type": "websocket.send"})
    await attempt({"type": "websocket.send", "text": "a", "bytes": b"b"})
    await attempt({"type": "websocket.send", "text": b"bytes"})
    await attempt({"type": "websocket.send", "bytes": "text"})
    await attempt({"type": "websocket.send", "text": "\ud800"})
    await attempt({"type": "websocket.close", "code": 1005})
    await attempt({"type": "websocket.close", "reason": "r" * 124})
    await attempt({"type": "mystery"})
    await attempt("no dict")
    await send({"type": "websocket.send", "text": " ".join(errors)})


async def together(scope, receive, send):
    """Several tasks send, some of them more than fits; their messages must not mix."""
    await send({"type": "websocket.accept"})

    async def say(letter):
        for size in (10, 200_000, 10):
            await send({"type": "websocket.send", "text": letter * size})

    await asyncio.gather(*(say(letter) for letter in "abcdef"))


async def http(scope, receive, send):
    if scope["path"] == "/ends":
        body = json.dumps(ends).encode()
    else:
        body = json.dumps({"pid": os.getpid(), "upgrade": dict(scope["headers"]).get(b"upgrade", b"").decode()}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


PATHS = {
    "/echo": echo, "/broadcast": broadcast, "/record": record, "/scope": scope_of, "/close": close, "/deny": deny,
    "/deny_with": deny_with, "/fail_early": fail_early, "/fail_late": fail_late, "/leave": leave,
    "/say_nothing": say_nothing, "/wait": wait, "/flood": flood, "/slow": slow, "/impatient": impatient, "/wrong": wrong,
    "/together": together,
}


async def serve(scope, receive, send):
    if scope["type"] == "http":
        return await http(scope, receive, send)
    if scope["type"] == "lifespan":
        raise NotImplementedError
    event = await receive()
    assert event == {"type": "websocket.connect"}, event
    await PATHS[scope["path"]](scope, receive, send)


app = Validator(serve)
