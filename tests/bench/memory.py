#!/usr/bin/python3
"""Memory of 4 workers of a Django site (tests/bench/peers/journal) through labcoat serve and its peers.

One server at a time, on all cores: PSS of all its processes, after the first answer, and after some thousand requests of
every kind, when the workers have touched what they shared with each other. What a front server, a master or a zygote
needs is in it. Those with `-warm` have asked the site for a page of each kind before they forked: Labcoat with `warm_up`,
the others by a module of our own (journal/warm.py), for none of them can. `labcoat-immortal` has `immortal_objects` as
well, which needs Python 3.12 or 3.13; Debian's is 3.11: LABCOAT_BENCH_PYTHON=PATH has all run on another.

    tests/bench/memory.py [--servers labcoat,gunicorn] [--requests 4000] [--mappings] [--json FILE]
"""

import dataclasses
import subprocess
import time

import lineup
from contest import PEERS, Words, running, show, temporary_folder, write_report
from loads import LabcoatBench
from served import Check

WORKERS = 4
SETTLE_SECONDS = 1
PATHS = ("", "entry/77", "?page=3", "entries.json", "new", "admin/login/")
WARM_UP = ["--set", "warm_up=" + " ".join("/" + path for path in PATHS),
           "--set", "pre_fork=django.db:connections.close_all"]  # fmt: skip


def warmed(app):
    return dataclasses.replace(app, target="journal.warm:app")


SERVERS = {
    "gunicorn": lineup.gunicorn_sync,
    "gunicorn-preload": lambda app: lineup.gunicorn(app, "sync", "--preload"),
    "uwsgi": lineup.uwsgi_socket,  # forks after the import, unless told otherwise
    "gunicorn-preload-warm": lambda app: lineup.gunicorn(warmed(app), "sync", "--preload"),
    "uwsgi-warm": lambda app: lineup.uwsgi_socket(warmed(app)),
    "uwsgi-lazy": lambda app: lineup.uwsgi(app, ["--http-socket", "127.0.0.1:{port}", "--lazy-apps"], "uwsgi-lazy"),
    "granian": lineup.granian,
}
# Sixteen clients that wait for no one would be turned away on a busy machine: nobody shall be, here.
EVERYBODY = ["--set", "shed_wait=0s"]
LABCOATS = {"labcoat": [], "labcoat-warm": WARM_UP, "labcoat-immortal": [*WARM_UP, "--set", "immortal_objects=on"]}
# What issue 4 asks: at most so many times the memory of this one. Like is compared with like.
BARS = {
    "labcoat": {"gunicorn": 0.6, "gunicorn-preload": 1.0, "uwsgi": 1.0},
    "labcoat-warm": {"gunicorn": 0.6, "gunicorn-preload-warm": 1.0, "uwsgi-warm": 1.0},
    "labcoat-immortal": {"gunicorn": 0.6, "gunicorn-preload-warm": 1.0, "uwsgi-warm": 1.0},
}


def mib(bytes_by_name):
    return sum(bytes_by_name.values()) / 2**20


def measure(name, server, arguments):
    show(f"memory: {name}")
    time.sleep(SETTLE_SECONDS)
    fresh = server.pss_bytes()
    urls = [word for path in PATHS for word in ("--url", f"1 {server.url}{path}")]
    bench = LabcoatBench(arguments.labcoat, arguments.cpus, 4 * WORKERS, timeout=30)
    report = bench.report(*urls, "-n", arguments.requests, "--no-calibrate")
    time.sleep(SETTLE_SECONDS)
    show("")
    worked = server.pss_bytes()
    if arguments.mappings:
        print_mappings(name, server.mappings())
    return {"fresh_bytes": fresh, "worked_bytes": worked, "processes": len(server.pids()), "answers": report["responses"],
            "failed": sum(report["errors"].values()) + report["status"]["4xx"] + report["status"]["5xx"]}  # fmt: skip


def print_mappings(name, mappings):
    print(f"{name + ', worked':30}{'MiB':>8}{'own':>8}   (what no other process has)")
    for (process, what), (pss, own) in sorted(mappings.items(), key=lambda one: -one[1][0]):
        if pss >= 2**17:
            print(f"{process + ': ' + what:30}{pss / 2**20:>8.1f}{own / 2**20:>8.1f}")
    print()


def print_results(results):
    print(f"{'':22}{'MiB at first':>14}{'MiB worked':>12}{'processes':>11}   MiB by name")
    for name, r in results.items():
        parts = " + ".join(f"{process} {used / 2**20:.0f}" for process, used in sorted(r["worked_bytes"].items()))
        failed = f"   ({r['failed']} of {r['answers']} requests failed)" if r["failed"] else ""
        print(f"{name:22}{mib(r['fresh_bytes']):>14.1f}{mib(r['worked_bytes']):>12.1f}{r['processes']:>11}   {parts}{failed}")
    print()
    for ours, bars in BARS.items():
        for name, bar in bars.items():
            if name not in results or ours not in results:
                continue
            first, by = (mib(results[ours][when]) / mib(results[name][when]) for when in ("fresh_bytes", "worked_bytes"))
            print(f"{ours} needs {by:.2f}x the memory of {name} (at first {first:.2f}x), wanted at most {bar:.2f}x: "
                  f"{'yes' if by <= bar else 'NO'}")  # fmt: skip


def main():
    words = Words(__doc__, [*LABCOATS, *SERVERS])
    words.add_argument("--requests", type=int, default=2000)
    words.add_argument("--mappings", action="store_true", help="print what the memory is, by process and mapping")
    arguments = words.parse()
    lineup.make_venv()
    results = {}
    with temporary_folder() as folder:
        env = {"JOURNAL_DB": str(folder / "journal.db")}
        command = [lineup.program("python"), "-B", "-m", "journal.make_data"]
        subprocess.run(command, cwd=PEERS, check=True, env=env)
        app = lineup.App("journal.wsgi:app", WORKERS, PEERS, env)
        peers = dict(SERVERS)
        for name, words in LABCOATS.items():
            peers[name] = lambda app, words=words: lineup.labcoat_app(arguments.serve, app, *EVERYBODY, *words)
        for name in arguments.servers:
            entry = {name: lambda name=name: peers[name](app)}
            with running(entry, arguments.cpus, [Check(path="entry/77")], some=False) as (servers, _):
                if name in servers:
                    results[name] = measure(name, servers[name], arguments)
    print(f"a Django site with {WORKERS} workers, at first and after {arguments.requests:,} requests; PSS of all processes\n")
    print_results(results)
    write_report(arguments, "memory", {"servers": results})


if __name__ == "__main__":
    main()
