#!/usr/bin/python3
"""The long tail: 4 workers, 99 % of requests wait 5 ms and 1 % wait 500 ms, open loop at half of capacity over 256
connections, through labcoat serve and its peers with as many workers (of one thread each).

The application sleeps, so the machine is nearly idle: all servers, with generators (labcoat bench) of their own, are
loaded at the same time, and everybody gets the same requests at the same planned moments (the same seed). Capacity is 4
workers by the mean of 9.95 ms. As 1 % take 500 ms by themselves, p99 of all stands on the edge between those that waited
and those that were slow; so in further rounds one generator sends the fast requests and another the slow ones, and `fast
p99` is what the fast ones suffer. `ideal` is computed, not measured: such requests through one first-come queue and 4
workers without any cost; only a server that prefers some requests to others can be below it.

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

WORKERS, CONNECTIONS, SLOW_CONNECTIONS = 4, 256, 4
FAST_SECONDS, SLOW_SECONDS, SLOW_SHARE = 0.005, 0.5, 0.01
# The generator opens its connections before it has requests for them. A server that waits for one connection at a time
# waits for those, so each must have been used before what counts begins.
WARM_UP_SECONDS = 4
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
COLUMNS = ("p50", "p95", "p99", "fast p99")


def ideal(rate, count=200_000, seed=1):
    """Percentiles, in microseconds, of one first-come queue before WORKERS workers."""
    rng = random.Random(seed)
    free_at, now, responses = [0.0] * WORKERS, 0.0, {True: [], False: []}
    for _ in range(count):
        now += rng.expovariate(rate)
        slow = rng.random() < SLOW_SHARE
        end = max(now, heapq.heappop(free_at)) + (SLOW_SECONDS if slow else FAST_SECONDS)
        heapq.heappush(free_at, end)
        responses[slow].append(1e6 * (end - now))

    def percentile(values, percent):
        return sorted(values)[int(len(values) * percent / 100)]

    every = responses[True] + responses[False]
    return {"p50": percentile(every, 50), "p95": percentile(every, 95), "p99": percentile(every, 99),
            "fast p99": percentile(responses[False], 99)}  # fmt: skip


def measure(servers, arguments, rate):
    """Round by round, all servers at once: the mix, then the same as two loads of which the fast one counts. Each round
    has a plan of its own."""

    def load(connections, its_rate, *urls):
        words = [word for url in urls for word in ("--url", url)]
        return LabcoatBench(arguments.labcoat, arguments.cpus, connections, "-r", its_rate, *words, timeout=10,
                            warm_up=WARM_UP_SECONDS)  # fmt: skip

    rounds = {name: {"all": [], "fast": []} for name in servers}
    with ThreadPoolExecutor(2 * len(servers)) as pool:
        for seed in range(1, arguments.rounds + 1):

            def start(one, its_seed):
                return pool.submit(one, None, arguments.seconds, "--seed", its_seed)

            mixed = {name: start(load(CONNECTIONS, rate, f"99 {server.url}", f"1 {server.url}slow"), seed)
                     for name, server in servers.items()}  # fmt: skip
            for name, one in mixed.items():
                rounds[name]["all"].append(one.result())
            fast_and_slow = {name: (
                start(load(CONNECTIONS - SLOW_CONNECTIONS, rate * (1 - SLOW_SHARE), f"1 {server.url}"), seed),
                start(load(SLOW_CONNECTIONS, rate * SLOW_SHARE, f"1 {server.url}slow"), seed + 1000),
            ) for name, server in servers.items()}  # fmt: skip
            for name, (fast, slow) in fast_and_slow.items():
                slow.result()
                rounds[name]["fast"].append(fast.result())
    return rounds


def summed_up(rounds):
    """Medians over the rounds, and what went wrong in any."""
    both = rounds["all"] + rounds["fast"]
    found = {name: statistics.median(r[f"{name}_us"] for r in rounds["all"]) for name in COLUMNS[:3]}
    found["fast p99"] = statistics.median(r["p99_us"] for r in rounds["fast"])
    found["errors"] = sum(r["errors"] for r in both)
    found["not_valid"] = [r["why_invalid"][0] for r in both if r["generator_bound"]]
    return found


def print_results(results, rounds):
    print(f"{'':18}" + "".join(f"{column + ' ms':>13}" for column in COLUMNS) + "   p99 of the rounds")
    for name, r in results.items():
        cells = "".join(f"{r[column] / 1000:>13.1f}" for column in COLUMNS)
        notes = [f"{r['errors']} errors"] if r.get("errors") else []
        notes += [f"{len(r['not_valid'])} rounds not valid"] if r.get("not_valid") else []
        notes += ["a connection for each request"] if name in CLOSING else []
        spread = " ".join(f"{one['p99_us'] / 1000:.0f}" for one in rounds.get(name, {"all": []})["all"])
        print(f"{name:18}{cells}   {spread}{'   (' + '; '.join(notes) + ')' if notes else ''}")
    if reasons := [reason for r in results.values() for reason in r.get("not_valid", [])]:
        print(f"\nnot valid: {reasons[0]}")
    print()


def print_verdicts(results):
    def verdict(column, what, peers, wanted):
        best = min(peers, key=lambda name: results[name][column])
        by = results["labcoat"][column] / results[best][column]
        print(f"labcoat's {column} is {by:.2f}x that of {best}, the best of {what}"
              + (f", wanted {wanted}x: {'yes' if by <= wanted else 'NO'}" if wanted else ""))  # fmt: skip

    for what, names in (("all peers", set(PEERS)), ("the peers that keep connections", set(PEERS) - set(CLOSING))):
        if "labcoat" in results and (there := sorted(names & set(results))):
            verdict("p99", what, there, WANTED)
            verdict("fast p99", what, there, None)


def main():
    words = Words(__doc__, ["labcoat", *PEERS], rounds=3, seconds=30)
    words.add_argument("--load", type=float, default=0.5, help="share of capacity (default: %(default)s)")
    arguments = words.parse()
    lineup.make_venv()
    rate = round(arguments.load * CAPACITY)
    app = lineup.App("sleepy:app", WORKERS)
    peers = PEERS | {"labcoat": lambda app: lineup.labcoat_app(arguments.serve, app)}
    entries = {name: lambda name=name: peers[name](app) for name in arguments.servers}
    with running(entries, arguments.cpus, [Check(b"done\n"), Check(b"done\n", "slow")]) as (servers, _):
        rounds = measure(servers, arguments, rate)
    results = {"ideal": ideal(rate)} | {name: summed_up(of_name) for name, of_name in rounds.items()}
    print(f"{WORKERS} workers, {rate} requests/s ({arguments.load:.0%} of capacity), open loop over {CONNECTIONS} connections, "
          f"1 % take 500 ms and the others 5 ms; median of {arguments.rounds} rounds of {arguments.seconds:g} s\n")  # fmt: skip
    print_results(results, rounds)
    print_verdicts(results)
    write_report(arguments, "tail", {"servers": results, "all_rounds": rounds})


if __name__ == "__main__":
    main()
