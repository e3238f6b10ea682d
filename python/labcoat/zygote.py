"""The zygote: imports the application once, then forks a worker whenever the supervisor says so.

It speaks docs/formats/control.md over one socket, runs no threads, and holds no descriptor of any worker.
Standard library only, Python 3.11 or later.
"""

import gc
import json
import os
import random
import signal
import socket
import sys
import threading
import traceback  # noqa: F401  the native part prints tracebacks with it, also when memory is short
import typing

from labcoat import _labcoat, identity, target, worker

_MESSAGE_BYTES_MAX = 64 * 1024
_FDS_MAX = 253


class Hooks(typing.NamedTuple):
    """What the user wants to have called around each fork; None: nothing."""

    pre_fork: typing.Callable[[], object] | None  # in the zygote
    post_fork: typing.Callable[[], object] | None  # in the worker


def main(fd):
    # INT reaches the whole terminal: end without a traceback. Workers have handlers of their own.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    control = socket.socket(fileno=fd)
    control.set_inheritable(False)
    control.setblocking(True)
    supervisor_pid = _peer_pid(control)
    if not _labcoat.die_with_parent(supervisor_pid):
        sys.exit(1)
    load, fds = _receive(control)
    if load is None:
        sys.exit(0)
    _close(fds)
    app, hooks, left_open = _load(control, load, supervisor_pid)
    try:
        _serve_forks(control, supervisor_pid, load, app, hooks, left_open)
    except SystemExit as leaving:
        # Not by taking the interpreter apart: what workers share with us may have a __del__ that is theirs to call.
        _leave(leaving.code)


def _load(control, message, supervisor_pid):
    where = {"python": ".".join(map(str, sys.version_info[:3])), "executable": sys.executable}
    try:
        identity.become(message.get("user", ""), message.get("group", ""))
        # The kernel forgets that wish when a process changes its user.
        if not _labcoat.die_with_parent(supervisor_pid):
            sys.exit(1)
        _enter(message["directory"])
        app, interface = target.load(message["target"], message.get("interface", "auto"))
        loop = message.get("loop", "auto")
        serve = worker.server_of(app, interface, loop)
        hooks = Hooks(*(target.load_hook(name, message.get(name, "")) for name in Hooks._fields))
    except target.CannotLoad as reason:
        _fail(control, str(reason), **where)
    left_open = None
    if urls := message.get("warm_up", "").split():
        from labcoat import warm_up

        left_open = warm_up.warm_up(app, interface, urls, loop)
    _warn_of_threads(message["app"])
    _send(control, {"type": "loaded", "interface": interface, **where})
    return serve, hooks, left_open


def _enter(directory):
    """As if the application were started from its directory: nothing of our own start is visible."""
    try:
        os.chdir(directory)
    except OSError as error:
        raise target.CannotLoad(f"cannot enter the application's directory {directory!r}: {error.strerror}") from None
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:] = [entry for entry in sys.path if entry not in ("", ours)]
    sys.path.insert(0, os.getcwd())
    sys.path.append(ours)
    sys.argv[:] = ["labcoat"]


def _settle(load):
    """What exists before the first fork is shared by all workers, until they write to it. What pre_fork closes is closed."""
    gc.collect()
    immortal = load.get("immortal_objects") and _make_immortal()
    if load.get("immortal_objects") and not immortal:
        version = ".".join(map(str, sys.version_info[:3]))
        print(
            f"labcoat: immortal_objects changes nothing for {load['app']!r}: Labcoat can do it with Python 3.12 and 3.13, this is {version}",
            file=sys.stderr,
            flush=True,
        )
    if immortal or load.get("gc", "default") != "default":
        gc.freeze()  # a collection writes to whatever it looks at


def _make_immortal():
    objects = gc.get_objects()  # without this list, which must not live for ever
    objects.append(sys.modules)  # leads to what the app itself has frozen, which gc does not list
    return _labcoat.make_immortal(objects)


def _serve_forks(control, supervisor_pid, load, app, hooks, left_open):
    settled = False
    while True:
        message, fds = _receive(control)
        if message is None:
            sys.exit(0)
        if message.get("type") != "fork":
            sys.exit(f"labcoat zygote: unknown message {message.get('type')!r}")
        try:
            if hooks.pre_fork:
                target.run_hook("pre_fork", hooks.pre_fork)
            if left_open:
                left_open.tell_once()
            if not settled:
                _settle(load)
                settled = True
            pid = _fork_worker(control, message, fds, supervisor_pid, app, hooks.post_fork)
        except target.CannotLoad as reason:
            _fail(control, str(reason))
        except OSError as error:
            _fail(control, f"cannot fork a worker: {error.strerror or error}")
        _close(fds)
        _send(control, {"type": "forked", "worker": message["worker"], "pid": pid})


def _fork_worker(control, message, fds, supervisor_pid, app, post_fork):
    """By double fork, so that the worker is a child of the supervisor (a subreaper) and not of ours."""
    _flush()
    pid = _labcoat.fork_worker(fds[0])
    if pid == 0:
        control.close()
        _become_worker(message, fds, supervisor_pid, app, post_fork)
    return pid


def _become_worker(message, fds, supervisor_pid, app, post_fork):
    """Runs in the worker; returns in no process. Ends like a script does: atexit and thread hooks run."""
    random.seed()
    try:
        worker.run(app, message, fds, supervisor_pid, post_fork)
        code = 0
    except SystemExit as leaving:
        code = leaving.code
    except BaseException:
        traceback.print_exc()
        code = 1
    _leave(code if isinstance(code, int) else 1)


def _leave(code):
    """As sys.exit does, but for the teardown of the interpreter: it would copy every page that is shared, only to free it."""
    import atexit

    if isinstance(code, str):
        print(code, file=sys.stderr)
    try:
        threading._shutdown()  # joins the app's threads, as the end of a script does
        atexit._run_exitfuncs()
    finally:
        _flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _warn_of_threads(app_name):
    others = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
    if others:
        print(
            f"labcoat: importing the application {app_name!r} started threads ({', '.join(others)}); they do not"
            " exist in the workers: start them in post_fork, or in os.register_at_fork(after_in_child=...)",
            file=sys.stderr,
            flush=True,
        )


def _peer_pid(control):
    """The process that made the socket pair: the supervisor."""
    credentials = control.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[:4], sys.byteorder)


def _receive(control):
    """One message and its descriptors; (None, []) when the supervisor is gone."""
    try:
        data, fds, flags, _ = socket.recv_fds(control, _MESSAGE_BYTES_MAX, _FDS_MAX, socket.MSG_CMSG_CLOEXEC)
    except ConnectionResetError:  # it had not read our last word before it closed its end
        return None, []
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        sys.exit("labcoat zygote: a message of the supervisor was cut short")
    return (json.loads(data), list(fds)) if data else (None, list(fds))


def _send(control, message):
    try:
        control.sendall(json.dumps(message).encode())
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(0)  # dismissed: the supervisor has closed its end


def _fail(control, reason, **more):
    _flush()
    _send(control, {"type": "failed", "text": reason, **more})
    sys.exit(1)


def _close(fds):
    for fd in fds:
        os.close(fd)


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass  # closed, or nobody reads it any more
