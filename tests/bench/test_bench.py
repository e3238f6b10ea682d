"""labcoat bench, end to end: what it sends, what it counts, which answers it understands."""

import os

from small_server import SmallServer, always, answer, errors_of

LATENCY_KEYS = ["min", "mean", "p50", "p75", "p90", "p95", "p99", "p999", "max"]
SCHEMA_KEYS = [
    "schema", "url", "mode", "connections", "threads", "duration_s", "target_rate", "requests", "responses", "rps",
    "bytes_in", "bytes_out", "status", "errors", "response_us", "service_us", "send_lag_us", "connect_us", "generator",
    "valid", "invalid_reasons",
]  # fmt: skip


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
