"""Asks an ASGI application for pages (warm_up.py), between its start-up and its shutdown, on a loop that ends before the fork."""

import asyncio
import contextlib
import traceback

from labcoat import asgi, lifespan, warm_up


def rounds(app, requests, choice):
    loop = asgi.event_loop_maker(choice)()
    asyncio.set_event_loop(loop)
    span = lifespan.Lifespan(app)
    try:
        if not loop.run_until_complete(span.start()):
            return  # why has been told; the workers will fail in the same way
        warm_up.rounds(requests, lambda request: loop.run_until_complete(_ask(app, request, span.state)))
        loop.run_until_complete(span.shut_down())
    except Exception:
        traceback.print_exc()
    finally:
        asgi.close_loop(loop)


async def _ask(app, request, state):
    status, taken, asked = None, 0, False
    over = asyncio.Event()

    async def receive():
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(event):
        nonlocal status, taken
        if event["type"] == "http.response.start":
            status = event["status"]
        taken += len(event.get("body", b""))
        if taken > warm_up.ANSWER_BYTES_MAX:
            over.set()
            raise asgi.ClientDisconnected("warm_up has seen enough of this answer")
        if event["type"] == "http.response.body" and not event.get("more_body", False):
            over.set()

    with contextlib.suppress(asgi.ClientDisconnected):
        # Sooner than the signal, which would end the loop and not the request.
        async with asyncio.timeout(warm_up.ANSWER_SECONDS_MAX * 0.9):
            await app(_scope(request, state), receive, send)
    if status is None:
        raise RuntimeError("the application ended without an answer")
    request.judge(status)


def _scope(request, state):
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": request.scheme,
        "path": request.path.decode("utf-8", "replace"),
        "raw_path": request.raw_path.encode(),
        "query_string": request.query.encode(),
        "root_path": "",
        "headers": [(b"host", request.host.encode())],
        "client": ("127.0.0.1", 0),
        "server": (request.name, request.port),
        "state": dict(state),
        "labcoat.warm_up": True,
    }
