"""Workers as processes: threads, recycling, stopping, garbage, loading."""

import os
import signal
import threading

import pytest
from server import wait_gone, wait_until

GC_APP = """
import gc
class Node: pass
def app(environ, start_response):
    for _ in range(1000):
        node = Node(); node.self = node
    body = f"{gc.isenabled()} {gc.get_count()[0]} {gc.get_freeze_count()}".encode()
    start_response("200 OK", [])
    return [body]
"""


def test_threads_of_one_worker_serve_at_the_same_time(serve_app, tmp_path):
    app = serve_app("wsgi_app:app", "-w", 1, "-t", 3)
    answers = []
    threads = [
        threading.Thread(target=lambda i=i: answers.append(app.get(f"/wait?folder={tmp_path}&name={i}").body))
        for i in range(3)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: all((tmp_path / f"waiting-{i}").exists() for i in range(3)), what="three requests at once")
    (tmp_path / "gate1").touch()
    for thread in threads:
        thread.join(30)
    assert len(set(answers)) == 1 and len(answers) == 3, "one process answered all three"


def test_a_worker_that_is_told_to_stop_finishes_its_request(serve_app, tmp_path):
    app = serve_app("wsgi_app:app", "-w", 1)
    with app.client() as client:
        client.request(f"/wait?folder={tmp_path}")
        wait_until((tmp_path / "waiting-0").exists)
        app.server.signal(signal.SIGTERM)
        (tmp_path / "gate1").touch()
        assert client.response().status == 200
    assert app.server.wait() == 0


def test_workers_are_replaced_after_max_requests_and_nobody_notices(serve_app):
    app = serve_app("wsgi_app:app", "-w", 1, "--set", "max_requests=20")
    import json

    pids = set()
    with app.client() as client:
        while len(pids) < 4:  # ends, or the client's timeout does it
            response = client.get("/environ")
            assert response.status == 200
            pids.add(json.loads(response.body)["pid"])


def test_gc_modes(serve, write_app):
    import requests

    write_app(GC_APP)
    for mode, enabled, frozen in (
        ("default", "True", False),
        ("freeze", "True", True),
        ("off", "False", True),
        ("between_requests", "False", True),
    ):
        server = serve("app:app", "-w", 1, "--set", f"gc={mode}")
        with requests.Session() as session:
            answers = [session.get(server.url).text.split(" ") for _ in range(10)]
        for is_enabled, _, freeze_count in answers:
            assert is_enabled == enabled, mode
            assert (int(freeze_count) > 1000) is frozen, mode  # some versions freeze a few by themselves
        counts = [int(count) for _, count, _ in answers]
        if mode == "off":
            assert counts[-1] > 9000, "garbage piles up"
        if mode == "between_requests":
            # On a busy machine the next request may be there before the worker can rest.
            count = lambda: int(requests.get(server.url).text.split(" ")[1])  # noqa: E731
            wait_until(lambda: count() < 1500, what="a request right after a collection")


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        (None, "shopp.wsgi:app", "cannot import 'shopp.wsgi'"),
        ("import nowhere_to_be_found", "app:app", "No module named 'nowhere_to_be_found'"),
        ("x = 1", "app:app", "has no 'app'"),
        ("app = 5", "app:app", "cannot be called"),
        ("def app(:", "app:app", "SyntaxError"),
        ("import sys; sys.exit('bad arguments')", "app:app", "bad arguments"),
        ("def make(): raise ValueError('no database')", "app:make()", "no database"),
        ("class app:\n def __init__(self, scope): pass\n async def __call__(self, receive, send): pass", "app:app", "ASGI 2"),
    ],
)
def test_an_app_that_cannot_be_loaded_is_explained_in_one_sentence(serve, write_app, source, target, said):
    if source is not None:
        write_app(source)
    server = serve(target, "-w", 1, wait=False)
    assert server.wait() == 1
    assert said in server.stderr()


def test_a_factory_and_dotted_attributes(serve_app, serve, write_app):
    assert serve_app("wsgi_app:make()", "-w", 1).get("/hello").status == 200
    write_app("import wsgi_app\nclass Outer:\n    class Inner:\n        app = staticmethod(wsgi_app.app)")
    assert serve_app("app:Outer.Inner.app", "-w", 1).get("/hello").status == 200


def test_the_app_sees_no_trace_of_our_start(serve, write_app):
    import json

    import requests

    write_app(
        """
import json, os, sys
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"argv": sys.argv, "path": sys.path, "cwd": os.getcwd()}).encode()]
"""
    )
    server = serve("app:app", "-w", 1)
    seen = json.loads(requests.get(server.url).text)
    assert seen["argv"] == ["labcoat"]
    assert seen["path"][0] == seen["cwd"] == str(server.cwd)


def test_threads_started_by_the_import_are_warned_of(serve, write_app):
    write_app(
        """
import threading, time
threading.Thread(target=time.sleep, args=(3600,), name="poller", daemon=True).start()
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
"""
    )
    server = serve("app:app", "-w", 1)
    server.wait_for_log("poller")


def test_random_numbers_differ_between_workers(serve, write_app, tmp_path):
    write_app(
        """
import os, random
def app(environ, start_response):
    start_response("200 OK", [])
    return [f"{os.getpid()} {random.random()}".encode()]
with open("workers", "a") as file: pass
os.register_at_fork(after_in_child=lambda: open(f"forked-{os.getpid()}", "w").close())
"""
    )
    import requests

    server = serve("app:app", "-w", 1, "--set", "max_requests=5")
    numbers = {}
    while len(numbers) < 3:
        pid, number = requests.get(server.url, timeout=60).text.split(" ")
        numbers.setdefault(pid, number)
    assert len(set(numbers.values())) == len(numbers)
    assert all((tmp_path / f"forked-{pid}").exists() for pid in numbers), "os.register_at_fork is honoured"


def test_fork_hooks_of_the_app_run_once_and_may_start_threads_and_processes(serve, write_app, tmp_path):
    write_app(
        """
import os, threading, time
busy = False
def born():
    global busy
    if busy:
        return
    busy = True
    with open("hooks", "a") as file:
        file.write(f"{os.getpid()}\\n")
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
    ours, theirs = os.pipe()
    if os.fork() == 0:
        os.close(theirs)
        os.read(ours, 1)  # lives as long as the worker, and holds every descriptor it has
        os._exit(0)
os.register_at_fork(after_in_child=born)
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
"""
    )
    server = serve("app:app", "-w", 2)
    workers = server.wait_for_workers(2)
    assert sorted(map(int, (tmp_path / "hooks").read_text().split())) == workers


def test_a_killed_worker_is_replaced(serve_app):
    app = serve_app("wsgi_app:app", "-w", 1)
    import json

    pid = json.loads(app.get("/environ").body)["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)
    assert json.loads(app.get("/environ").body)["pid"] != pid


def no_signal_pending(pid):
    with open(f"/proc/{pid}/status") as file:
        return all(int(line.split()[1], 16) == 0 for line in file if line.startswith(("SigPnd", "ShdPnd")))


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
def test_int_or_a_second_term_ends_a_worker_at_once(serve_app, tmp_path, signals):
    app = serve_app("wsgi_app:app", "-w", 1)
    (pid,) = wait_until(app.server.worker_pids)
    with app.client() as client:
        client.request(f"/wait?folder={tmp_path}", method="POST", body=b"")
        wait_until((tmp_path / "waiting-0").exists)
        for number in signals:
            # The kernel merges two of a kind that wait at the same time.
            wait_until(lambda: no_signal_pending(pid))
            os.kill(pid, number)
        assert client.response("POST").status == 502
    wait_gone(pid)
    (tmp_path / "gate1").touch()
    assert app.get("/hello").status == 200
