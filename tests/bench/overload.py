#!/usr/bin/python3
"""Three times what an application can do, for a while, and then a normal load again: what labcoat serve makes of it.

The application sleeps, so the machine is nearly idle and capacity is known: workers by service time. It is measured
nevertheless, by a closed loop with a few more connections than workers. Then comes an open loop at three times that
rate; what was served and how long it waited is read from the access log, for a load generator sees quick refusals
and answers as one. At the end, requests one after the other tell when the server is as it was.

    tests/bench/overload.py [--seconds 30] [--workers 4] [--service-ms 20] [--set shed_wait=1s]... [--json FILE]
"""

import argparse
import dataclasses
import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from server import Server, labcoat_program  # noqa: E402

APP = """
import time
def app(environ, start_response):
    time.sleep({service})
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
ONSET = 0.25  # of the time under load: until then the queue grows and is found to stand


@dataclasses.dataclass
class Outcome:
    capacity: float  # answers a second
    offered: float  # requests a second
    goodput: float  # answers with 200 that were complete while it lasted, a second, by capacity
    p50_ms: float  # of those, from their first byte to their last
    p99_ms: float
    p99_later_ms: float  # the same without the onset
    shed: int  # answers with 503
    lost: int  # neither
    retry_after: list  # what refused clients were told, some of them
    normal_after_s: float  # an answer takes as long as it should again


def bench(program, url, *words):
    done = subprocess.run([program, "bench", url, "--no-calibrate", "--warmup", "0", "--json", "-", *map(str, words)],
                          capture_output=True, text=True)  # fmt: skip
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def one_request(server):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    began = time.monotonic()
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, time.monotonic() - began, response.getheader("Retry-After")


def normal_again(server, service):
    """Seconds from now until five answers in a row take no longer than they should."""
    began, good_since, in_a_row = time.monotonic(), None, 0
    while in_a_row < 5:
        before = time.monotonic()
        status, seconds, _ = one_request(server)
        good = status == 200 and seconds < 3 * service + 0.05
        in_a_row = in_a_row + 1 if good else 0
        if in_a_row == 1:
            good_since = before
        assert time.monotonic() - began < 60, "it is not normal after a minute"
    return good_since - began


def rows_of(log, begin, end):
    """(status, queue_us, total_us, time) of the requests that arrived in this time."""
    rows = []
    for line in log.read_text().splitlines():
        status, queue_us, total_us, done = line.split()
        arrived = float(done) - int(total_us) / 1e6
        if begin <= arrived < end:
            rows.append((int(status), int(queue_us), int(total_us), arrived))
    return rows


def overload(program, folder, seconds, workers=4, service=0.02, times=3, knobs=()):
    (folder / "app.py").write_text(APP.format(service=service))
    log = folder / "requests"
    words = ["app:app", "-w", workers, "--access-log", log, "--set", "access_log_format={status} {queue_us} {total_us} {time_unix}"]
    for knob in knobs:
        words += ["--set", knob]
    with Server(*words, cwd=folder, program=program) as server:
        capacity = bench(program, server.url, "-c", workers + 4, "-d", "2s")["rps"]
        begin = time.time()
        # Enough connections that none has to wait for one: whoever is refused or served leaves in about a second.
        process = subprocess.Popen(
            [program, "bench", server.url, "--no-calibrate", "--warmup", "0", "--json", "-", "-r", f"{times * capacity:.0f}",
             "-c", "1000", "-d", f"{seconds}s", "--timeout", "60s"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
        told = []
        while process.poll() is None and time.time() < begin + seconds - 0.5:
            status, _, retry = one_request(server)
            if status == 503:
                told.append(int(retry))
        report = json.loads(process.communicate()[0])
        # The generator waits for its last answers; the load itself was over when it said so.
        end = begin + seconds
        after = max(0.0, time.time() - end) + normal_again(server, service)
    rows = rows_of(log, begin, end)
    good = [row for row in rows if row[0] == 200]
    later = [row for row in good if row[3] >= begin + ONSET * seconds]
    return Outcome(
        capacity=capacity,
        offered=len(rows) / seconds,
        goodput=sum(row[3] + row[2] / 1e6 < end for row in good) / seconds / capacity,
        p50_ms=percentile([row[2] for row in good], 0.5) / 1e3,
        p99_ms=percentile([row[2] for row in good], 0.99) / 1e3,
        p99_later_ms=percentile([row[2] for row in later], 0.99) / 1e3,
        shed=sum(row[0] == 503 for row in rows),
        lost=sum(report["errors"].values()) + sum(row[0] not in (200, 503) for row in rows),
        retry_after=sorted(set(told)),
        normal_after_s=after,
    )


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seconds", type=float, default=30)
    words.add_argument("--workers", type=int, default=4)
    words.add_argument("--service-ms", type=float, default=20)
    words.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE")
    words.add_argument("--json", type=pathlib.Path)
    given = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="labcoat-overload-") as folder:
        outcome = overload(labcoat_program(), pathlib.Path(folder), given.seconds, given.workers, given.service_ms / 1e3,
                           knobs=given.set)  # fmt: skip
    print(f"capacity {outcome.capacity:.0f}/s, offered {outcome.offered:.0f}/s for {given.seconds:g} s")
    print(f"goodput {100 * outcome.goodput:.1f} % of capacity; {outcome.shed} answered 503, {outcome.lost} lost")
    print(f"served: p50 {outcome.p50_ms:.0f} ms, p99 {outcome.p99_ms:.0f} ms; after the onset p99 {outcome.p99_later_ms:.0f} ms")
    print(f"Retry-After: {outcome.retry_after} s; normal {outcome.normal_after_s:.2f} s after the load")
    if given.json:
        given.json.write_text(json.dumps(dataclasses.asdict(outcome)))
    return 0 if outcome.lost == 0 else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
