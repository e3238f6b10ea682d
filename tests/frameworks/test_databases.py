"""Connections over a fork, as docs/workers.md has it: closed in pre_fork, opened in post_fork, with Debian's drivers."""

import collections
import glob
import json
import os
import pathlib
import pwd
import signal
import sqlite3
import subprocess
import tempfile
import threading

import pytest
import requests
from server import wait_gone, wait_until

HOOKS = [("pre_fork", "disconnect"), ("post_fork", "connect")]
PYTHON = ("--python", "/usr/bin/python3")


def hooks(module):
    return [word for option, name in HOOKS for word in ("--set", f"{option}={module}:{name}")]


def open_files(pid):
    return [os.readlink(path) for path in glob.glob(f"/proc/{pid}/fd/*") if os.path.islink(path)]


def visit_at_once(url, paths, clients=8):
    """Each path once, by so many clients at the same time; their answers."""
    answers, left = [], collections.deque(paths)

    def visit():
        with requests.Session() as browser:
            browser.trust_env = False
            while True:
                try:
                    path = left.popleft()
                except IndexError:
                    return
                answer = browser.get(url + path, timeout=60)
                answers.append((path, answer.status_code, answer.text))

    threads = [threading.Thread(target=visit) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_sqlite_has_a_connection_per_worker_and_loses_nothing(start_app, tmp_path):
    with start_app("sqlite_app:app", tmp_path, "-w", 3, *PYTHON, *hooks("sqlite_app")) as server:
        server.wait_for_workers(3)
        assert not [name for name in open_files(server.zygote_pids()[0]) if "shop.db" in name]
        for pid in server.worker_pids():
            assert [name for name in open_files(pid) if name.endswith("shop.db")]
        answers = visit_at_once(server.url, [f"/{number % 10}" for number in range(200)])
        assert {status for _, status, _ in answers} == {200}, server.stderr()
        assert max(int(count) for _, _, count in answers) == 20
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT name) FROM visit").fetchone() == (200, 10)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_no_two_workers_throw_the_same_dice(start_app, tmp_path):
    """Python's generator is seeded anew by Labcoat, the app's own one by its hook."""
    with start_app("sqlite_app:app", tmp_path, "-w", 3, *PYTHON, *hooks("sqlite_app")) as server:
        thrown = {}

        def three_workers():
            for _, _, text in visit_at_once(server.url, ["/random"] * 20):
                pid, *numbers = text.split()
                thrown.setdefault(pid, []).append(tuple(numbers))
            return len(thrown) == 3

        wait_until(three_workers, what="an answer of each worker")
        numbers = [number for pairs in thrown.values() for pair in pairs for number in pair]
        assert len(numbers) == len(set(numbers))


def postgres_programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    assert found, "PostgreSQL is not installed: sh tools/setup.sh test"
    return pathlib.Path(found[-1])


@pytest.fixture(scope="module")
def postgres():
    """A private server: its data in a folder of its own, reached through a socket there; words to connect to it."""
    programs = postgres_programs()
    # It refuses to run as root; and the path of its socket must be short.
    user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="labcoat-pg-", ignore_cleanup_errors=True) as folder:
        if user:
            os.chown(folder, pwd.getpwnam("nobody").pw_uid, user["group"])
        data = f"{folder}/data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "shop", "-A", "trust", "--no-sync", "--no-instructions", "--locale=C.UTF-8"],
            check=True, cwd=folder, stdout=subprocess.DEVNULL, **user,
        )
        with open(f"{folder}/log", "wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
                cwd=folder, stdout=log, stderr=log, **user,
            )
        try:
            ask = [programs / "psql", "-h", folder, "-U", "shop", "-d", "postgres", "-qtAc"]
            create = [*ask, "CREATE TABLE IF NOT EXISTS visit (worker integer, name text)"]
            wait_until(lambda: subprocess.run(create, stderr=subprocess.DEVNULL).returncode == 0, what="PostgreSQL")
            yield f"host={folder} user=shop dbname=postgres", lambda query: subprocess.check_output([*ask, query], text=True).strip()
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown: it waits for nobody
            process.wait(30)


def test_postgresql_has_a_pool_per_worker_that_ends_with_it(postgres, start_app, tmp_path):
    database, ask = postgres
    others = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop' AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    words = ("-w", 2, "-t", 2, *PYTHON, *hooks("postgres_app"))
    with start_app("postgres_app:app", tmp_path, *words, env={"DATABASE": database}) as server:
        server.wait_for_workers(2)
        # One connection of each worker's pool, none of the interpreter that has imported the app.
        wait_until(lambda: ask(others) == "2", what="the connections of the import to end")
        backends = {}

        def both_workers():
            answers = visit_at_once(server.url, [f"/?{number}" for number in range(100)])
            assert {status for _, status, _ in answers} == {200}, server.stderr()
            for path, _, text in answers:
                answer = json.loads(text)
                assert answer["echo"] == path[2:] and answer["version"]
                backends.setdefault(answer["worker"], set()).add(answer["backend"])
            return len(backends) == 2

        wait_until(both_workers, what="an answer of each worker")
        first, second = backends.values()
        assert not first & second
        assert int(ask("SELECT count(*) FROM visit")) % 100 == 0

        killed = next(iter(backends))
        os.kill(killed, signal.SIGKILL)
        wait_gone(killed)
        wait_until(lambda: killed not in server.wait_for_workers(2), what="another worker")
        assert {status for _, status, _ in visit_at_once(server.url, ["/?again"] * 20)} == {200}
    wait_until(lambda: ask(others) == "0", what="the connections of the workers to end")
