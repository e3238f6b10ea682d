"""The admin listener: what it shows, to whom, in which form."""

import contextlib
import json
import re
import signal

from edge_wire import request_bytes
from server import wait_until


def prometheus(text):
    """A few lines of the text format's grammar: (types, samples); anything else fails."""
    types, samples, helped = {}, {}, set()
    assert text.endswith("\n")
    for line in text.splitlines():
        if match := re.fullmatch(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)", line):
            assert match[1] not in helped, "HELP once"
            helped.add(match[1])
        elif match := re.fullmatch(r"# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)", line):
            assert match[1] not in types, "TYPE once"
            types[match[1]] = match[2]
        else:
            match = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-z_]+="(?:[^"\\]|\\["\\n])*",?)*\})? ([-+.0-9eE]+|NaN|[-+]Inf)', line)
            assert match, f"not a sample: {line!r}"
            base = re.sub(r"_(bucket|sum|count)$", "", match[1])
            assert match[1] in types or base in types, f"{match[1]} before its TYPE"
            assert match[1] + (match[2] or "") not in samples, "each sample once"
            samples[match[1] + (match[2] or "")] = float(match[3])
    return types, samples


def test_health_ready_and_status_answer(edge):
    assert (edge.admin("/health").status, edge.admin("/health").body) == (200, b"ok\n")
    assert (edge.admin("/ready").status, edge.admin("/ready").body) == (200, b"ready\n")
    edge.server.wait_for_workers(2)
    response = edge.admin("/status")
    assert response.get("Content-Type") == "application/json"
    status = json.loads(response.body)
    assert status["ready"] is True and status["counters"]["connections_open"] >= 1
    (app,) = status["apps"].values()
    assert len(app["workers"]) == 2 and app["queue"] == 0
    assert {worker["pid"] for worker in app["workers"]} == set(edge.server.worker_pids())
    assert edge.admin("/health", method="HEAD").body == b""


def test_metrics_are_in_the_format_of_prometheus_and_agree_with_status(edge):
    for _ in range(3):
        edge.get("/echo?x")
    response = edge.admin("/metrics")
    assert response.get("Content-Type").startswith("text/plain; version=0.0.4")
    types, samples = prometheus(response.body.decode())
    counters = edge.status()["counters"]
    for name, value in counters.items():
        if name in ("access_log_dropped",):
            continue
        gauge = name.endswith("_open")
        metric = f"labcoat_{name}" + ("" if gauge else "_total")
        assert types[metric] == ("gauge" if gauge else "counter")
        assert samples[metric] <= value or gauge
    assert samples["labcoat_requests_total"] >= 3


def test_everything_else_is_404_there(edge):
    for path in ("/", "/echo?x", "/statusx", "/status/", "/favicon.ico"):
        assert edge.admin(path).status == 404
    assert edge.admin("/health?probe=1").status == 200


def test_the_apps_listener_shows_none_of_it(edge):
    for path in ("/health", "/ready", "/status", "/metrics"):
        response = edge.get(path)
        assert response.body == b"hello\n", "that is the app's answer"


def test_answers_are_counted_by_class(serve_edge, tmp_path):
    edge = serve_edge("-w", 1, "--static", f"/static/={tmp_path}")
    (tmp_path / "x.txt").write_text("x")
    before = edge.status()["counters"]
    edge.get("/echo?x")
    edge.get("/empty?304")
    edge.get("/static/nothing")
    edge.get("/static/x.txt")
    edge.get(f"/kill?{tmp_path / 'tries'}")
    after = edge.status()["counters"]
    grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    # The question itself is a request, too, and counted when it was answered: before the next, here.
    assert grown["status_2xx"] == 3 and grown["status_3xx"] == 1
    assert grown["status_4xx"] == 1 and grown["status_5xx"] == 1
    assert grown["requests"] == 6 and grown["connections"] == 6


def test_while_draining_the_pages_are_there_and_say_so(serve_edge, tmp_path):
    edge = serve_edge("-w", 1, "--edge-threads", 2)
    gate = tmp_path / "gate"
    with edge.client() as client, contextlib.ExitStack() as probes:
        client.request(f"/gate?{gate}")
        wait_until((tmp_path / "gate.begun").exists, what="the app to begin")
        assert edge.admin("/ready").status == 200
        # Connected before, on every thread, with a further question still to come.
        early = [probes.enter_context(edge.admin_client()) for _ in range(8)]
        assert [probe.get("/ready").status for probe in early] == [200] * 8
        edge.server.signal(signal.SIGTERM)
        wait_until(lambda: edge.admin("/ready").status == 503, what="not to be ready any more")
        assert edge.admin("/health").status == 200
        assert edge.status()["ready"] is False
        assert [probe.get("/health").status for probe in early] == [200] * 8
        gate.touch()
        assert client.response().body == b"opened"
    assert edge.server.wait() == 0, "nobody waits for those who only look"


def test_a_full_house_still_answers_on_the_admin_listener(serve_edge, clients):
    edge = serve_edge("-w", 1, connections=3)
    held = [clients.enter_context(edge.client()) for _ in range(3)]
    assert all(client.get("/echo?x").body == b"x" for client in held)
    assert edge.counter("connections_open") == 4
    assert edge.counter("limit_connections") >= 1


def test_pipelined_questions_are_answered_in_order(edge):
    import socket
    import urllib.parse

    url = urllib.parse.urlsplit(edge.server.admin_urls[0])
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(request_bytes("/health") + request_bytes("/ready") + request_bytes("/x", fields=["Connection: close"]))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert [int(rest[:3]) for rest in answer.split(b"HTTP/1.1 ")[1:]] == [200, 200, 404]
