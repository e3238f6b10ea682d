"""A server in a cgroup of the kernel's, with a limit that is meant: what tests/supervisor/test_cgroup.py tells of files that look like one.

Skipped where none can be made; `make test-cgroup` has a kernel that can (docs/developing.md).
"""

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from kernel_cgroup import ENTER_AS_MOUNT, ENTER_AS_ROOT, KernelCgroup, make_or_skip
from server import wait_gone, wait_until
from small_app import APP, get
from test_cgroup import MIB, status_of
from test_recycling import LEAKY, pid_of

# Leaks so many bytes a second, however fast the requests are answered.
LEAKING = """
import os, time
kept, last = [], None
def app(environ, start_response):
    global last
    now = time.monotonic()
    kept.append(b"x" * int(RATE * min(1, now - (last or now))))
    last = now
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
# Each worker takes so much for itself with its first request.
GREEDY = APP + """
plain, kept = app, []
def app(*call):
    kept or kept.append(b"x" * (MIB << 20))
    return plain(*call)
"""
READING = """
import os
kept = []
def app(environ, start_response):
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path == "/write":
        with open("data", "wb") as file:
            for _ in range(int(query)):
                file.write(b"x" * (1 << 20))
            os.fsync(file.fileno())
    if path == "/read":
        with open("data", "rb") as file:
            while file.read(1 << 20):
                pass
    if path == "/grow":
        kept.append(b"x" * (int(query) << 20))
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture
def cgroup():
    made = make_or_skip()
    made.limit(200 * MIB)
    yield made
    made.remove()


class Load:
    """Clients that ask one after the other as long as the block lasts."""

    def __init__(self, server, clients):
        self.server = server
        self.statuses = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def _run(self):
        while not self.over.is_set():
            try:
                self.statuses.append(get(self.server)[0])
            except OSError as error:
                self.statuses.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def failed(self):
        return [status for status in self.statuses if status != 200]


def app_of(server, labcoat):
    return status_of(server, labcoat)["apps"][0]


def test_without_recycling_the_kernel_kills(serve, write_app, cgroup):
    write_app(LEAKY)
    server = serve("app:app", "-w", 1, "--set", "recycle_cgroup_share=0", before=cgroup.enter())
    assert get(server, "/grow?220", timeout=120)[0] == 502
    assert cgroup.killed() >= 1  # a GET is tried twice


def test_who_leaks_goes_before_the_kernel_kills(serve, write_app, labcoat, cgroup):
    write_app(LEAKING.replace("RATE", str(3 * MIB)))
    server = serve("app:app", "-w", 2, before=cgroup.enter())
    with Load(server, 4) as load:
        wait_until(lambda: app_of(server, labcoat)["recycled_for_cgroup"] >= 3, 150, what="three recyclings")
    assert cgroup.killed() == 0
    assert load.failed() == []


def fill(server, cgroup, mib):
    """One worker takes what is missing until so much is taken; its pid."""
    status, body = get(server, f"/grow?{mib - cgroup.used() // MIB}", timeout=120)
    assert status == 200
    return int(body)


def above(cgroup):
    return cgroup.child("web.service").enter()


LAYOUTS = {
    "its own": KernelCgroup.enter,
    "of one above": above,
    "of its container": lambda cgroup: cgroup.enter(ENTER_AS_ROOT),
    "of its container, which has the host's names": lambda cgroup: cgroup.enter(ENTER_AS_MOUNT),
}


@pytest.mark.parametrize("enter", LAYOUTS.values(), ids=LAYOUTS)
def test_the_limit_is_found(serve, write_app, labcoat, cgroup, enter):
    write_app(LEAKY)
    server = serve("app:app", "-w", 2, before=enter(cgroup))
    workers = server.wait_for_workers(2)
    for _ in range(30):
        pid_of(server)
    wait_until(lambda: app_of(server, labcoat)["worker_bytes"] > 0, what="their size to be known")
    told = status_of(server, labcoat)["cgroup"]
    assert told["max_bytes"] == cgroup.number("memory.max")
    assert told["used_bytes"] == pytest.approx(cgroup.used(), abs=2 * MIB)
    grown = fill(server, cgroup, 185)
    wait_gone(grown)
    server.wait_for_log("of memory.max = 200 MiB are taken, and it has grown most, by ")
    assert set(workers) - {grown} < set(server.wait_for_workers(2))
    assert cgroup.killed() == 0


def test_the_autoscaler_stops_at_what_fits(serve, write_app, labcoat, cgroup, tmp_path):
    write_app(GREEDY.replace("MIB", "20"))
    server = serve("app:app", "-w", 1, "--set", "workers_max=20", before=cgroup.enter())
    gate = tmp_path / "gate"
    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(get, server, f"/slow?{gate}", 120) for _ in range(16)]
        wait_until(lambda: app_of(server, labcoat)["scale_ups_refused"] >= 3, 60, what="three refusals")
        workers = len(server.worker_pids())
        gate.touch()
        assert [one.result()[0] for one in waiting] == [200] * 16
    assert 3 <= workers <= 7
    assert " more workers, but memory.max leaves room for " in server.stderr()
    assert cgroup.killed() == 0


def test_without_room_for_two_the_old_worker_goes_first(serve, write_app, labcoat, cgroup):
    write_app(GREEDY.replace("MIB", "65"))
    server = serve("app:app", "-w", 2, "--set", "max_requests=20", before=cgroup.enter())
    with Load(server, 4) as load:
        wait_until(lambda: app_of(server, labcoat)["drained_first"] >= 4, 60, what="four that went first")
    assert cgroup.killed() == 0
    assert load.failed() == []


@pytest.mark.parametrize("who", ["the app", "the edge"])
def test_files_that_were_read_are_not_taken(serve, write_app, labcoat, cgroup, tmp_path, who):
    write_app(READING)
    server = serve("app:app", "-w", 1, "--static", "/files=.", before=cgroup.enter())
    assert get(server, "/write?80", timeout=120)[0] == 200
    if cgroup.counts("memory.stat")["shmem"] > 60 * MIB:
        pytest.skip(f"{tmp_path} is in memory, not on a disk")
    for _ in range(3):  # what is used twice is "active"
        if who == "the app":
            assert get(server, "/read", timeout=120)[0] == 200
        else:
            subprocess.run(["curl", "-sS", "--fail", "-o", "/dev/null", f"{server.url}/files/data"], check=True, timeout=120)
    for _ in range(10):
        assert get(server, "/")[0] == 200
    assert cgroup.number("memory.current") > 80 * MIB
    assert status_of(server, labcoat)["cgroup"]["used_bytes"] < 60 * MIB
    wait_until(lambda: app_of(server, labcoat)["worker_bytes"] > 0, what="its size to be known")
    worker = pid_of(server)
    assert get(server, "/grow?120", timeout=120) == (200, str(worker))
    for _ in range(10):
        assert pid_of(server) == worker
    assert "are taken" not in server.stderr()
    assert cgroup.killed() == 0


def test_where_the_kernel_slows_down_is_a_limit_too(serve, write_app, labcoat, cgroup):
    cgroup.limit(120 * MIB, "memory.high")
    write_app(LEAKING.replace("RATE", str(2 * MIB)))
    server = serve("app:app", "-w", 2, before=cgroup.enter())
    with Load(server, 4) as load:
        wait_until(lambda: app_of(server, labcoat)["recycled_for_cgroup"] >= 3, 150, what="three recyclings")
    assert status_of(server, labcoat)["cgroup"]["limit"] == "memory.high"
    assert load.failed() == []


@pytest.mark.parametrize("name", ["memory.max", "memory.high"])
def test_a_limit_that_is_changed_is_seen(serve, write_app, labcoat, cgroup, name):
    cgroup.limit(400 * MIB)
    write_app(LEAKY)
    server = serve("app:app", "-w", 1, before=cgroup.enter())
    for _ in range(15):
        pid_of(server)
    wait_until(lambda: app_of(server, labcoat)["worker_bytes"] > 0, what="its size to be known")
    grown = fill(server, cgroup, 185)
    cgroup.limit(200 * MIB, name)
    wait_gone(grown)
    server.wait_for_log(f"of {name} = 200 MiB are taken, and it has grown most, by ")
    assert cgroup.killed() == 0
