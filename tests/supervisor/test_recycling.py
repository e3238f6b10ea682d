"""A worker is replaced when it is old, has grown or has worked enough: one at a time, its successor first."""

from small_app import get
from server import wait_gone, wait_until

# /grow keeps so many MiB; / tells pid and nothing else.
LEAKY = """
import os
kept = []
def app(environ, start_response):
    if environ["PATH_INFO"] == "/grow":
        kept.append(b"x" * (int(environ["QUERY_STRING"]) << 20))
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


def pid_of(server, path="/"):
    status, body = get(server, path)
    assert status == 200
    return int(body.split()[0])


def test_an_old_worker_is_replaced_though_nobody_asks_it_anything(serve, app):
    server = serve(app, "-w", 2, "--set", "worker_age_max=300ms")
    old = server.wait_for_workers(2)
    for pid in old:
        wait_gone(pid)
    server.wait_for_log("is to be replaced: age", count=2)
    assert get(server)[0] == 200
    assert "another is started" not in server.stderr()


def test_the_successor_is_ready_before_the_old_one_is_told_to_go(serve, app):
    server = serve(app, "-w", 1, "--set", "worker_age_max=300ms")
    old = pid_of(server)
    wait_gone(old)
    server.wait_for_log(f"(pid {old}) exited with status 0")
    lines = server.stderr().splitlines()
    gone = next(i for i, line in enumerate(lines) if f"(pid {old}) exited with status 0" in line)
    assert sum("is ready" in line and "worker" in line for line in lines[:gone]) >= 2


def test_a_worker_that_has_grown_is_replaced(serve, write_app):
    write_app(LEAKY)
    server = serve("app:app", "-w", 1, "--set", "worker_memory_max=150MiB")
    old = pid_of(server)
    assert pid_of(server, "/grow?200") == old
    wait_gone(old)
    server.wait_for_log("is to be replaced: memory")
    assert pid_of(server) != old


def test_memory_that_siblings_share_does_not_count_in_full(serve, write_app):
    write_app("shared = b'x' * (200 << 20)\n" + LEAKY)
    server = serve("app:app", "-w", 2, "--set", "worker_memory_max=170MiB")
    workers = server.wait_for_workers(2)
    grown = pid_of(server, "/grow?150")
    wait_gone(grown)
    stayed = [pid for pid in workers if pid != grown]
    assert stayed[0] in server.wait_for_workers(2), "the one that has not grown stays"


def test_a_limit_that_no_worker_can_keep_is_said_and_not_chased(serve, write_app):
    write_app("shared = b'x' * (100 << 20)\n" + LEAKY)
    server = serve("app:app", "-w", 1, "--set", "worker_memory_max=20MiB")
    server.wait_for_log("is too little for this app")
    old = pid_of(server)
    assert pid_of(server, "/grow?10") == old
    assert "is to be replaced" not in server.stderr()


def test_workers_that_are_due_together_go_one_after_the_other(serve, app):
    server = serve(app, "-w", 3, "--set", "worker_age_max=300ms")
    most = 0

    def six_are_replaced():
        nonlocal most
        most = max(most, len(server.worker_pids()))
        return server.stderr().count("is to be replaced: age") >= 6

    wait_until(six_are_replaced, what="six recyclings")
    assert most <= 4, "never more than one worker more"
