"""/metrics as Prometheus' own parser reads it, and /status with the same numbers and every option's value and source."""

import pytest
from edge_wire import request_bytes
from server import wait_until

parser = pytest.importorskip("prometheus_client.parser", reason="package python3-prometheus-client")


def metrics(edge):
    """{name: {labels: value}} of every sample; the parser refuses what is not the format."""
    response = edge.admin("/metrics")
    assert response.get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    families = list(parser.text_string_to_metric_families(response.body.decode()))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "each metric once"
    assert all(family.documentation and family.type != "unknown" for family in families)
    samples = {}
    for family in families:
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in samples.setdefault(sample.name, {}), "each sample once"
            samples[sample.name][labels] = sample.value
    return samples


def at(samples, name, **labels):
    return samples[name][tuple(sorted(labels.items()))]


def route_names(edge):
    return [row["route"] for row in edge.status()["routes"]]


def test_answers_are_counted_by_route_and_class_of_status(serve_logged, tmp_path):
    (tmp_path / "x.txt").write_text("12345")
    edge = serve_logged("--static", f"/static/={tmp_path}")
    files, app, none = route_names(edge)
    assert none == "(none)"
    for _ in range(3):
        edge.get("/static/x.txt")
    edge.get("/static/nothing")
    for _ in range(5):
        edge.get("/echo?ab")
    edge.say(b"nonsense\r\n\r\n")

    def is_complete():
        samples = metrics(edge)
        return at(samples, "labcoat_route_requests_total", route=app, code="2xx") == 5 and samples

    samples = wait_until(is_complete, what="five answers")
    assert at(samples, "labcoat_route_requests_total", route=files, code="2xx") == 3
    assert at(samples, "labcoat_route_requests_total", route=files, code="4xx") == 1
    assert at(samples, "labcoat_route_requests_total", route=none, code="4xx") == 1
    assert at(samples, "labcoat_route_body_bytes_total", route=app) == 10
    assert at(samples, "labcoat_request_duration_seconds_count", route=files) == 4
    assert at(samples, "labcoat_queue_wait_seconds_count", route=app) == 5
    assert at(samples, "labcoat_queue_wait_seconds_count", route=files) == 0, "files wait for no worker"


def test_histograms_are_cumulative_and_their_sum_is_in_seconds(serve_logged, tmp_path):
    edge = serve_logged()
    app = route_names(edge)[0]
    gate = tmp_path / "gate"
    with edge.client() as client:
        client.request(f"/gate?{gate}")
        wait_until((tmp_path / "gate.begun").exists, what="the app to begin")
        client.socket.settimeout(0.12)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        gate.touch()
    wait_until(lambda: at(metrics(edge), "labcoat_request_duration_seconds_count", route=app) == 1, what="the answer")
    samples = metrics(edge)
    buckets = {
        float(dict(labels)["le"]): value
        for labels, value in samples["labcoat_request_duration_seconds_bucket"].items()
        if dict(labels)["route"] == app
    }
    assert len(buckets) == 17 and float("inf") in buckets
    assert [buckets[bound] for bound in sorted(buckets)] == sorted(buckets.values())
    assert buckets[0.1] == 0 and buckets[float("inf")] == 1
    assert 0.1 < at(samples, "labcoat_request_duration_seconds_sum", route=app) < 60


def test_apps_show_their_workers_busy_and_waiting(serve_logged, tmp_path):
    edge = serve_logged()
    gate = tmp_path / "gate"
    with edge.client() as first, edge.client() as second:
        first.request(f"/gate?{gate}")
        wait_until((tmp_path / "gate.begun").exists, what="the app to begin")
        second.request("/echo?waits")
        wait_until(lambda: at(metrics(edge), "labcoat_app_queue", app="app") == 1, what="the second to wait")
        samples = metrics(edge)
        assert at(samples, "labcoat_app_workers", app="app") == 1
        assert at(samples, "labcoat_app_workers_busy", app="app") == 1
        gate.touch()
        assert first.response().status == second.response().status == 200
    wait_until(lambda: at(metrics(edge), "labcoat_app_workers_busy", app="app") == 0, what="the worker to be free")


def test_status_and_metrics_agree(serve_logged):
    edge = serve_logged("--access-log", "/dev/full")
    edge.get("/echo?x")
    wait_until(lambda: edge.counter("access_log_dropped") > 0, what="a lost line")
    samples, counters = metrics(edge), edge.status()["counters"]
    for name, value in counters.items():
        shown = samples[f"labcoat_{name}" if name.endswith("_open") else f"labcoat_{name}_total"][()]
        assert shown <= value, name
    assert samples["labcoat_info"]


def test_every_option_has_its_value_and_its_source(serve_logged, tmp_path):
    (tmp_path / "labcoat.toml").write_text("[limits]\nqueue = 7\n")
    edge = serve_logged("--set", "backlog=100", "-c", tmp_path / "labcoat.toml")
    options = edge.status()["options"]
    assert options["limits.queue"]["value"] == "7" and options["limits.queue"]["source"].endswith("labcoat.toml:2")
    assert options["server.backlog"]["value"] == "100" and options["server.backlog"]["source"].startswith("--set")
    assert options["limits.queue_wait"] == {"value": "30s", "source": "default"}
    assert options["app.app.workers"]["value"] == "1"
    assert options["server.listen"]["value"] == "http://127.0.0.1:0" and options["server.listen"]["source"] == "--listen"
    assert edge.say(request_bytes("/echo?x")).status == 200
