"""Hooks in each worker, and workers that run as another user."""

import os
import pathlib
import signal
import tempfile

import pytest
from small_app import get
from server import wait_until

HOOKED = """
import os
connections = []
forks = []
def connect():
    connections.append(os.getpid())
def before():
    forks.append(os.getpid())
def before_twice():
    before()
    if len(forks) > 1:
        raise RuntimeError("not once more")
def fail():
    raise RuntimeError("no database")
def app(environ, start_response):
    body = f"{os.getpid()} {forks if environ['PATH_INFO'] == '/forks' else connections}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""

WHO = """
import os
at_import = os.getuid()
def app(environ, start_response):
    words = [at_import, os.getuid(), os.geteuid(), os.getgid(), os.environ["HOME"], os.getgroups()]
    body = repr(words).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture
def open_folder():
    """With app.py in it, and for everybody: above tmp_path pytest closes folders, whenever another run of it begins."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        (pathlib.Path(folder) / "app.py").write_text(WHO)
        yield pathlib.Path(folder)


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_post_fork_runs_once_in_each_worker_before_its_first_request(serve, write_app):
    write_app(HOOKED)
    server = serve("app:app", "-w", 2, "--set", "post_fork=app:connect")
    for _ in range(10):
        pid, connections = get(server)[1].split(maxsplit=1)
        assert connections == f"[{pid}]"


def test_pre_fork_runs_before_each_fork_where_the_app_was_imported(serve, write_app):
    write_app(HOOKED)
    server = serve("app:app", "-w", 1, "--set", "pre_fork=app:before")
    zygote = server.zygote_pids()[0]
    assert get(server, "/forks")[1].split(maxsplit=1)[1] == f"[{zygote}]"
    first = server.worker_pids()[0]
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: first not in server.wait_for_workers(1), what="the next worker")
    assert get(server, "/forks")[1].split(maxsplit=1)[1] == f"[{zygote}, {zygote}]"


def test_a_pre_fork_that_fails_fails_the_start_and_says_why(serve, write_app):
    write_app(HOOKED)
    server = serve("app:app", "-w", 1, "--set", "pre_fork=app:fail", wait=False)
    assert server.wait() == 1
    assert "app 'app': pre_fork failed: RuntimeError: no database" in server.stderr()
    assert "Traceback" in server.stderr() and "in fail" in server.stderr()


def test_a_pre_fork_that_fails_later_costs_no_worker_and_is_tried_in_a_new_interpreter(serve, write_app):
    write_app(HOOKED)
    server = serve("app:app", "-w", 1, "--set", "pre_fork=app:before_twice")
    first, zygote = server.worker_pids()[0], server.zygote_pids()[0]
    server.signal(signal.SIGTTIN)
    server.wait_for_workers(2)
    assert first in server.worker_pids() and zygote not in server.zygote_pids()
    assert "pre_fork failed: RuntimeError: not once more" in server.stderr()
    assert get(server)[0] == 200


def test_a_pre_fork_that_fails_at_a_reload_leaves_the_old_code_as_it_is(serve, write_app):
    write_app(HOOKED)
    server = serve("app:app", "-w", 1, "--set", "pre_fork=app:before")
    workers = server.worker_pids()
    write_app(HOOKED.replace("def before():", "def before():\n    fail()"))
    server.signal(signal.SIGHUP)
    server.wait_for_log("pre_fork failed: RuntimeError: no database")
    server.wait_for_log("its workers stay as they are")
    assert get(server)[0] == 200 and server.worker_pids() == workers


def test_a_hook_that_fails_fails_the_start_and_says_why(serve, write_app):
    write_app(HOOKED)
    server = serve("app:app", "-w", 1, "--set", "post_fork=app:fail", wait=False)
    assert server.wait() == 1
    assert "RuntimeError: no database" in server.stderr()
    assert "its workers die before they are ready" in server.stderr()


@pytest.mark.parametrize("option", ["pre_fork", "post_fork"])
@pytest.mark.parametrize("hook, why", [("app:nothing", "has no 'nothing'"), ("app", "does not name a callable")])
def test_a_hook_that_is_not_there_is_said_before_anything_is_forked(serve, write_app, option, hook, why):
    write_app(HOOKED)
    server = serve("app:app", "-w", 1, "--set", f"{option}={hook}", wait=False)
    assert server.wait() == 1
    assert why in server.stderr()


@only_root
def test_an_app_is_imported_and_run_as_its_user(open_folder, serve):
    server = serve("app:app", "-w", 1, "--set", "user=nobody", cwd=open_folder)
    at_import, uid, euid, gid, home, groups = eval(get(server)[1])
    assert at_import == uid == euid == 65534
    assert gid == 65534 and 0 not in groups and home == "/nonexistent"
    # Still a child like any other: killed, it is replaced; and it dies with the supervisor (the fixture looks).
    os.kill(server.worker_pids()[0], signal.SIGKILL)
    wait_until(lambda: "another is started" in server.stderr() and get(server)[0] == 200, what="the next worker")


@only_root
def test_a_killed_supervisor_leaves_no_process_of_another_user(open_folder, serve):
    server = serve("app:app", "-w", 2, "--set", "user=nobody", cwd=open_folder)
    server.wait_for_workers(2)
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    server.assert_nothing_left()


@only_root
def test_a_user_that_does_not_exist_is_said(serve, write_app):
    write_app(WHO)
    server = serve("app:app", "-w", 1, "--set", "user=nobody-like-this", wait=False)
    assert server.wait() == 1
    assert "this machine has no user 'nobody-like-this'" in server.stderr()
