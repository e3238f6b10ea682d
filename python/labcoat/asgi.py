"""ASGI in a worker: the event loop, the lifespan, and what receive and send do when they have to wait.

The native part (AsgiEndpoint) takes requests and begins a task for each; it calls the functions of _Hooks only when
something cannot be done at once.
"""

import asyncio
import http
import os
import select
import sys
import traceback
import types

from labcoat import lifespan


class ClientDisconnected(OSError):
    """Raised by send(): the client has closed the connection, nobody reads the response."""


def event_loop_maker(choice):
    """The function that makes the event loop for `choice` (auto, asyncio, uvloop). ImportError: uvloop is missing."""
    if choice != "asyncio":
        try:
            import uvloop

            return uvloop.new_event_loop
        except ImportError:
            if choice == "uvloop":
                raise
    return asyncio.new_event_loop


def serve(app, native, place, settings):
    """Serves until told to stop, on the first endpoint: one event loop does what threads do for WSGI.

    The worker is ready when the application's start-up is complete.
    """
    loop = event_loop_maker(settings.get("loop", "auto"))()
    asyncio.set_event_loop(loop)
    span = lifespan.Lifespan(app)
    try:
        if not loop.run_until_complete(span.start()):
            sys.exit(1)
        place.tell_ready()
        loop.run_until_complete(_serve_requests(native, app, span.state, place, settings))
        clean = loop.run_until_complete(span.shut_down())
    finally:
        close_loop(loop)
    if not clean:
        sys.exit(1)


async def _serve_requests(native, app, state, place, settings):
    loop = asyncio.get_running_loop()
    hooks = _Hooks(loop, float(settings.get("websocket_retire_s", 30)))
    doorbell = place.doorbells[0]
    asgi = native.open_asgi(app, state, hooks, place.endpoints[0], doorbell, int(settings.get("in_flight", 100)))
    hooks.close_sockets = asgi.close_sockets
    # Of the control socket only its end is of interest here; the native part reads it when it expects something.
    hang_up = select.epoll()
    hang_up.register(place.control, 0)

    def edge_gone():
        loop.remove_reader(hang_up.fileno())
        asgi.on_edge_gone()

    loop.add_reader(hang_up.fileno(), edge_gone)
    loop.add_reader(doorbell, asgi.on_doorbell)
    request_timeout_s = float(settings.get("request_timeout_s", 0))

    def end_overdue():
        loop.call_later(asgi.end_overdue(request_timeout_s), end_overdue)

    if request_timeout_s > 0:
        end_overdue()
    asgi.on_doorbell()  # there may be work, or the order to stop, since before anybody looked
    try:
        await hooks.finished
    finally:
        loop.remove_reader(doorbell)
        loop.remove_reader(hang_up.fileno())


class _Hooks:
    """What the native part calls."""

    reasons = {status.value: status.phrase for status in http.HTTPStatus}
    client_disconnected = ClientDisconnected
    cancelled_error = asyncio.CancelledError
    coroutine_type = types.CoroutineType

    def __init__(self, loop, websocket_retire_s):
        self.loop = loop
        self.websocket_retire_s = websocket_retire_s
        self.create_task = loop.create_task
        self.create_future = loop.create_future
        self.call_soon = loop.call_soon
        self.finished = loop.create_future()

    def stopping(self):
        """Nothing more is taken; what is begun goes on, WebSockets for so long."""
        self.loop.call_later(self.websocket_retire_s, self.close_sockets)

    def stopped(self):
        self.finished.set_result(None)

    @staticmethod
    async def listen(request):
        """receive(), when the whole body has been received."""
        while not request.over():
            await request.end()
        return {"type": "http.disconnect"}

    @staticmethod
    async def drain(request):
        """send(), when not all of it fits into the ring."""
        while not request.write_pending():
            await request.room()

    @staticmethod
    async def send_later(request, event):
        """send(), while another send() of the same request waits."""
        await _Hooks.drain(request)
        await request.send_event(event)

    @staticmethod
    async def pause():
        """send(), of a stream that has had its turn."""
        await asyncio.sleep(0)

    @staticmethod
    def is_disconnect(error):
        """Whether nothing but the client's going away made the application raise this."""
        return _is_disconnect(error, set())

    @staticmethod
    def describe_wait(request):
        """Where a suspended request is: the frames from the application down to what it awaits, and that."""
        lines = []
        while request is not None:
            frame = _first_attribute(request, "cr_frame", "gi_frame", "ag_frame")
            if frame is None and not hasattr(request, "cr_await"):
                lines.append(f"  and waits for {request!r}\n")
                break
            if frame is not None:
                lines += traceback.format_list(traceback.extract_stack(frame, limit=1))
            request = _first_attribute(request, "cr_await", "gi_yieldfrom", "ag_await")
        return "".join(lines).rstrip()

    @staticmethod
    def die():
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def _first_attribute(thing, *names):
    return next((value for name in names if (value := getattr(thing, name, None)) is not None), None)


def _is_disconnect(error, seen):
    if error is None or id(error) in seen:
        return False
    seen.add(id(error))
    if isinstance(error, ClientDisconnected):
        return True
    if isinstance(error, BaseExceptionGroup):
        return all(_is_disconnect(one, seen) for one in error.exceptions)
    return _is_disconnect(error.__cause__, seen) or _is_disconnect(error.__context__, seen)


def close_loop(loop):
    """As asyncio.run() ends: what the application left running is cancelled."""
    try:
        _cancel_tasks(loop)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _cancel_tasks(loop):
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    for task in left:
        if not task.cancelled() and task.exception() is not None:
            loop.call_exception_handler(
                {"message": "a task failed while the worker stopped", "exception": task.exception(), "task": task}
            )
