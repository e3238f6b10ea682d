from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol

class _FileLike(Protocol):
    def read(self, size: int, /) -> bytes: ...

class Worker:
    """A worker process's side of the channel. One per process; `serve` once per endpoint."""

    def __init__(
        self,
        channel: int,
        control: int,
        supervisor: int,
        edge_doorbells: Sequence[int],
        spin_ns: int,
        gc: str,
        max_requests: int,
        multithread: bool,
        multiprocess: bool,
    ) -> None: ...
    def serve(self, app: Callable[..., Any], endpoint: int, doorbell: int, /) -> None:
        """Handles requests in this thread until the worker is told to stop."""

    def open_asgi(
        self,
        app: Callable[..., Any],
        state: dict[str, Any],
        hooks: Any,
        endpoint: int,
        doorbell: int,
        in_flight: int,
        /,
    ) -> AsgiEndpoint:
        """Begins to take requests when the endpoint's doorbell is looked at. `hooks` is labcoat.asgi._Hooks."""

class AsgiEndpoint:
    """An event loop's place in the channel. Lives as long as the process."""

    def on_doorbell(self) -> None:
        """The doorbell can be read."""
    def on_turn(self) -> None: ...
    def on_edge_gone(self) -> None:
        """Finish what is begun, take nothing more."""

class AsgiRequest:
    """One request, as the coroutine that its task runs."""

    def write_pending(self) -> bool:
        """True: nothing is left. Raises ClientDisconnected."""
    def room(self) -> Awaitable[None]: ...
    def end(self) -> Awaitable[None]: ...
    def over(self) -> bool: ...
    def send_event(self, event: dict[str, Any], /) -> Awaitable[None]: ...
    def send(self, value: Any, /) -> Any: ...
    def throw(self, *exception: Any) -> Any: ...
    def close(self) -> None: ...
    def __await__(self) -> Iterator[Any]: ...

class Input:
    """wsgi.input"""

    @property
    def closed(self) -> bool: ...
    def read(self, size: int | None = -1, /) -> bytes: ...
    def readline(self, size: int | None = -1, /) -> bytes: ...
    def readlines(self, hint: int | None = -1, /) -> list[bytes]: ...
    def readinto(self, buffer: Any, /) -> int: ...
    def readable(self) -> bool: ...
    def writable(self) -> bool: ...
    def seekable(self) -> bool: ...
    def close(self) -> None: ...
    def __iter__(self) -> Iterator[bytes]: ...
    def __next__(self) -> bytes: ...

class Errors:
    """wsgi.errors"""

    def write(self, text: str, /) -> int: ...
    def writelines(self, texts: Sequence[str], /) -> None: ...
    def flush(self) -> None: ...

class FileWrapper:
    """wsgi.file_wrapper"""

    def __init__(self, filelike: _FileLike, blksize: int = 65536) -> None: ...
    @property
    def filelike(self) -> _FileLike: ...
    def close(self) -> None: ...
    def __iter__(self) -> Iterator[bytes]: ...
    def __next__(self) -> bytes: ...

def catch_stop_signals(doorbells: Sequence[int], /) -> None:
    """TERM lets the worker finish what it holds; INT or a second TERM ends it at once."""

def end_stacks_with_nul(signal: int, fd: int, /) -> None:
    """A NUL byte to `fd` after whatever faulthandler writes on `signal`, for which it has been registered."""

def fork_worker(supervisor: int, /) -> int:
    """Forks twice. The worker's pid; 0 in the worker, which has then said its pid on the socket `supervisor`."""

def die_with_parent(pid: int, /) -> bool:
    """Asks the kernel for SIGKILL when the parent dies. False when the parent is not `pid` any more."""
