"""The life of an ASGI worker: start-up and shutdown of the application, many requests at a time, its end."""

import json
import os
import signal

import pytest
from server import wait_gone, wait_until

LIFESPAN = """
import os, sys
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        assert (await receive()) == {"type": "lifespan.startup"}
        scope["state"]["number"] = 42
        open("started", "a").write(f"{os.getpid()} ")
        await send({"type": "lifespan.startup.complete"})
        assert (await receive()) == {"type": "lifespan.shutdown"}
        open("stopped", "a").write(f"{os.getpid()} ")
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": str(scope["state"]).encode()})
"""


def requests_at_once(app, paths):
    """The bodies of so many requests, each on a connection of its own, all sent before the first is read."""
    clients = [app.client() for _ in paths]
    try:
        for client, path in zip(clients, paths, strict=True):
            client.request(path)
        return [client.response().body for client in clients]
    finally:
        for client in clients:
            client.close()


def test_one_worker_works_on_a_hundred_requests_at_a_time(app):
    # Each waits until all of them are there: whether they overlap is seen from inside.
    app.get("/reset_peak")
    assert requests_at_once(app, ["/together?count=100&while=0.2"] * 100) == [b"100"] * 100
    assert app.get("/reset_peak").body == b"100"


def test_no_more_are_begun_than_the_limit_allows(serve_app):
    app = serve_app("asgi_app:app", "-w", 1, "--set", "in_flight=3")
    assert requests_at_once(app, ["/together?count=3&while=0.01"] * 10) == [b"3"] * 10
    assert app.get("/reset_peak").body == b"3"


def test_a_worker_that_is_held_up_keeps_no_others_waiting(serve_app, tmp_path):
    app = serve_app("asgi_app:app", "-w", 2)
    app.server.wait_for_workers(2)
    with app.client() as client:
        client.request(f"/blocks?path={tmp_path}/go")
        wait_until((tmp_path / "go.begun").exists)
        others = {app.get("/pid").body for _ in range(30)}
        (tmp_path / "go").touch()
        blocked = client.response().body
    assert len(others) == 1 and blocked not in others


def test_a_burst_is_shared_by_the_workers(serve_app):
    app = serve_app("asgi_app:app", "-w", 2)
    app.server.wait_for_workers(2)
    pids = requests_at_once(app, ["/slow_pid"] * 12)
    assert min(pids.count(pid) for pid in set(pids)) >= 2 and len(set(pids)) == 2


def test_start_up_comes_before_the_first_request_and_shutdown_after_the_last(serve_app, write_app, tmp_path):
    write_app(LIFESPAN)
    app = serve_app("app:app", "-w", 2)
    pids = app.server.wait_for_workers(2)
    assert sorted(map(int, (tmp_path / "started").read_text().split())) == pids
    assert app.get("/").body == b"{'number': 42}"
    assert not (tmp_path / "stopped").exists()
    assert app.server.stop() == 0
    assert sorted(map(int, (tmp_path / "stopped").read_text().split())) == pids


@pytest.mark.complains
@pytest.mark.parametrize("end", ["return", "raise ValueError('as well')"])
def test_a_start_up_that_fails_ends_the_server_with_its_message(serve_app, write_app, end):
    write_app(
        f"""
async def app(scope, receive, send):
    await receive()
    await send({{"type": "lifespan.startup.failed", "message": "the database is on holiday"}})
    {end}
"""
    )
    app = serve_app("app:app", "-w", 1, wait=False)
    assert app.server.wait() == 1
    assert "the application's start-up failed: the database is on holiday" in app.server.stderr()
    assert "Traceback" not in app.server.stderr()


@pytest.mark.parametrize(
    "body",
    [
        "assert scope['type'] == 'http'",
        "scope['type'] == 'http' or (await receive())['no such key']",
        "if scope['type'] != 'http': return",
    ],
)
def test_an_app_without_lifespan_is_served_all_the_same(serve_app, write_app, body):
    write_app(
        f"""
async def app(scope, receive, send):
    {body}
    await send({{"type": "http.response.start", "status": 200}})
    await send({{"type": "http.response.body", "body": b"served"}})
"""
    )
    app = serve_app("app:app", "-w", 1)
    assert app.get("/").body == b"served"
    assert app.server.stop() == 0
    assert ("KeyError" in app.server.stderr()) == ("no such key" in body)


@pytest.mark.complains
def test_a_shutdown_that_fails_is_told(serve_app, write_app):
    write_app(
        """
async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "could not say goodbye"})
"""
    )
    app = serve_app("app:app", "-w", 1)
    app.server.stop()
    assert "the application's shutdown failed: could not say goodbye" in app.server.stderr()


def test_a_worker_that_is_told_to_stop_finishes_what_it_holds(serve_app, tmp_path):
    app = serve_app("asgi_app:app", "-w", 1)
    (pid,) = app.server.wait_for_workers(1)
    with app.client() as client:
        client.request(f"/until_there_is?path={tmp_path}/go&stream=1")
        assert client.head()[0] == "HTTP/1.1 200 OK"
        os.kill(pid, signal.SIGTERM)
        # What comes now is its last one, or waits for the next worker.
        with app.client() as other:
            other.request("/pid")
            (tmp_path / "go").touch()
            assert client.chunk() == str(pid).encode() and client.chunk() == b""
            assert other.response().status == 200
    wait_gone(pid)
    app.server.wait_for_log(f"(pid {pid}) exited with status 0")


def test_workers_are_replaced_after_their_requests(serve_app):
    app = serve_app("asgi_app:app", "-w", 1, "--set", "max_requests=10")
    pids = set()

    def seen_three():
        pids.add(app.get("/pid").body)
        return len(pids) >= 3

    wait_until(seen_three, what="three workers in turn")
    assert app.server.stop() == 0


def test_a_worker_that_dies_costs_only_what_cannot_be_repeated(serve_app):
    app = serve_app("asgi_app:app", "-w", 1)
    (pid,) = app.server.wait_for_workers(1)
    with app.client() as client:
        client.request("/waits", method="POST", body=b"x")
        app.get("/note?key=waiting")
        os.kill(pid, signal.SIGKILL)
        assert client.response().status == 502
    assert app.get("/hello").body == b"hello"


def test_memory_does_not_grow_with_requests(app, tmp_path):
    def resident():
        (pid,) = app.server.worker_pids()
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * 4096

    (tmp_path / "file").write_bytes(b"x" * 70_000)
    with app.client() as client:

        def some(count):
            for number in range(count):
                assert client.get("/hello").status == 200
                assert client.get("/scope?" + str(number)).status == 200
                assert client.get("/background").status == 200
                assert client.get("/listens_for_the_end").status == 200
                assert client.get(f"/pathsend?path={tmp_path}/file").status == 200
                assert client.get("/digest", method="POST", body=b"x" * 100_000).status == 200

        some(50)
        before = resident()
        some(100)
        assert resident() - before < 3_000_000


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("interface", "fcgi", "interface"), ("loop", "trio", "loop"), ("in_flight", "0", "in_flight")],
)
def test_options_out_of_range_are_refused(serve_app, name, value, said):
    app = serve_app("asgi_app:app", "--set", f"{name}={value}", wait=False)
    assert app.server.wait() == 2 and said in app.server.stderr()


def test_the_scoreboard_counts_requests(serve_app, tmp_path):
    (tmp_path / "labcoat.toml").write_text(
        '[server]\nlisten = ["http://127.0.0.1:0"]\n[admin]\nlisten = "http://127.0.0.1:0"\n[app.a]\ntarget = "asgi_app:app"\nworkers = 1\n'
    )
    app = serve_app("-c", "labcoat.toml", listen=None)
    for _ in range(7):
        app.get("/hello")
    import urllib.request

    with urllib.request.urlopen(app.server.admin_urls[0] + "/status") as reply:
        status = json.load(reply)
    assert '"requests": 7' in json.dumps(status)
