"""max_concurrent and priority: one kind of request cannot take every worker, and some never wait behind the others."""

import os
import signal
import subprocess

import pytest
from edge_wire import request_bytes
from server import wait_until

ROUTES = """
[[route]]
path = "/gate/report"
app = "main"
max_concurrent = 1
max_waiting = 2
[[route]]
path = "/health"
app = "main"
priority = "high"
[[route]]
path = "/batch"
app = "main"
priority = "low"
[[route]]
path = "/*"
app = "main"
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_a_slow_report_cannot_take_every_worker(serve_queue, asking, begun, tmp_path, threads):
    edge = serve_queue("-w", 3, "--edge-threads", threads, routes=ROUTES)
    gate = tmp_path / "gate"
    reports = asking(edge, f"/gate/report?{gate}", 3)
    begun(gate, 1)
    for i in range(20):
        assert edge.get(f"/page?{i}").body == b"%d" % i, "two workers are left"
    refused = edge.get(f"/gate/report?{gate}")
    assert refused.status == 503 and refused.get("Retry-After") == "1", "one runs, two wait, and no more may"
    assert edge.counter("limit_route_waiting") == 1
    assert len(list(tmp_path.glob("gate.begun.*"))) == 1
    gate.touch()
    assert [client.response().status for client in reports] == [200, 200, 200]
    assert edge.get(f"/gate/report?{gate}").status == 200


def test_who_leaves_the_place_it_waits_for_keeps_nobody_waiting(serve_queue, asking, begun, tmp_path):
    edge = serve_queue("-w", 2, routes=ROUTES)
    gate = tmp_path / "gate"
    [first] = asking(edge, f"/gate/report?{gate}")
    begun(gate, 1)
    [gone] = asking(edge, "/gate/report?never-made")
    [last] = asking(edge, f"/gate/report?{gate}")
    gone.close()
    wait_until(lambda: edge.counter("withdrawn") == 1, what="it to be withdrawn")
    gate.touch()
    assert first.response().status == 200 and last.response().status == 200


def test_an_impatient_client_does_not_get_a_second_worker_for_its_report(serve_queue, asking, begun, tmp_path):
    """The worker goes on though nobody waits for its answer: so its place is not free yet."""
    edge = serve_queue("-w", 2, routes=ROUTES)
    gate = tmp_path / "gate"
    [first] = asking(edge, f"/gate/report?{gate}")
    begun(gate, 1)
    first.close()
    # A worker's client is only known to be gone when there is something to send; a reset tells at once.
    [second] = asking(edge, f"/gate/report?{gate}")
    assert edge.get("/page?x").body == b"x"
    assert len(list(tmp_path.glob("gate.begun.*"))) == 1
    gate.touch()
    assert second.response().status == 200


def test_who_waits_for_a_place_waits_no_longer_than_queue_wait(serve_queue, asking, begun, tmp_path):
    edge = serve_queue("-w", 2, routes=ROUTES, queue_wait="150ms")
    gate = tmp_path / "gate"
    [first] = asking(edge, f"/gate/report?{gate}")
    begun(gate, 1)
    late = edge.get(f"/gate/report?{gate}")
    assert late.status == 503 and edge.counter("limit_queue_wait") == 1
    gate.touch()
    assert first.response().status == 200
    assert edge.get(f"/gate/report?{gate}").status == 200


def test_a_killed_workers_place_is_free_again(serve_queue, asking, begun, tmp_path):
    edge = serve_queue("-w", 1, routes=ROUTES)
    gate = tmp_path / "gate"
    [client] = asking(edge, request_bytes(f"/gate/report?{gate}", "POST", ["Content-Length: 0"]))
    begun(gate, 1)
    os.kill(edge.server.worker_pids()[0], signal.SIGKILL)
    assert client.response().status == 502
    gate.touch()
    assert edge.get(f"/gate/report?{gate}").status == 200


def test_a_high_priority_gets_past_a_full_queue_and_a_low_one_waits_for_all(serve_queue, asking, begun, tmp_path):
    edge = serve_queue("-w", 1, routes=ROUTES, queue=8)
    gate = tmp_path / "gate"
    first = asking(edge, f"/gate?{gate}")
    begun(gate, 1)
    low = asking(edge, "/batch?low", 3)
    assert edge.get("/batch?low").status == 503, "of low priority half of the queue is for"
    normal = asking(edge, "/page?normal", 4)
    assert edge.get("/page?normal").status == 503, "the queue is full"
    high = asking(edge, "/health?high", 3)
    gate.touch()
    for group in (first, high, normal, low):
        assert [client.response().status for client in group] == [200] * len(group)
    seen = (tmp_path / "seen").read_text().split()
    assert seen == ["/gate"] + ["/health"] * 3 + ["/page"] * 4 + ["/batch"] * 3
    assert edge.counter("limit_queue") == 2


@pytest.mark.parametrize(
    "route, message",
    [
        ('files = "."\nmax_concurrent = 1', "goes with app only"),
        ('app = "main"\nmax_waiting = 1', "goes with max_concurrent only"),
        ('app = "main"\npriority = "urgent"', "is no priority"),
        ('app = "main"\nmax_concurrent = 0', "from 1"),
    ],
)
def test_what_makes_no_sense_is_said_at_the_start(labcoat, tmp_path, route, message):
    (tmp_path / "labcoat.toml").write_text(f'[app.main]\ntarget = "a:b"\n[[route]]\npath = "/*"\n{route}\n')
    done = subprocess.run([labcoat, "serve", "--check"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and message in done.stderr, done.stderr
