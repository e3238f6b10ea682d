"""X-Request-Start: the wait in front of us counts when a trusted proxy tells of it."""

import json
import time

import pytest
from server import wait_until

BEFORE = 100  # seconds; no test takes as long


def waited(edge, *values):
    response = edge.get("/wait", fields=[("X-Request-Start", value) for value in values])
    assert response.status == 200
    return json.loads(response.body)


def forms(start):
    return [f"t={start:.3f}", f"{start:.6f}", f"t={int(start * 1e3)}", f"{int(start * 1e6)}", f"t={int(start * 1e9)}"]


@pytest.mark.parametrize("app", ["queue_app:app", "queue_app:asgi"])
def test_a_trusted_proxys_word_is_added_to_what_the_app_the_log_and_the_metrics_hear(serve_queue, tmp_path, app):
    log = tmp_path / "log"
    edge = serve_queue("-w", 1, "--access-log", log, app=app, trusted_proxies="127.0.0.1",
                       access_log_format="{queue_us} {service_us}")
    all_forms = forms(time.time() - BEFORE)
    for value in all_forms:
        assert BEFORE <= waited(edge, value) < 2 * BEFORE, value
    assert waited(edge, "t=1.5", all_forms[0]) >= BEFORE, "of several the last, which is by the nearest proxy"
    wait_until(lambda: log.read_text().count("\n") == 6, what="six lines")
    for line in log.read_text().splitlines():
        queue_us, service_us = map(int, line.split())
        assert queue_us >= BEFORE * 10**6 > service_us
    waits = edge.status()["routes"][0]["queue_wait"]
    assert waits["count"] == 6 and waits["sum_us"] >= 6 * BEFORE * 10**6
    assert waits["buckets"][-1]["count"] == 6


def test_what_makes_no_sense_adds_nothing(serve_queue):
    edge = serve_queue("-w", 1, trusted_proxies="127.0.0.1")
    for value in ["nonsense", f"t={time.time() + 1000}", f"t={time.time() - 7200}", "t=12", "", f"{time.time()}, {time.time()}"]:
        assert waited(edge, value) < BEFORE, value


def test_nobody_elses_word_counts(serve_queue):
    edge = serve_queue("-w", 1)
    assert waited(edge, f"t={time.time() - BEFORE}") < BEFORE
