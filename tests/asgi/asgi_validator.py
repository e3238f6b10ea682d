"""A validator that stands between server and application: it checks what the server hands over, event by event, and says
what is wrong both to the application (an AssertionError) and to the log ("ASGI VALIDATOR").

What the application sends is only checked for what the server makes of it: the order is the server's to enforce.
"""

import asyncio
import sys

HTTP_KEYS = {
    "type": str,
    "asgi": dict,
    "http_version": str,
    "method": str,
    "scheme": str,
    "path": str,
    "raw_path": bytes,
    "query_string": bytes,
    "root_path": str,
    "headers": list,
    "client": (tuple, type(None)),
    "server": (tuple, type(None)),
    "state": dict,
    "extensions": dict,
    "labcoat.queue_wait": float,
    "labcoat.request_id": str,
}
SOCKET_KEYS = {**{key: kind for key, kind in HTTP_KEYS.items() if key != "method"}, "subprotocols": list}


def check(condition, text):
    if not condition:
        print(f"ASGI VALIDATOR: {text}", file=sys.stderr, flush=True)
        raise AssertionError(text)


def check_keys(what, value, types):
    check(type(value) is dict, f"{what} is no dict but {value!r}")
    check(value.keys() == types.keys(), f"{what} has the keys {sorted(value)}, not {sorted(types)}")
    for key, kind in types.items():
        kinds = kind if isinstance(kind, tuple) else (kind,)
        check(type(value[key]) in kinds, f"{what}[{key!r}] is {value[key]!r}")


def check_peer(what, peer):
    if peer is not None:
        check(len(peer) == 2 and type(peer[0]) is str and type(peer[1]) is int, f"{what} is {peer!r}")


def check_http_scope(scope):
    check_keys("the scope", scope, HTTP_KEYS)
    check(scope["scheme"] in ("http", "https"), f"scheme {scope['scheme']!r}")
    check(scope["method"] == scope["method"].upper(), "the method is not in upper case")
    extensions = {"http.response.pathsend", "http.response.early_hint", "http.response.trailers"}
    check_keys("scope['extensions']", scope["extensions"], dict.fromkeys(extensions, dict))
    check_common_scope(scope)


def check_socket_scope(scope):
    check_keys("the scope", scope, SOCKET_KEYS)
    check(scope["scheme"] in ("ws", "wss"), f"scheme {scope['scheme']!r}")
    check(all(type(one) is str and one for one in scope["subprotocols"]), f"subprotocols {scope['subprotocols']!r}")
    check_keys("scope['extensions']", scope["extensions"], {"websocket.http.response": dict})
    check_common_scope(scope)


def check_common_scope(scope):
    check_keys("scope['asgi']", scope["asgi"], {"version": str, "spec_version": str})
    check(scope["asgi"]["version"] == "3.0", "the version of ASGI is not 3.0")
    check(scope["http_version"] in ("1.0", "1.1", "2"), f"http_version {scope['http_version']!r}")
    check(b"?" not in scope["raw_path"], "the query is part of raw_path")
    check_peer("client", scope["client"])
    check_peer("server", scope["server"])
    for field in scope["headers"]:
        check(type(field) is tuple and len(field) == 2, f"header {field!r}")
        name, value = field
        check(type(name) is bytes and type(value) is bytes, f"header {field!r}")
        check(name == name.lower() and name and not name.startswith(b":"), f"header name {name!r}")


class Validator:
    """One per application."""

    def __init__(self, app):
        self.app = app
        self.last_scope = None
        self.lifespan_scope = None

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            self.lifespan_scope = scope
            return await self._lifespan(scope, receive, send)
        check(scope["type"] in ("http", "websocket"), f"a scope of type {scope['type']!r}")
        is_http = scope["type"] == "http"
        check_http_scope(scope) if is_http else check_socket_scope(scope)
        if self.last_scope is not None:
            for key in ("asgi", "state", "extensions", "headers"):
                check(scope[key] is not self.last_scope[key], f"two requests share scope[{key!r}]")
        if self.lifespan_scope is not None:
            check(scope["state"] is not self.lifespan_scope["state"], "a request has the lifespan's own state")
        self.last_scope = scope
        check(asyncio.current_task() is not None, "the application runs in no task")
        events = self._events if is_http else self._socket_events
        await self.app(scope, *events(receive, send))

    def _events(self, receive, send):
        body_left = True
        disconnected = False
        completed = False
        trailers = False

        async def checked_receive():
            nonlocal body_left, disconnected
            was_complete = completed
            awaitable = receive()
            check(asyncio.iscoroutine(awaitable), f"receive() gave {awaitable!r}, which asyncio takes for no coroutine")
            event = await awaitable
            check(type(event) is dict, f"receive() gave {event!r}")
            if event.get("type") == "http.request":
                check_keys("http.request", event, {"type": str, "body": bytes, "more_body": bool})
                check(body_left, "http.request after its last piece")
                check(not disconnected and not was_complete, "http.request after the end")
                check(event["body"] or not event["more_body"], "an empty piece of body that is not the last")
                body_left = event["more_body"]
            else:
                check(event == {"type": "http.disconnect"}, f"receive() gave {event!r}")
                disconnected = True
            return event

        async def checked_send(event):
            nonlocal completed, trailers
            was_complete = completed
            kind = event["type"]
            if kind == "http.response.start":
                trailers = trailers or bool(event.get("trailers", False))
            if kind == "http.response.trailers":
                last = not event.get("more_trailers", False)
            else:
                whole = kind == "http.response.body" and not event.get("more_body", False)
                last = not trailers and (whole or kind == "http.response.pathsend")
            awaitable = send(event)
            check(asyncio.iscoroutine(awaitable), f"send() gave {awaitable!r}, which asyncio takes for no coroutine")
            result = await awaitable
            check(result is None, f"send() gave {result!r}")
            check(not was_complete, "an event after the response was complete was taken without a word")
            completed = completed or last

        return checked_receive, checked_send

    def _socket_events(self, receive, send):
        connected = False
        accepted = False
        last = None

        async def checked_receive():
            nonlocal connected, last
            awaitable = receive()
            check(asyncio.iscoroutine(awaitable), f"receive() gave {awaitable!r}, which asyncio takes for no coroutine")
            event = await awaitable
            check(type(event) is dict, f"receive() gave {event!r}")
            kind = event.get("type")
            check(connected == (kind != "websocket.connect"), f"{kind} where it does not belong")
            connected = True
            if kind == "websocket.connect":
                check(event == {"type": kind}, f"receive() gave {event!r}")
            elif kind == "websocket.receive":
                check(accepted and last is None, "websocket.receive before the accept, or after the end")
                key, value_type = ("text", str) if "text" in event else ("bytes", bytes)
                check_keys(kind, event, {"type": str, key: value_type})
            else:
                check(kind == "websocket.disconnect", f"receive() gave {event!r}")
                check_keys(kind, event, {"type": str, "code": int, "reason": str})
                check(last in (None, event), "two different ends")
                last = event
            return event

        async def checked_send(event):
            nonlocal accepted
            awaitable = send(event)
            check(asyncio.iscoroutine(awaitable), f"send() gave {awaitable!r}, which asyncio takes for no coroutine")
            result = await awaitable
            check(result is None, f"send() gave {result!r}")
            accepted = accepted or event["type"] == "websocket.accept"

        return checked_receive, checked_send

    async def _lifespan(self, scope, receive, send):
        check_keys("the lifespan's scope", scope, {"type": str, "asgi": dict, "state": dict})
        check_keys("scope['asgi']", scope["asgi"], {"version": str, "spec_version": str})
        expected = ["lifespan.startup", "lifespan.shutdown"]

        async def checked_receive():
            event = await receive()
            check(expected and event == {"type": expected[0]}, f"lifespan: receive() gave {event!r}, not {expected[:1]}")
            del expected[0]
            return event

        async def checked_send(event):
            result = await send(event)
            check(result is None, f"lifespan: send() gave {result!r}")

        await self.app(scope, checked_receive, checked_send)
