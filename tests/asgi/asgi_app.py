"""The application of most tests here: one coroutine per path. `app` has the validator before it."""

import asyncio
import hashlib
import json
import os
import sys
import threading
import urllib.parse

from asgi_validator import Validator

pages = {}
seen = {}  # what requests have noted for other requests to ask for
active = 0
peak = 0
request_local = None


def page(function):
    pages["/" + function.__name__] = function
    return function


async def bare(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(scope, receive, send)
    await pages[scope["path"]](Request(scope, receive, send))


async def lifespan(scope, receive, send):
    assert (await receive())["type"] == "lifespan.startup"
    scope["state"]["greeting"] = "from the lifespan"
    scope["state"]["shared"] = []
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    await send({"type": "lifespan.shutdown.complete"})


class Request:
    def __init__(self, scope, receive, send):
        self.scope, self.receive, self.send = scope, receive, send
        self.query = dict(urllib.parse.parse_qsl(scope["query_string"].decode()))

    async def start(self, status=200, headers=()):
        await self.send({"type": "http.response.start", "status": status, "headers": list(headers)})

    async def answer(self, body, status=200, headers=()):
        await self.start(status, headers)
        await self.send({"type": "http.response.body", "body": body})

    async def piece(self, body, more=True):
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def answer_json(self, value):
        await self.answer(json.dumps(value).encode(), headers=[(b"content-type", b"application/json")])

    async def events(self):
        """The request's body, event by event, up to its end."""
        while True:
            event = await self.receive()
            yield event
            if not event.get("more_body"):
                return


@page
async def hello(request):
    await request.answer(b"hello", headers=[(b"content-type", b"text/plain")])


@page
async def scope(request):
    event = await request.receive()
    shown = {key: repr(value) for key, value in request.scope.items()}
    await request.answer_json({"scope": shown, "event": repr(event), "pid": os.getpid()})


@page
async def echo(request):
    """Each piece goes out as it comes in."""
    await request.start()
    async for event in request.events():
        await request.piece(event["body"])
    await request.piece(b"", more=False)


@page
async def digest(request):
    sizes = []
    hashed = hashlib.sha256()
    async for event in request.events():
        sizes.append(len(event["body"]))
        hashed.update(event["body"])
    await request.answer_json({"sha256": hashed.hexdigest(), "sizes": sizes})


@page
async def unread(request):
    """Answers without reading the body, then asks for it."""
    await request.answer(b"no, thanks")
    seen["unread"] = await request.receive()


@page
async def big(request):
    """?bytes=N in one piece, ?pieces=K in so many, ?length=1 with a Content-Length."""
    count = int(request.query["bytes"])
    pieces = int(request.query.get("pieces", 1))
    headers = [(b"content-length", str(count * pieces).encode())] if "length" in request.query else []
    await request.start(headers=headers)
    for number in range(pieces):
        await request.piece(bytes([number % 251]) * count, more=number + 1 < pieces)
        seen["big"] = (number + 1) * count


@page
async def note(request):
    """What another request has noted under ?key=, as soon as there is something."""
    key = request.query["key"]
    while key not in seen:
        await asyncio.sleep(0.002)
    await request.answer_json(repr(seen.pop(key)))


@page
async def peek(request):
    await request.answer_json(seen.get(request.query["key"]))


@page
async def waits(request):
    """Hears of the client's end."""
    async for _ in request.events():
        pass
    seen["waiting"] = True
    events = await asyncio.gather(request.receive(), request.receive())
    seen["waits"] = [event["type"] for event in (*events, await request.receive())]


@page
async def waits_impatiently(request):
    """The same, looking up now and then."""
    async for _ in request.events():
        pass
    seen["waiting"] = True
    for tries in range(100_000):
        try:
            event = await asyncio.wait_for(request.receive(), 0.001)
            break
        except asyncio.TimeoutError:
            continue
    seen["waits_impatiently"] = (event["type"], tries > 0)


@page
async def endless(request):
    """Streams until somebody stops it; ?bytes=N at a time, ?after=N: ends that long after it was stopped."""
    await request.start()
    block = b"x" * int(request.query.get("bytes", 1000))
    try:
        while True:
            await request.piece(block)
            seen["streaming"] = True
    except OSError as error:
        seen["endless"] = (type(error).__name__, (await request.receive())["type"])
        raise


@page
async def listens_and_streams(request):
    """As Starlette does it: whoever hears of the end first stops the other."""

    async def stream():
        await request.start()
        while True:
            await request.piece(b"tick")
            seen["streaming"] = True
            await asyncio.sleep(0.002)

    async def listen():
        while (await request.receive())["type"] != "http.disconnect":
            pass

    tasks = [asyncio.create_task(stream()), asyncio.create_task(listen())]
    done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    seen["listens_and_streams"] = True


@page
async def listens_for_the_end(request):
    """receive() ends with the response, too."""
    listener = asyncio.create_task(request.receive())
    if (await listener)["type"] == "http.request":
        listener = asyncio.create_task(request.receive())
    await asyncio.sleep(0)
    await request.answer(b"done")
    seen["listens_for_the_end"] = (await listener)["type"]


@page
async def together(request):
    """Answers when ?count=N requests are here at the same time."""
    global active, peak
    active += 1
    peak = max(peak, active)
    while peak < int(request.query["count"]):
        await asyncio.sleep(0.005)
    if "while" in request.query:
        await asyncio.sleep(float(request.query["while"]))
    active -= 1
    await request.answer(str(peak).encode())


@page
async def reset_peak(request):
    global peak
    old, peak = peak, 0
    await request.answer(str(old).encode())


@page
async def blocks(request):
    """Holds up the whole loop until the file ?path= exists."""
    gone = threading.Event()
    with open(request.query["path"] + ".begun", "w"):
        pass
    while not os.path.exists(request.query["path"]):
        gone.wait(0.005)
    await request.answer(str(os.getpid()).encode())


@page
async def until_there_is(request):
    """Answers when the file ?path= exists; ?stream=1: the head at once."""
    await request.start()
    if "stream" in request.query:
        await request.piece(b"")
    while not os.path.exists(request.query["path"]):
        await asyncio.sleep(0.002)
    await request.piece(str(os.getpid()).encode(), more=False)


@page
async def pid(request):
    await request.answer(str(os.getpid()).encode())


@page
async def slow_pid(request):
    """Computes for a moment, so that no other request of this worker can begin."""
    threading.Event().wait(0.02)
    await request.answer(str(os.getpid()).encode())


@page
async def state(request):
    request.scope["state"]["mine"] = True
    request.scope["state"]["shared"].append(1)
    await request.answer_json({**request.scope["state"], "calls": len(request.scope["state"]["shared"])})


@page
async def two_senders(request):
    """Sends large pieces from two tasks: they must not mix."""
    await request.start()
    size = 300_000
    await asyncio.gather(request.piece(b"a" * size), request.piece(b"b" * size), request.piece(b"c" * size))
    await request.piece(b"", more=False)


@page
async def send_cancelled(request):
    """A send() that is given up while it waits; the next one goes on where it stood."""
    await request.start()
    task = asyncio.create_task(request.piece(b"a" * 4_000_000))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await request.piece(b"end", more=False)


@page
async def pathsend(request):
    headers = [(b"content-length", request.query["length"].encode())] if "length" in request.query else []
    await request.start(headers=headers)
    await request.send({"type": "http.response.pathsend", "path": request.query["path"]})


@page
async def empty(request):
    await request.answer(b"", status=int(request.query["status"]))


@page
async def bytes_likes(request):
    await request.start()
    await request.piece(bytearray(b"one "))
    await request.piece(memoryview(b"two "))
    await request.send({"type": "http.response.body", "more_body": 1})
    await request.send({"type": "http.response.body", "body": b"three"})


@page
async def background(request):
    """Goes on after its response."""
    await request.answer(b"at once")
    await asyncio.sleep(0.01)
    seen["background"] = (await request.receive())["type"]


@page
async def headers_of_any_kind(request):
    await request.send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": (pair for pair in [[b"x-list", b"1"], (b"x-tuple", b"2"), iter([b"x-iterator", b"3"])]),
        }
    )
    await request.piece(b"", more=False)


@page
async def hop_by_hop(request):
    await request.answer(b"fine", headers=[(b"transfer-encoding", b"chunked"), (b"connection", b"close"), (b"x-a", b"1")])


@page
async def loop_name(request):
    await request.answer(type(asyncio.get_running_loop()).__module__.encode())


# Failures, each on purpose.


@page
async def raises(request):
    raise ValueError("on purpose")


@page
async def raises_after_start(request):
    await request.start()
    raise ValueError("on purpose, after start")


@page
async def raises_in_body(request):
    await request.start()
    await request.piece(b"some")
    raise ValueError("on purpose, in the body")


@page
async def raises_after_the_end(request):
    await request.answer(b"whole")
    raise ValueError("on purpose, after the end")


@page
async def exits(request):
    sys.exit(3)


@page
async def returns_nothing(request):
    pass


@page
async def returns_early(request):
    await request.start()
    await request.piece(b"some")


@page
async def too_long(request):
    await request.start(headers=[(b"content-length", b"3")])
    await request.piece(b"four", more=False)


@page
async def too_short(request):
    await request.start(headers=[(b"content-length", b"9")])
    await request.piece(b"four")
    await request.piece(b"", more=False)


@page
async def cancels_itself(request):
    asyncio.current_task().cancel()
    await asyncio.sleep(0)


WRONG_EVENTS = {
    "body_first": [{"type": "http.response.body", "body": b""}],
    "start_twice": [{"type": "http.response.start", "status": 200}] * 2,
    "unknown": [{"type": "http.response.magic"}],
    "no_type": [{}],
    "type_no_text": [{"type": 3}],
    "no_dict": ["http.response.start"],
    "no_status": [{"type": "http.response.start"}],
    "status_text": [{"type": "http.response.start", "status": "200"}],
    "status_101": [{"type": "http.response.start", "status": 101}],
    "status_huge": [{"type": "http.response.start", "status": 10**30}],
    "header_text": [{"type": "http.response.start", "status": 200, "headers": [("a", "b")]}],
    "header_three": [{"type": "http.response.start", "status": 200, "headers": [(b"a", b"b", b"c")]}],
    "header_number": [{"type": "http.response.start", "status": 200, "headers": [3]}],
    "headers_none": [{"type": "http.response.start", "status": 200, "headers": None}],
    "header_line_break": [{"type": "http.response.start", "status": 200, "headers": [(b"a", b"b\r\nc: d")]}],
    "header_name": [{"type": "http.response.start", "status": 200, "headers": [(b"a b", b"c")]}],
    "header_length": [{"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"-1")]}],
    "header_huge": [{"type": "http.response.start", "status": 200, "headers": [(b"a", b"b" * 40_000)]}],
    "body_text": [{"type": "http.response.start", "status": 200}, {"type": "http.response.body", "body": "text"}],
    "path_number": [{"type": "http.response.start", "status": 200}, {"type": "http.response.pathsend", "path": 3}],
    "path_missing": [{"type": "http.response.start", "status": 200}, {"type": "http.response.pathsend", "path": "/none"}],
    "path_folder": [{"type": "http.response.start", "status": 200}, {"type": "http.response.pathsend", "path": "/"}],
    "path_first": [{"type": "http.response.pathsend", "path": "/etc/passwd"}],
}


async def wrong(scope, receive, send):
    """Below no validator: ?event= names what it sends."""
    if scope["type"] == "http":
        for event in WRONG_EVENTS[scope["query_string"].decode()]:
            await send(event)


async def sends_after_the_end(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"whole"})
    await send({"type": "http.response.body", "body": b"more"})


async def called_in_a_thread(scope, receive, send):
    assert scope["type"] == "http"
    await asyncio.to_thread(send, {"type": "http.response.start", "status": 200})


app = Validator(bare)
