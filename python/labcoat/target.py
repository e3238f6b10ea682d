"""Finds the application that "MODULE:CALLABLE" names, and says in one sentence why it cannot."""

import importlib
import inspect
import re
import sys
import traceback

_TARGET = re.compile(r"(?P<module>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<path>[^\W\d]\w*(?:\.[^\W\d]\w*)*)(?P<call>\(\))?")


class CannotLoad(Exception):
    """Its text is one sentence for the user; a traceback, if there is one, has been printed."""


def interpreter():
    """The interpreter as the user knows it: path and version."""
    return f"{sys.executable} ({'.'.join(map(str, sys.version_info[:3]))})"


def load(target, interface="auto"):
    """The application object, and the protocol it speaks: "wsgi" or "asgi"."""
    match = _TARGET.fullmatch(target)
    if not match:
        raise CannotLoad(
            f"{target!r} does not name an application: write MODULE:CALLABLE or MODULE:FACTORY(),"
            " for example shop.wsgi:app"
        )
    found = _find(_import(match["module"]), match["module"], match["path"])
    app = _build(found, target) if match["call"] else found
    if not callable(app):
        raise CannotLoad(f"{target!r} is not an application: {type(app).__name__} objects cannot be called")
    if interface != "auto":
        return app, interface
    kind = _kind(app)
    if kind == "asgi2":
        raise CannotLoad(
            f"{target!r} is an application of ASGI 2, which takes the scope first and receive and send later; wrap it with"
            " asgiref.compatibility.guarantee_single_callable, or say interface = \"wsgi\" if it is none"
        )
    return app, kind


def load_hook(option, text):
    """The callable that MODULE:CALLABLE names, as the value of that option; None when it is empty."""
    if not text:
        return None
    match = _TARGET.fullmatch(text)
    if not match or match["call"]:
        raise CannotLoad(f"{option}: {text!r} does not name a callable: write MODULE:CALLABLE")
    found = _find(_import(match["module"]), match["module"], match["path"])
    if not callable(found):
        raise CannotLoad(f"{option}: {text!r} cannot be called: it is no function but {type(found).__name__}")
    return found


def _import(name):
    try:
        return importlib.import_module(name)
    except BaseException as error:  # SystemExit too: a script that parses its arguments on import
        _print_traceback(error)
        raise CannotLoad(f"cannot import {name!r} with {interpreter()}: {_last_line(error)}") from None


def _find(module, module_name, path):
    found, so_far = module, module_name
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            where = getattr(module, "__file__", None) or "no file"
            raise CannotLoad(f"{so_far!r} has no {name!r} (imported from {where} with {interpreter()})") from None
        so_far += f".{name}"
    return found


def _build(factory, target):
    if not callable(factory):
        raise CannotLoad(f"{target!r} cannot be called: it is no function but {type(factory).__name__}")
    try:
        return factory()
    except BaseException as error:
        _print_traceback(error)
        raise CannotLoad(f"calling {target!r} with {interpreter()} failed: {_last_line(error)}") from None


def run_hook(option, hook):
    """Calls it; what it raises is printed, and told as CannotLoad."""
    try:
        hook()
    except BaseException as error:
        _print_traceback(error)
        raise CannotLoad(f"{option} failed: {_last_line(error)}") from None


def _last_line(error):
    if isinstance(error, SystemExit):
        return f"it exited with {error.code!r}"
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error}"
    if isinstance(error, ImportError):
        return str(error)
    return traceback.format_exception_only(error)[-1].strip()


def _print_traceback(error):
    """As Python prints it, without the frames of this file and of the import machinery above the app's."""
    frames = error.__traceback__
    while frames and _is_ours(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    traceback.print_exception(type(error), error, frames)


def _is_ours(filename):
    return filename == __file__ or filename == importlib.__file__ or filename.startswith("<frozen importlib")


def _kind(app):
    """ "asgi": a coroutine function of (scope, receive, send), or what behaves like one. "asgi2": of (scope), and what that
    returns of (receive, send). Else "wsgi"."""
    while hasattr(app, "func") and hasattr(app, "keywords"):  # functools.partial
        app = app.func
    if inspect.isclass(app):
        # A class is called to make an instance: with all three and then awaited, or with the scope and then called.
        if hasattr(app, "__await__"):
            return "asgi"
        return "asgi2" if inspect.iscoroutinefunction(app.__call__) else "wsgi"
    call = getattr(type(app), "__call__", None) if not inspect.isroutine(app) else None
    if inspect.iscoroutinefunction(app) or (call and inspect.iscoroutinefunction(call)):
        return "asgi"
    required = _required(app)
    return {1: "asgi2", 3: "asgi"}.get(required, "wsgi")


def _required(app):
    """How many arguments must be given by position; None: that does not tell what the application is."""
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return None
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        return None
    return len([p for p in parameters if p.kind in by_position and p.default is inspect.Parameter.empty])
