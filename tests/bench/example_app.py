#!/usr/bin/python3
"""A real application: examples/notes (Flask, SQLite, templates) under the mix of requests of its study.toml, through
labcoat serve and its peers, two workers each.

Servers on all cores but the last, the generator (labcoat bench) on that. First the rate, in a closed loop; then p99, in an
open loop at 70 % of the best peer's rate: the same requests at the same moments for all, so whoever is slower has less
room. Servers that can send files themselves are told where the application's static files are.

    tests/bench/example_app.py [--servers labcoat,granian] [--rounds 5] [--seconds 2] [--load 0.7] [--json FILE]
"""

import itertools
import subprocess
import tomllib

import lineup
from contest import ROOT, Words, print_table, print_verdict, ratio, running, take_turns, temporary_folder, write_report
from loads import LabcoatBench
from served import Check

NOTES = ROOT / "examples/notes"
WORKERS = 2
OPEN_CONNECTIONS = 64
OPEN_SECONDS_FACTOR = 3  # a percentile needs more answers than a mean


def mix(url):
    """The words for labcoat bench that ask as study.toml says."""
    urls = tomllib.loads((NOTES / "study.toml").read_text())["load"]["url"]
    return [word for one in urls for word in ("--url", f"{one['weight']} {url.rstrip('/')}{one['path']}")]


def load(labcoat, cpus, connections, server, *more):
    bench = LabcoatBench(labcoat, cpus, connections, *mix(server.url), *more, timeout=10)
    seeds = itertools.count(1)  # the same for every server, another in each round
    return lambda _url, seconds: bench(None, seconds, "--seed", next(seeds))


def p99(one):
    return one["p99_us"]


def print_tail_verdict(results, peers):
    there = [name for name in peers if name in results and results[name]["p99_us"]]
    if "labcoat" in results and there:
        best = min(there, key=lambda name: results[name]["p99_us"])
        by = ratio(results["labcoat"], results[best], p99)
        print(f"labcoat's p99 is {by:.2f}x that of {best}, wanted at most 1.00x: {'yes' if by <= 1 else 'NO'}")


def main():
    words = Words(__doc__, ["labcoat", *lineup.WSGI], seconds=2)
    words.add_argument("--load", type=float, default=0.7, help="share of the best peer's rate (default: %(default)s)")
    arguments = words.parse()
    lineup.make_venv()
    server_cpus, generator_cpus = arguments.cpus[:-1], arguments.cpus[-1:]
    with temporary_folder() as folder:
        database = folder / "notes.db"
        make_data = [lineup.program("python"), "-B", "make_data.py", database]
        subprocess.run(make_data, cwd=NOTES, check=True, stdout=subprocess.DEVNULL)
        app = lineup.App("notes:app", WORKERS, NOTES, {"NOTES_DB": str(database)}, ("/static", NOTES / "static"))
        peers = lineup.WSGI | {
            "labcoat": lambda app: lineup.labcoat_app(arguments.serve, app),
            "gunicorn-gthread": lambda app: lineup.gunicorn_gthread(app, threads=2),  # it computes more than it waits
        }
        entries = {name: lambda name=name: peers[name](app) for name in arguments.servers}
        css = Check((NOTES / "static/notes.css").read_bytes(), "static/notes.css")
        with running(entries, server_cpus, [css]) as (servers, _):

            def turns(connections, seconds, *more):
                loads = {name: load(arguments.labcoat, generator_cpus, connections, server, *more)
                         for name, server in servers.items()}  # fmt: skip
                return take_turns(servers, loads, "", arguments.rounds, seconds, cores=len(server_cpus))

            closed = turns(16, arguments.seconds)
            rivals = [closed[name]["rps"] for name in lineup.WSGI if name in closed] or [closed["labcoat"]["rps"]]
            rate = max(1, round(arguments.load * max(rivals)))
            opened = turns(OPEN_CONNECTIONS, arguments.seconds * OPEN_SECONDS_FACTOR, "-r", rate)
    print(f"examples/notes, {WORKERS} workers on {len(server_cpus)} core(s), closed loop over 16 connections, "
          f"{arguments.rounds} rounds of {arguments.seconds:g} s\n")  # fmt: skip
    print_table(closed)
    print_verdict(closed, lineup.WSGI, rate_wanted=1.0)
    print(f"\nthe same, open loop at {rate} requests/s ({arguments.load:.0%} of the best peer's rate) over {OPEN_CONNECTIONS} "
          f"connections, rounds of {arguments.seconds * OPEN_SECONDS_FACTOR:g} s\n")  # fmt: skip
    print_table(opened, bound="the generator sent late")
    print_tail_verdict(opened, lineup.WSGI)
    write_report(arguments, "example_app", {"closed": closed, "open": opened, "open_rate": rate})


if __name__ == "__main__":
    main()
