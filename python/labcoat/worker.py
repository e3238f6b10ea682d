"""A worker: sets itself up as the fork message says, then hands over to the native loop (WSGI) or to asyncio (ASGI)."""

import faulthandler
import functools
import os
import socket
import sys
import threading
import time
import typing

from labcoat import _labcoat, target


def run(app, message, fds, supervisor_pid, post_fork=None):
    """Serves until told to stop. `message` is the supervisor's fork message, `fds` came with it.

    `post_fork` is the user's hook: it runs before the worker says that it is ready.
    """
    settings = message["settings"]
    endpoints = message["endpoints"]
    supervisor, control, channel, stacks = fds[:4]
    doorbells = fds[4 : 4 + len(endpoints)]
    edge_doorbells = fds[4 + len(endpoints) :]

    _labcoat.catch_stop_signals(doorbells)
    _write_stacks_on(settings["stacks_signal"], stacks)
    _stay_below(supervisor_pid)
    if settings.get("cpus"):
        os.sched_setaffinity(0, settings["cpus"])
    if settings.get("nice"):
        os.nice(settings["nice"])
    sys.setswitchinterval(settings.get("switch_interval_us", 5000) / 1e6)
    native = _labcoat.Worker(
        channel=channel,
        control=control,
        supervisor=supervisor,
        edge_doorbells=edge_doorbells,
        spin_ns=int(settings.get("spin_us", 0)) * 1000,
        gc=settings.get("gc", "default"),
        max_requests=settings.get("max_requests", 0),
        multithread=len(endpoints) > 1,
        multiprocess=bool(settings.get("multiprocess", False)),
    )
    os.close(channel)
    if post_fork is not None:
        post_fork()
    app(native, Place(endpoints, doorbells, control, lambda: _tell_ready(supervisor)), settings)


class Place(typing.NamedTuple):
    """Where a worker is in the channel, and how it says that it may be given work."""

    endpoints: list[int]
    doorbells: list[int]  # one per endpoint
    control: int
    tell_ready: typing.Callable[[], None]


def server_of(app, interface, loop):
    """The application in the hands of its protocol: run() calls it with the native worker, its place and the settings."""
    if interface == "wsgi":
        return functools.partial(_serve_wsgi, app)
    # Only ASGI needs asyncio: imported here, in the zygote, once for all workers.
    from labcoat import asgi

    try:
        asgi.event_loop_maker(loop)
    except ImportError as error:
        raise target.CannotLoad(f'loop = "uvloop", but {target.interpreter()} has none: {error}') from None
    return functools.partial(asgi.serve, app)


def _serve_wsgi(app, native, place, settings):
    place.tell_ready()
    endpoints, doorbells = place.endpoints, place.doorbells
    if len(endpoints) == 1:
        native.serve(app, endpoints[0], doorbells[0])
        return
    threads = [
        threading.Thread(target=_serve_thread, args=(native, app, endpoint, doorbell), name=f"labcoat-{endpoint}")
        for endpoint, doorbell in zip(endpoints, doorbells, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _serve_thread(native, app, endpoint, doorbell):
    try:
        native.serve(app, endpoint, doorbell)
    except BaseException:
        # A worker with a thread less would be a quiet loss: better to be replaced.
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def _stay_below(supervisor_pid):
    """Waits until the process between has gone, then asks to die with the supervisor."""
    deadline = time.monotonic() + 10
    while os.getppid() != supervisor_pid:
        if time.monotonic() > deadline:
            sys.exit("labcoat worker: the supervisor is gone, or does not adopt orphans")
        time.sleep(0.0002)
    if not _labcoat.die_with_parent(supervisor_pid):
        sys.exit(1)


def _write_stacks_on(signal_number, fd):
    """On this signal every thread's stack goes to fd, also while the interpreter is stuck; a NUL byte follows."""
    faulthandler.register(signal_number, file=fd, all_threads=True, chain=False)
    _labcoat.end_stacks_with_nul(signal_number, fd)


def _tell_ready(supervisor):
    with socket.socket(fileno=os.dup(supervisor)) as peer:
        try:
            peer.sendall(b'{"type":"ready"}')
        except BrokenPipeError:
            sys.exit(1)  # the supervisor does not want us any more
