"""WSGI: waits as an application waits for its database. /slow is the rare report."""

import time

BODY = b"done\n"
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]
SECONDS = {"/slow": 0.5}
SECONDS_USUAL = 0.005


def app(environ, start_response):
    time.sleep(SECONDS.get(environ["PATH_INFO"], SECONDS_USUAL))
    start_response("200 OK", HEADERS)
    return [BODY]
