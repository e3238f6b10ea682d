"""websocket_clients.py echo|broadcast URL CLIENTS SECONDS: the generator of websocket.py; prints JSON.

One process, no library: frames are made once and answers are counted by their bytes, so that a client costs little more
than its system calls. The first answer is looked at, and a byte count that is no whole number of frames is an error.
"""

import base64
import json
import os
import select
import socket
import sys
import time
import urllib.parse

TEXT = b"0123456789abcdef" * 4
MASK = os.urandom(4)
SENT = bytes([0x81, 0x80 | len(TEXT)]) + MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(TEXT))
ANSWER = bytes([0x81, len(TEXT)]) + TEXT


class Client:
    def __init__(self, url):
        split = urllib.parse.urlsplit(url)
        self.sock = socket.create_connection((split.hostname, split.port), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(
            f"GET {split.path} HTTP/1.1\r\nHost: {split.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.sock.recv(1)
            if not piece:
                break
            head += piece
        if not head.startswith(b"HTTP/1.1 101 "):
            sys.exit(f"{url} does not speak WebSocket: {head.splitlines()[:1]}")
        self.bytes = self.due = 0

    def send(self):
        self.sock.sendall(SENT)


def check(client, count):
    """Reads the first answers: whole text frames with what was sent."""
    got = b""
    while len(got) < count * len(ANSWER):
        got += client.sock.recv(65536) or sys.exit("the server closed the connection")
    if got != ANSWER * count:
        sys.exit(f"not the message that was sent: {got[:100]!r}")


def run(case, url, count, seconds):
    clients = [Client(url) for _ in range(count)]
    each = count if case == "broadcast" else 1  # answers that a client waits for before it sends again
    for client in clients:
        client.send()
    for client in clients:
        check(client, each)
    poll = select.epoll()
    by_descriptor = {client.sock.fileno(): client for client in clients}
    for number in by_descriptor:
        poll.register(number, select.EPOLLIN)
    begin = time.perf_counter()
    end = begin + seconds
    for client in clients:
        client.send()
        client.due = each * len(ANSWER)
    while time.perf_counter() < end:
        for number, _ in poll.poll(1):
            client = by_descriptor[number]
            got = len(client.sock.recv(262144)) or sys.exit("the server closed the connection")
            client.bytes += got
            while client.bytes >= client.due:
                client.send()
                client.due += each * len(ANSWER)
    took = time.perf_counter() - begin
    print(json.dumps({"messages": sum(client.bytes for client in clients) // len(ANSWER), "seconds": took}))


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
