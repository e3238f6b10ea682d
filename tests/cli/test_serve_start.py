"""Starting `labcoat serve`: what a wrong word, file, port or interpreter is answered with, and that nothing half-started stays."""

import os
import pathlib
import re
import resource
import socket
import stat
import subprocess
import sys

import pytest
from server import ROOT, Server

HELLO = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]

def create_app():
    return app
"""


@pytest.fixture
def run(labcoat, tmp_path):
    """run("-w", 0) runs `labcoat serve` to its end in a directory with the module hello: (exit code, stdout, stderr)."""
    (tmp_path / "hello.py").write_text(HELLO)

    def start(*args, env=None, limit=None):
        done = subprocess.run(
            [labcoat, "serve", *map(str, args)],
            cwd=tmp_path,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=60,
            preexec_fn=limit,
        )
        return done.returncode, done.stdout, done.stderr

    return start


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["hello:app", "--worker", "2"], "there is no flag --worker; did you mean --workers?"),
        (["hello:app", "--frobnicate"], "there is no flag --frobnicate; see labcoat serve --help"),
        (["hello:app", "other:app"], "'other:app' is one word too many"),
        (["hello:app", "-w"], "a value is missing: --workers"),
        (["hello:app", "-w", "0"], "--workers: workers: '0' is not a whole number from 1 to 512, or auto"),
        (["hello:app", "-w", "many"], "'many' is not a whole number"),
        (["hello:app", "--set", "worker=2"], "there is no option 'worker'; did you mean 'workers'?"),
        (["hello:app", "--set", "gc=fast"], "'fast' is not default, freeze, off or between_requests"),
        (["hello:app", "-l", "8000"], "'8000' is not http://HOST:PORT, https://HOST:PORT or unix:PATH"),
        (["hello:app", "-l", "http://192.0.2.1:0"], "this machine has no such address"),
        (["hello:app", "-l", "http://no.such.host.invalid:0"], "'no.such.host.invalid' is not an address of this machine"),
        (["hello:app", "-l", "unix:/no/such/directory/s"], "cannot listen on unix:/no/such/directory/s: No such file"),
        (
            ["hello:app", *(word for i in range(201) for word in ("-l", f"unix:s{i}"))],
            "201 listeners are more than one server can have: at most 200",
        ),
        (["hello.py"], "'hello.py' is not MODULE:CALLABLE; did you mean 'hello:app'?"),
        (["-c", "nowhere.toml"], "nowhere.toml: No such file or directory"),
        (["--static", "/s=nowhere"], "does not exist"),
        ([], "there is nothing to serve"),
        (["hello:app", "--python", "/no/python"], "--python: the Python interpreter /no/python does not exist"),
        (["hello:app", "--python", "no-such-python"], "there is no Python interpreter 'no-such-python' on PATH"),
        (["hello:app", "--python", "/bin/true"], "does not answer like a Python interpreter"),
        (["hello:app", "--access-log", "/no/such/directory/log"], "/no/such/directory/log"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_word_is_one_sentence_and_exit_2(run, words, sentence):
    code, out, err = run(*words)
    assert (code, out) == (2, ""), err
    assert sentence in err
    assert err.startswith("labcoat serve: ") and err.count("\n") == 1, err


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("[app.hello]\ntarget = 'hello:app'\nworker = 2\n", "labcoat.toml:3: [app.hello] has no key 'worker'; did you mean 'workers'?"),
        ("[app.hello]\ntarget = 'hello:app'\nthreads = '2'\n", "labcoat.toml:3: app.hello.threads is text; expected a whole number from 1 to 64"),
        ("[server]\nbacklog = 0\n", "labcoat.toml:2: backlog: '0' is not a whole number from 1 to 65535"),
        ("[sever]\n", "labcoat.toml:1: the configuration has no key 'sever'; did you mean 'server'?"),
        ("server = [\n", "this is not TOML"),
        ("[app.hello]\ntarget = 'hello:app'\n[[route]]\npath = '/x/*'\nfiles = 'no'\n", "labcoat.toml:5: route.files: the directory"),
    ],
    ids=["key", "type", "range", "table", "syntax", "directory"],
)
def test_a_wrong_file_is_named_with_line_and_key(run, tmp_path, text, sentence):
    (tmp_path / "labcoat.toml").write_text(text)
    code, out, err = run()
    assert (code, out) == (2, ""), err
    assert sentence in err
    assert err.count("\n") == 1, err


def test_an_unreadable_file_is_named(run, tmp_path):
    (tmp_path / "labcoat.toml").mkdir()
    code, _, err = run()
    assert code == 2
    assert "labcoat.toml: Is a directory" in err


def test_a_port_in_use_is_said_before_any_child_exists(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        code, out, err = run("hello:app", "-l", url)
    assert (code, out) == (2, "")
    assert f"cannot listen on {url}: Address already in use; another program listens there" in err
    assert "zygote" not in err and "edge" not in err


def test_too_few_descriptors_are_refused_with_what_to_do(run):
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (600, 600))  # noqa: E731
    code, _, err = run("hello:app", "-w", 1, "--set", "connections=5000", limit=few)
    assert code == 2
    assert re.search(r"the limit of open files is 600, but 5000 connections need \d+; raise it \(ulimit -n \d+", err)


def test_a_limit_of_connections_nobody_set_gives_way_to_the_system(labcoat, write_app, tmp_path):
    write_app(HELLO, "hello")
    few = tmp_path / "few"
    few.write_text(f'#!/bin/sh\nulimit -n 600\nexec {labcoat} "$@"\n')
    few.chmod(0o755)
    with Server("hello:app", "-w", 1, cwd=tmp_path, program=few) as server:
        assert "the limit of open files is 600: serving at most" in server.stderr()
        assert server.stop() == 0


def test_an_app_that_cannot_be_imported_ends_with_its_traceback_and_one_sentence(serve, write_app):
    write_app("import no_such_module_here\n", "shop")
    server = serve("shop:app", "-w", 1, wait=False)
    assert server.wait() == 1
    server.assert_nothing_left()
    log = server.stderr()
    assert "Traceback (most recent call last)" in log
    assert "ModuleNotFoundError: No module named 'no_such_module_here'" in log
    last = [line for line in log.splitlines() if "labcoat error" in line]
    assert last and "'shop'" in last[-1] and "python" in last[-1], log


@pytest.mark.parametrize(
    "target, part",
    [("nowhere:app", "nowhere"), ("hello:application", "application"), ("hello:HELLO", "HELLO")],
)
def test_a_target_that_is_not_there_is_named(run, target, part):
    code, out, err = run(target, "-w", 1, "-l", "http://127.0.0.1:0")
    assert (code, out) == (1, "")
    assert part in [line for line in err.splitlines() if "labcoat error" in line][-1]


def test_an_old_interpreter_is_refused(run, tmp_path):
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\necho 3.9.2\necho $0\necho yes\n")
    old.chmod(0o755)
    code, _, err = run("hello:app", "--python", "./python3.9")
    assert code == 2
    assert "is Python 3.9.2; Labcoat needs 3.11 or newer: name another with --python PATH" in err


def test_a_free_threaded_interpreter_is_refused(run, tmp_path):
    free = tmp_path / "python3.13t"
    free.write_text("#!/bin/sh\necho 3.13.0t\necho $0\necho yes\n")
    free.chmod(0o755)
    code, _, err = run("hello:app", "--python", "./python3.13t")
    assert code == 2
    assert "is Python 3.13.0t without the interpreter's lock, which has no stable ABI; name one with the lock (python3.13)" in err


def test_the_virtual_environment_decides_before_the_path(run, tmp_path):
    venv = tmp_path / "venv/bin"
    venv.mkdir(parents=True)
    code, _, err = run("hello:app", env={"VIRTUAL_ENV": str(tmp_path / "venv")})
    assert code == 2 and "VIRTUAL_ENV is" in err
    (venv / "python3").symlink_to(sys.executable)
    code, out, _ = run("hello:app", "--check", env={"VIRTUAL_ENV": str(tmp_path / "venv")})
    assert code == 0 and "(VIRTUAL_ENV)" in out


def test_an_allocator_that_is_not_installed_names_its_package(run, tmp_path):
    # An interpreter that sees no such library in itself.
    fake = tmp_path / "python3"
    fake.write_text("#!/bin/sh\necho 3.11.2\necho /usr/bin/python3\necho no\n")
    fake.chmod(0o755)
    code, _, err = run("hello:app", "--python", "./python3", "--set", "allocator=mimalloc")
    assert code == 2
    assert "needs libmimalloc.so.2" in err and "apt-get install libmimalloc2.0" in err


def test_check_says_what_would_be_served(run):
    code, out, err = run("hello:create_app()", "--check")
    assert code == 0, err
    assert "app 'app': hello:create_app() loads with" in out
    assert "the configuration is fine" in out


def test_check_finds_what_only_an_import_can(run):
    code, _, err = run("hello:ap", "--check")
    assert code == 2
    assert "labcoat serve: app 'app': " in err and "'ap'" in err


def test_a_unix_socket_is_made_and_removed(serve, write_app, tmp_path):
    write_app(HELLO, "hello")
    path = tmp_path / "s.sock"
    left_behind = socket.socket(socket.AF_UNIX)
    left_behind.bind(str(path))
    left_behind.close()  # the file stays: a dead server's
    server = serve("hello:app", "-w", 1, "-l", f"unix:{path}")
    assert server.urls == [f"unix:{path}"]
    assert stat.S_ISSOCK(path.stat().st_mode)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    assert answer.endswith(b"hello")
    assert server.stop() == 0
    assert not path.exists()


def test_several_listeners_are_ready_in_their_order(serve, write_app):
    write_app(HELLO, "hello")
    server = serve("hello:app", "-w", 1, "-l", "http://127.0.0.1:0", "-l", "http://[::1]:0")
    assert len(server.urls) == 2
    assert server.urls[0].startswith("http://127.0.0.1:") and server.urls[1].startswith("http://[::1]:")
    for url in server.urls:
        host, port = re.fullmatch(r"http://\[?(.*?)\]?:(\d+)", url).groups()
        socket.create_connection((host, int(port)), timeout=10).close()


def test_files_alone_need_no_python(serve, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/a.txt").write_text("of the edge")
    server = serve("--static", "/=site", env={"PATH": "/nonexistent"})
    import urllib.request

    with urllib.request.urlopen(server.url + "/a.txt", timeout=10) as answer:
        assert answer.read() == b"of the edge"
    assert len(server.processes()) == 2


def test_help_lists_every_option(run):
    code, out, _ = run("--help")
    assert code == 0
    for name in ("workers", "max_requests", "request_body_bytes", "--check"):
        assert name in out


def test_the_options_page_is_current(run):
    code, out, _ = run("--print-options-doc")
    assert code == 0
    page = pathlib.Path(ROOT / "docs/options.md").read_text()
    assert page == out, "make it again: build/release/labcoat serve --print-options-doc > docs/options.md"
