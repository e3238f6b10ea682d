"""The lifespan of an ASGI application: start-up before the worker takes requests, shutdown after its last one.

One coroutine of the application lives from the one to the other, in a task of its own. An application that raises
instead of answering does not support the protocol, and is served without it (ASGI, "Lifespan Protocol").
"""

import asyncio
import sys
import traceback


class Lifespan:
    """Needs a running event loop in each call. `state` is the application's, for the scope of each request."""

    def __init__(self, app):
        self.state = {}
        self._app = app
        self._supported = True
        self._refused = False
        self._task = None
        self._events = asyncio.Queue()  # for the application
        self._answers = {}  # "startup" and "shutdown": the future of the message

    async def start(self):
        """False: the application refused to start, and why has been printed."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        failure = await self._ask("startup")
        if failure is not None:
            _say(f"the application's start-up failed: {failure}")
        return failure is None

    async def shut_down(self):
        """False: the application said that its shutdown failed."""
        failure = await self._ask("shutdown") if self._supported else None
        if failure is not None:
            _say(f"the application's shutdown failed: {failure}")
        return failure is None

    async def _ask(self, phase):
        answer = self._answers[phase] = asyncio.get_running_loop().create_future()
        if self._task.done():
            self._end()
        self._events.put_nowait({"type": f"lifespan.{phase}"})
        return await answer

    async def _run(self):
        received = False

        async def receive():
            nonlocal received
            event = await self._events.get()
            received = True
            return event

        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, receive, self._send)
        except Exception as error:
            self._raised(error, received)
        finally:
            self._end()

    def _raised(self, error, received):
        if self._refused:
            return  # it has said why, and raises it as well
        if self._answered("startup"):
            traceback.print_exception(error)
            self._fail("shutdown", "".join(traceback.format_exception_only(error)).strip())
        elif received:
            # It may have meant to start up; the protocol says to go on, so at least say why.
            line = traceback.format_exception_only(error)[-1].strip()
            _say(f"the application does not take part in the lifespan protocol ({line})")

    def _end(self):
        """The application's coroutine has ended: who still waits for an answer has it."""
        if not self._answered("startup"):
            self._supported = False
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result(None)

    def _answered(self, phase):
        return phase in self._answers and self._answers[phase].done()

    def _fail(self, phase, text):
        if phase in self._answers and not self._answers[phase].done():
            self._answers[phase].set_result(text)

    async def _send(self, event):
        kind = event["type"]
        for phase in ("startup", "shutdown"):
            if kind not in (f"lifespan.{phase}.complete", f"lifespan.{phase}.failed"):
                continue
            if phase not in self._answers or self._answers[phase].done():
                raise RuntimeError(f"{kind!r} was sent at the wrong time")
            failed = kind.endswith("failed")
            self._refused |= failed
            self._answers[phase].set_result(event.get("message", "") if failed else None)
            return
        raise ValueError(f"send: there is no event {kind!r} in the lifespan protocol")


def _say(text):
    print(f"labcoat: {text}", file=sys.stderr, flush=True)
