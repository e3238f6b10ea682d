"""A server in a cgroup with a limit: a successor comes first only where there is room for it, and who has grown goes before the kernel kills.

The cgroup is one of files (LABCOAT_CGROUP_ROOT, docs/developing.md): what it says of its memory is what a test writes.
"""

import json
import subprocess

import pytest
from small_app import get
from server import wait_gone, wait_until
from test_recycling import LEAKY, pid_of

MIB = 1 << 20


class Cgroup:
    def __init__(self, root):
        self.root = root
        self.directory = root / "sys/fs/cgroup/box"
        self.directory.mkdir(parents=True)
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/self/cgroup").write_text("0::/box\n")
        (self.directory / "memory.max").write_text(f"{1000 * MIB}\n")
        (self.directory / "memory.stat").write_text("anon 0\ninactive_file 0\n")
        self.take(100)
        self.env = {"LABCOAT_CGROUP_ROOT": str(root)}

    def take(self, mib):
        """So many of 1000 MiB are taken."""
        new = self.directory / "new"
        new.write_text(f"{mib * MIB}\n")
        new.rename(self.directory / "memory.current")


@pytest.fixture
def cgroup(tmp_path):
    return Cgroup(tmp_path / "root")


def status_of(server, labcoat):
    out = subprocess.run([labcoat, "status", "--json", "--pid", str(server.pid)], capture_output=True, check=True, timeout=60).stdout
    return json.loads(out)


def test_without_room_for_two_the_old_worker_goes_first(serve, write_app, labcoat, cgroup):
    write_app(LEAKY)
    cgroup.take(949)
    server = serve("app:app", "-w", 2, "--set", "max_requests=5", env=cgroup.env)
    most = 0

    def four_are_replaced():
        nonlocal most
        pid_of(server)  # never refused, and never more than one worker less
        most = max(most, len(server.worker_pids()))
        return status_of(server, labcoat)["apps"][0]["drained_first"] >= 4

    wait_until(four_are_replaced, what="four recyclings")
    assert most <= 2
    log = server.stderr()
    assert log.count("memory.max leaves no room for one worker more (949 MiB of 1000 MiB are taken") == 1, "said once"
    assert "another is started" not in log


def test_with_room_the_successor_comes_first(serve, app, labcoat, cgroup):
    server = serve(app, "-w", 1, "--set", "worker_age_max=300ms", env=cgroup.env)
    old = pid_of(server)
    wait_gone(old)
    lines = server.stderr().splitlines()
    gone = next((i for i, line in enumerate(lines) if f"(pid {old}) exited" in line), len(lines))
    assert sum("is ready" in line and "worker" in line for line in lines[:gone]) >= 2
    status = status_of(server, labcoat)
    assert status["apps"][0]["drained_first"] == 0
    assert status["cgroup"] == {"max_bytes": 1000 * MIB, "used_bytes": 100 * MIB}


def test_a_reload_without_room_replaces_workers_one_by_one(serve, write_app, labcoat, cgroup):
    write_app(LEAKY)
    server = serve("app:app", "-w", 3, env=cgroup.env)
    old = server.wait_for_workers(3)
    cgroup.take(949)
    done = subprocess.run([labcoat, "reload", "--pid", str(server.pid)], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for pid in old:
        wait_gone(pid)
    assert len(server.wait_for_workers(3)) == 3
    # The first is tried out beside the old ones, or a failing one could not be refused; the others take a place that was left.
    assert status_of(server, labcoat)["apps"][0]["drained_first"] >= 1


def test_the_worker_that_has_grown_most_goes_when_the_cgroup_is_nearly_full(serve, write_app, labcoat, cgroup):
    write_app(LEAKY)
    server = serve("app:app", "-w", 2, env=cgroup.env)
    workers = server.wait_for_workers(2)
    seen = {pid_of(server) for _ in range(30)}
    wait_until(lambda: status_of(server, labcoat)["apps"][0]["worker_bytes"] > 0, what="their size to be known")
    grown = pid_of(server, "/grow?100")
    cgroup.take(910)
    wait_gone(grown)
    server.wait_for_log("is to be replaced: 91 % of memory.max = 1000 MiB are taken, and it has grown most, by ")
    assert seen <= set(workers)
    stayed = [pid for pid in workers if pid != grown]
    assert stayed[0] in server.wait_for_workers(2)
    assert status_of(server, labcoat)["apps"][0]["recycled_for_cgroup"] == 1


def test_when_nobody_has_grown_it_is_said_and_nobody_goes(serve, write_app, labcoat, cgroup):
    write_app(LEAKY)
    server = serve("app:app", "-w", 1, env=cgroup.env)
    old = pid_of(server)
    for _ in range(15):
        assert get(server)[0] == 200
    cgroup.take(940)
    server.wait_for_log("94 % of memory.max = 1000 MiB are taken, and no worker has grown so much")
    assert pid_of(server) == old
