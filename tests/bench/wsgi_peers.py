#!/usr/bin/python3
"""WSGI through labcoat serve and its peers: hello world, an answer of 10 KB, 10 KB sent and sent back, and hello world by
two workers on two cores.

One worker: server on one core, generator (labcoat bench) on another, 64 keep-alive connections. Two workers: server on
two cores, generator on a third if there is one, else on the same two. `limit` is tests/bench/limit.cc, a bare epoll
loop: what one core can do at all. How each server is set up: tests/bench/lineup.py.

    tests/bench/wsgi_peers.py [--only hello,echo] [--servers limit,labcoat,bjoern] [--rounds 5] [--seconds 1] [--wrk]
"""

import shutil

import lineup
from contest import Words, print_table, print_verdict, running, show, take_turns, write_report
from loads import LabcoatBench, wrk
from served import Check

HELLO, TEN_KB = b"Hello, world!\n", b"0123456789" * 1024
CASES = {
    "hello": {"title": "hello world", "app": "hello:app", "check": Check(HELLO), "workers": 1},
    "10k": {"title": "answer of 10 KB", "app": "bodies:ten_kb", "check": Check(TEN_KB), "workers": 1},
    "echo": {"title": "10 KB sent and sent back", "app": "bodies:echo", "check": Check(TEN_KB, body=TEN_KB), "workers": 1},
    "hello2": {"title": "hello world, two workers on two cores", "app": "hello:app", "check": Check(HELLO), "workers": 2},
}
# What issue 2 asks for beside being ahead of every peer: so many times the rate.
BARS = {"limit": 0.75, "uwsgi-socket": 3, "gunicorn-sync": 10, "gunicorn-gthread": 10}
LIMIT_CPU = 1.6


def entries(names, arguments, app, peers):
    own = {"limit": lambda: lineup.limit(arguments.labcoat), "labcoat": lambda: lineup.labcoat_app(arguments.serve, app)}
    return {name: own[name] if name in own else (lambda peer=peers[name]: peer(app)) for name in names}


def measure(case, arguments, peers, interface=None):
    """Starts the servers of one case, lets them take turns, and says what came out; returns it for the report."""
    facts = CASES[case] if interface is None else CASES[case] | {"app": interface[case]}
    two = facts["workers"] == 2
    server_cpus = arguments.cpus[:2] if two else arguments.server_cpus
    generator_cpus = (arguments.cpus[2:3] or arguments.cpus[:2]) if two else arguments.generator_cpus
    app = lineup.App(facts["app"], facts["workers"])
    chosen = [name for name in arguments.servers if not (name == "limit" and case != "hello")]
    sent = facts["check"].body
    more = ["-b", sent.decode(), "-H", "Content-Type: application/octet-stream"] if sent else []
    load = LabcoatBench(arguments.labcoat, generator_cpus, arguments.connections, *more)
    with running(entries(chosen, arguments, app, peers), server_cpus, [facts["check"]]) as (servers, left_out):
        ceiling = load.ceiling(next(iter(servers.values())).url)
        results = take_turns(servers, load, "", arguments.rounds, arguments.seconds, cores=len(server_cpus))
        with_wrk = None
        if getattr(arguments, "wrk", False) and "limit" in servers:
            show("wrk on the limit")
            with_wrk = wrk(generator_cpus, arguments.connections)(servers["limit"].url, max(1, arguments.seconds))["rps"]
            show("")
    print(f"{facts['title']}: server on {named(server_cpus)}, generator on {named(generator_cpus)}, "
          f"{arguments.connections} connections, {arguments.rounds} rounds of {arguments.seconds:g} s; "
          f"the generator could do {ceiling:,.0f}/s\n")  # fmt: skip
    print_table(results)
    if with_wrk and "limit" in results:
        print(f"on the limit, labcoat bench reaches {results['limit']['rps'] / with_wrk:.2f}x the rate of wrk\n")
    return {"servers": results, "left_out": left_out, "generator_ceiling_rps": ceiling, "wrk_on_limit_rps": with_wrk}


def named(cpus):
    return ("core " if len(cpus) == 1 else "cores ") + ",".join(map(str, cpus))


def main():
    words = Words(__doc__, ["limit", "labcoat", *lineup.WSGI], CASES)
    words.add_argument("--connections", type=int, default=64)
    words.add_argument("--wrk", action="store_true", help="let wrk load the limit too, to compare the generators")
    arguments = words.parse()
    if arguments.wrk and not shutil.which("wrk"):
        words.error("--wrk needs the program wrk; install Debian's package wrk")
    lineup.make_venv()
    report = {}
    for case in arguments.only:
        report[case] = measure(case, arguments, lineup.WSGI)
        results = report[case]["servers"]
        print_verdict(results, lineup.WSGI, rate_wanted=1.0, cpu_wanted=1.0)
        if case == "hello":
            print_verdict(results, ["limit"], BARS["limit"])
            print_verdict(results, ["limit"], cpu_wanted=LIMIT_CPU)
            for name in ("uwsgi-socket", "gunicorn-sync", "gunicorn-gthread"):
                print_verdict(results, [name], BARS[name])
        print()
    write_report(arguments, "wsgi_peers", {"cases": report})


if __name__ == "__main__":
    main()
