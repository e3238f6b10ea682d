"""A shop small enough to read in one breath: no framework, plain WSGI."""


def app(environ, start_response):
    text = f"The shop of {environ['HTTP_HOST']}: {environ['SCRIPT_NAME']}{environ['PATH_INFO']}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [text]
