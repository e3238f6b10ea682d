"""Whoever dies is replaced, and nobody else notices."""

import os
import signal
import threading

from conftest import get, refuses
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
    assert refuses(server)


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
