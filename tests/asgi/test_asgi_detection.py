"""Which callables are taken for ASGI, and which for WSGI."""

import functools
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

from labcoat import target  # noqa: E402


async def coroutine_function(scope, receive, send):
    pass


def plain_wsgi(environ, start_response):
    pass


def wraps_asgi(scope, receive, send):
    return coroutine_function(scope, receive, send)


def asgi2_function(scope):
    return functools.partial(coroutine_function, scope)


class AsyncCall:
    async def __call__(self, scope, receive, send):
        pass

    async def method(self, scope, receive, send):
        pass


class WsgiCall:
    def __call__(self, environ, start_response):
        pass


class Asgi2Class:
    def __init__(self, scope):
        pass

    async def __call__(self, receive, send):
        pass


class AwaitableClass:
    def __init__(self, scope, receive, send):
        pass

    def __await__(self):
        yield


class WsgiClass:
    def __init__(self, environ, start_response):
        pass

    def __iter__(self):
        return iter([])


@pytest.mark.parametrize(
    ("app", "kind"),
    [
        (coroutine_function, "asgi"),
        (plain_wsgi, "wsgi"),
        (wraps_asgi, "asgi"),
        (asgi2_function, "asgi2"),
        (AsyncCall(), "asgi"),
        (AsyncCall().method, "asgi"),
        (WsgiCall(), "wsgi"),
        (Asgi2Class, "asgi2"),
        (AwaitableClass, "asgi"),
        (WsgiClass, "wsgi"),
        (functools.partial(coroutine_function), "asgi"),
        (functools.partial(AsyncCall()), "asgi"),
        (functools.partial(plain_wsgi), "wsgi"),
        (lambda *args: None, "wsgi"),
        (dict, "wsgi"),
    ],
)
def test_the_callable_tells_its_protocol(app, kind):
    assert target._kind(app) == kind


APP = """
async def send_it(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"asgi"})
def make():
    return send_it
def hidden(*args):
    return send_it(*args)
def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b"wsgi"]
class Old:
    def __init__(self, scope): pass
    async def __call__(self, receive, send): pass
"""


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (["app:send_it"], b"asgi"),
        (["app:make()"], b"asgi"),
        (["app:wsgi"], b"wsgi"),
        (["app:hidden", "--set", "interface=asgi"], b"asgi"),
        (["app:wsgi", "--set", "interface=wsgi"], b"wsgi"),
    ],
)
def test_apps_and_factories_of_both_kinds_are_served(serve_app, write_app, words, body):
    write_app(APP)
    app = serve_app(*words, "-w", 1)
    assert app.get("/").body == body


def test_asgi_2_is_refused_with_a_reason(serve_app, write_app):
    write_app(APP)
    app = serve_app("app:Old", "-w", 1, wait=False)
    assert app.server.wait() == 1
    assert "'app:Old' is an application of ASGI 2" in app.server.stderr()


def test_a_missing_uvloop_is_told_before_any_worker_starts(serve_app, write_app, tmp_path):
    write_app(APP)
    (tmp_path / "uvloop.py").write_text("raise ImportError('not for this machine')")
    app = serve_app("app:send_it", "--set", "loop=uvloop", wait=False)
    assert app.server.wait() == 1
    assert "not for this machine" in app.server.stderr() and "uvloop" in app.server.stderr()


def test_without_uvloop_asyncio_does(serve_app, write_app, tmp_path):
    write_app(APP)
    (tmp_path / "uvloop.py").write_text("raise ImportError('not for this machine')")
    assert serve_app("app:send_it", "-w", 1).get("/").body == b"asgi"
