"""A server in a cgroup with a limit: a successor comes first only where there is room for it, and who has grown goes before the kernel kills;
and the autoscaler starts nobody who does not fit.

The cgroup is one of files (LABCOAT_CGROUP_ROOT, docs/developing.md): what it says of its memory is what a test writes.
"""

import json
import re
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from small_app import APP, get
from server import wait_gone, wait_until
from test_recycling import LEAKY, pid_of

MIB = 1 << 20
# Each worker takes 40 MiB for itself when it works; not for /slow, for what it takes is not seen in this cgroup.
GROWING = APP + "\nplain, kept = app, []\ndef app(*call):\n    kept or call[0]['PATH_INFO'] == '/slow' or kept.append(b'x' * (40 << 20))\n    return plain(*call)\n"
TWO_APPS = """
[server]
listen = "http://127.0.0.1:0"
[app.a]
target = "app:app"
workers_max = 2
[app.b]
target = "app:app"
workers_max = 2
[[route]]
path = "/a/*"
strip_prefix = "/a"
app = "a"
[[route]]
path = "/b/*"
strip_prefix = "/b"
app = "b"
"""


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
    assert status["cgroup"] == {"limit": "memory.max", "max_bytes": 1000 * MIB, "used_bytes": 100 * MIB}


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


def test_when_it_is_nearly_too_late_the_next_goes_at_once(serve, write_app, labcoat, cgroup, tmp_path):
    write_app(LEAKY + "plain = app\ndef app(*call):\n    os.path.exists('grow') and not kept and kept.append(b'x' * (100 << 20))\n    return plain(*call)\n")
    server = serve("app:app", "-w", 2, env=cgroup.env)
    old = server.wait_for_workers(2)

    def least(what):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: pid_of(server), range(20)))
        return min(worker[what] for worker in status_of(server, labcoat)["apps"][0]["workers"])

    wait_until(lambda: least("requests") >= 10, what="both to have worked")
    seen_us = status_of(server, labcoat)["now_us"]
    wait_until(lambda: status_of(server, labcoat)["now_us"] > seen_us + 2_000_000, what="a look at their sizes, which is every second")
    (tmp_path / "grow").touch()
    wait_until(lambda: least("memory_bytes") > 100 * MIB, what="both to grow")
    cgroup.take(960)
    for pid in old:
        wait_gone(pid)
    # Otherwise one goes in five seconds.
    begun = [line.split()[1] for line in server.stderr().splitlines() if "it has grown most" in line]
    first, second = (sum(float(part) * unit for part, unit in zip(at.split(":"), (3600, 60, 1))) for at in begun)
    assert (second - first) % 86400 < 4.5


def test_files_that_nobody_has_mapped_are_not_taken(serve, app, labcoat, cgroup):
    cgroup.take(950)
    (cgroup.directory / "memory.stat").write_text(f"file_mapped {20 * MIB}\ninactive_file {300 * MIB}\nactive_file {500 * MIB}\n")
    server = serve(app, "-w", 1, env=cgroup.env)
    assert status_of(server, labcoat)["cgroup"]["used_bytes"] == 170 * MIB
    assert "are taken" not in server.stderr()


def test_where_the_kernel_slows_down_is_a_limit_too(serve, write_app, labcoat, cgroup):
    write_app(LEAKY)
    (cgroup.directory / "memory.high").write_text(f"{800 * MIB}\n")
    server = serve("app:app", "-w", 2, env=cgroup.env)
    for _ in range(30):
        pid_of(server)
    wait_until(lambda: status_of(server, labcoat)["apps"][0]["worker_bytes"] > 0, what="their size to be known")
    grown = pid_of(server, "/grow?100")
    cgroup.take(730)
    wait_gone(grown)
    server.wait_for_log("is to be replaced: 91 % of memory.high = 800 MiB are taken, and it has grown most, by ")
    assert status_of(server, labcoat)["cgroup"] == {"limit": "memory.high", "max_bytes": 800 * MIB, "used_bytes": 730 * MIB}


def test_when_nobody_has_grown_it_is_said_and_nobody_goes(serve, write_app, labcoat, cgroup):
    write_app(LEAKY)
    server = serve("app:app", "-w", 1, env=cgroup.env)
    old = pid_of(server)
    for _ in range(15):
        assert get(server)[0] == 200
    cgroup.take(940)
    server.wait_for_log("94 % of memory.max = 1000 MiB are taken, and no worker has grown so much")
    assert pid_of(server) == old


def refused(server, labcoat):
    return status_of(server, labcoat)["apps"][0]["scale_ups_refused"]


def test_no_worker_is_added_that_does_not_fit_and_later_it_is(serve, app, labcoat, cgroup, slow_request, tmp_path):
    cgroup.take(899)  # recycling begins at 900
    server = serve(app, "-w", 1, "--set", "workers_max=3", "--set", "admin.listen=http://127.0.0.1:0", env=cgroup.env)
    slow_request(server, "gate0")
    with ThreadPoolExecutor(1) as pool:
        (tmp_path / "gate1").touch()
        waiting = pool.submit(get, server, f"/slow?{tmp_path / 'gate1'}")
        wait_until(lambda: refused(server, labcoat) >= 2, what="a second refusal")
        assert len(server.worker_pids()) == 1
        log = server.stderr()
        assert log.count("1 more workers, but memory.max leaves room for 0 (899 MiB of 1000 MiB are taken") == 1, "said once"
        assert "shall have" not in log
        page = urllib.request.urlopen(server.admin_urls[0] + "/metrics", timeout=30).read().decode()
        assert int(re.search(r'labcoat_app_scale_ups_refused_total{app="app"} (\d+)', page)[1]) >= 2
        cgroup.take(100)
        assert waiting.result()[0] == 200, "another worker came: the first is still busy"
    server.wait_for_log("shall have 2 workers instead of 1")


def work(server):
    """As much as a worker must have done before its size is looked at, and more."""
    for _ in range(30):
        assert get(server)[0] == 200


def test_no_more_workers_are_added_than_fit(serve, write_app, labcoat, cgroup, slow_request, tmp_path):
    write_app(GROWING)
    server = serve("app:app", "-w", 2, "--set", "workers_max=8", env=cgroup.env)
    # Each works while the other is held: who has not worked yet is expected to grow.
    first, second = (slow_request(server, f"hold{i}") for i in range(2))
    first.finish()
    work(server)
    third = slow_request(server, "hold2")
    second.finish()
    work(server)
    wait_until(lambda: status_of(server, labcoat)["apps"][0]["worker_bytes"] > 40 * MIB, what="their size to be known")
    cgroup.take(830)  # for one more, and for no second
    gates = [third, slow_request(server, "gate")]
    with ThreadPoolExecutor(6) as pool:
        others = [pool.submit(get, server, f"/slow?{tmp_path / 'others'}") for _ in range(6)]
        server.wait_for_log("shall have 3 workers instead of 2")
        assert "requests wait for 2 more workers, but memory.max leaves room for 1 (" in server.stderr()
        (tmp_path / "others").touch()
        for gate in gates:
            assert gate.finish()[0] == 200
        assert [other.result()[0] for other in others] == [200] * 6


def test_requests_that_never_end_tell_how_large_a_worker_gets_as_well(serve, write_app, cgroup, slow_request, tmp_path):
    write_app(APP + "\nplain, kept = app, []\ndef app(*call):\n    kept or kept.append(b'x' * (40 << 20))\n    return plain(*call)\n")
    cgroup.take(840)  # recycling begins at 900: for one more, but not in half of it
    server = serve("app:app", "-w", 1, "--set", "workers_max=2", env=cgroup.env)
    gate = slow_request(server, "hold")
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(get, server, f"/slow?{tmp_path / 'other'}")
        server.wait_for_log("requests wait for 1 more workers, but memory.max leaves room for 0 (")
        server.wait_for_log("shall have 2 workers instead of 1")
        (tmp_path / "other").touch()
        assert gate.finish()[0] == 200
        assert other.result()[0] == 200


def test_half_the_room_is_kept_while_nobody_knows_how_large_a_worker_gets(serve, write_app, cgroup, slow_request, tmp_path):
    write_app(APP + "\nplain, kept = app, []\ndef app(*call):\n    kept or kept.append(b'x' * (15 << 20))\n    return plain(*call)\n")
    cgroup.take(850)  # recycling begins at 900
    server = serve("app:app", "-w", 2, "--set", "workers_max=8", env=cgroup.env)
    gates = [slow_request(server, f"hold{i}") for i in range(2)]
    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(get, server, f"/slow?{tmp_path / 'others'}") for _ in range(4)]
        server.wait_for_log("requests wait for 2 more workers, but memory.max leaves room for 1 (")
        (tmp_path / "others").touch()
        for gate in gates:
            assert gate.finish()[0] == 200
        assert [other.result()[0] for other in others] == [200] * 4


def test_two_apps_are_not_given_the_same_room(serve, write_app, labcoat, cgroup, tmp_path):
    write_app(GROWING)
    (tmp_path / "labcoat.toml").write_text(TWO_APPS)
    server = serve("-w", 1, listen=None, env=cgroup.env)

    def of_both(what):
        return [app[what] for app in status_of(server, labcoat)["apps"]]

    for name in "ab":
        for _ in range(30):
            assert get(server, f"/{name}/")[0] == 200
    wait_until(lambda: min(of_both("worker_bytes")) > 40 * MIB, what="their sizes to be known")
    cgroup.take(830)  # for one more, of either
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(get, server, f"/{name}/slow?{tmp_path / 'gate'}") for name in "abab"]
        server.wait_for_log("shall have 2 workers instead of 1")
        wait_until(lambda: sum(of_both("scale_ups_refused")) > 0, what="the other's refusal")
        assert server.stderr().count("shall have 2 workers instead of 1") == 1
        (tmp_path / "gate").touch()
        assert [one.result()[0] for one in waiting] == [200] * 4
