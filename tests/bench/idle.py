#!/usr/bin/python3
"""What an idle connection costs: memory of labcoat serve and NGINX with 10,000 clients that made one request and stay.

In clear, and with fewer over TLS and over HTTP/2 (in clear). Memory is PSS of the whole server from /proc, before and with
the connections; what the kernel holds for sockets is the same for all and not in it. The clients are processes of
ours, each at an address of its own (127.0.0.2 and up), so that ports do not run out.

    tests/bench/idle.py [--only http,tls,http2] [--servers labcoat,nginx] [--connections 10000] [--json FILE]
"""

import contextlib
import multiprocessing
import resource
import socket
import struct
import sys
import time
import urllib.parse

import lineup
from contest import Words, running, show, temporary_folder, write_report
from served import Check, strangers_welcome

CASES = ("http", "tls", "http2")
CLIENT_PROCESSES = 4
OTHERS_MAX = 2000  # over TLS and HTTP/2: enough for a figure for each
SETTLE_SECONDS = 1
WANTED_KIB = 4
BODY = lineup.text_of(612)
FRAME_DATA, FRAME_HEADERS, FRAME_SETTINGS, END_STREAM, END_HEADERS, ACK = 0, 1, 4, 0x1, 0x4, 0x1


def receive(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise ConnectionError("the server closed the connection")
        data += piece
    return data


def get_http1(sock, authority):
    sock.sendall(f"GET /612.html HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += receive(sock, 1)
    if not head.startswith(b"HTTP/1.1 200 ") or receive(sock, len(BODY)) != BODY:
        raise ConnectionError(f"not the answer: {head[:100]!r}")


def get_http2(sock, authority):
    def frame(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload

    def literal(index, text):  # HPACK: a field whose name has this index, not to be remembered
        return bytes((index, len(text))) + text.encode()

    # 0x82 is :method GET, 0x86 :scheme http; :authority has index 1, :path 4.
    fields = b"\x82\x86" + literal(4, "/612.html") + literal(1, authority)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(FRAME_SETTINGS, 0, 0)
    sock.sendall(preface + frame(FRAME_HEADERS, END_HEADERS | END_STREAM, 1, fields))
    body, ended, acknowledged = b"", False, False
    while not (ended and acknowledged):
        head = receive(sock, 9)
        payload = receive(sock, int.from_bytes(head[:3], "big"))
        kind, flags = head[3], head[4]
        if kind == FRAME_SETTINGS and not flags & ACK:
            sock.sendall(frame(FRAME_SETTINGS, ACK, 0))
        acknowledged |= kind == FRAME_SETTINGS and bool(flags & ACK)
        body += payload if kind == FRAME_DATA else b""
        ended |= kind in (FRAME_DATA, FRAME_HEADERS) and bool(flags & END_STREAM)
    if body != BODY:
        raise ConnectionError(f"not the answer: {body[:100]!r}")


GET = {"http": get_http1, "tls": get_http1, "http2": get_http2}


def client(case, get, url, count, address, pipe):
    """Opens so many connections, says so, and holds them until told."""
    split = urllib.parse.urlsplit(url)
    context = strangers_welcome() if case == "tls" else None
    kept = []
    try:
        for _ in range(count):
            sock = socket.create_connection((split.hostname, split.port), timeout=30, source_address=(address, 0))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            kept.append(context.wrap_socket(sock) if context else sock)
            get(kept[-1], split.netloc)
        pipe.send(None)
    except OSError as error:
        pipe.send(f"connection {len(kept)} of {count} from {address}: {error}")
    with contextlib.suppress(EOFError):
        pipe.recv()
    still_open = 0
    for sock in kept:  # one that the server has closed meanwhile says so
        sock.setblocking(False)
        try:
            still_open += bool(sock.recv(1))
        except OSError:
            still_open += 1
    pipe.send(still_open)


@contextlib.contextmanager
def idle_clients(case, get, url, count):
    """So many connections of clients that had their answer (`get` asks for it); yields a call that says how many are open,
    and ends them."""
    clients = []
    forked = multiprocessing.get_context("fork")
    try:
        for number in range(CLIENT_PROCESSES):
            share = count // CLIENT_PROCESSES + (number < count % CLIENT_PROCESSES)
            ours, theirs = forked.Pipe()
            words = (case, get, url, share, f"127.0.0.{number + 2}", theirs)
            process = forked.Process(target=client, args=words, daemon=True)
            process.start()
            theirs.close()
            clients.append((process, ours))
        for _, pipe in clients:
            if problem := pipe.recv():
                sys.exit(f"idle.py: {case}: {problem}")

        def close():
            for _, pipe in clients:
                pipe.send(None)
            still_open = sum(pipe.recv() for _, pipe in clients)
            for process, _ in clients:
                process.join()
            return still_open

        yield close
    finally:
        for process, _ in clients:
            process.kill()


def memory(server):
    time.sleep(SETTLE_SECONDS)
    return sum(server.pss_bytes().values())


def measure(case, get, server, count):
    with idle_clients(case, get, server.url, min(100, count)) as close:
        close()  # what the first requests allocate is not an idle connection's
    before = memory(server)
    show(f"{case}: {server.name}: {count} connections")
    with idle_clients(case, get, server.url, count) as close:
        during = memory(server)
        still_open = close()
    after = memory(server)
    show("")
    return {
        "connections": count,
        "still_open": still_open,
        "before_bytes": before,
        "during_bytes": during,
        "after_bytes": after,
        "bytes_each": (during - before) / max(1, still_open),
    }


def print_table(title, count, results):
    print(f"{count:,} idle {title}\n")
    print(f"{'':12}{'MiB without':>14}{'MiB with':>12}{'MiB after':>12}{'KiB for each':>15}")
    for name, r in results.items():
        mib = [r[key] / 2**20 for key in ("before_bytes", "during_bytes", "after_bytes")]
        lost = f"   ({count - r['still_open']:,} were closed by the server)" if r["still_open"] < count else ""
        print(f"{name:12}{mib[0]:>14.1f}{mib[1]:>12.1f}{mib[2]:>12.1f}{r['bytes_each'] / 1024:>15.2f}{lost}")
    print()


def print_case(case, count, results):
    what = {"http": "in clear", "tls": "over TLS", "http2": "over HTTP/2 in clear"}[case]
    print_table(f"connections {what}", count, results)
    if case == "http" and "labcoat" in results:
        each = results["labcoat"]["bytes_each"] / 1024
        print(f"labcoat needs {each:.2f} KiB for each, wanted at most {WANTED_KIB}: {'yes' if each <= WANTED_KIB else 'NO'}\n")


def allow_descriptors(connections):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = connections + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        sys.exit(f"{connections} connections need {wanted} descriptors, the limit is {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))  # the servers inherit it


def main():
    words = Words(__doc__, ["labcoat", "nginx"], CASES)
    words.add_argument("--connections", type=int, default=10_000)
    arguments = words.parse()
    allow_descriptors(arguments.connections)
    report = {}
    with temporary_folder() as folder:
        certificate, root = lineup.self_signed(folder), folder / "www"
        root.mkdir()
        (root / "612.html").write_bytes(BODY)
        for case in arguments.only:
            count = arguments.connections if case == "http" else min(OTHERS_MAX, arguments.connections)
            entries = {name: lambda name=name: lineup.file_server(
                name, arguments.serve, folder, root, certificate if case == "tls" else None, arguments.connections * 5 // 4,
                clear_http2=case == "http2") for name in arguments.servers}  # fmt: skip
            # Room for more than come: NGINX closes idle connections when less than a sixteenth is free.
            # An NGINX that speaks HTTP/2 in clear cannot be asked by Python's client; idle_clients() checks each answer.
            checks = [] if case == "http2" else [Check(BODY, "612.html")]
            with running(entries, arguments.server_cpus, checks) as (servers, _):
                report[case] = {name: measure(case, GET[case], server, count) for name, server in servers.items()}
            print_case(case, count, report[case])
    write_report(arguments, "idle", {"cases": report})


if __name__ == "__main__":
    main()
