"""Tells where it runs: through WSGI and ASGI, with a module `goods` that each virtual environment has its own of."""

import json
import os
import sys

import goods

uid_at_import = os.getuid()
EDITION = 1


def about():
    return json.dumps(
        {
            "python": "%d.%d.%d" % sys.version_info[:3],
            "prefix": sys.prefix,
            "goods": goods.VERSION,
            "directory": os.getcwd(),
            "file": __file__,
            "path": sys.path[0],
            "environment": {name: os.environ.get(name) for name in ("PLACE", "HOME", "USER", "ONLY_NORTH", "OF_THE_SHELL")},
            "uids": [uid_at_import, os.getuid(), os.geteuid()],
            "groups": os.getgroups(),
            "edition": EDITION,
            "pid": os.getpid(),
        }
    ).encode()


def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [about()]


async def asgi(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": about()})
