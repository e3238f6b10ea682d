"""What a queue needs of an application: to keep a worker busy until told otherwise, and to say what it has seen."""

import json
import os
import pathlib
import time


def wait_for(gate):
    """Until the file `gate` exists; `gate`.begun.PID tells that this worker waits."""
    path = pathlib.Path(gate)
    path.with_name(f"{path.name}.begun.{os.getpid()}.{time.monotonic_ns()}").touch()
    while not path.exists():
        time.sleep(0.002)


def answer(path, query):
    if path.startswith("/gate"):
        wait_for(query)
    elif path.startswith("/sleep"):
        time.sleep(float(query))
    return query


def app(environ, start_response):
    environ["wsgi.input"].read()
    with open("seen", "a") as seen:  # in the order in which workers took them
        seen.write(environ["PATH_INFO"] + "\n")
    if environ["PATH_INFO"] == "/wait":
        body = json.dumps(environ["labcoat.queue_wait"])
    else:
        body = answer(environ["PATH_INFO"], environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body.encode()]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("only http")
    body = json.dumps(scope["labcoat.queue_wait"]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
