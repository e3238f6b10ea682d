"""labcoat status, top, stacks, reload and stop: they find the server, and work when its Python is stuck."""

import http.client
import json
import os
import signal
import stat
import subprocess
import threading
import time
import urllib.request

import pytest
from small_app import get
from server import wait_until

# /stuck holds the interpreter's lock in one long call of C code until the worker is killed.
STUCK = """
import os
def hold_the_lock():
    open("begun", "w").close()
    sum(range(10 ** 13))
def app(environ, start_response):
    if environ["PATH_INFO"] == "/stuck":
        hold_the_lock()
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture
def ask(labcoat, tmp_path):
    """ask("status", "--json") runs a command in the server's directory: (exit code, stdout, stderr)."""

    def run(*words, cwd=tmp_path, env=None):
        done = subprocess.run(
            [labcoat, *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})}
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def stuck(serve, write_app, tmp_path):
    """A server whose only worker is stuck."""
    write_app(STUCK)
    server = serve("app:app", "-w", 1)

    def request():
        try:
            get(server, "/stuck?a=b", timeout=60)
        except OSError:
            pass  # the server was stopped

    client = threading.Thread(target=request)
    client.start()
    wait_until((tmp_path / "begun").exists, what="the request to begin")
    yield server
    server.kill()
    client.join()


def test_status_tells_what_each_worker_does(serve, app, ask, slow_request):
    server = serve(app, "-w", 2)
    server.wait_for_workers(2)
    request = slow_request(server)
    code, out, err = ask("status", "--json")
    assert code == 0, err
    status = json.loads(out)
    assert status["schema"] == "labcoat.status/1"
    assert status["pid"] == server.pid and status["listen"] == [server.url] and status["state"] == "running"
    (shop,) = status["apps"]
    assert shop["workers_wanted"] == 2 and shop["interface"] == "wsgi"
    assert {worker["pid"] for worker in shop["workers"]} == set(server.worker_pids())
    running = [thread["request"] for worker in shop["workers"] for thread in worker["threads"] if thread["request"]]
    assert len(running) == 1
    assert running[0]["method"] == "GET" and running[0]["target"].startswith("/slow?")
    assert running[0]["running_us"] > 0
    assert all(worker["memory_bytes"] > 1 << 20 for worker in shop["workers"])
    request.finish()
    assert get(server)[0] == 200
    wait_until(lambda: json.loads(ask("status", "--json")[1])["apps"][0]["requests"] == 2, what="both to be counted")


def test_status_for_people_is_a_table(serve, app, ask, slow_request):
    server = serve(app, "-w", 1)
    slow_request(server)
    code, out, _ = ask("status")
    assert code == 0
    assert f"pid {server.pid}" in out and "app app" in out
    assert "GET /slow?" in out and "ready" in out


def test_waiting_requests_are_counted(serve, app, ask, slow_request, tmp_path):
    server = serve(app, "-w", 1)
    request = slow_request(server)
    waiting = [threading.Thread(target=get, args=(server,)) for _ in range(2)]
    for thread in waiting:
        thread.start()
    wait_until(lambda: json.loads(ask("status", "--json")[1])["apps"][0]["queue"]["waiting"] == 2, what="two to wait")
    request.finish()
    for thread in waiting:
        thread.join()


def test_status_and_stacks_work_when_python_is_stuck(stuck, ask):
    code, out, _ = ask("status")
    assert code == 0 and "GET /stuck?a=b" in out
    for _ in range(2):  # the worker goes on as before, so it can be asked again
        code, out, _ = ask("stacks")
        assert code == 0
        assert "on GET /stuck?a=b (request " in out and "in hold_the_lock" in out


def test_percentiles_of_the_last_seconds_are_there_when_python_is_stuck(serve, write_app, ask, tmp_path):
    write_app(STUCK)
    (tmp_path / "labcoat.toml").write_text('[admin]\nlisten = "http://127.0.0.1:0"\n')
    server = serve("app:app", "-w", 1)
    begun = time.monotonic()
    for _ in range(20):
        assert get(server)[0] == 200
    client = threading.Thread(target=lambda: pytest.raises((OSError, http.client.HTTPException), get, server, "/stuck", timeout=60))
    client.start()
    try:
        wait_until((tmp_path / "begun").exists, what="the request to begin")
        code, out, _ = ask("status", "--json")
        assert code == 0
        recent = json.loads(out)["apps"][0]["recent"]
        _, table, _ = ask("status")
        with urllib.request.urlopen(server.admin_urls[0] + "/status", timeout=60) as page:
            on_page = json.load(page)["apps"]["app"]["recent"]
        in_window = time.monotonic() - begun < 10  # on a very slow machine they may be past
    finally:
        server.kill()
        client.join()
    assert 10 <= recent["window_s"] <= 12
    if in_window:
        for times in (recent["response_us"], recent["queue_wait_us"], on_page["response_us"], on_page["queue_wait_us"]):
            assert times["count"] == 20
            assert 0 <= times["p50"] <= times["p90"] <= times["p99"] < 10_000_000
        assert recent["response_us"]["p50"] > recent["queue_wait_us"]["p50"], "a wait is a part of its response"
        assert ": 20 answered, response p50 " in table and ", queue wait p50 " in table


def test_stacks_do_not_disturb_the_request(serve, app, ask, slow_request):
    server = serve(app, "-w", 1, "-t", 2)
    request = slow_request(server)

    def both_threads_are_shown():
        code, out, _ = ask("stacks", "--json")
        assert code == 0
        (worker,) = json.loads(out)["workers"]
        assert worker["pid"] == server.worker_pids()[0] and "in app" in worker["stacks"]
        return worker["stacks"].count("in _serve_thread") == 2  # the second may still be starting

    for _ in range(3):
        wait_until(both_threads_are_shown, what="two threads")
    assert request.finish()[0] == 200
    assert "another is started" not in server.stderr()


def test_top_shows_rates_from_the_second_look_on(serve, app, ask):
    server = serve(app, "-w", 1)
    done = threading.Event()

    def load():
        while not done.is_set():
            get(server)

    client = threading.Thread(target=load)
    client.start()
    try:
        code, out, _ = ask("top", "-n", 2, "-i", "200ms")
    finally:
        done.set()
        client.join()
    assert code == 0
    first, second = out.split("\n\nlabcoat ")
    assert "per second" not in first and "per second" in second


def test_stop_answers_what_was_accepted_and_returns_when_the_server_is_gone(serve, app, ask, slow_request):
    server = serve(app, "-w", 1)
    request = slow_request(server)
    results = []
    stopping = threading.Thread(target=lambda: results.append(ask("stop")))
    stopping.start()
    server.wait_for_log("stop: answering what was accepted")
    assert request.finish()[0] == 200
    stopping.join()
    assert results[0][:2] == (0, "stopped\n"), results
    assert server.wait(5) == 0
    server.assert_nothing_left()


def test_stop_says_when_something_was_cut_off(serve, app, ask, slow_request):
    server = serve(app, "-w", 1, "--set", "drain_timeout=100ms")
    slow_request(server)
    code, _, err = ask("stop")
    assert code == 1 and "not everything" in err
    assert server.wait() == 1


def test_stop_fast_does_not_wait(stuck, ask):
    assert ask("stop", "--fast")[0] == 0
    assert stuck.wait() == 0


def test_a_server_that_does_not_run_is_said_so(ask, tmp_path):
    for words in (["status"], ["top"], ["stacks"], ["reload"], ["stop"], ["status", "-c", "missing.toml"]):
        code, out, err = ask(*words)
        assert code == 1 and out == ""
        assert err.startswith(f"labcoat {words[0]}: no labcoat serve runs "), err
    code, _, err = ask("status", "--control", tmp_path / "nothing")
    assert code == 1 and "no labcoat listens on" in err


def test_a_killed_server_leaves_nothing_that_misleads(serve, app, ask):
    server = serve(app, "-w", 1)
    assert ask("status", "--pid", server.pid)[0] == 0
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    server.assert_nothing_left()
    assert ask("status")[0] == 1
    assert ask("status", "--pid", server.pid)[0] == 1


def test_of_several_servers_one_must_be_named(serve, app, ask, tmp_path):
    first, second = serve(app, "-w", 1), serve(app, "-w", 1)
    code, _, err = ask("status")
    assert code == 1 and f"--pid {first.pid}" in err and f"--pid {second.pid}" in err
    assert json.loads(ask("status", "--json", "--pid", second.pid)[1])["pid"] == second.pid
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code, _, err = ask("stop", cwd=elsewhere)
    assert code == 1 and f"--pid {first.pid}" in err, "nobody stops what runs elsewhere by accident"


def test_a_server_is_found_by_its_configuration(serve, app, ask, tmp_path):
    place = tmp_path / "etc"
    place.mkdir()
    (place / "shop.toml").write_text(f'[app.shop]\ntarget = "{app}"\ndirectory = ".."\nworkers = 1\n')
    server = serve("-c", place / "shop.toml")
    assert json.loads(ask("status", "--json", "-c", "etc/shop.toml")[1])["pid"] == server.pid
    assert json.loads(ask("status", "--json", "-c", "shop.toml", cwd=place)[1])["pid"] == server.pid
    assert ask("status", "-c", "etc/other.toml")[0] == 1


def test_the_socket_can_be_put_where_the_configuration_says(serve, app, ask, tmp_path):
    (tmp_path / "labcoat.toml").write_text(f'[server]\ncontrol = "c"\n[app.shop]\ntarget = "{app}"\nworkers = 1\n')
    server = serve()
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == 0o600
    assert json.loads(ask("status", "--json")[1])["pid"] == server.pid
    again = serve(wait=False)
    assert again.wait() == 2 and "another labcoat listens on" in again.stderr()
    assert ask("status")[0] == 0, "the second did not take it away"
    server.stop()
    assert not (tmp_path / "c").exists()


def test_without_a_control_socket_it_serves_all_the_same(serve, app, ask):
    server = serve(app, "-w", 1, "--set", "control=off")
    assert get(server)[0] == 200
    assert ask("status", "--pid", server.pid)[0] == 1
