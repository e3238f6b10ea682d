"""journal.wsgi for servers that import an app before they fork, with what Labcoat's `warm_up` and `gc = "freeze"` do done by hand:
a page of each kind is asked for, connections are closed, and what exists then is left alone by the garbage collection.
"""

import gc
import wsgiref.util

from django.db import connections

from journal.wsgi import app

PATHS = ("/", "/entry/77", "/?page=3", "/entries.json", "/new", "/admin/login/")


def ask(url):
    path, _, query = url.partition("?")
    environ = {"PATH_INFO": path, "QUERY_STRING": query}
    wsgiref.util.setup_testing_defaults(environ)
    answer = app(environ, lambda *_: None)
    b"".join(answer)
    answer.close()


for _ in range(10):
    for url in PATHS:
        ask(url)
connections.close_all()
gc.collect()
gc.freeze()
