"""Several apps in one server: each with an interpreter, virtual environment, user, environment and working directory of its own."""

import collections
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile

import pytest
import requests
from interpreters import pythons
from server import Server, wait_until
from test_frameworks import FILE, TARGETS

PLACE = pathlib.Path(__file__).resolve().parent / "apps/place_app.py"
IS_ROOT = os.geteuid() == 0
App = collections.namedtuple("App", "name python version interface user")


def apps():
    """The oldest and the newest Python there are; users where we may have any, and the user may run that Python."""
    debian = next(python for python in pythons() if python.path.startswith("/usr/bin/"))
    newest = pythons()[-1]
    return [
        App("north", debian.path, str(debian), "wsgi", "nobody" if IS_ROOT else ""),
        App("east", debian.path, str(debian), "asgi", "daemon" if IS_ROOT else ""),
        App("south", newest.path, str(newest), "asgi", ""),
        App("west", newest.path, str(newest), "wsgi", ""),
    ]


def furnish(app, folder):
    """A working directory, a virtual environment that has something of its own, and the app's part of labcoat.toml."""
    place = folder / app.name
    place.mkdir()
    shutil.copy(PLACE, place / "place.py")
    subprocess.run([app.python, "-m", "venv", "--without-pip", folder / f"venv-{app.name}"], check=True)
    packages = next((folder / f"venv-{app.name}").glob("lib/python3.*/site-packages"))
    (packages / "goods.py").write_text(f"VERSION = 'of the {app.name}'\n")
    return f"""
[app.{app.name}]
target = "place:{app.interface}"
directory = "{app.name}"
python = "venv-{app.name}/bin/python3"
user = "{app.user}"
environment = {{ PLACE = "{app.name}"{', ONLY_NORTH = "yes"' if app.name == "north" else ""} }}
workers = 1
[[route]]
path = "/{app.name}"
app = "{app.name}"
"""


@pytest.fixture(scope="module")
def places(labcoat):
    # Not below pytest's own folder: each session of pytest takes the way there from other users again.
    with tempfile.TemporaryDirectory(prefix="labcoat-places-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        tables = "".join(furnish(app, folder) for app in apps())
        (folder / "labcoat.toml").write_text('[server]\nlisten = "http://127.0.0.1:0"\n' + tables)
        with Server(cwd=folder, program=labcoat, listen=None, env={"OF_THE_SHELL": "for all"}) as server:
            yield server


def ask(server, name):
    with requests.Session() as browser:
        browser.trust_env = False
        answer = browser.get(f"{server.url}/{name}", timeout=30)
        assert answer.status_code == 200, f"{name}: {answer.status_code}\n{server.stderr()}"
        return answer.json()


def pids(server, word, name):
    """Of the live workers or zygotes of one app."""
    named = re.findall(rf"{word}[^\n]* of app '{name}' \(pid (\d+)\)", server.stderr())
    return set(server.processes()) & set(map(int, named))


@pytest.mark.parametrize("app", apps(), ids=lambda app: app.name)
def test_each_app_has_a_place_of_its_own(places, app):
    about = ask(places, app.name)
    place, venv = places.cwd / app.name, places.cwd / f"venv-{app.name}"
    assert (about["python"], about["prefix"]) == (app.version, str(venv))
    assert about["goods"] == f"of the {app.name}"
    assert (about["directory"], about["path"], about["file"]) == (str(place), str(place), str(place / "place.py"))
    account = pwd.getpwnam(app.user) if app.user else pwd.getpwuid(os.getuid())
    assert about["uids"] == [account.pw_uid] * 3
    assert about["environment"] == {
        "PLACE": app.name,
        "HOME": account.pw_dir if app.user else os.environ.get("HOME"),
        "USER": app.user or os.environ.get("USER"),
        "ONLY_NORTH": "yes" if app.name == "north" else None,
        "OF_THE_SHELL": "for all",
    }
    assert not app.user or 0 not in about["groups"]


@pytest.mark.parametrize("app", apps(), ids=lambda app: app.name)
def test_no_app_can_reach_into_the_memory_between_the_edge_and_another(places, app):
    ask(places, app.name)
    for pid in pids(places, "worker", app.name):
        channels = {line.split()[4] for line in open(f"/proc/{pid}/maps") if "memfd:" in line}
        assert len(channels) == 1
        others = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        assert not [name for name in others if "memfd:" in name]


def test_the_death_of_one_app_is_nothing_to_the_others(places):
    before = {app.name: ask(places, app.name)["pid"] for app in apps()}
    for pid in pids(places, "zygote", "north") | pids(places, "worker", "north"):
        os.kill(pid, signal.SIGKILL)
    for name in ("south", "east", "west"):
        assert ask(places, name)["pid"] == before[name]
    assert ask(places, "north")["pid"] != before["north"]
    assert ask(places, "north")["environment"]["PLACE"] == "north"
    loaded = re.compile(r"zygote of app 'north' \(pid \d+\) has loaded it")
    wait_until(lambda: len(loaded.findall(places.stderr())) == 2, what="another interpreter")


def test_an_app_whose_new_code_is_broken_keeps_no_other_from_its_own(places):
    for name in ("north", "south"):
        place = places.cwd / name / "place.py"
        place.write_text(place.read_text().replace("EDITION = 1", "EDITION = 2" if name == "south" else "EDITION = nonsense"))
    try:
        places.signal(signal.SIGHUP)
        wait_until(lambda: ask(places, "south")["edition"] == 2 and ask(places, "north")["edition"] == 1, what="a reload")
        places.wait_for_log("app 'north' cannot be loaded again")
        assert ask(places, "north")["edition"] == 1
    finally:
        shutil.copy(PLACE, places.cwd / "north/place.py")


DEBIANS = ("flask", "django-asgi", "bottle", "falcon-wsgi", "starlette")
# These do not take root_path off the path, as ASGI has it by now (Starlette does from 0.33 on): their route does it.
REWRITTEN = ("falcon-asgi", "starlette")
# These know no SCRIPT_NAME when they redirect.
UNAWARE = ("bottle", "falcon-wsgi", *REWRITTEN)


@pytest.mark.release_only  # ten interpreters at once: slow, and nothing in them is sanitized
def test_every_framework_lives_below_a_prefix_of_one_server(tmp_path, labcoat, interpreter_with):
    """Debian's and PyPI's side by side; the links that they make have the prefix."""
    (tmp_path / "data.bin").write_bytes(FILE)
    tables = '[server]\nlisten = "http://127.0.0.1:0"\n'
    for name, target in TARGETS.items():
        tables += f"""
[app.{name}]
target = "{target}"
python = "{interpreter_with("debian" if name in DEBIANS else "pypi")}"
environment = {{ PYTHONPATH = "{PLACE.parent}" }}
workers = 1
[[route]]
path = "/{name}/*"
app = "{name}"
{'rewrite = "/{1}"' if name in REWRITTEN else f'strip_prefix = "/{name}"'}
"""
    (tmp_path / "labcoat.toml").write_text(tables)
    with Server(cwd=tmp_path, program=labcoat, listen=None) as server, requests.Session() as browser:
        browser.trust_env = False
        for name in TARGETS:
            url = f"{server.url}/{name}"
            assert browser.get(f"{url}/hello/Jörg").json()["name"] == "Jörg", name
            assert browser.get(f"{url}/download").content == FILE, name
            if name not in UNAWARE:
                away = browser.get(f"{url}/go", allow_redirects=False).headers["Location"]
                assert away in (f"{url}/hello/again", f"/{name}/hello/again"), name
        assert browser.get(f"{server.url}/elsewhere").status_code == 404
