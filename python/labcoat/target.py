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


def load(target):
    """The application object, and "wsgi"."""
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
    if _is_asgi(app):
        raise CannotLoad(f"{target!r} is an ASGI application; ASGI is not supported yet (issue 4)")
    return app, "wsgi"


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


def _is_asgi(app):
    """An ASGI application is a coroutine function of (scope, receive, send); ASGI 2 took (scope) and gave one."""
    while hasattr(app, "func") and hasattr(app, "keywords"):  # functools.partial
        app = app.func
    call = getattr(type(app), "__call__", None) if not inspect.isroutine(app) else None
    if inspect.iscoroutinefunction(app) or (call and inspect.iscoroutinefunction(call)):
        return True
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return False
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        return False
    required = [p for p in parameters if p.kind in by_position and p.default is inspect.Parameter.empty]
    return len(required) in (1, 3)
