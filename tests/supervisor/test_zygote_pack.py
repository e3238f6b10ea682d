"""zygote_pack: what only the zygote still holds is compressed until the next fork, and nothing of it is lost."""

import hashlib
import os
import pathlib
import re
import signal

from server import wait_gone, wait_until
from small_app import get

MIB = 1024 * 1024

# 4 MiB of objects; /touch makes them the worker's own, as any use of an object does.
APP = """
import hashlib, os
kept = [b"%08d" % (number % 1000) * 40 for number in range(10_000)]
kept += [bytearray(kept[0]) for _ in range(1000)]

def app(environ, start_response):
    if environ["PATH_INFO"] == "/touch":
        own = [[one] for one in kept]
    digest = hashlib.sha256()
    for one in kept:
        digest.update(one)
    body = f"{os.getpid()} {digest.hexdigest()}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


def anonymous_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)[1])


def digest_of_app():
    kept = [b"%08d" % (number % 1000) * 40 for number in range(10_000)]
    return hashlib.sha256(b"".join(kept) + bytes(kept[0]) * 1000).hexdigest()


def test_a_zygote_packs_what_workers_have_made_their_own_and_still_forks_whole_ones(serve, write_app):
    write_app(APP)
    server = serve("app:app", "-w", 1, "--set", "zygote_pack=100ms")
    zygote, expected = server.zygote_pids()[0], digest_of_app()
    before = anonymous_bytes(zygote)
    for _ in range(2):
        pid, digest = get(server, "/touch")[1].split()
        assert digest == expected
        wait_until(lambda: anonymous_bytes(zygote) < before - 2 * MIB, seconds=60, what="the zygote to pack")
        os.kill(int(pid), signal.SIGKILL)
        wait_until(lambda pid=pid: server.wait_for_workers(1) != [int(pid)], what="the next worker")
        assert server.zygote_pids() == [zygote]
    assert get(server)[1].split()[1] == expected


def test_with_0s_it_never_packs(serve, write_app):
    write_app(APP)
    server = serve("app:app", "-w", 1, "--set", "zygote_pack=0s")
    before = anonymous_bytes(server.zygote_pids()[0])
    for _ in range(5):
        get(server, "/touch")
    assert anonymous_bytes(server.zygote_pids()[0]) > before - MIB


def test_a_zygote_that_has_packed_ends_when_it_is_told_to(serve, write_app):
    write_app(APP)
    server = serve("app:app", "-w", 1, "--set", "zygote_pack=100ms")
    zygote = server.zygote_pids()[0]
    before = anonymous_bytes(zygote)
    get(server, "/touch")
    wait_until(lambda: anonymous_bytes(zygote) < before - 2 * MIB, seconds=60, what="the zygote to pack")
    os.kill(zygote, signal.SIGTERM)
    wait_gone(zygote)
    server.signal(signal.SIGHUP)
    wait_until(lambda: zygote not in server.zygote_pids() and server.zygote_pids(), what="another zygote")
    assert get(server)[1].split()[1] == digest_of_app()
