"""immortal_objects: what is there before the fork is not counted any more, and so stays shared (PEP 683, Python 3.12)."""

import json
import urllib.request

import pytest
from interpreters import pythons
from server import wait_until

pytestmark = pytest.mark.release_only  # the extension is the same in the sanitized build
NEWER = [python for python in pythons() if (3, 12) <= python.version < (3, 14)]
ON = ("--set", "immortal_objects=on")
IMMORTAL = 1 << 30  # no object of a test is used so often

# Names of the objects that the app is asked about, and whether they die when nobody uses them any more.
KINDS = {
    "a_dict": True, "an_instance": True, "a_class": True, "a_function": True, "a_constant_of_code": True,
    "strings_in_tuples": True, "a_file": False, "with_del": False, "an_epoll": False, "a_memoryview": False,
}  # fmt: skip

APP = """
import json, os, select, sys

class Plain:
    pass

class Last:
    def __del__(self):
        ended.append("dropped")

def function():
    return "a constant that is not a name"

ended = []
an_instance = Plain()
an_instance.kept = {"key": ["one", "two"]}
objects = {
    "a_dict": an_instance.kept, "an_instance": an_instance, "a_class": Plain, "a_function": function,
    "a_constant_of_code": function.__code__.co_consts[1], "strings_in_tuples": (("".join(["a", "string"]),),)[0][0],
    "a_file": open(__file__), "with_del": Last(),
    "an_epoll": select.epoll(), "a_memoryview": memoryview(bytearray(1)),
}
pool = Plain()
pool.connection = Last()
of_the_module = Last()

def close_pool():
    global pool
    pool = None

def app(environ, start_response):
    if environ["PATH_INFO"] == "/drop":
        fd = objects.pop("a_file").fileno()
        del objects["with_del"]
        ended.append("open" if os.path.exists(f"/proc/self/fd/{fd}") else "closed")
    counts = {name: sys.getrefcount(value) for name, value in objects.items()}
    counts["made in a worker"] = sys.getrefcount(Plain())
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([counts, ended]).encode()]
"""


def ask(server, path="/"):
    with urllib.request.urlopen(server.url + path, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.parametrize("python", NEWER, ids=str)
def test_what_is_made_before_the_fork_is_not_counted(serve, write_app, python):
    write_app(APP)
    server = serve("app:app", "-w", 2, "--python", python.path, *ON)
    counts, _ = ask(server)
    assert {name: count > IMMORTAL for name, count in counts.items()} == {**KINDS, "made in a worker": False}
    assert "immortal_objects" not in server.stderr()


@pytest.mark.parametrize("python", NEWER[-1:], ids=str)
def test_an_app_that_freezes_by_itself_is_looked_into_as_well(serve, write_app, python):
    write_app(APP + "import gc\ngc.freeze()\n")
    server = serve("app:app", "-w", 1, "--python", python.path, *ON)
    assert [name for name, count in ask(server)[0].items() if count < IMMORTAL] == [
        *(name for name, immortal in KINDS.items() if not immortal), "made in a worker"
    ]  # fmt: skip


@pytest.mark.parametrize("python", NEWER[-1:], ids=str)
def test_what_does_something_when_it_dies_still_does(serve, write_app, python):
    write_app(APP)
    server = serve("app:app", "-w", 1, "--python", python.path, *ON)
    assert ask(server, "/drop")[1] == ["dropped", "closed"]


@pytest.mark.parametrize("python", NEWER[-1:], ids=str)
def test_what_pre_fork_lets_go_is_gone(serve, write_app, python):
    write_app(APP)
    server = serve("app:app", "-w", 2, "--python", python.path, *ON, "--set", "pre_fork=app:close_pool")
    assert ask(server)[1] == ["dropped"]


@pytest.mark.parametrize("python", NEWER[-1:], ids=str)
def test_a_reload_does_it_again(serve, write_app, python):
    write_app(APP)
    server = serve("app:app", "-w", 1, "--python", python.path, *ON)
    write_app(APP.replace("ended = []", "ended = ['new']"))
    server.signal(1)
    wait_until(lambda: ask(server)[1] == ["new"], what="the new code")
    assert ask(server)[0]["a_dict"] > IMMORTAL


@pytest.mark.parametrize("python", NEWER[-1:], ids=str)
def test_without_it_everything_is_counted(serve, write_app, python):
    write_app(APP)
    server = serve("app:app", "-w", 1, "--python", python.path)
    counts, _ = ask(server)
    assert [name for name in KINDS if counts[name] > IMMORTAL] == []


@pytest.mark.parametrize("python", NEWER[-1:], ids=str)
def test_the_zygote_ends_without_taking_apart_what_the_app_has_made(serve, write_app, python):
    write_app(APP)
    server = serve("app:app", "-w", 1, "--python", python.path, *ON)
    assert ask(server)
    server.signal(15)
    assert server.wait() == 0
    assert "Exception ignored" not in server.stderr()


@pytest.mark.parametrize("python", [python for python in pythons() if python not in NEWER], ids=str)
def test_another_python_says_that_it_cannot(serve, write_app, python):
    write_app(APP)
    server = serve("app:app", "-w", 2, "--python", python.path, *ON)
    assert all(count < IMMORTAL for count in ask(server)[0].values())
    told = f"immortal_objects changes nothing for 'app': Labcoat can do it with Python 3.12 and 3.13, this is {python}"
    assert server.stderr().count(told) == 1
