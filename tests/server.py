"""A running `labcoat serve` for tests: started in a directory of its own, on free ports, and watched to the last process.

Nothing here sleeps for a guessed time: starting waits for the `ready URL` lines, ends are waited for by pidfd, and
wait_until() looks again until a condition holds or a generous limit has passed.
"""

import os
import pathlib
import select
import signal
import subprocess
import time
import urllib.parse
import uuid
from signal import SIGTERM  # in the class below, `signal` is a method

ROOT = pathlib.Path(__file__).resolve().parent.parent
START_SECONDS_MAX = 60  # a sanitized build on a busy machine
TAG = "LABCOAT_TEST_RUN"


def labcoat_program():
    """The program under test: $LABCOAT, else the release build."""
    path = pathlib.Path(os.environ.get("LABCOAT", ROOT / "build/release/labcoat")).resolve()
    assert path.exists(), f"{path} does not exist: run `make build`, or set LABCOAT"
    return path


def wait_until(condition, seconds=30, what="the condition"):
    """Looks until condition() is true and returns its value; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.005)


def wait_gone(pid, seconds=30):
    """Waits until the process has ended (zombies count as ended)."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([fd], [], [], seconds)[0], f"process {pid} is still there after {seconds} s"
    finally:
        os.close(fd)


def _processes(tag):
    """Every live process that was started, at whatever distance, with this tag in its environment."""
    needle = f"{TAG}={tag}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if needle not in file.read().split(b"\0"):
                    continue
            found.append(int(entry))
        except OSError:
            pass  # gone by now, or a zombie
    return found


class Server:
    """One `labcoat serve`. Use it as a context manager, or through the `serve` fixture.

    `args` are the words after `serve`; `-l http://127.0.0.1:0` is added unless a listener is named in them, or
    `listen=None`. With wait=False the constructor returns at once, for servers that are expected to fail. `before` are words
    that end with `exec "$@"`, as of a shell that goes into a cgroup first.
    """

    def __init__(self, *args, cwd, env=None, listen="http://127.0.0.1:0", wait=True, program=None, name="server", before=()):
        self.tag = uuid.uuid4().hex
        self.cwd = pathlib.Path(cwd)
        self.log_path = self.cwd / f"{name}.stderr"
        self.urls = []
        self.stdout_rest = ""
        words = [*before, str(program or labcoat_program()), "serve", *map(str, args)]
        if listen and not any(word == "-l" or word.startswith("--listen") for word in words):
            words += ["-l", listen]
        environment = {**os.environ, **(env or {}), TAG: self.tag}
        environment.setdefault("PYTHONDONTWRITEBYTECODE", "1")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                words, cwd=self.cwd, env=environment, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL
            )
        self.pid = self.process.pid
        os.set_blocking(self.process.stdout.fileno(), False)
        if wait:
            self._wait_ready()

    def _wait_ready(self):
        # The lines come in one write, after the last thing that can fail.
        text = self._read_stdout(lambda so_far: so_far.startswith("ready ") and so_far.endswith("\n"))
        self.urls = [line.removeprefix("ready ") for line in text.splitlines() if line.startswith("ready ")]
        self.admin_urls = [line.removeprefix("admin ") for line in text.splitlines() if line.startswith("admin ")]
        assert self.urls, f"labcoat serve did not get ready; its stderr:\n{self.stderr()}"

    def _read_stdout(self, enough, seconds=START_SECONDS_MAX):
        text = ""
        deadline = time.monotonic() + seconds
        while not enough(text):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                self.kill()
                raise AssertionError(f"nothing on stdout for {seconds} s; stderr:\n{self.stderr()}")
            piece = self.process.stdout.read()
            if piece == b"":
                break
            text += (piece or b"").decode()
        return text

    @property
    def url(self):
        return self.urls[0]

    @property
    def host(self):
        return urllib.parse.urlsplit(self.url).hostname

    @property
    def port(self):
        return urllib.parse.urlsplit(self.url).port

    def stderr(self):
        return self.log_path.read_text(errors="replace")

    def wait_for_log(self, text, count=1, seconds=30):
        """Waits until `text` stands in stderr at least `count` times."""
        wait_until(lambda: self.stderr().count(text) >= count, seconds, f"{text!r} x{count} in {self.log_path}")

    def processes(self):
        """Pids of everything this server started, itself included."""
        return _processes(self.tag)

    def _named(self, predicate):
        found = []
        for pid in self.processes():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")
                with open(f"/proc/{pid}/stat") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if pid != self.pid and predicate(words, parent):
                found.append(pid)
        return found

    def edge_pid(self):
        pids = self._named(lambda words, _: len(words) > 1 and words[1] == "edge")
        assert len(pids) == 1, f"edges: {pids}"
        return pids[0]

    def _logged_pids(self, word):
        # "worker 3 of app (pid 123) ..." and "zygote of app (pid 122) ..." are the supervisor's own words.
        import re

        return {int(pid) for pid in re.findall(rf"\b{word}\b[^\n]*?\(pid (\d+)\)", self.stderr())}

    def worker_pids(self):
        live = set(self.processes())
        return sorted(live & self._logged_pids("worker"))

    def wait_for_workers(self, count, seconds=30):
        """Waits until exactly so many workers live, all of them ready; returns their pids."""

        def ready():
            log = self.stderr()
            pids = self.worker_pids()
            return pids if len(pids) == count and all(f"(pid {pid}) is ready" in log for pid in pids) else None

        return wait_until(ready, seconds, f"{count} ready workers; log:\n{self.stderr()}")

    def zygote_pids(self):
        live = set(self.processes())
        return sorted(live & self._logged_pids("zygote"))

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=60):
        """The exit code, once the server has ended by itself."""
        return self.process.wait(seconds)

    def stop(self, number=SIGTERM, seconds=60):
        """Ends the server, checks that none of its processes is left, and returns its exit code."""
        if self.process.poll() is None:
            self.signal(number)
        try:
            code = self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"labcoat serve did not stop in {seconds} s; stderr:\n{self.stderr()}") from None
        self.assert_nothing_left()
        return code

    def assert_nothing_left(self, seconds=10):
        wait_until(lambda: not self.processes(), seconds, f"processes {self.processes()} to end:\n{self.stderr()}")

    def kill(self):
        """Ends every process of this server, without ceremony."""
        self.process.kill()
        self.process.wait()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.process.stdout:
            self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.kill()
            print(f"--- stderr of labcoat serve ({self.log_path})\n{self.stderr()[-8000:]}")
        elif self.process.poll() is None:
            self.stop()
        else:
            self.assert_nothing_left()
