"""A WSGI app that answers as the query asks: type, length, headers, pieces, a piece at a time."""

import os
import time
import urllib.parse

LINE = "%d: the quick brown fox jumps over the lazy dog\n"


def text(size):
    return "".join(LINE % i for i in range(size // len(LINE) + 1)).encode()[:size]


def wait_for(name):
    deadline = time.monotonic() + 30
    while not os.path.exists(name) and time.monotonic() < deadline:
        time.sleep(0.01)


def pieces(query):
    for i in range(int(query["pieces"])):
        if "gate" in query and i > 0:
            wait_for(query["gate"] + str(i))
        yield b"piece %d\n" % i


def app(environ, start_response):
    query = dict(urllib.parse.parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
    headers = [("Content-Type", query.get("type", "text/html; charset=utf-8"))]
    headers += [tuple(line.split(": ", 1)) for line in query.get("headers", "").splitlines()]
    status = query.get("status", "200") + " As Asked"
    if "fail" in query:
        def broken():
            yield text(5000)
            raise RuntimeError("as asked")
        start_response(status, headers)
        return broken()
    if "pieces" in query:
        start_response(status, headers)
        return pieces(query)
    if "file" in query:
        start_response(status, headers)
        return environ["wsgi.file_wrapper"](open(query["file"], "rb"))
    size = int(query.get("size", 5000))
    headers.append(("Content-Length", str(size)))
    start_response(status, headers)
    if environ["REQUEST_METHOD"] == "HEAD" or size == 0:
        return []
    block = text(min(size, 1 << 20))
    return (block for _ in range(size // len(block))) if size > len(block) else [block]


