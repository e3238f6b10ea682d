"""warm_up: pages that are asked for once, where the app was imported, before any worker is forked."""

import sqlite3

import pytest
from server import wait_until
from small_app import get

PYTHON = ("--python", "/usr/bin/python3")  # has Flask

FLASK = """
import os, functools, flask
app = flask.Flask(__name__)
made_in = []

@functools.cache
def engine(kind):
    made_in.append(f"{kind}:{os.getpid()}")
    return kind

@app.get("/")
def index():
    engine("page")
    return flask.render_template_string("{{ a }}", a=" ".join(made_in))

@app.get("/shop/<name>")
def shop(name):
    engine(f"{name}-{flask.request.args['page']}-{flask.request.host}-{flask.request.scheme}")
    return "x"

@app.get("/fails")
def fails():
    engine("fails")
    raise RuntimeError("not here")

@app.get("/endless")
def endless():
    return flask.Response(iter(lambda: b"x" * 4096, None))

@app.get("/leaves")
def leaves():
    raise SystemExit(3)
"""


def made(server):
    """(kind, process) of everything that the app has made, as a worker sees it."""
    return [tuple(word.split(":")) for word in get(server)[1].split()]


def test_what_the_pages_make_is_made_once_in_the_zygote_for_all_workers(serve, write_app):
    write_app(FLASK)
    server = serve("app:app", *PYTHON, "-w", 3, "--set", "warm_up=/ /shop/caf%C3%A9?page=2 https://shop.example/shop/b?page=1")
    zygote = str(server.zygote_pids()[0])
    for _ in range(6):
        assert made(server) == [("page", zygote), ("café-2-localhost-http", zygote), ("b-1-shop.example-https", zygote)]


def test_without_it_the_app_is_asked_for_nothing_before_the_fork(serve, write_app):
    write_app(FLASK)
    server = serve("app:app", *PYTHON, "-w", 1)
    assert made(server) == [("page", str(server.worker_pids()[0]))]


def test_a_page_that_fails_ends_or_does_not_end_is_told_and_costs_nothing_else(serve, write_app):
    write_app(FLASK)
    server = serve("app:app", *PYTHON, "-w", 1, "--set", "warm_up=/fails /leaves /endless /nowhere http://a:99999/ /")
    assert [kind for kind, _ in made(server)] == ["fails", "page"]
    told = server.stderr()
    assert "warm_up: /fails is answered 500" in told and told.count("warm_up: /fails") == 1
    assert "RuntimeError: not here" in told
    assert "warm_up: /leaves failed" in told
    assert "warm_up: /nowhere is answered 404" in told
    assert "warm_up: http://a:99999/: Port out of range" in told
    assert "/endless" not in told


def test_a_reload_warms_the_new_code(serve, write_app):
    write_app(FLASK)
    server = serve("app:app", *PYTHON, "-w", 1, "--set", "warm_up=/")
    before = made(server)
    server.signal(1)
    wait_until(lambda: made(server) != before, what="the new code")
    wait_until(lambda: made(server) == [("page", str(pid)) for pid in server.zygote_pids()], what="the old zygote's end")


@pytest.mark.parametrize("word", ["shop", "ftp://a/", "http:///x", "//x", "/a#b"])
def test_a_word_that_is_no_path_is_refused(serve, write_app, word):
    write_app(FLASK)
    server = serve("app:app", "--set", f"warm_up={word}", wait=False)
    assert server.wait() == 2
    assert f"warm_up: '{word}' is not a path" in server.stderr()


DATABASE = """
import sqlite3
kept = []
def app(environ, start_response):
    if not kept:
        kept.append(sqlite3.connect("shop.db"))
        kept[0].execute("select * from sqlite_master").fetchall()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
def disconnect():
    while kept:
        kept.pop().close()
"""


@pytest.mark.parametrize("hook", [[], ["--set", "pre_fork=app:disconnect"]])
def test_connections_that_the_pages_leave_open_are_told_unless_pre_fork_closes_them(serve, write_app, tmp_path, hook):
    sqlite3.connect(tmp_path / "shop.db").execute("create table a(b)")
    write_app(DATABASE)
    server = serve("app:app", *PYTHON, "-w", 2, "--set", "warm_up=/", *hook)
    assert get(server)[1] == "ok"
    assert ("left open" in server.stderr()) == (not hook)
    assert (str(tmp_path / "shop.db") in server.stderr()) == (not hook)


STARLIKE = """
import asyncio, contextlib, os
events = []
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"].partition(".")[2]
            events.append(f"{kind}:{os.getpid()}")
            scope["state"]["started"] = True
            await send({"type": kind.join(["lifespan.", ".complete"])})
            if kind == "shutdown":
                return
    assert scope["state"]["started"] and (await receive())["type"] == "http.request"
    await asyncio.to_thread(events.append, f"{scope['path']}:{os.getpid()}")
    body = " ".join(sorted(set(events), key=events.index)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
    assert (await receive())["type"] == "http.disconnect"
"""


def test_an_asgi_app_is_asked_between_a_start_up_and_a_shutdown(serve, write_app):
    write_app(STARLIKE)
    server = serve("app:app", *PYTHON, "-w", 1, "--set", "warm_up=/a /b")
    zygote, worker = str(server.zygote_pids()[0]), str(server.worker_pids()[0])
    assert made(server) == [("startup", zygote), ("/a", zygote), ("/b", zygote), ("shutdown", zygote),
                            ("startup", worker), ("/", worker)]  # fmt: skip
    assert "warm_up" not in server.stderr() and "threads" not in server.stderr()
