"""What the apps of all frameworks have in common: none of it knows a framework.

Each app answers the same requests (tests/frameworks/test_frameworks.py is the contract):

    GET  /hello/NAME   JSON: name, query, framework, python
    GET  /form         a page with a form; POST: JSON of its title and text, or a refusal when there is no title
    POST /json         JSON: {"got": what came}, or a refusal
    POST /upload       multipart/form-data, note and file. JSON: note, name, size, sha256
    GET  /download     data.bin of the current directory, as an attachment
    GET  /stream       two pieces; the second is made when a file named by ?gate= exists
    GET  /session      JSON: {"visits": how many of this session}, kept in a signed cookie
    GET  /go           a redirect to /hello/again
    GET  /error        raises
    WS   /socket       of ASGI frameworks with WebSockets: each text comes back in capitals
"""

import asyncio
import hashlib
import importlib.metadata
import os
import sys
import time

SECRET = "only for tests"
FORM = """<!doctype html><title>A note</title>
<form method="post"><input name="title"><textarea name="text"></textarea>{}<button>Keep</button></form>"""


def about(framework):
    return {"framework": importlib.metadata.version(framework), "python": "%d.%d.%d" % sys.version_info[:3]}


def digest_of(file):
    """Of an open file: what an upload is answered with."""
    content = file.read()
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def pieces(gate):
    yield b"before the gate\n"
    while not os.path.exists(gate):
        time.sleep(0.002)
    yield b"behind the gate\n"


async def pieces_async(gate):
    yield b"before the gate\n"
    while not os.path.exists(gate):
        await asyncio.sleep(0.002)
    yield b"behind the gate\n"


def fail():
    raise RuntimeError("on purpose")
