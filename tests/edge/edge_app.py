"""The application of the edge's stories: what it does is in the path, what it waits for are files that the test makes."""

import hashlib
import os
import signal
import time

BLOCK = bytes(range(256)) * 256  # 64 KiB


def wait_for_file(path):
    deadline = time.monotonic() + 60
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.002)


def touch(path):
    open(path, "w").close()


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Closing:
    """An iterable that tells, by a file, that it was closed."""

    def __init__(self, blocks, path):
        self.blocks, self.path = iter(blocks), path

    def __iter__(self):
        return self.blocks

    def close(self):
        touch(self.path)


def read_all(environ):
    body, digest, size = environ["wsgi.input"], hashlib.sha256(), 0
    while block := body.read(65536):
        digest.update(block)
        size += len(block)
    return b"%d %s" % (size, digest.hexdigest().encode())


def blocks_of(size):
    while size > 0:
        yield BLOCK[:size]
        size -= len(BLOCK)


def app(environ, start_response):
    path, argument = environ["PATH_INFO"], environ["QUERY_STRING"]

    def answer(body, status="200 OK", *headers):
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), *headers])
        return [body]

    def begin(size):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(size))])

    def stream():
        start_response("200 OK", [("Content-Type", "text/plain")])

    if path == "/pid":
        return answer(b"%d" % os.getpid())
    if path == "/body":
        return answer(read_all(environ))
    if path == "/echo":
        return answer(argument.encode("latin-1"))
    if path == "/size":
        begin(int(argument))
        return blocks_of(int(argument))
    if path == "/stream":
        stream()
        return (b"block %d\n" % i for i in range(int(argument)))
    if path == "/empty":  # /empty?204: a status without a body
        start_response(argument + " X", [])
        return []
    if path == "/gate":  # inside the app until the file is there
        touch(argument + ".begun")
        wait_for_file(argument)
        return answer(b"opened")
    if path == "/endless":
        stream()
        return Closing(iter(lambda: BLOCK, None), argument)
    if path == "/finish":  # /finish?SIZE,FILE: FILE appears when the app is done with its answer
        size, _, file = argument.partition(",")
        begin(int(size))
        return Closing(blocks_of(int(size)), file)
    if path == "/kill":
        with open(argument, "a") as file:  # how often it was tried
            file.write("x")
        die()
    if path == "/kill-once":
        if not os.path.exists(argument):
            touch(argument)
            die()
        return answer(read_all(environ))
    if path in ("/kill-halfway", "/kill-in-stream"):
        begin(1000) if path == "/kill-halfway" else stream()

        def half():
            yield b"half"
            wait_for_file(argument)
            die()

        return half()
    return answer(b"hello\n")
