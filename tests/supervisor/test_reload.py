"""New code takes over only when it works: labcoat reload, HUP and --reload."""

import os
import signal
import subprocess

import pytest
from small_app import APP, get
from server import wait_gone, wait_until


def version(number):
    return APP.replace('f"{os.getpid()} ', f'f"version{number} {{os.getpid()}} ')


@pytest.fixture
def reload(labcoat, tmp_path):
    def run():
        done = subprocess.run([labcoat, "reload"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    return run


def answers(server):
    status, body = get(server)
    assert status == 200
    return body.split()[0]


def test_reload_returns_when_the_new_code_answers(serve, write_app, reload):
    write_app(version(1))
    server = serve("app:app", "-w", 2)
    old = server.wait_for_workers(2)
    assert answers(server) == "version1"
    write_app(version(2))
    assert reload() == (0, "reloaded\n")
    assert [answers(server) for _ in range(10)] == ["version2"] * 10
    for pid in old:
        wait_gone(pid)


@pytest.mark.parametrize(
    "broken, why",
    [
        ("def app(:\n", "SyntaxError"),
        ("import os\nos._exit(3)\n", "exited with status 3"),
        ("import os\nos.kill(os.getpid(), 9)\n", "SIGKILL"),
        # Imported, but its workers die before they are ready.
        ("import os\nos.register_at_fork(after_in_child=lambda: os._exit(9))\ndef app(e, s): pass\n", "status 9"),
    ],
)
def test_what_does_not_work_does_not_take_over(serve, write_app, reload, broken, why):
    write_app(version(1))
    server = serve("app:app", "-w", 2)
    workers = server.wait_for_workers(2)
    write_app(broken)
    code, text = reload()
    assert code == 1 and "cannot be loaded again" in text and why in text + server.stderr()
    assert answers(server) == "version1"
    assert server.worker_pids() == workers, "none of the old ones was touched"
    # The old code can still replace its dead.
    os.kill(workers[0], signal.SIGKILL)
    server.wait_for_log("another is started")
    wait_until(lambda: len(server.worker_pids()) == 2, what="the old code's next worker")
    assert {answers(server) for _ in range(10)} == {"version1"}
    # And a repaired app is taken.
    write_app(version(2))
    assert reload() == (0, "reloaded\n")
    assert answers(server) == "version2"


def test_a_reload_during_a_reload_takes_the_newest_code(serve, write_app, tmp_path):
    write_app(version(1))
    server = serve("app:app", "-w", 1)
    gate = tmp_path / "gate"
    wait = "import os, time\nopen('importing', 'w').close()\nwhile not os.path.exists('gate'): time.sleep(0.002)\n"
    write_app(wait + version(2))
    server.signal(signal.SIGHUP)
    wait_until((tmp_path / "importing").exists, what="the import to begin")
    write_app(version(3))
    server.signal(signal.SIGHUP)
    server.wait_for_log("is loaded again")
    wait_until(lambda: answers(server) == "version3", what="the newest code")
    gate.touch()
    assert {answers(server) for _ in range(10)} == {"version3"}
    wait_until(lambda: len(server.zygote_pids()) == 1, what="the other zygotes to go")


def test_a_reload_whose_import_hangs_can_be_begun_anew(serve, write_app, reload):
    write_app(version(1))
    server = serve("app:app", "-w", 1)
    write_app("import time\ntime.sleep(10 ** 6)\n")
    server.signal(signal.SIGHUP)
    server.wait_for_log("loads app:app", count=2)
    assert answers(server) == "version1"
    write_app(version(2))
    assert reload() == (0, "reloaded\n")
    assert answers(server) == "version2"


def test_with_the_reload_flag_a_saved_file_is_taken(serve, write_app, tmp_path):
    write_app(version(1))
    server = serve("app:app", "-w", 1, "--reload")
    assert answers(server) == "version1"
    write_app(version(2))
    wait_until(lambda: answers(server) == "version2", what="the saved code")
    write_app("def app(:\n")
    server.wait_for_log("cannot be loaded again")
    assert answers(server) == "version2"
    write_app(version(3))
    wait_until(lambda: answers(server) == "version3", what="the repaired code")
    (tmp_path / "shop").mkdir()
    write_app(version(4).replace("import os, time", "import os, time, shop.prices"))
    (tmp_path / "shop" / "prices.py").write_text("")
    wait_until(lambda: answers(server) == "version4", what="a new directory's file")
