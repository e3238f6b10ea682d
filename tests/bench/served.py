"""A server that is being measured: started on its own cores, checked to answer what it should, watched, and ended.

What it costs is read from the kernel: CPU time from the scheduler's own count of nanoseconds, memory as PSS (what
processes share is divided among them), both of the whole tree of processes, by name.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import select
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

READY_SECONDS = 30
STOP_SECONDS = 10


class NotStarted(Exception):
    pass


@dataclasses.dataclass
class Entry:
    """How one server is started. Without `url` it prints 'ready URL' itself."""

    name: str
    argv: list
    url: str | None = None
    cwd: pathlib.Path = pathlib.Path(".")
    env: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Check:
    """A request that the server must answer with 200 and exactly these bytes (None: any) before it is measured."""

    answer: bytes | None = None
    path: str = ""
    body: bytes | None = None


def free_port():
    """A port that is free now. Only for programs that cannot pick one themselves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def strangers_welcome():
    """A client's TLS context that takes the certificates that the benchmarks sign themselves."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Server:
    """One running server; `url` ends with a slash."""

    def __init__(self, entry, cpus, checks):
        self.name = entry.name
        self.log = tempfile.TemporaryFile()
        self.process = None
        try:
            self.process = subprocess.Popen(
                ["taskset", "-c", ",".join(map(str, cpus)), *map(str, entry.argv)], cwd=entry.cwd, stdin=subprocess.DEVNULL,
                stdout=self.log if entry.url else subprocess.PIPE, stderr=self.log, start_new_session=True,
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | entry.env,
            )  # fmt: skip
            self.url = entry.url or self._url_from_ready_line()
            for check in checks:
                self._wait_for(check)
        except BaseException:
            self.stop()
            raise

    def _fail(self, why):
        self.log.seek(0)
        last = self.log.read().decode(errors="replace").strip().splitlines()[-3:]
        raise NotStarted(f"{self.name}: {why}" + (": " + " | ".join(last) if last else ""))

    def _url_from_ready_line(self):
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            if not select.select([self.process.stdout], [], [], 0.2)[0]:
                continue
            if found := re.match(rb"ready (https?://\S+)", self.process.stdout.readline()):
                return found[1].decode().rstrip("/") + "/"
        return self._fail("did not print 'ready URL'")

    def _wait_for(self, check):
        until = time.monotonic() + READY_SECONDS
        request = urllib.request.Request(self.url + check.path, data=check.body)
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError):
                try:
                    with urllib.request.urlopen(request, timeout=5, context=strangers_welcome()) as answer:
                        if answer.read() == check.answer or check.answer is None:
                            return
                except urllib.error.HTTPError as error:
                    self._fail(f"/{check.path} is answered {error.code}")
                self._fail(f"does not answer /{check.path} with {check.answer[:40]!r}")
            time.sleep(0.05)
        self._fail("did not start")

    def pids(self):
        return process_tree(self.process.pid)

    def cpu_ns(self):
        """CPU time so far by process name."""
        spent = {}
        for pid in self.pids():
            with contextlib.suppress(OSError):
                name = process_name(pid)
                for task in os.listdir(f"/proc/{pid}/task"):
                    used = int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
                    spent[name] = spent.get(name, 0) + used
        return spent

    def pss_bytes(self):
        """Proportional memory by process name. Raises PermissionError where another user's process is in the tree."""
        held = {}
        for pid in self.pids():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                name = process_name(pid)
                rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
                held[name] = held.get(name, 0) + 1024 * int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[1])
        return held

    def mappings(self):
        """{(process name, what is mapped): [PSS, of that what no other process has]} in bytes."""
        held = {}
        for pid in self.pids():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                name, program = process_name(pid), os.path.realpath(f"/proc/{pid}/exe")
                for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
                    if mapping := re.match(r"[0-9a-f]+-[0-9a-f]+ (?:\S+ ){4} *(.*)", line):
                        sums = held.setdefault((name, kind_of_mapping(mapping[1], program)), [0, 0])
                    elif count := re.match(r"(Pss|Private_Clean|Private_Dirty): +(\d+) kB", line):
                        sums[count[1] != "Pss"] += 1024 * int(count[2])
        return held

    def stop(self):
        """Asks it to end, then ends what is left of its session: some peers leave their workers behind."""
        if self.process is None:
            self.log.close()
            return
        if self.process.returncode is None:
            pidfd = os.pidfd_open(self.process.pid)
            self.process.send_signal(signal.SIGTERM)
            select.select([pidfd], [], [], STOP_SECONDS)
            os.close(pidfd)
        # Before wait(): until then the number of the group cannot belong to anybody else.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.log.close()


def process_tree(root):
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                # The name in parentheses may hold anything; what follows the last one does not.
                stat = pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(stat[1]), []).append(int(entry))
    tree, todo = [], [root]
    while todo:
        tree.append(todo.pop())
        todo += children.get(tree[-1], [])
    return tree


def kind_of_mapping(path, program):
    if path.startswith("/memfd:"):
        return path.removeprefix("/memfd:").split()[0]
    if path.startswith("/"):
        return "program" if path == program else "libraries" if ".so" in path else "files"
    return path.strip("[]") or "anonymous"  # of Python: the arenas of its objects; heap: of malloc


def process_name(pid):
    """'edge', 'labcoat', 'python3', …: the subcommand tells the processes of labcoat apart."""
    name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    if name == "labcoat" and len(words) > 1 and words[1] == b"edge":
        return "edge"
    return name
