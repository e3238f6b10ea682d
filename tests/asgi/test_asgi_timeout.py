"""request_timeout with an event loop: each request has its time, and its neighbours lose nothing by it."""

import json
import threading
import urllib.request

import pytest
from asgi_server import PYTHON, Shared
from server import wait_gone, wait_until

APP = """
import asyncio, os, time

async def wait_for_nothing():
    await asyncio.Event().wait()

async def app(scope, receive, send):
    path = scope["path"]
    if scope["type"] == "lifespan":
        raise RuntimeError
    if path == "/hangs":
        try:
            await wait_for_nothing()
        finally:
            open("cleaned", "a").write("x")
    if path == "/waits":  # for a file
        open("waits.begun", "w").close()
        while not os.path.exists("go"):
            await asyncio.sleep(0.005)
    if path == "/stubborn":
        while True:
            try:
                await wait_for_nothing()
            except asyncio.CancelledError:
                open("cancelled", "w").close()
    if path == "/blocks":
        time.sleep(10 ** 6)
    body = str(os.getpid()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    if path == "/streams":
        await send({"type": "http.response.body", "body": body[:1], "more_body": True})
        await wait_for_nothing()
    await send({"type": "http.response.body", "body": body})
"""


@pytest.fixture
def timed(serve, write_app, tmp_path):
    """timed("1s"): a server with one worker and this request_timeout."""
    write_app(APP)
    (tmp_path / "labcoat.toml").write_text('[admin]\nlisten = "http://127.0.0.1:0"\n')

    def start(limit, *words):
        return Shared(serve("app:app", "-w", 1, "--set", f"request_timeout={limit}", *PYTHON, *words))

    return start


def counter(app, name):
    with urllib.request.urlopen(app.server.admin_urls[0] + "/status", timeout=60) as page:
        return json.load(page)["counters"][name]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_each_overdue_request_is_504_and_its_neighbours_go_on(timed, tmp_path, loop):
    app = timed("1s", "--set", f"loop={loop}")
    worker = app.get("/pid").body
    with app.client() as waiting, app.client() as first, app.client() as second:
        first.request("/hangs")
        second.request("/hangs?b=c", method="POST", body=b"not to be repeated")
        assert first.response().status == 504
        assert second.response().status == 504
        waiting.request("/waits", method="POST", body=b"not to be repeated, either")
        wait_until((tmp_path / "waits.begun").exists, what="the neighbour to begin")
        with app.client() as third:
            third.request("/hangs")
            (tmp_path / "go").touch()
            assert waiting.response().body == worker
            assert third.response().status == 504
    assert app.get("/pid").body == worker, "the worker lives"
    assert (tmp_path / "cleaned").read_text() == "xxx", "its finally clauses ran"
    assert counter(app, "timeout_request") == 3
    log = app.server.stderr()
    line = log.index("POST /hangs?b=c: it has taken 1")
    assert "longer than request_timeout, and is cancelled" in log[line:]
    assert 'in wait_for_nothing\n    await asyncio.Event().wait()' in log[line:]


def test_an_answer_that_had_begun_is_broken_off(timed):
    app = timed("500ms")
    worker = app.get("/pid").body
    with app.client() as client:
        client.request("/streams")
        response = client.response()
        assert response.status == 200 and not response.complete
    assert app.get("/pid").body == worker
    assert counter(app, "timeout_request") == 1


@pytest.mark.parametrize("path", ["/stubborn", "/blocks"])
def test_what_does_not_end_when_it_is_cancelled_ends_with_its_worker(timed, path, tmp_path):
    app = timed("500ms")
    worker = int(app.get("/pid").body)
    assert app.get(path).status == 504
    wait_gone(worker)
    assert int(app.get("/pid").body) != worker
    log = app.server.stderr()
    assert f"(pid {worker}) has worked for " in log and "Python stacks of worker" in log
    assert (tmp_path / "cancelled").exists() == (path == "/stubborn")


def test_a_websocket_that_is_not_accepted_in_time_is_504(timed):
    app = timed("500ms")
    worker = app.get("/pid").body
    handshake = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
    handshake += [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
    with app.client() as client:
        client.request("/hangs", fields=handshake)
        assert client.response().status == 504
    assert app.get("/pid").body == worker


def test_nothing_happens_within_the_limit(timed, tmp_path):
    app = timed("1h")
    answers = []
    client = threading.Thread(target=lambda: answers.append(app.get("/waits").status))
    client.start()
    wait_until((tmp_path / "waits.begun").exists, what="the request to begin")
    (tmp_path / "go").touch()
    client.join()
    assert answers == [200]
    assert "longer than request_timeout" not in app.server.stderr()
