"""labcoat tune on labcoat itself: an application that waits is found to want threads, and what was found can be served."""

import json
import pathlib
import subprocess
import tomllib
import urllib.request

import pytest

# Waits ten milliseconds a request: one thread a worker leaves it idle most of the time, whatever else the machine does.
APP = """
import time

def app(environ, start_response):
    time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "3")])
    return [b"ok\\n"]
"""

CONFIG = """# the shop
[server]
listen = ["http://127.0.0.1:0"]

[admin]
listen = "http://127.0.0.1:0"  # two servers at once could not both have a fixed one

[app.shop]
target = "shop:app"  # beside this file

[[route]]
path = "/static/*"
files = "files"

[[route]]
path = "/*"
app = "shop"
"""


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "shop"
    (folder / "files").mkdir(parents=True)
    (folder / "shop.py").write_text(APP)
    (folder / "labcoat.toml").write_text(CONFIG)
    return folder


def tune(labcoat, folder, *args):
    words = [labcoat, "tune", "--python", "/usr/bin/python3", "--knobs", "threads", "--margin", "10%", "--budget", "40s",
             "--seed", "1", "--out", folder / "lab", "--json", folder / "result.json", *args]
    done = subprocess.run(list(map(str, words)), cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "result.json").read_text()), done


def test_finds_threads_for_an_application_that_waits_and_applies_them(labcoat, shop, serve):
    result, done = tune(labcoat, shop, "--apply")
    assert result["target"] == "labcoat"
    assert result["baseline"]["config"]["threads"] == "1"
    assert result["final"]["confirmed"]
    threads = result["final"]["config"]["threads"]
    assert threads in ("2", "4")
    assert result["final"]["effect"] > 0.3
    # What was found is a whole configuration, and it runs from wherever it lies.
    best = tomllib.loads((shop / "lab/best.toml").read_text())
    assert best["app"]["shop"]["threads"] == int(threads)
    assert pathlib.Path(best["app"]["shop"]["directory"]) == shop
    assert best["route"][0]["files"] == str(shop / "files")
    server = serve("-c", shop / "lab/best.toml", "--python", "/usr/bin/python3")
    assert urllib.request.urlopen(server.url, timeout=30).read() == b"ok\n"
    # --apply changes one line of the user's file, and keeps the old one.
    assert (shop / "labcoat.toml.before-tune").read_text() == CONFIG
    assert (shop / "labcoat.toml").read_text() == CONFIG.replace(
        'target = "shop:app"  # beside this file\n', f'target = "shop:app"  # beside this file\nthreads = {threads}\n')


def test_tunes_a_callable_without_any_file(labcoat, shop, tmp_path):
    (shop / "labcoat.toml").unlink()
    result, done = tune(labcoat, shop, "shop:app", "--url", "3 /a", "--url", "1 /b", "--connections", "8")
    assert "8 connections at full speed: 3x GET /a, 1x GET /b" in done.stderr
    best = tomllib.loads((shop / "lab/best.toml").read_text())
    assert best["app"]["shop"]["target"] == "shop:app"
    assert best["route"] == [{"path": "/*", "app": "shop"}]


def test_application_that_does_not_load_is_told_with_its_traceback(labcoat, shop):
    (shop / "shop.py").write_text("import nothing_of_this_name\n")
    done = subprocess.run([labcoat, "tune", "--python", "/usr/bin/python3", "--budget", "20s", "--out", shop / "lab"],
                          cwd=shop, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "nothing_of_this_name" in done.stderr


def test_wrong_configuration_is_told_before_anything_starts(labcoat, shop):
    (shop / "labcoat.toml").write_text(CONFIG.replace("[app.shop]", "[app.shop]\nworkerz = 3"))
    done = subprocess.run([labcoat, "tune", "--out", shop / "lab"], cwd=shop, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "workerz" in done.stderr and "workers" in done.stderr


def test_nothing_to_tune_is_told(labcoat, tmp_path):
    done = subprocess.run([labcoat, "tune"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "nothing to tune" in done.stderr
