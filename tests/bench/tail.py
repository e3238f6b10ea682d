#!/usr/bin/python3
"""The long tail: 4 workers, 99 % of requests wait 5 ms and 1 % wait 500 ms, open loop at half of capacity over 256
connections, through labcoat serve and its peers with as many workers (of one thread each).

The application sleeps, so the machine is nearly idle: all servers, with generators (labcoat bench) of their own, are
loaded at the same time, and everybody gets the same requests at the same planned moments (the same seed). Capacity is 4
workers by the mean of 9.95 ms. `labcoat` serves as it is; `labcoat-capped` has been told that /slow may take two of the four
workers (max_concurrent, peers/sleepy.toml), which no peer can be told.

As 1 % take 500 ms by themselves, p99 of all stands on the edge between those that waited and those that were slow: in a round
whose slow requests are by chance 1 % or more, it is one of these for any server (such a round tells nothing, and the verdict
leaves it out). So in further rounds one generator sends the fast requests and another the slow ones, and `fast p99` is what the
fast ones suffer. `ideal` is computed, not measured: such requests through one first-come queue and 4 workers without any
cost; `ideal-capped`: the same, with the slow ones on two of them.

    tests/bench/tail.py [--servers labcoat,granian] [--rounds 5] [--seconds 30] [--load 0.5] [--json FILE]
"""

import collections
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
SLOW_PLACES = 2  # of labcoat-capped, as in peers/sleepy.toml
LABCOATS = {"labcoat": None, "labcoat-capped": "sleepy.toml"}
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
COLUMNS = ("p50", "p95", "p99", "p99.9", "fast p99")
REPORTED = {"p50": "p50_us", "p95": "p95_us", "p99": "p99_us", "p99.9": "p999_us"}


def ideal(rate, slow_places=WORKERS, count=200_000, seed=1):
    """Percentiles, in microseconds, of one first-come queue before WORKERS workers; slow requests may have so many of them."""
    rng = random.Random(seed)
    waiting = {True: collections.deque(), False: collections.deque()}
    responses = {True: [], False: []}
    running, free, places = [], WORKERS, slow_places

    def take(now):
        nonlocal free, places
        while free:
            # Who came first of those that may: the others are passed by.
            able = [(queue[0], slow) for slow, queue in waiting.items() if queue and (places or not slow)]
            if not able:
                return
            came, slow = min(able)
            waiting[slow].popleft()
            free, places = free - 1, places - slow
            end = now + (SLOW_SECONDS if slow else FAST_SECONDS)
            heapq.heappush(running, (end, slow))
            responses[slow].append(1e6 * (end - came))

    def finish(until):
        nonlocal free, places
        while running and running[0][0] <= until:
            end, slow = heapq.heappop(running)
            free, places = free + 1, places + slow
            take(end)

    now = 0.0
    for _ in range(count):
        now += rng.expovariate(rate)
        finish(now)
        waiting[rng.random() < SLOW_SHARE].append(now)
        take(now)
    finish(float("inf"))

    def percentile(values, percent):
        return sorted(values)[int(len(values) * percent / 100)]

    every = responses[True] + responses[False]
    found = {name: percentile(every, float(name[1:])) for name in REPORTED}
    return found | {"fast p99": percentile(responses[False], 99)}


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
    found = {name: statistics.median(r[key] for r in rounds["all"]) for name, key in REPORTED.items()}
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


def print_verdicts(results, rounds):
    def best(peers, column):
        return min(peers, key=lambda name: results[name][column])

    def verdict_on_all(ours, what, peers):
        rival = best(peers, "p99")
        pairs = [(one["p99_us"], other["p99_us"]) for one, other in zip(rounds[ours]["all"], rounds[rival]["all"], strict=True)]
        ratios = [one / other for (one, other), tells in zip(pairs, telling(rounds), strict=True) if tells]
        if not ratios:
            return print(f"{ours}'s p99: 1 % or more were slow by themselves in each round, which tells nothing")
        by = statistics.median(ratios)
        print(f"{ours}'s p99 is {by:.2f}x that of {rival}, the best of {what}, wanted {WANTED}x: {'yes' if by <= WANTED else 'NO'} "
              f"({len(ratios)} of {len(pairs)} rounds can tell)")  # fmt: skip

    def verdict_on_fast(ours, what, peers):
        rival = best(peers, "fast p99")
        by = results[ours]["fast p99"] / results[rival]["fast p99"]
        print(f"{ours}'s fast p99 is {by:.2f}x that of {rival}, the best of {what}")

    for ours in sorted(LABCOATS.keys() & results.keys()):
        for what, names in (("all peers", set(PEERS)), ("the peers that keep connections", set(PEERS) - set(CLOSING))):
            if there := sorted(names & set(results)):
                verdict_on_all(ours, what, there)
                verdict_on_fast(ours, what, there)


def telling(rounds):
    """For each round whether less than 1 % were slow: then p99 of whoever made nobody wait is far below SLOW_SECONDS. All servers
    get the same requests."""
    least = [min(ones) for ones in zip(*([r["p99_us"] for r in of["all"]] for of in rounds.values()), strict=True)]
    return [p99 < 1e6 * SLOW_SECONDS for p99 in least]


def main():
    words = Words(__doc__, [*LABCOATS, *PEERS], rounds=5, seconds=30)
    words.add_argument("--load", type=float, default=0.5, help="share of capacity (default: %(default)s)")
    arguments = words.parse()
    lineup.make_venv()
    rate = round(arguments.load * CAPACITY)
    app = lineup.App("sleepy:app", WORKERS)
    peers = dict(PEERS)
    for name, config in LABCOATS.items():
        peers[name] = lambda app, name=name, config=config: lineup.labcoat_app(arguments.serve, app, name=name, config=config)
    entries = {name: lambda name=name: peers[name](app) for name in arguments.servers}
    with running(entries, arguments.cpus, [Check(b"done\n"), Check(b"done\n", "slow")]) as (servers, _):
        rounds = measure(servers, arguments, rate)
    ideals = {"ideal": ideal(rate), "ideal-capped": ideal(rate, SLOW_PLACES)}
    results = ideals | {name: summed_up(of_name) for name, of_name in rounds.items()}
    print(f"{WORKERS} workers, {rate} requests/s ({arguments.load:.0%} of capacity), open loop over {CONNECTIONS} connections, "
          f"1 % take 500 ms and the others 5 ms; median of {arguments.rounds} rounds of {arguments.seconds:g} s\n")  # fmt: skip
    print_results(results, rounds)
    print_verdicts(results, rounds)
    write_report(arguments, "tail", {"servers": results, "all_rounds": rounds})


if __name__ == "__main__":
    main()
