#!/usr/bin/python3
"""What an idle WebSocket costs: memory of labcoat serve and its peers with 4,000 clients that had one message and stay.

plain       without compression
deflate     the client has offered permessage-deflate, and its message came back compressed by those who do that

The application echoes, in one worker; memory is PSS of the whole server, as in idle.py. What Python keeps for the task of
each WebSocket is in it, and the same for all.

    tests/bench/idle_websocket.py [--only plain,deflate] [--servers labcoat,uvicorn] [--connections 4000] [--json FILE]
"""

import lineup
from contest import Words, running, write_report
from idle import allow_descriptors, measure, print_table, receive
from served import Check

TEXT = b"0123456789abcdef" * 8
MASK = bytes((1, 2, 3, 4))
MESSAGE = bytes((0x81, 0x80 | 126)) + len(TEXT).to_bytes(2, "big") + MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(TEXT))


def echo(sock, authority, *fields):
    lines = ["GET /echo HTTP/1.1", f"Host: {authority}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", *fields]
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += receive(sock, 1)
    if not head.startswith(b"HTTP/1.1 101 "):
        raise ConnectionError(f"no WebSocket: {head[:100]!r}")
    sock.sendall(MESSAGE)
    first, length = receive(sock, 2)
    body = receive(sock, int.from_bytes(receive(sock, 2), "big") if length == 126 else length)
    if first & 0x40 == 0 and body != TEXT:  # a compressed one is not looked into
        raise ConnectionError(f"not the message that was sent: {body[:100]!r}")


def echo_deflated(sock, authority):
    echo(sock, authority, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")


CASES = {"plain": echo, "deflate": echo_deflated}


def main():
    words = Words(__doc__, ["labcoat", *lineup.WEBSOCKET], CASES)
    words.add_argument("--connections", type=int, default=4000)
    arguments = words.parse()
    allow_descriptors(arguments.connections)
    lineup.make_venv()
    app = lineup.App("websocket_app:app")
    room = ("--set", f"websockets={arguments.connections + 500}")
    peers = lineup.WEBSOCKET | {"labcoat": lambda app: lineup.labcoat_app(arguments.serve, app, *room)}
    entries = {name: lambda name=name: peers[name](app) for name in arguments.servers}
    report = {}
    for case in arguments.only:
        with running(entries, arguments.server_cpus, [Check(b"Hello, world!\n")]) as (servers, _):
            report[case] = {
                name: measure(f"WebSockets, {case}", CASES[case], server, arguments.connections) for name, server in servers.items()
            }
        print_table(f"WebSockets, {case}", arguments.connections, report[case])
    write_report(arguments, "idle_websocket", {"cases": report})


if __name__ == "__main__":
    main()
