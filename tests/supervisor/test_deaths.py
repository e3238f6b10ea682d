"""Whoever dies is replaced, and nobody else notices."""

import os
import signal
import threading

from small_app import APP, get, refuses
from server import wait_gone, wait_until


def test_a_killed_worker_is_replaced_at_once(serve, app):
    server = serve(app, "-w", 2)
    before = server.wait_for_workers(2)
    os.kill(before[0], signal.SIGKILL)
    server.wait_for_log("was killed by SIGKILL; another is started")
    after = server.wait_for_workers(2)
    assert before[1] in after and before[0] not in after
    assert get(server)[0] == 200


def test_killing_workers_all_the_time_fails_no_idle_request(serve, app):
    server = serve(app, "-w", 2)
    server.wait_for_workers(2)
    failures = []
    done = threading.Event()

    def load():
        while not done.is_set():
            status, body = get(server)
            if status != 200:
                failures.append((status, body))

    client = threading.Thread(target=load)
    client.start()
    try:
        for round_number in range(8):
            victim = server.wait_for_workers(2)[round_number % 2]
            os.kill(victim, signal.SIGKILL)
            wait_gone(victim)
    finally:
        done.set()
        client.join()
    # GETs that a dying worker held are answered by another.
    assert failures == []


def test_a_worker_that_exits_inside_a_request_costs_that_request_only(serve, app):
    server = serve(app, "-w", 1)
    status, _ = get(server, "/exit")
    assert status == 502
    server.wait_for_log("exited with status 7; another is started")
    assert get(server)[0] == 200


def test_a_killed_zygote_is_replaced_and_its_workers_go_on(serve, app):
    server = serve(app, "-w", 1)
    worker = get(server)[1].split()[0]
    zygote = server.zygote_pids()[0]
    os.kill(zygote, signal.SIGKILL)
    server.wait_for_log("has loaded it", count=2)
    assert get(server)[1].split()[0] == worker, "the worker was replaced without need"
    # And the new zygote can fork.
    os.kill(int(worker), signal.SIGKILL)
    server.wait_for_log("another is started")
    wait_until(lambda: get(server)[0] == 200, what="an answer of the new worker")


ZYGOTE_THAT_DIES = """
import os, signal, time
def die():
    # In the zygote, right after a fork: not before the test wants it, and long before the pid is told to anybody.
    if os.path.exists("died"):
        return
    while not os.path.exists("die"):
        time.sleep(0.002)
    open("died", "w").close()
    os.kill(os.getpid(), signal.SIGKILL)
zygote = os.getpid()
os.register_at_fork(after_in_parent=lambda: os.getpid() == zygote and die())
"""


def test_a_worker_whose_zygote_dies_before_it_could_tell_its_pid_goes_on(serve, write_app, slow_request, tmp_path):
    write_app(ZYGOTE_THAT_DIES + APP)
    server = serve("app:app", "-w", 1)
    request = slow_request(server)
    (tmp_path / "die").touch()
    server.wait_for_log("has loaded it", count=2)
    # Taken for never born, its slot would be given to somebody else while it writes into it.
    status, body = request.finish()
    assert status == 200, server.stderr()
    assert server.worker_pids() == [int(body.split()[0])], server.stderr()
    assert "never born" not in server.stderr()
    # It is a worker like any other: its death is noticed, and the new zygote forks the next.
    os.kill(int(body.split()[0]), signal.SIGKILL)
    server.wait_for_log("was killed by SIGKILL; another is started")
    server.wait_for_workers(1)
    assert get(server)[0] == 200


# Speaks the protocol as docs/formats/control.md has it; its first worker is slow to say hello, and never does.
SLOW_BIRTH = """#!/usr/bin/python3
import json, os, signal, socket, sys, time
if "labcoat.zygote" not in " ".join(sys.argv) or os.path.exists("again"):
    # An ordinary interpreter, but for its name.
    words = sys.argv[1:]
    at = words.index("-c") + 1
    words[at] = f"import sys; sys.executable = {os.path.abspath(sys.argv[0])!r}\\n" + words[at]
    os.execv("/usr/bin/python3", ["/usr/bin/python3"] + words)
open("again", "w").close()
control = socket.socket(fileno=int(sys.argv[-1]))
control.setblocking(True)
socket.recv_fds(control, 65536, 253)
control.sendall(json.dumps({"type": "loaded", "interface": "wsgi", "python": "3", "executable": "x"}).encode())
socket.recv_fds(control, 65536, 253)
if os.fork() == 0:
    control.close()
    open("unborn", "w").close()
    while not os.path.exists("gate"):
        time.sleep(0.002)
    os._exit(0)
while not os.path.exists("unborn"):
    time.sleep(0.002)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_endpoint_is_not_given_up_while_somebody_may_still_hold_it(serve, app, tmp_path):
    python = tmp_path / "slow_birth"
    python.write_text(SLOW_BIRTH)
    python.chmod(0o755)
    server = serve(app, "-w", 1, "--python", python, wait=False)
    server.wait_for_log("has loaded it", count=2)
    assert "never born" not in server.stderr()
    (tmp_path / "gate").touch()
    server.wait_for_log("was never born")
    server.wait_for_workers(1)


def test_a_killed_edge_is_replaced_on_the_same_sockets(serve, app):
    server = serve(app, "-w", 2)
    old_workers = server.wait_for_workers(2)
    old_edge = server.edge_pid()
    os.kill(old_edge, signal.SIGKILL)
    wait_gone(old_edge)
    # The connection waits in the listener's backlog until the new edge accepts it.
    status, _ = get(server)
    assert status == 200
    assert server.edge_pid() != old_edge
    for pid in old_workers:
        wait_gone(pid)
    server.wait_for_workers(2)


def test_a_killed_supervisor_leaves_nothing_behind(serve, app):
    server = serve(app, "-w", 2)
    server.wait_for_workers(2)
    assert len(server.processes()) == 5  # itself, edge, zygote, two workers
    os.kill(server.pid, signal.SIGKILL)
    assert server.wait() == -signal.SIGKILL
    server.assert_nothing_left()
    # A dying process gives up its memory, and with it its name, a moment before its sockets.
    wait_until(lambda: refuses(server), what="the socket to be closed")


def test_workers_that_keep_dying_are_started_ever_more_slowly(serve, app):
    server = serve(app, "-w", 1)
    for _ in range(3):
        get(server, "/exit")  # kills two: what the first had begun is repeated once
    server.wait_for_log("in a row died young; the next starts in")
    # It is still served: the pause is a pause.
    assert get(server)[0] == 200


def test_an_app_whose_workers_never_get_ready_fails_the_start(serve, write_app):
    write_app("import os\nos.register_at_fork(after_in_child=lambda: os._exit(9))\ndef app(e, s): pass\n")
    server = serve("app:app", "-w", 1, wait=False)
    assert server.wait() == 1
    assert "labcoat error: app 'app'" in server.stderr()
    server.assert_nothing_left()


def test_orphans_of_the_app_are_reaped(serve, write_app):
    write_app(
        "import subprocess\n"
        "def app(environ, start_response):\n"
        "    pid = subprocess.run(['sh', '-c', 'sleep 0.05 & echo $!'], capture_output=True).stdout\n"
        "    start_response('200 OK', [('Content-Length', str(len(pid)))])\n"
        "    return [pid]\n"
    )
    server = serve("app:app", "-w", 1)
    orphan = int(get(server)[1])
    # A zombie would still have its directory.
    wait_until(lambda: not os.path.exists(f"/proc/{orphan}"), what="the orphan to be reaped")
