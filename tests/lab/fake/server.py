"""A web server with real knobs for the laboratory's tests: one thread that answers one request after the other, each after a
delay that the knobs decide. The delay is a sleep, so the truth hardly depends on how busy the machine is."""

import argparse
import os
import selectors
import signal
import socket
import sys
import time

BODY = b"hello\n"
ANSWER = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s"


def delay_of(knobs):
    """Seconds per request. `helpful` takes 40 % off, `harmful` adds a half. `first` and `second` each help alone, and
    together they are no better than `second` alone."""
    seconds = 0.004
    if knobs.helpful == "on":
        seconds *= 0.6
    if knobs.harmful == "on":
        seconds *= 1.5
    if knobs.terrible == "on":
        seconds *= 6
    if knobs.second == "on":
        seconds *= 0.4
    elif knobs.first == "on":
        seconds *= 0.6
    return seconds


def answer(connection, knobs, seconds, count):
    time.sleep(seconds)
    if knobs.failing == "on" and count % 10 == 0:
        connection.sendall(ANSWER % (b"500 Internal Server Error", len(BODY), BODY))
    else:
        connection.sendall(ANSWER % (b"200 OK", len(BODY), BODY))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    for name in ("helpful", "harmful", "terrible", "first", "second", "failing", "broken"):
        parser.add_argument(f"--{name}", default="off")
    knobs, _inert = parser.parse_known_args()
    if knobs.broken == "on":
        sys.exit("fake: cannot start: the knob 'broken' is on")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    seconds = delay_of(knobs)
    listener = socket.create_server(("127.0.0.1", knobs.port), backlog=64)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    count = 0
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection, selectors.EVENT_READ)
                continue
            try:
                data = key.fileobj.recv(65536)
                for _ in range(data.count(b"\r\n\r\n")):
                    count += 1
                    answer(key.fileobj, knobs, seconds, count)
            except OSError:
                data = b""
            if not data:
                selector.unregister(key.fileobj)
                key.fileobj.close()


main()
