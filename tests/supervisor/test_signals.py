"""What the supervisor does when told: TERM, INT, HUP, TTIN, TTOU; and recycling."""

import os
import signal

from small_app import get, refuses
from server import wait_gone, wait_until


def test_term_answers_what_was_accepted_and_stops(serve, app, slow_request):
    server = serve(app, "-w", 1)
    request = slow_request(server)
    server.signal(signal.SIGTERM)
    wait_until(lambda: refuses(server), what="new connections to be refused")
    assert server.process.poll() is None
    status, _ = request.finish()
    assert status == 200
    assert server.wait() == 0
    server.assert_nothing_left()
    assert "everything is answered" in server.stderr()


def test_term_twice_drains_all_the_same(serve, app, slow_request):
    server = serve(app, "-w", 1)
    request = slow_request(server)
    server.signal(signal.SIGTERM)
    server.wait_for_log("TERM")
    server.signal(signal.SIGTERM)
    assert request.finish()[0] == 200
    assert server.wait() == 0


def test_a_drain_that_takes_too_long_is_cut_off_and_exits_1(serve, app, slow_request):
    server = serve(app, "-w", 1, "--set", "drain_timeout=200ms")
    request = slow_request(server)
    server.signal(signal.SIGTERM)
    assert server.wait() == 1
    server.assert_nothing_left()
    assert not isinstance(request.finish(), tuple)


def test_int_stops_at_once(serve, app, slow_request):
    server = serve(app, "-w", 1)
    request = slow_request(server)
    server.signal(signal.SIGINT)
    assert server.wait() == 0
    server.assert_nothing_left()
    assert not isinstance(request.finish(), tuple)


def test_int_cuts_a_drain_short(serve, app, slow_request):
    server = serve(app, "-w", 1)
    slow_request(server)
    server.signal(signal.SIGTERM)
    server.wait_for_log("TERM")
    server.signal(signal.SIGINT)
    assert server.wait() == 1
    server.assert_nothing_left()


def test_ttin_and_ttou_add_and_take_a_worker(serve, app):
    server = serve(app, "-w", 1)
    server.signal(signal.SIGTTIN)
    both = server.wait_for_workers(2)
    server.signal(signal.SIGTTOU)
    assert server.wait_for_workers(1)[0] in both
    server.signal(signal.SIGTTOU)  # the last one stays
    server.wait_for_log("shall have 1 workers", count=2)
    assert get(server)[0] == 200


def test_hup_loads_the_app_again_without_losing_a_request(serve, app, slow_request, tmp_path):
    (tmp_path / "version").write_text("1")
    server = serve(app, "-w", 2)
    old = server.wait_for_workers(2)
    request = slow_request(server)
    server.signal(signal.SIGHUP)
    server.wait_for_log("is loaded again")
    wait_until(lambda: int(get(server)[1].split()[0]) not in old, what="an answer of a new worker")
    assert request.finish()[0] == 200
    for pid in old:
        wait_gone(pid)
    server.wait_for_workers(2)
    wait_until(lambda: len(server.zygote_pids()) == 1, what="the old zygote to go")


def test_hup_with_an_app_that_is_broken_now_changes_nothing(serve, app, write_app):
    server = serve(app, "-w", 1)
    worker = server.wait_for_workers(1)
    write_app("raise RuntimeError('half edited')")
    server.signal(signal.SIGHUP)
    server.wait_for_log("cannot be loaded again")
    assert "half edited" in server.stderr()
    assert get(server)[0] == 200
    assert server.worker_pids() == worker


def test_recycling_replaces_before_it_takes_away(serve, app):
    server = serve(app, "-w", 1, "--set", "max_requests=20")
    seen = []
    # A worker goes on until its replacement is ready, however many requests that takes on a busy machine.
    for _ in range(20_000):
        status, body = get(server)
        assert status == 200
        pid = int(body.split()[0])
        if pid not in seen:
            seen.append(pid)
        if len(seen) == 3:
            break
    assert len(seen) == 3, "about 20 requests each"
    server.wait_for_log("is to be replaced: max_requests")
    assert "another is started" not in server.stderr()


def test_usr1_is_taken(serve, app, tmp_path):
    server = serve(app, "-w", 1, "--access-log", "access.log")
    get(server)
    log = tmp_path / "access.log"
    wait_until(lambda: log.exists() and log.stat().st_size > 0, what="a line in the log")
    os.rename(log, tmp_path / "access.log.1")
    server.signal(signal.SIGUSR1)
    wait_until(log.exists, what="the log to be opened again")
    get(server)
    wait_until(lambda: log.stat().st_size > 0, what="a line in the new log")


def test_allocator_and_affinity_reach_the_workers(serve, write_app):
    write_app(
        "import os\n"
        "def app(environ, start_response):\n"
        "    body = (str('jemalloc' in open('/proc/self/maps').read()) + ' ' + str(len(os.sched_getaffinity(0)))).encode()\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', str(len(body)))])\n"
        "    return [body]\n"
    )
    server = serve("app:app", "-w", 1, "--set", "allocator=jemalloc", "--set", "cpu_affinity=spread")
    assert get(server)[1] == "True 1"


def test_niceness_and_the_switch_interval_reach_the_workers(serve, write_app):
    write_app(
        "import os, sys\n"
        "def app(environ, start_response):\n"
        "    body = f'{os.nice(0)} {sys.getswitchinterval():g}'.encode()\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', str(len(body)))])\n"
        "    return [body]\n"
    )
    ours = os.nice(0)
    words = ("--set", "nice=1", "--set", "switch_interval=1500us", "--set", "threads=2")
    server = serve("app:app", "-w", 1, *words)
    assert get(server)[1] == f"{min(ours + 1, 19)} 0.0015"
    # Only the workers stand back.
    assert os.getpriority(os.PRIO_PROCESS, server.edge_pid()) == ours
    assert get(serve("app:app", "-w", 1))[1] == f"{ours} 0.005"
