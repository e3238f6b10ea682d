#!/usr/bin/python3
"""The long tail: 4 workers, 99 % of requests wait 5 ms and 1 % wait 500 ms, open loop at half of capacity over 256
connections, through labcoat serve and its peers with as many workers (of one thread each).

The application sleeps, so the machine is nearly idle: all servers, with a generator (labcoat bench) each, are loaded at
the same time, and everybody gets the same requests at the same planned moments (the same seed). Capacity is 4 workers
by the mean of 9.95 ms. `ideal` is computed, not measured: such requests through one queue and 4 workers without any
cost. As 1 % take 500 ms by themselves, p99 stands on the edge between those that waited and those that were slow: read
p95 beside it, and do not expect to be below `ideal`.

    tests/bench/tail.py [--servers labcoat,granian] [--rounds 3] [--seconds 30] [--load 0.5] [--json FILE]
"""

import heapq
import random
import statistics
from concurrent.futures import ThreadPoolExecutor

import lineup
from contest import Words, running, write_report
from loads import LabcoatBench
from served import Check

WORKERS, CONNECTIONS = 4, 256
FAST_SECONDS, SLOW_SECONDS, SLOW_SHARE = 0.005, 0.5, 0.01
CAPACITY = WORKERS / ((1 - SLOW_SHARE) * FAST_SECONDS + SLOW_SHARE * SLOW_SECONDS)
WANTED = 0.5
PEERS = {
    "granian": lineup.granian,
    "uwsgi-socket": lineup.uwsgi_socket,
    "uwsgi-router": lineup.uwsgi_router,
    "gunicorn-sync": lineup.gunicorn_sync,
    "gunicorn-gthread": lambda app: lineup.gunicorn_gthread(app, threads=1),
}
# These close each connection after its answer and pay for a new one each time; in return the kernel's queue of new
# connections is one queue of requests for all workers.
CLOSING = ("uwsgi-socket", "gunicorn-sync")
COLUMNS = ("p50", "p95", "p99")


def ideal(rate, count=200_000, seed=1):
    """Percentiles, in microseconds, of one first-come queue before WORKERS workers."""
    rng = random.Random(seed)
    free_at, now, responses = [0.0] * WORKERS, 0.0, []
    for _ in range(count):
        now += rng.expovariate(rate)
        begin = max(now, heapq.heappop(free_at))
        end = begin + (SLOW_SECONDS if rng.random() < SLOW_SHARE else FAST_SECONDS)
        heapq.heappush(free_at, end)
        responses.append(end - now)
    responses.sort()
    return {name: 1e6 * responses[int(count * int(name[1:]) / 100)] for name in COLUMNS}


def measure(servers, arguments, rate):
    """All servers at once, round by round; each round has a plan of its own, the same for all."""
    loads = {name: LabcoatBench(arguments.labcoat, arguments.cpus, CONNECTIONS, "-r", rate, "--url", f"99 {server.url}",
                                "--url", f"1 {server.url}slow", timeout=10, warm_up=min(1, arguments.seconds))
             for name, server in servers.items()}  # fmt: skip
    rounds = {name: [] for name in servers}
    with ThreadPoolExecutor(len(servers)) as pool:
        for number in range(arguments.rounds):
            seed = number + 1
            now = {name: pool.submit(load, None, arguments.seconds, "--seed", seed) for name, load in loads.items()}
            for name, one in now.items():
                rounds[name].append(one.result())
    return rounds


def print_results(results):
    print(f"{'':18}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}   p99 of the rounds")
    for name, r in results.items():
        cells = "".join(f"{r[column] / 1000:>10.1f}" for column in COLUMNS)
        notes = [f"{r['errors']} errors"] if r.get("errors") else []
        notes += [f"{r['invalid']} rounds not valid"] if r.get("invalid") else []
        notes += ["a connection for each request"] if name in CLOSING else []
        spread = " ".join(f"{us / 1000:.0f}" for us in r.get("p99_rounds", []))
        print(f"{name:18}{cells}   {spread}{'   (' + '; '.join(notes) + ')' if notes else ''}")
    if reasons := {r["why"] for r in results.values() if r.get("invalid")}:
        print(f"\nnot valid: {min(reasons)}")
    print()


def print_verdicts(results):
    for what, peers in (("all peers", set(PEERS)), ("peers that keep connections", set(PEERS) - set(CLOSING))):
        there = peers & set(results)
        if "labcoat" in results and there:
            best = min(there, key=lambda name: results[name]["p99"])
            by = results["labcoat"]["p99"] / results[best]["p99"]
            print(f"labcoat's p99 is {by:.2f}x that of {best}, the best of {what}, wanted {WANTED}x: "
                  f"{'yes' if by <= WANTED else 'NO'}")  # fmt: skip


def main():
    words = Words(__doc__, ["labcoat", *PEERS], rounds=3, seconds=30)
    words.add_argument("--load", type=float, default=0.5, help="share of capacity (default: %(default)s)")
    arguments = words.parse()
    lineup.make_venv()
    rate = round(arguments.load * CAPACITY)
    app = lineup.App("sleepy:app", WORKERS)
    peers = PEERS | {"labcoat": lambda app: lineup.labcoat_app(arguments.labcoat, app)}
    entries = {name: lambda name=name: peers[name](app) for name in arguments.servers}
    with running(entries, arguments.cpus, [Check(b"done\n"), Check(b"done\n", "slow")]) as (servers, _):
        rounds = measure(servers, arguments, rate)
    results = {"ideal": ideal(rate)}
    for name, of_name in rounds.items():
        results[name] = {column: statistics.median(r[f"{column}_us"] for r in of_name) for column in COLUMNS}
        results[name] |= {"p99_rounds": [r["p99_us"] for r in of_name], "errors": sum(r["errors"] for r in of_name)}
        if invalid := [r for r in of_name if r["generator_bound"]]:
            results[name] |= {"invalid": len(invalid), "why": invalid[0]["why_invalid"][0]}
    print(f"{WORKERS} workers, {rate} requests/s ({arguments.load:.0%} of capacity), open loop over {CONNECTIONS} connections, "
          f"1 % take 500 ms and the others 5 ms; median of {arguments.rounds} rounds of {arguments.seconds:g} s\n")  # fmt: skip
    print_results(results)
    print_verdicts(results)
    write_report(arguments, "tail", {"servers": results, "all_rounds": rounds})


if __name__ == "__main__":
    main()
