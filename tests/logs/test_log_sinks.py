"""Where lines go, which requests get one, and what happens when the sink is slow."""

import fcntl
import os
import re
import resource
import signal
import socket
import struct
import termios
import time

from server import wait_until


def test_a_log_as_large_as_a_file_may_be_costs_lines_and_nothing_else(serve_logged, tmp_path):
    log = tmp_path / "log"
    edge = serve_logged("--access-log", log, access_log_format="{query}")
    pid = edge.server.edge_pid()
    _, hard = limit = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (5000, hard))
    with edge.client() as client:
        while edge.counter("access_log_dropped") < 3:
            assert client.get(f"/echo?{'x' * 1000}").status == 200
    resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)
    edge.get("/echo?after")
    wait_until(lambda: log.read_text().splitlines()[-1] == "after", what="the line")
    assert [line for line in log.read_text().splitlines() if len(line) > 1000] == []


def unread(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


def lines(path, count):
    wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= count, 10, f"{count} lines in {path}")
    return path.read_text().splitlines()


def test_only_errors_are_written_when_so_told(serve_logged, tmp_path):
    log = tmp_path / "log"
    form = "{status} {target}"
    edge = serve_logged("--access-log", log, "--static", f"/static/={tmp_path}", access_log_only="errors", access_log_format=form)
    edge.get("/echo?fine")
    edge.get("/static/nothing")
    edge.get(f"/kill?{tmp_path / 'tries'}")
    assert edge.server.stop() == 0
    assert [line.split("?")[0] for line in lines(log, 2)] == ["404 /static/nothing", "502 /kill"]


def test_only_errors_of_the_server(serve_logged, tmp_path):
    log = tmp_path / "log"
    edge = serve_logged(
        "--access-log", log, "--static", f"/static/={tmp_path}", access_log_only="server_errors", access_log_format="{status}"
    )
    edge.get("/static/nothing")
    edge.get(f"/kill?{tmp_path / 'tries'}")
    assert edge.server.stop() == 0
    assert lines(log, 1) == ["502"]


def test_a_sample_is_one_line_of_so_many_but_every_error_of_ours(serve_logged, tmp_path):
    log = tmp_path / "log"
    edge = serve_logged("--access-log", log, access_log_sample=10, access_log_format="{status}")
    with edge.client() as client:
        for i in range(50):
            client.get(f"/echo?{i}")
    edge.get(f"/kill?{tmp_path / 'tries'}")
    asked = edge.status()["counters"]["requests"]
    assert edge.server.stop() == 0
    written = lines(log, 1)
    assert written.count("502") == 1
    assert written.count("200") == (asked - 1) // 10


def test_slow_requests_have_a_log_of_their_own(serve_logged, tmp_path):
    slow, gate = tmp_path / "slow", tmp_path / "gate"
    edge = serve_logged(slow_log=slow, slow_log_threshold="50ms", access_log_format="{total_us} {path}")
    edge.get("/echo?quick")
    with edge.client() as client:
        client.request(f"/gate?{gate}")
        wait_until((tmp_path / "gate.begun").exists, what="the app to begin")
        client.socket.settimeout(0.06)
        try:
            client.socket.recv(1)
        except TimeoutError:
            pass
        client.socket.settimeout(30)
        gate.touch()
        assert client.file.readline().startswith(b"HTTP/1.1 200")
    assert edge.server.stop() == 0
    rows = [line.split() for line in lines(slow, 1)]
    assert "/gate" in [path for _, path in rows] and all(int(total) >= 50_000 for total, _ in rows)


SYSLOG = re.compile(rb"<134>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (\S+) labcoat \d+ access - (.*)", re.S)


def test_syslog_is_one_datagram_of_rfc_5424_for_each_request(serve_logged):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(30)
        edge = serve_logged(
            "--access-log", f"syslog+udp://127.0.0.1:{sink.getsockname()[1]}", access_log_format="{status} {target}"
        )
        for i in range(3):
            edge.get(f"/echo?{i}")
        for i in range(3):
            match = SYSLOG.fullmatch(sink.recv(65536))
            assert match and match[2] == b"200 /echo?%d" % i
            assert match[1].decode() == socket.gethostname()


def test_syslog_that_nobody_hears_stops_nobody_and_comes_back(serve_logged):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        address = sink.getsockname()
    edge = serve_logged("--access-log", f"syslog+udp://127.0.0.1:{address[1]}", access_log_format="{target}")
    edge.get("/echo?nobody")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(address)
        sink.settimeout(0.3)

        def heard():
            edge.get("/echo?somebody")
            try:
                return b"/echo?somebody" in sink.recv(65536)
            except TimeoutError:
                return False

        wait_until(heard, what="a datagram")


def test_each_line_comes_by_itself_also_when_no_other_follows(serve_logged, tmp_path):
    """The thread that writes looks for lines while some come, and is woken by the first after a pause."""
    log = tmp_path / "log"
    edge = serve_logged("--access-log", log, access_log_format="{query}")
    expected = ""
    for number in range(6):
        for line in (f"{number}a", f"{number}b"):
            edge.get(f"/echo?{line}")
            expected += line + "\n"
        wait_until(lambda: log.exists() and log.read_text() == expected, 10, f"{expected!r} in the log")


def test_a_reader_that_stops_reading_costs_lines_and_nothing_else(serve_logged, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        edge = serve_logged("--access-log", pipe, access_log_format="{target}{target}{target}{target}")
        long = "x" * 7000
        with edge.client() as client:
            while edge.counter("access_log_dropped") == 0:
                for _ in range(20):
                    assert client.get(f"/echo?{long}").status == 200
        # USR1 is heard although the writer waits: a file takes the place of the pipe that is stuck.
        pipe.rename(tmp_path / "old")
        edge.server.signal(signal.SIGUSR1)
        wait_until(pipe.exists, what="the new file")
        edge.get("/echo?after")
        wait_until(lambda: "/echo?after" in pipe.read_text(), what="the line")
    finally:
        os.close(reader)


def test_a_stuck_reader_does_not_hold_up_the_end(serve_logged, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        edge = serve_logged("--access-log", pipe, access_log_format="{target}")
        with edge.client() as client:
            for _ in range(20):
                client.get(f"/echo?{'x' * 7000}")
        assert edge.server.stop() == 0
    finally:
        os.close(reader)


def test_standard_output_that_nobody_reads_holds_up_no_answer_of_a_thread_that_writes_itself(serve_logged):
    edge = serve_logged("--access-log", "-", access_log_format="{target}", access_log_sync="true")
    with edge.client() as client:
        while edge.counter("access_log_dropped") < 3:
            assert client.get(f"/echo?{'x' * 7000}").status == 200


def test_standard_output_that_nobody_reads_does_not_hold_up_the_end(serve_logged):
    """It is an ordinary pipe: whatever is written to it when it is full waits."""
    edge = serve_logged("--access-log", "-", access_log_format="{target}", edge_threads=8)
    for _ in range(40):
        with edge.client() as client:
            for _ in range(3):
                assert client.get(f"/echo?{'x' * 7000}").status == 200
    # With eight threads' lines waiting: what the sink is given is no matter of how many they are.
    began = time.monotonic()
    assert edge.server.stop() == 0
    assert time.monotonic() - began < 10


def test_a_pipe_that_is_opened_again_in_the_middle_of_a_line_goes_on_with_a_line(serve_logged, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    got = b""

    def came(end):
        nonlocal got
        try:
            got += os.read(reader, 1 << 20)
        except BlockingIOError:
            pass
        return got.endswith(end)

    try:
        edge = serve_logged("--access-log", pipe, access_log_format="{target}")
        with edge.client() as client:
            for _ in range(20):
                client.get(f"/echo?{'x' * 7000}")
        wait_until(lambda: unread(reader) == 65536, what="a full pipe")
        edge.server.signal(signal.SIGUSR1)
        wait_until(lambda: edge.counter("access_log_dropped") > 0, what="the rest to be dropped")
        edge.get("/echo?after")
        wait_until(lambda: came(b"/echo?after\n"), what="the line")
        assert [line for line in got.split(b"\n") if line.count(b"/echo") > 1] == []
    finally:
        os.close(reader)


def test_an_idle_connection_keeps_nothing_of_its_requests_for_the_log(serve_logged, tmp_path, request):
    import contextlib

    edge = serve_logged("--access-log", tmp_path / "log", connections=3000)
    if edge.sanitized():
        return  # freed memory is kept there
    agent = [("User-Agent", "x" * 4000)]
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(edge.client()) for _ in range(400)]
        for client in clients:
            client.get("/echo?x")
        before = edge.memory_kib()
        for client in clients:
            client.get("/echo?x", fields=agent)
        grown = edge.memory_kib() - before
    assert grown < 400 * 2, "kept, the strings alone would be 1600 KiB"
