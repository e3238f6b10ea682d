"""labcoat bench, end to end, against servers that behave and servers that do not."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from small_server import SmallServer, always, answer  # noqa: E402

LATENCY_KEYS = ["min", "mean", "p50", "p75", "p90", "p95", "p99", "p999", "max"]
SCHEMA_KEYS = [
    "schema", "url", "mode", "connections", "threads", "duration_s", "target_rate", "requests", "responses", "rps",
    "bytes_in", "bytes_out", "status", "errors", "response_us", "service_us", "send_lag_us", "connect_us", "generator",
    "valid", "invalid_reasons",
]  # fmt: skip


@pytest.fixture
def bench(labcoat):
    """bench(url, "-c", 4, …) runs the program and returns the finished process."""

    def run(*args, timeout=60):
        words = [str(labcoat), "bench", *map(str, args)]
        return subprocess.run(words, capture_output=True, text=True, timeout=timeout)

    return run


@pytest.fixture
def report(bench):
    """Like bench, but returns the JSON report; `exit` says which exit codes are right."""

    def run(*args, exit=(0, 3), **options):
        done = bench(*args, "--json", "-", "--no-calibrate", **options)
        assert done.returncode in exit, f"exit {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    return run


def errors_of(result):
    return {kind: count for kind, count in result["errors"].items() if count}


# What is counted.


def test_counts_every_request_once(report):
    with SmallServer(always(answer(b"hello"))) as server:
        result = report(server.url, "-c", 4, "-n", 500)
        assert len(server.requests) == 500
        # One more connection than asked for: the one that finds out whether somebody listens.
        assert server.accepted == 5
    assert result["requests"] == result["responses"] == 500
    assert result["status"] == {"2xx": 500, "3xx": 0, "4xx": 0, "5xx": 0}
    assert errors_of(result) == {}
    assert result["bytes_in"] == 500 * len(answer(b"hello"))
    assert result["bytes_out"] == 500 * len(f"GET / HTTP/1.1\r\nHost: {server.authority}\r\n\r\n")


def test_threads_share_the_work(report):
    with SmallServer(always(answer())) as server:
        result = report(server.url, "-c", 6, "-t", 3, "-n", 301)
        assert len(server.requests) == 301
    assert result["responses"] == 301
    assert result["threads"] == 3


def test_report_has_the_promised_schema(report):
    with SmallServer(always(answer())) as server:
        closed = report(server.url, "-c", 2, "-n", 50)
        open_ = report(server.url, "-c", 2, "-n", 50, "-r", 1000)
    for result in (closed, open_):
        assert list(result) == SCHEMA_KEYS
        assert result["schema"] == "labcoat.bench/1"
        for name in ("response_us", "service_us", "send_lag_us", "connect_us"):
            assert list(result[name]) == LATENCY_KEYS
            assert result[name]["p999"] is None, "50 answers cannot tell"
        assert list(result["generator"]) == ["cpu_share", "ceiling_rps"]
        assert result["response_us"]["min"] <= result["response_us"]["p50"] <= result["response_us"]["max"]
    assert closed["mode"] == "closed" and closed["target_rate"] is None
    assert open_["mode"] == "open" and open_["target_rate"] == 1000


def test_p999_is_told_from_4000_answers_on(report):
    with SmallServer(always(answer())) as server:
        assert report(server.url, "-c", 8, "-n", 3999)["response_us"]["p999"] is None
        assert report(server.url, "-c", 8, "-n", 4000)["response_us"]["p999"] is not None


def test_counts_each_class_of_status(report):
    statuses = ["200 OK", "302 Found", "404 Not Found", "500 Oops", "503 Busy"]

    def script(server, connection):
        while server.take(connection):
            connection.send(answer(status=statuses[len(server.requests) % 5]))

    with SmallServer(script) as server:
        result = report(server.url, "-c", 1, "-n", 50)
    assert result["status"] == {"2xx": 10, "3xx": 10, "4xx": 10, "5xx": 20}


def test_warm_up_is_not_in_the_report(report):
    with SmallServer(always(answer())) as server:
        result = report(server.url, "-c", 2, "-n", 20, "--warmup", "100ms")
        assert len(server.requests) > 20
    assert result["requests"] == 20


# What is sent.


def test_sends_method_headers_and_body(report, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(b"\0binary\r\n\r\n")
    with SmallServer(always(answer())) as server:
        report(server.url + "form?a=1", "-c", 1, "-n", 2, "-b", f"@{body}", "-H", "X-One: 1", "-H", "Cookie: a=b")
        report(server.url, "-c", 1, "-n", 1, "-m", "PATCH", "-b", "text")
        first, _, last = server.requests
    assert (first.method, first.target, first.body) == ("POST", "/form?a=1", b"\0binary\r\n\r\n")
    assert (first.headers["x-one"], first.headers["cookie"]) == ("1", "a=b")
    assert first.headers["host"] == server.authority
    assert (last.method, last.body) == ("PATCH", b"text")


def test_sends_a_body_larger_than_the_socket_buffers(report, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(os.urandom(8 << 20))
    with SmallServer(always(answer())) as server:
        result = report(server.url, "-c", 2, "-n", 4, "-b", f"@{body}")
        assert [len(request.body) for request in server.requests] == [8 << 20] * 4
        assert server.requests[0].body == body.read_bytes()
    assert errors_of(result) == {}


def test_mixes_urls_by_weight(report):
    with SmallServer(always(answer())) as server:
        words = ["--url", f"3 {server.url}often", "--url", f"1 {server.url}seldom", "-c", 1, "-n", 400, "--seed", 5]
        report(*words)
        first = [request.target for request in server.requests]
        server.requests.clear()
        report(*words)
        assert [request.target for request in server.requests] == first, "the same seed gives the same mix"
    # 300 expected; six standard deviations of a binomial count are 52.
    assert 248 <= first.count("/often") <= 352
    assert first.count("/often") + first.count("/seldom") == 400


def test_speaks_over_a_unix_socket(report, tmp_path):
    path = tmp_path / "app.sock"
    with SmallServer(always(answer(b"x" * 300_000)), unix_path=path) as server:
        result = report("http://app.example/page", "--unix", path, "-c", 2, "-n", 20)
        assert server.requests[0].headers["host"] == "app.example"
        assert server.requests[0].target == "/page"
    assert result["responses"] == 20
    assert errors_of(result) == {}


# How answers may look.


def test_reads_chunked_answers(report):
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
    with SmallServer(always(body)) as server:
        result = report(server.url, "-c", 3, "-n", 100)
        assert server.accepted == 4, "the connections were kept"
    assert result["responses"] == 100
    assert errors_of(result) == {}
    assert result["bytes_in"] == 100 * len(body)


def test_reads_an_answer_that_drips_in(report):
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

    def script(server, connection):
        while server.take(connection):
            for i in range(len(data)):
                connection.send(data[i : i + 1])

    with SmallServer(script) as server:
        result = report(server.url, "-c", 2, "-n", 20)
    assert result["responses"] == 20 and errors_of(result) == {}


def test_reads_large_bodies_to_the_last_byte(report):
    data = answer(b"x" * (5 << 20))
    with SmallServer(always(data)) as server:
        result = report(server.url, "-c", 2, "-n", 10)
    assert result["responses"] == 10 and errors_of(result) == {}
    assert result["bytes_in"] == 10 * len(data)


def test_reads_a_body_that_ends_with_the_connection(report):
    def script(server, connection):
        if server.take(connection):
            connection.send(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")

    with SmallServer(script) as server:
        result = report(server.url, "-c", 2, "-n", 20)
    assert result["responses"] == 20 and errors_of(result) == {}


def test_head_and_204_have_no_body(report):
    with SmallServer(always(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")) as server:
        assert report(server.url, "-m", "HEAD", "-c", 2, "-n", 20)["responses"] == 20
    with SmallServer(always(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        assert report(server.url, "-c", 2, "-n", 20)["responses"] == 20


# Servers that close, fail and stall.


def test_connection_close_is_no_error(report):
    def script(server, connection):
        if server.take(connection):
            connection.send(answer(headers=["Connection: close"]))

    with SmallServer(script) as server:
        result = report(server.url, "-c", 4, "-n", 100)
        assert len(server.requests) == 100
    assert result["responses"] == 100 and errors_of(result) == {}


def test_a_server_that_drops_kept_connections_is_no_error(report):
    """It answers two requests, then closes without a word while the third may be under way."""

    def script(server, connection):
        for _ in range(2):
            if not server.take(connection):
                return
            connection.send(answer())
        connection.request()  # received, not answered

    with SmallServer(script) as server:
        result = report(server.url, "-c", 2, "-n", 100)
        assert len(server.requests) == 100
    assert result["responses"] == 100 and errors_of(result) == {}


def test_what_may_not_be_repeated_is_an_error_instead(report):
    posts = []

    def script(server, connection):
        if server.take(connection):
            connection.send(answer())
        if request := connection.request():
            posts.append(request)

    with SmallServer(script) as server:
        result = report(server.url, "-m", "POST", "-c", 1, "-n", 10, exit=(0, 1, 3))
        assert len(server.requests) + len(posts) == 10, "no POST was sent twice"
    assert errors_of(result) == {"read": len(posts)} and posts


def test_a_server_that_hangs_up_fails_every_request(bench):
    with SmallServer(lambda server, connection: server.take(connection)) as server:
        done = bench(server.url, "-c", 2, "-n", 6, "--json", "-", "--no-calibrate")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert result["responses"] == 0 and errors_of(result) == {"read": 6}
    assert result["response_us"]["p50"] is None
    assert "not one request was answered well" in done.stderr


def test_only_5xx_is_a_failed_run(bench):
    with SmallServer(always(answer(status="502 Bad Gateway"))) as server:
        done = bench(server.url, "-c", 2, "-n", 20)
    assert done.returncode == 1
    assert "5xx 20" in done.stdout


def test_garbage_is_a_protocol_error(report):
    with SmallServer(always(b"220 mail.example ESMTP\r\n\r\n")) as server:
        result = report(server.url, "-c", 1, "-n", 3, exit=(1,))
    assert errors_of(result) == {"protocol": 3}


def test_no_answer_is_a_timeout_and_counts_as_slow(report):
    silent = threading.Event()

    def script(server, connection):
        while server.take(connection):
            if len(server.requests) == 10:
                silent.wait(30)
                return
            connection.send(answer())

    with SmallServer(script) as server:
        result = report(server.url, "-c", 1, "-n", 20, "--timeout", "200ms")
        silent.set()
    assert errors_of(result) == {"timeout": 1}
    assert result["responses"] == 19 and result["requests"] == 20
    assert result["response_us"]["max"] >= 200_000


def test_a_stall_shows_in_the_open_loop_and_hides_in_the_closed_loop(report):
    """The server stands still once for 0.6 s in 3 s. With 500 requests/s planned, about 300 should have been sent in
    that time: a fifth of all. A closed loop of 8 connections only ever sees 8 of them."""
    stall, period = 0.6, 3.0

    def stalling():
        state = {"start": None}
        lock = threading.Lock()

        def script(server, connection):
            while server.take(connection):
                with lock:  # one worker
                    now = time.monotonic()
                    state["start"] = state["start"] or now
                    if now - state["start"] > 1.0 and "done" not in state:
                        state["done"] = True
                        time.sleep(stall)  # the behaviour under test, not a wait for something
                connection.send(answer())

        return script

    with SmallServer(stalling()) as server:
        closed = report(server.url, "-c", 8, "-d", f"{period}s", "--warmup", "0")
    with SmallServer(stalling()) as server:
        open_ = report(server.url, "-c", 8, "-d", f"{period}s", "--warmup", "0", "-r", 500)
    stall_us = stall * 1e6
    assert closed["response_us"]["p99"] < stall_us / 4, "the closed loop's blind spot"
    assert closed["response_us"]["max"] > stall_us * 0.9
    assert open_["response_us"]["p95"] > stall_us / 4, "one in five was delayed, 0.3 s in the mean"
    assert open_["service_us"]["p95"] < stall_us / 4, "only those on a connection saw it in their service time"
    assert open_["send_lag_us"]["p95"] > stall_us / 4
    assert 1300 < open_["requests"] < 1700


def test_an_overloaded_server_is_not_the_generators_fault(report):
    """It can do 100/s and is asked for 1000/s: response times grow without end, but the run is the server's."""
    lock = threading.Lock()

    def script(server, connection):
        while server.take(connection):
            with lock:
                time.sleep(0.01)
            connection.send(answer())

    with SmallServer(script) as server:
        result = report(server.url, "-c", 4, "-d", "1s", "-r", 1000, "--warmup", "0", "--timeout", "2s")
    assert 850 < result["requests"] < 1150, "what was planned is accounted for"
    assert result["errors"]["timeout"] > 300, "what never got its turn"
    assert result["requests"] == result["responses"] + sum(result["errors"].values())
    assert result["response_us"]["p50"] > 500_000
    assert result["service_us"]["p50"] < 200_000
    assert not any("did not keep up" in reason for reason in result["invalid_reasons"])


# Verdicts and exit codes.


def test_a_generator_without_cpu_time_refuses_its_run(labcoat):
    """Stopped and continued from outside, as a throttled container would be: it must notice that it was late."""
    with SmallServer(always(answer())) as server:
        words = [labcoat, "bench", server.url, "-c", "4", "-r", "500", "-d", "1s", "--warmup", "0", "--no-calibrate"]
        process = subprocess.Popen([*map(str, words), "--json", "-"], stdout=subprocess.PIPE, text=True)
        while len(server.requests) < 50:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.15)  # how long it gets no CPU
        process.send_signal(signal.SIGCONT)
        result = json.loads(process.communicate(timeout=30)[0])
    assert process.returncode == 3
    assert result["valid"] is False
    assert any("sent late by its own fault" in reason for reason in result["invalid_reasons"])


def test_calibration_does_not_refuse_a_server_far_below_the_ceiling(bench, tmp_path):
    with SmallServer(always(answer())) as server:
        done = bench(server.url, "-c", 4, "-n", 500, "--json", tmp_path / "report.json")
    result = json.loads((tmp_path / "report.json").read_text())
    assert result["generator"]["ceiling_rps"] > 2 * result["rps"]
    assert not any("at most" in reason for reason in result["invalid_reasons"])
    assert "could send" in done.stdout


@pytest.mark.parametrize(
    ("gate", "code"),
    [
        ("p99>1h", 0),
        ("p50>1us", 1),
        ("errors>0", 0),
        ("rps<1", 0),
        ("rps>1", 1),
        ("error_share>0.01", 0),
        ("p999>1h", 3),  # 100 answers cannot tell
    ],
)
def test_fail_if_decides_the_exit_code(bench, gate, code):
    with SmallServer(always(answer())) as server:
        done = bench(server.url, "-c", 2, "-n", 100, "--fail-if", gate, "--no-calibrate")
    assert done.returncode == code, done.stdout
    assert gate in done.stdout


def test_one_gate_that_holds_is_enough(bench):
    with SmallServer(always(answer())) as server:
        done = bench(
            server.url, "-c", 2, "-n", 100, "--no-calibrate", "--fail-if", "errors>0", "--fail-if", "p50>1us"
        )
    assert done.returncode == 1


def test_interrupt_ends_the_run_early_and_still_reports(labcoat):
    with SmallServer(always(answer())) as server:
        words = [str(labcoat), "bench", server.url, "-c", "2", "-d", "1h", "--warmup", "0", "--no-calibrate"]
        process = subprocess.Popen([*words, "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while len(server.requests) < 100:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    result = json.loads(out)
    assert result["interrupted"] is True
    assert result["responses"] > 50
    assert result["duration_s"] < 60
    assert "interrupted" in err


# Bad input.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which URL?"),
        (["127.0.0.1:80"], "http://"),
        (["https://127.0.0.1/"], "without TLS"),
        (["http://127.0.0.1/", "http://127.0.0.1/b"], "--url 'WEIGHT URL'"),
        (["--url", "x http://127.0.0.1/"], "weight above 0"),
        (["--url", "1 http://127.0.0.1/", "--url", "1 http://127.0.0.2/"], "same server"),
        (["http://127.0.0.1/", "-c", "many"], "'many' is not a whole number"),
        (["http://127.0.0.1/", "-c", "0"], "-c: 0 is not from 1 to"),
        (["http://127.0.0.1/", "-c"], "needs a value"),
        (["http://127.0.0.1/", "-c", "2", "-t", "4"], "each thread needs a connection"),
        (["http://127.0.0.1/", "-d", "soon"], "duration"),
        (["http://127.0.0.1/", "-d", "1s", "-n", "5"], "exclude each other"),
        (["http://127.0.0.1/", "-r", "0"], "above 0"),
        (["http://127.0.0.1/", "-r", "fast"], "not a number"),
        (["http://127.0.0.1/", "--duratoin", "1s"], "did you mean '--duration'?"),
        (["http://127.0.0.1/", "-m", "GET ME"], "not an HTTP method"),
        (["http://127.0.0.1/", "-H", "no colon"], "'Name: value'"),
        (["http://127.0.0.1/", "-b", "@/nonexistent/body"], "/nonexistent/body"),
        (["http://127.0.0.1/", "--json", "/nonexistent/report.json"], "/nonexistent"),
        (["http://127.0.0.1/", "--fail-if", "p98>5ms"], "did you mean"),
        (["http://127.0.0.1/", "--fail-if", "p99>5"], "needs a unit"),
    ],
)
def test_wrong_words_get_one_clear_sentence(bench, words, said):
    done = bench(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.startswith("labcoat bench: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_nobody_listening_is_said_at_once(bench):
    with SmallServer(always(answer())) as server:
        url = server.url
    done = bench(url, "-d", "30s", timeout=10)
    assert done.returncode == 1
    assert "is the server running there?" in done.stderr


def test_too_many_connections_for_the_descriptor_limit(labcoat):
    with SmallServer(always(answer())) as server:
        done = subprocess.run(
            ["/bin/sh", "-c", 'ulimit -n 128; exec "$0" bench "$1" -c 200', str(labcoat), server.url],
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    assert done.returncode == 1
    assert "200 connections need 264 file descriptors, but only 128 are allowed" in done.stderr


def test_help_explains_every_flag(bench):
    done = bench("--help")
    assert done.returncode == 0
    for flag in ["-c", "-d", "-n", "-r", "-t", "--warmup", "-m", "-H", "-b", "--fail-if", "--json", "--seed", "--url"]:
        assert f"{flag}" in done.stdout
    assert "exit:" in done.stdout
