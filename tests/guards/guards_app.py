"""Answers with what it was told about its client."""

import json

SHOWN = ("REMOTE_ADDR", "REMOTE_PORT", "wsgi.url_scheme", "HTTP_HOST")


def app(environ, start_response):
    environ["wsgi.input"].read()
    told = {name: environ.get(name) for name in SHOWN}
    told.update({name: value for name, value in environ.items() if "FORWARDED" in name or "REAL_IP" in name})
    body = json.dumps(told).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
