"""Asks the application for pages in the zygote, before the first fork: what it makes lazily is then made once, for all workers.

The requests never leave the process. Their answers are thrown away; what goes wrong is told and costs nothing else.
"""

import contextlib
import fcntl
import io
import os
import signal
import stat
import sys
import threading
import time
import traceback
import urllib.parse

from labcoat import _labcoat

ANSWER_SECONDS_MAX = 10  # a page that takes longer is given up
ANSWER_BYTES_MAX = 1 << 20  # enough of an answer that does not end
# CPython adapts code that has been called some eight times. In the zygote it does so once; in each worker it would write
# to, and so copy, the memory that the code lies in.
_ROUNDS = 10
_ROUNDS_SECONDS = 0.5  # no second round of slow pages


def warm_up(app, interface, urls, loop):
    """GETs each of `urls` (paths, or http(s)://HOST/PATH), in rounds; what they left open. `loop`: the choice for ASGI."""
    requests = list(filter(None, map(_parse, urls)))
    connections = _open_connections()
    threads = set(threading.enumerate())
    if interface == "wsgi":
        rounds(requests, lambda request: _ask_wsgi(app, request))
    else:
        from labcoat import warm_up_asgi

        warm_up_asgi.rounds(app, requests, loop)
    for thread in set(threading.enumerate()) - threads:
        thread.join(1)  # those of a pool that has been told to end; who stays is told by the zygote
    return LeftOpen(connections)


def _parse(url):
    try:
        return Request(url)
    except ValueError as error:
        print(f"labcoat: warm_up: {url}: {error}", file=sys.stderr, flush=True)
        return None


class Request:
    """What is asked for; not once more when it has failed."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url if "://" in url else "http://localhost" + url)
        self.scheme, self.host, self.query = parts.scheme, parts.netloc, parts.query
        self.name, self.port = parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]
        self.raw_path = parts.path or "/"
        self.path = urllib.parse.unquote_to_bytes(self.raw_path)
        self.target = self.raw_path + ("?" + self.query if self.query else "")
        self.url = url
        self.failed = False

    def fail(self, how):
        self.failed = True
        print(f"labcoat: warm_up: {self.url} {how}", file=sys.stderr, flush=True)

    def judge(self, status):
        if not 200 <= status < 400:
            self.fail(f"is answered {status}: what it needs will not be warm")


def rounds(requests, ask):
    """`ask` calls the application for one request, and judges the answer."""
    until = time.monotonic() + _ROUNDS_SECONDS
    for _ in range(_ROUNDS):
        for request in requests:
            if request.failed:
                continue
            try:
                with _time_limit():
                    ask(request)
            except TimeoutError as error:
                request.fail(f"failed: {error or f'no answer within {ANSWER_SECONDS_MAX} s'}")
            except BaseException:  # SystemExit too: it would end the zygote
                traceback.print_exc()
                request.fail("failed")
        if time.monotonic() > until:
            break


@contextlib.contextmanager
def _time_limit():
    """Raises in the middle of the application, wherever its Python is."""

    def too_long(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, ANSWER_SECONDS_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)


def _ask_wsgi(app, request):
    statuses = []

    def start_response(status, _headers, _exc_info=None):
        statuses.append(status)
        return lambda _data: None

    answer = app(_environ(request), start_response)
    try:
        taken = 0
        for block in answer:
            taken += len(block)
            if taken > ANSWER_BYTES_MAX:
                break
    finally:
        if hasattr(answer, "close"):
            answer.close()
    request.judge(int(statuses[-1].split(" ", 1)[0]))


def _environ(request):
    """The keys of docs/wsgi.md."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.decode("latin-1"),
        "QUERY_STRING": request.query,
        "REQUEST_URI": request.target,
        "RAW_URI": request.target,
        "SERVER_NAME": request.name,
        "SERVER_PORT": str(request.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "0",
        "HTTP_HOST": request.host,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": _labcoat.FileWrapper,
        "wsgi.early_hints": lambda _headers: None,
        "labcoat.queue_wait": 0.0,
        "labcoat.request_id": "0" * 16,
        "labcoat.warm_up": True,
    }


class LeftOpen:
    """What the requests opened, beyond `before`, and has not been closed since."""

    def __init__(self, before):
        self._opened = {fd: name for fd, name in _open_connections().items() if before.get(fd) != name}

    def tell_once(self):
        now = _open_connections()
        left = [name for fd, name in self._opened.items() if now.get(fd) == name]
        self._opened = {}
        if left:
            print(
                f"labcoat: the requests of warm_up left open what workers must not share: {', '.join(left)};"
                " close it in pre_fork",
                file=sys.stderr,
                flush=True,
            )


def _open_connections():
    """By descriptor, what a process could mix up with its forks: sockets, and files that it reads and writes."""
    found = {}
    for fd in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):  # the one of this listing is gone by now
            mode = os.fstat(fd).st_mode
            read_write = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR
            if stat.S_ISSOCK(mode) or (stat.S_ISREG(mode) and read_write):
                found[fd] = os.readlink(f"/proc/self/fd/{fd}")
    return found
