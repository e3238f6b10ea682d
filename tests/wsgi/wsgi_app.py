"""The application of the WSGI tests: one small app per path, all of them below wsgiref's validator.

The validator raises AssertionError in the app, prints to stderr or warns when server or app break PEP 3333; the tests
look for each of these (conftest.py).
"""

import hashlib
import io
import json
import os
import sys
import tempfile
import time
import urllib.parse
import warnings
import zlib
from wsgiref.validate import validator

warnings.simplefilter("always")

ROUTES = {}


def route(function):
    ROUTES["/" + function.__name__] = function
    return function


def query(environ):
    return dict(urllib.parse.parse_qsl(environ["QUERY_STRING"]))


def wait_for_file(path):
    deadline = time.monotonic() + 30
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.005)


def touch(path, text=""):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def answer(start_response, body, status="200 OK", content_type="text/plain"):
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]


class Closing:
    """An iterable that tells, by a file, that it was closed."""

    def __init__(self, blocks, path):
        self.blocks, self.path = iter(blocks), path

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.blocks)

    def close(self):
        touch(self.path, "closed")


@route
def hello(environ, start_response):
    return answer(start_response, b"Hello, world\n")


PAIRS = {
    "t": ("Content-Type", "text/plain"),
    "l": ("Content-Length", "5"),
    "1": ("X-One", "1"),
    "2": ("X-Two", "2"),
    "e": ("X-Two", "caf\xe9"),
    "v": ("X-Long", "v" * 300),
}


@route
def same_pairs(environ, start_response):
    """Header fields that are the same objects in every answer; a capital: the same name, another object for the rest."""
    fields = []
    for one in query(environ)["which"]:
        name, value = PAIRS[one.lower()]
        fields.append(PAIRS[one] if one in PAIRS else (name, value[:2] + value[2:]))
    start_response("200 OK", fields)
    return [b"hello"]


@route
def environ(environ, start_response):
    shown = {key: value if isinstance(value, (str, int, float, bool)) else repr(value) for key, value in environ.items()}
    shown["wsgi.version"] = list(environ["wsgi.version"])
    shown["pid"] = os.getpid()
    shown["type"] = type(environ) is dict
    return answer(start_response, json.dumps(shown).encode(), content_type="application/json")


@route
def echo(environ, start_response):
    pieces = []
    while piece := environ["wsgi.input"].read(8192):
        pieces.append(piece)
    return answer(start_response, b"".join(pieces), content_type="application/octet-stream")


@route
def digest(environ, start_response):
    """Length and SHA-256 of the body, read in pieces."""
    size, sum_ = 0, hashlib.sha256()
    while piece := environ["wsgi.input"].read(int(query(environ).get("piece", 65536))):
        size += len(piece)
        sum_.update(piece)
    return answer(start_response, f"{size} {sum_.hexdigest()}".encode())


@route
def crc(environ, start_response):
    size, sum_ = 0, 0
    while piece := environ["wsgi.input"].read(1 << 20):
        size += len(piece)
        sum_ = zlib.crc32(piece, sum_)
    return answer(start_response, f"{size} {sum_}".encode())


@route
def read_calls(environ, start_response):
    """Does what the query's `do` says to wsgi.input: a list of [method, argument...]; answers what came back."""
    results = []
    for method, *arguments in json.loads(query(environ)["do"]):
        if method == "iterate":
            result = list(environ["wsgi.input"])
        else:
            result = getattr(environ["wsgi.input"], method)(*arguments)
        results.append([line.decode("latin-1") for line in result] if isinstance(result, list) else result.decode("latin-1"))
    return answer(start_response, json.dumps(results).encode())


@route
def never_reads(environ, start_response):
    return answer(start_response, b"did not look")


@route
def gate(environ, start_response):
    """Three blocks; the second and third only after the files `gate1` and `gate2` exist."""
    folder = query(environ)["folder"]
    start_response("200 OK", [("Content-Type", "text/plain")])

    def blocks():
        yield b"one\n"
        wait_for_file(folder + "/gate1")
        yield b""
        yield b"two\n"
        wait_for_file(folder + "/gate2")
        yield b"three\n"

    return Closing(blocks(), folder + "/closed")


@route
def gate_behind_body(environ, start_response):
    """The whole Content-Length, then a wait before the iterable ends."""
    folder = query(environ)["folder"]
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])

    def blocks():
        yield b"all\n"
        wait_for_file(folder + "/gate1")

    return Closing(blocks(), folder + "/closed")


@route
def write(environ, start_response):
    send = start_response("200 OK", [("Content-Type", "text/plain")])
    send(b"written, ")
    if "folder" in query(environ):
        wait_for_file(query(environ)["folder"] + "/gate1")
    send(b"written again, ")
    return [b"returned\n"]


@route
def late_start(environ, start_response):
    """A generator function: start_response is called when the first block is asked for."""
    start_response("201 Created", [("Content-Type", "text/plain")])
    yield b""
    yield b"late"


@route
def nothing(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return []


@route
def nothing_generated(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter(())


@route
def no_content(environ, start_response):
    start_response("204 No Content", [])
    return []


@route
def not_modified(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"x"')])
    return []


@route
def several(environ, start_response):
    """A list of several blocks, and no Content-Length."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"a" * 10, b"", b"b" * 20]


@route
def big(environ, start_response):
    """`size` bytes in one block, or in blocks of `block` bytes."""
    size = int(query(environ)["size"])
    block = int(query(environ).get("block", 0))
    if not block:
        return answer(start_response, b"x" * size)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(size))])
    full, rest = divmod(size, block)

    def blocks():
        data = b"x" * block
        for _ in range(full):
            yield data
        if rest:
            yield b"x" * rest

    return blocks()


@route
def forever(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])

    def blocks():
        while True:
            yield b"y" * 65536

    return Closing(blocks(), query(environ)["folder"] + "/closed")


@route
def headers(environ, start_response):
    start_response(
        "200 Très bien".encode().decode("utf-8"),
        [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Latin", "caf\xe9"), ("X-Empty", "")],
    )
    return [b"ok"]


@route
def errors(environ, start_response):
    log = environ["wsgi.errors"]
    log.write("first line\nsecond ")
    log.writelines(["line\n", "t\xe4st \u20ac\n"])
    print("printed", file=log)
    log.write("unfinished")
    log.flush()
    return answer(start_response, environ["labcoat.request_id"].encode())


@route
def raises(environ, start_response):
    raise ValueError("on purpose")


@route
def raises_after_start(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    raise ValueError("on purpose, after start_response")


@route
def raises_in_body(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])

    def blocks():
        yield b"some"
        raise ValueError("on purpose, in the body")

    return Closing(blocks(), query(environ)["folder"] + "/closed")


@route
def raises_in_close(environ, start_response):
    class Result(Closing):
        def close(self):
            super().close()
            raise ValueError("on purpose, in close")

    start_response("200 OK", [("Content-Type", "text/plain")])
    return Result([b"fine"], query(environ)["folder"] + "/closed")


@route
def recovers(environ, start_response):
    """An error before anything is sent: start_response again, with exc_info."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        raise ValueError("handled")
    except ValueError:
        start_response("503 Sorry", [("Content-Type", "text/html")], sys.exc_info())
        return [b"recovered"]


@route
def too_late(environ, start_response):
    """An error after something was sent: start_response with exc_info raises it again."""
    send = start_response("200 OK", [("Content-Type", "text/plain")])
    send(b"some")
    try:
        raise ValueError("on purpose, too late")
    except ValueError:
        start_response("500 Oops", [("Content-Type", "text/plain")], sys.exc_info())
    return [b"never seen"]


@route
def file(environ, start_response):
    """Sends the file `path` through wsgi.file_wrapper, from `seek` on, with Content-Length `length` if given."""
    asked = query(environ)
    opened = open(asked["path"], "rb", buffering=int(asked.get("buffering", -1)))
    opened.seek(int(asked.get("seek", 0)))
    fields = [("Content-Type", "application/octet-stream")]
    if "length" in asked:
        fields.append(("Content-Length", asked["length"]))
    start_response("200 OK", fields)
    return environ["wsgi.file_wrapper"](opened)


@route
def file_kinds(environ, start_response):
    """Things that look like files: the answer must be what reading them gives."""
    import bz2
    import gzip

    content = b"0123456789" * 20000
    kind = query(environ)["kind"]
    if kind == "bytesio":
        opened = io.BytesIO(content)
    elif kind == "gzip":
        with gzip.open("packed.gz", "wb") as packed:
            packed.write(content)
        opened = gzip.open("packed.gz", "rb")
    elif kind == "bz2":
        with bz2.open("packed.bz2", "wb") as packed:
            packed.write(content)
        opened = bz2.open("packed.bz2", "rb")
    elif kind == "temporary":
        opened = tempfile.NamedTemporaryFile()
        opened.write(content)
        opened.seek(0)
    elif kind == "anonymous":
        opened = tempfile.TemporaryFile()
        opened.write(content)
        opened.seek(0)
    elif kind == "pipe":
        reader, writer = os.pipe()
        os.write(writer, content[:30000])
        os.close(writer)
        opened = open(reader, "rb")
        content = content[:30000]
    elif kind == "minimal":

        class Minimal:
            def __init__(self):
                self.inner = io.BytesIO(content)

            def read(self, size):
                return self.inner.read(size)

        opened = Minimal()
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return environ["wsgi.file_wrapper"](opened, 4096)


@route
def file_closed(environ, start_response):
    class Told(io.FileIO):
        def close(self):
            if not self.closed:
                touch(query(environ)["folder"] + "/closed")
            super().close()

    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return environ["wsgi.file_wrapper"](Told(query(environ)["path"]))


@route
def wait(environ, start_response):
    """Answers when the file `gate1` exists; says so in `waiting-N` first."""
    asked = query(environ)
    touch(f"{asked['folder']}/waiting-{asked.get('name', '0')}")
    wait_for_file(asked["folder"] + "/gate1")
    return answer(start_response, str(os.getpid()).encode())


def dispatch(environ, start_response):
    return ROUTES[environ["PATH_INFO"]](environ, start_response)


def dispatch_environ(environ, start_response):
    """For paths that name no route: shows the environ."""
    return ROUTES.get(environ["PATH_INFO"], ROUTES["/environ"])(environ, start_response)


app = validator(dispatch_environ)
# Without the validator between, which hides the file wrapper from the server.
bare = dispatch_environ


def make():
    return app
