"""Logs whose settings change while the server runs (HUP): from the next request on, nothing lost, no line of two kinds."""

import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest
from edge_wire import Edge
from server import wait_until

EDGE = pathlib.Path(__file__).resolve().parent.parent / "edge"
SITE = """
[server]
listen = "http://127.0.0.1:0"
edge_threads = {threads}
{server}
[admin]
listen = "http://127.0.0.1:0"
[app.main]
target = "edge_app:app"
workers = 2
[[route]]
path = "/version"
answer = "{version}"
[[route]]
path = "/*"
app = "main"
"""


class Site:
    """A server whose file changes. Requests for /version have no query: they tell when a thread goes by the new file."""

    def __init__(self, serve, folder, program):
        self.serve, self.folder, self.program = serve, folder, program
        self.version = 0

    def start(self, threads=1, **server):
        self.threads = threads
        self.write(**server)
        self.edge = Edge(self.serve(listen=None, env={"PYTHONPATH": str(EDGE)}))
        return self

    def write(self, **server):
        self.version += 1
        words = "\n".join(f"{name} = {value}" if type(value) is int else f"{name} = '{value}'" for name, value in server.items())
        text = SITE.format(server=words, version=self.version, threads=self.threads)
        (self.folder / "labcoat.toml").write_text(text)

    def hup(self, **server):
        self.write(**server)
        self.edge.server.signal(signal.SIGHUP)
        wait_until(lambda: self.edge.get("/version").body == str(self.version).encode(), what="the new file to be in force")

    def reload(self):
        done = subprocess.run([self.program, "reload"], cwd=self.folder, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def holds_open(self, path):
        return self.times_open(path) > 0

    def times_open(self, path):
        links = f"/proc/{self.edge.pid}/fd"
        names = []
        for number in os.listdir(links):
            try:
                names.append(os.readlink(f"{links}/{number}"))
            except FileNotFoundError:
                pass  # closed by now
        return names.count(str(path))

    def begin(self, name):
        """A request that a worker has begun, and that ends when the result is called."""
        gate = self.folder / name
        client = self.edge.client()
        client.request(f"/gate?{gate}")
        wait_until((self.folder / f"{name}.begun").exists, what="the app to begin")

        def finish():
            gate.touch()
            assert client.response().status == 200
            client.close()

        return finish


@pytest.fixture
def site(serve, tmp_path, labcoat):
    return Site(serve, tmp_path, labcoat)


def lines(path):
    """Without those of /version."""
    text = path.read_text().splitlines() if path.exists() else []
    return [line for line in text if not line.endswith("-")]


def wait_for_lines(path, expected):
    wait_until(lambda: lines(path) == expected, 10, f"{expected} in {path}")


def test_another_format_is_for_requests_that_begin_from_then_on(site, tmp_path):
    log, gate = tmp_path / "log", tmp_path / "gate"
    site.start(access_log=log, access_log_format="old {status} {query}")
    site.edge.get("/echo?a")
    finish = site.begin("gate")
    site.hup(access_log=log, access_log_format='new "{user_agent}" {header.X-Trace} {query}')
    site.edge.get("/echo?b", fields=[("User-Agent", "me"), ("X-Trace", "7")])
    finish()
    wait_for_lines(log, ["old 200 a", 'new "me" 7 b', f"old 200 {gate}"])
    assert "in force from now on: server.access_log_format, routes" in site.edge.server.stderr()
    site.hup(access_log=log, access_log_format="json status query")
    site.edge.get("/echo?c")
    wait_until(lambda: '{"status":200,"query":"c"}' in lines(log), what="a line in JSON")


def test_another_file_takes_over_and_the_old_one_is_closed_when_its_last_request_has_its_line(site, tmp_path):
    first, second, gate = tmp_path / "first", tmp_path / "second", tmp_path / "gate"
    site.start(access_log=first, access_log_format="{query}")
    site.edge.get("/echo?a")
    finish = site.begin("gate")
    site.hup(access_log=second, access_log_format="{query}")
    site.edge.get("/echo?b")
    wait_for_lines(second, ["b"])
    assert site.holds_open(first)
    finish()
    wait_for_lines(first, ["a", str(gate)])
    wait_until(lambda: not site.holds_open(first), what="the old file to be closed")
    assert lines(second) == ["b"] and site.edge.counter("access_log_dropped") == 0


def test_a_log_is_turned_on_and_off(site, tmp_path):
    log = tmp_path / "log"
    site.start()
    finish_unlogged = site.begin("unlogged")
    site.edge.get("/echo?nowhere")
    site.hup(access_log=log, access_log_format="{query}")
    site.edge.get("/echo?a")
    finish_unlogged()
    finish = site.begin("gate")
    site.hup(access_log="off", access_log_format="{query}")
    site.edge.get("/echo?b")
    finish()
    wait_for_lines(log, ["a", str(tmp_path / "gate")])
    wait_until(lambda: not site.holds_open(log), what="the file to be closed")
    site.hup(access_log=log, access_log_format="{query}")
    site.edge.get("/echo?c")
    wait_for_lines(log, ["a", str(tmp_path / "gate"), "c"])


def test_a_request_that_cannot_be_read_goes_by_what_is_in_force(site, tmp_path):
    log = tmp_path / "log"
    site.start()
    with site.edge.client() as client:
        client.get("/echo?unlogged")
        site.hup(access_log=log, access_log_format="{query} {status}")
        client.send(b"GET /\r\n\r\n")
        assert client.response().status == 400
    wait_until(lambda: "- 400" in lines(log), what="the line")


def test_only_errors_and_samples_and_what_is_slow(site, tmp_path):
    log, slow = tmp_path / "log", tmp_path / "slow"
    form = {"access_log": log, "access_log_format": "{query}", "slow_log": slow}
    site.start(**form, slow_log_threshold="1h")
    site.edge.get("/echo?a")
    wait_for_lines(log, ["a"])
    site.hup(**form, slow_log_threshold="0s", access_log_only="errors")
    site.edge.get("/echo?b")
    wait_for_lines(slow, ["b"])
    site.hup(**form, slow_log_threshold="1h", access_log_sample=1000000)
    site.edge.get("/echo?c")
    site.hup(**form, slow_log_threshold="1h")
    site.edge.get("/echo?d")
    wait_for_lines(log, ["a", "d"])
    assert lines(slow) == ["b"]


def test_syslog_instead_of_a_file_and_back(site, tmp_path):
    log = tmp_path / "log"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(30)
        site.start(access_log=log, access_log_format="{query}")
        site.edge.get("/echo?a")
        site.hup(access_log=f"syslog+udp://127.0.0.1:{sink.getsockname()[1]}", access_log_format="{query}")
        site.edge.get("/echo?b")
        while not sink.recv(65536).endswith(b" access - b"):
            pass
        site.hup(access_log=log, access_log_format="{query}")
        site.edge.get("/echo?c")
        wait_for_lines(log, ["a", "c"])


@pytest.mark.parametrize("option", ["access_log", "slow_log"])
def test_a_file_that_cannot_be_written_refuses_the_whole_configuration(site, tmp_path, option):
    log, bad = tmp_path / "log", tmp_path / "nowhere" / "log"
    form = {"access_log_format": "{query}", "slow_log_threshold": "0s"}
    site.start(**form, **{option: log})
    site.edge.get("/echo?a")
    before = site.edge.get("/version").body
    site.write(**form, **{option: bad})
    code, text = site.reload()
    assert code == 1 and f"{bad} cannot be written: {bad.parent} does not exist" in text
    assert "the configuration in force stays" in site.edge.server.stderr()
    assert site.edge.get("/version").body == before
    site.edge.get("/echo?b")
    wait_for_lines(log, ["a", "b"])
    assert not bad.exists()


def test_what_only_the_edge_finds_out_keeps_the_old_log_until_usr1(site, tmp_path):
    log, pipe = tmp_path / "log", tmp_path / "pipe"
    site.start(access_log=log, access_log_format="{query}")
    site.edge.get("/echo?a")
    os.mkfifo(pipe)
    site.hup(access_log=pipe, access_log_format="new {query}")
    site.edge.server.wait_for_log(f"the logs in force stay, for the new ones cannot be used: cannot open the access log {pipe}: ")
    site.edge.get("/echo?b")
    wait_for_lines(log, ["a", "b"])
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    got = b""

    def came():
        nonlocal got
        site.edge.get("/echo?c")
        try:
            got += os.read(reader, 65536)
        except BlockingIOError:
            pass
        return b"new c\n" in got

    try:
        site.edge.server.signal(signal.SIGUSR1)
        wait_until(came, what="a line in the pipe")
    finally:
        os.close(reader)


def test_a_pipe_that_is_stuck_holds_up_neither_the_change_nor_an_answer(site, tmp_path):
    log, pipe = tmp_path / "log", tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        site.start(access_log=pipe, access_log_format="{target}")
        with site.edge.client() as client:
            for _ in range(30):
                client.get(f"/echo?{'x' * 7000}")
        site.hup(access_log=log, access_log_format="{query}")
        site.edge.get("/echo?after")
        wait_for_lines(log, ["after"])
        wait_until(lambda: not site.holds_open(pipe), what="the pipe to be given up")
        assert site.edge.counter("access_log_dropped") > 0
    finally:
        os.close(reader)


def test_an_edge_that_takes_the_place_of_a_dead_one_logs_by_what_was_adopted(site, tmp_path):
    log = tmp_path / "log"
    site.start()
    site.hup(access_log=log, access_log_format="new {query}")
    site.edge.get("/echo?a")
    wait_for_lines(log, ["new a"])
    os.kill(site.edge.pid, signal.SIGKILL)
    ready = re.compile(r"edge \(pid \d+\) is ready")
    wait_until(lambda: len(ready.findall(site.edge.server.stderr())) == 2, what="another edge")
    site.edge.get("/echo?b")
    wait_for_lines(log, ["new a", "new b"])


def test_an_edge_serves_without_a_log_that_only_its_predecessor_could_open(site, tmp_path):
    log, pipe = tmp_path / "log", tmp_path / "pipe"
    site.start(access_log=log, access_log_format="{query}")
    os.mkfifo(pipe)
    site.hup(access_log=pipe, access_log_format="new {query}")
    os.kill(site.edge.pid, signal.SIGKILL)
    site.edge.server.wait_for_log(f"requests are not logged: cannot open the access log {pipe}: ")
    wait_until(lambda: site.edge.server.edge_pid() not in (None, site.edge.pid), what="the next edge")
    assert site.edge.get("/echo?a").body == b"a"
    pipe.unlink()
    site.edge.server.signal(signal.SIGUSR1)
    wait_until(pipe.exists, what="a file in the pipe's place")
    site.edge.get("/echo?b")
    wait_for_lines(pipe, ["new b"])


def test_a_log_that_requests_still_hold_gets_no_second_writer(site, tmp_path):
    log = tmp_path / "log"
    site.start(access_log=log, access_log_format="{query}")
    finish = site.begin("gate")
    site.hup(access_log="off")
    site.hup(access_log=log, access_log_format="{query}")
    assert site.times_open(log) == 1
    finish()


def test_usr1_leaves_alone_what_only_earlier_requests_write_to(site, tmp_path):
    old, new = tmp_path / "old/log", tmp_path / "new"
    old.parent.mkdir()
    site.start(access_log=old, access_log_format="{query}")
    finish = site.begin("gate")
    site.hup(access_log=new, access_log_format="{query}")
    old.parent.rename(tmp_path / "away")
    new.rename(tmp_path / "new.1")
    site.edge.server.signal(signal.SIGUSR1)
    wait_until(new.exists, what="the new file")
    assert site.edge.counter("access_log_reopen_failed") == 0
    finish()
    wait_until(lambda: (tmp_path / "away/log").read_text(), what="the line of the old request")


def test_under_load_every_request_has_one_whole_line(site, tmp_path):
    forms = [f'{kind} "{{query}}" {{header.X-N}} {{status}}' for kind in ("one", "two")]
    logs = [tmp_path / "log", tmp_path / "other"]
    site.start(threads=2, access_log=logs[0], access_log_format=forms[0])
    asked = []

    def ask(clients):
        for client in clients:
            name = str(len(asked))
            asked.append(name)
            client.send(f"GET /echo?{name} HTTP/1.1\r\nHost: x\r\nX-N: {name}\r\n\r\n".encode())
        for client in clients:
            assert client.response().status == 200

    clients = [site.edge.client() for _ in range(16)]
    for turn in range(1, 9):
        ask(clients)
        site.write(access_log=logs[turn // 2 % 2], access_log_format=forms[turn % 2])
        site.edge.server.signal(signal.SIGHUP)
        while site.edge.server.stderr().count("HUP: reading the configuration") < turn:
            ask(clients)
        ask(clients)
    for client in clients:
        client.close()
    assert site.edge.server.stop() == 0
    written = [line for log in logs for line in log.read_text().splitlines()]
    whole = [re.fullmatch(r'(?:one|two) "(\d+)" (\d+) 200', line) for line in written]
    assert all(match and match[1] == match[2] for match in whole)
    assert sorted(int(match[1]) for match in whole) == list(range(len(asked)))
