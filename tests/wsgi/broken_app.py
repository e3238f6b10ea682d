"""Applications that break PEP 3333, each in one way. Not below the validator: the server itself must notice."""

ROUTES = {}


def route(function):
    ROUTES["/" + function.__name__] = function
    return function


def app(environ, start_response):
    return ROUTES[environ["PATH_INFO"]](environ, start_response)


@route
def ok(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]


@route
def no_start(environ, start_response):
    return [b"body"]


@route
def no_start_generated(environ, start_response):
    yield b"body"


@route
def returns_none(environ, start_response):
    start_response("200 OK", [])


@route
def returns_bytes(environ, start_response):
    start_response("200 OK", [])
    return b"body"


@route
def returns_str(environ, start_response):
    start_response("200 OK", [])
    return "body"


@route
def yields_str(environ, start_response):
    start_response("200 OK", [])
    return ["body"]


@route
def yields_str_late(environ, start_response):
    start_response("200 OK", [])
    yield b"some"
    yield "body"


@route
def starts_twice(environ, start_response):
    start_response("200 OK", [])
    start_response("200 OK", [])
    return [b"body"]


@route
def status_int(environ, start_response):
    start_response(200, [])
    return [b""]


@route
def status_short(environ, start_response):
    start_response("200", [])
    return [b""]


@route
def status_100(environ, start_response):
    start_response("100 Continue", [])
    return [b""]


@route
def status_splits(environ, start_response):
    start_response("200 OK\r\nX-Evil: 1", [])
    return [b""]


@route
def status_bytes(environ, start_response):
    start_response(b"200 OK", [])
    return [b""]


@route
def headers_dict(environ, start_response):
    start_response("200 OK", {"A": "b"})
    return [b""]


@route
def header_list(environ, start_response):
    start_response("200 OK", [["A", "b"]])
    return [b""]


@route
def header_int(environ, start_response):
    start_response("200 OK", [("Content-Length", 4)])
    return [b"body"]


@route
def header_bytes(environ, start_response):
    start_response("200 OK", [(b"A", b"b")])
    return [b""]


@route
def header_splits(environ, start_response):
    start_response("200 OK", [("A", "b\r\nX-Evil: 1")])
    return [b""]


@route
def header_name_space(environ, start_response):
    start_response("200 OK", [("A B", "c")])
    return [b""]


@route
def header_name_empty(environ, start_response):
    start_response("200 OK", [("", "c")])
    return [b""]


@route
def header_unicode(environ, start_response):
    start_response("200 OK", [("A", "\u20ac")])
    return [b""]


@route
def header_surrogate(environ, start_response):
    start_response("200 OK", [("A", "\ud800")])
    return [b""]


@route
def header_hop(environ, start_response):
    start_response("200 OK", [("Connection", "close")])
    return [b""]


@route
def header_chunked(environ, start_response):
    start_response("200 OK", [("Transfer-Encoding", "chunked")])
    return [b""]


@route
def header_huge(environ, start_response):
    start_response("200 OK", [("A", "x" * 100000)])
    return [b""]


@route
def length_negative(environ, start_response):
    start_response("200 OK", [("Content-Length", "-1")])
    return [b""]


@route
def length_twice(environ, start_response):
    start_response("200 OK", [("Content-Length", "1"), ("Content-Length", "2")])
    return [b""]


@route
def exc_info_wrong(environ, start_response):
    start_response("200 OK", [], "not a tuple")
    return [b""]


@route
def too_short(environ, start_response):
    start_response("200 OK", [("Content-Length", "10")])
    return [b"123"]


@route
def too_long(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    return [b"12", b"345"]


@route
def too_long_generated(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    yield b"12"
    yield b"3456"
    yield b"789"


@route
def exits(environ, start_response):
    raise SystemExit(3)


@route
def keeps(environ, start_response):
    """Uses what an earlier request left behind."""
    global kept
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["QUERY_STRING"] == "keep":
        kept = (environ, start_response, environ["wsgi.input"], environ["wsgi.errors"])
        return [b"kept"]
    results = []
    for attempt in (lambda: kept[1]("404 Stolen", []), lambda: kept[2].read(), lambda: kept[3].write("after the end\n")):
        try:
            results.append(repr(attempt()))
        except Exception as error:
            results.append(type(error).__name__)
    results.append(kept[0]["QUERY_STRING"])
    return [" ".join(results).encode()]
