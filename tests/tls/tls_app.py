"""The application of the TLS stories: what it was told, and bodies both ways."""

import hashlib
import json

BLOCK = bytes(range(256)) * 256


def app(environ, start_response):
    path, argument = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path == "/size":
        size = int(argument)
        start_response("200 OK", [("Content-Length", str(size))])
        return [BLOCK] * (size // len(BLOCK))
    if path == "/cut":

        def half():
            yield b"half"
            raise RuntimeError("the other half is missing")

        start_response("200 OK", [])
        return half()
    if path == "/body":
        body, digest = environ["wsgi.input"], hashlib.sha256()
        while block := body.read(65536):
            digest.update(block)
        text = digest.hexdigest()
    else:
        told = {"scheme": environ["wsgi.url_scheme"], "port": environ["SERVER_PORT"]}
        told.update((name, value) for name, value in environ.items() if "SSL" in name)
        text = json.dumps(told)
    fields = [("Content-Length", str(len(text)))]
    if path == "/own-hsts":
        fields.append(("Strict-Transport-Security", "max-age=1"))
    start_response("200 OK", fields)
    return [text.encode()]
