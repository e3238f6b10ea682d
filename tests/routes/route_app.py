"""Says what it was asked: the WSGI names that routes have to do with, as JSON."""

import json


def app(environ, start_response):
    asked = {key: value for key, value in environ.items() if key.startswith(("HTTP_", "SCRIPT_", "PATH_", "QUERY_", "REQUEST_"))}
    status = environ["QUERY_STRING"].removeprefix("status=") if environ["QUERY_STRING"].startswith("status=") else "200"
    body = json.dumps(asked).encode()
    start_response(
        f"{status} Said",
        [("Content-Type", "application/json"), ("X-Powered-By", "Python"), ("Server", "mine"), ("Content-Length", str(len(body)))],
    )
    return [body] if status != "304" else []
