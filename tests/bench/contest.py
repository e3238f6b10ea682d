"""How servers are compared: all of them are up, and they take turns in short rounds, so that a machine that changes its
speed changes it for all. What counts is the ratio to a rival within the same round.
"""

import argparse
import contextlib
import json
import math
import os
import pathlib
import signal
import statistics
import sys
import tempfile

from loads import Failed
from served import NotStarted, Server

HERE = pathlib.Path(__file__).resolve().parent
PEERS = HERE / "peers"
ROOT = HERE.parent.parent
WARM_UP_SECONDS = 0.3
BUSY = 0.93  # a server that uses less of its cores than this waited for something else


class Words(argparse.ArgumentParser):
    """The command line that all benchmarks share. `servers` and `cases` are the names that may be chosen from."""

    def __init__(self, doc, servers, cases=(), rounds=5, seconds=1.0):
        super().__init__(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        self.names = {"servers": list(servers), "only": list(cases)}
        self.add_argument("--servers", default=",".join(servers), help="comma-separated (default: %(default)s)")
        if cases:
            self.add_argument("--only", default=",".join(cases), help="comma-separated cases (default: %(default)s)")
        self.add_argument("--rounds", type=int, default=rounds, help="turns of each server (default: %(default)s)")
        self.add_argument("--seconds", type=float, default=seconds, help="length of a turn (default: %(default)s)")
        self.add_argument("--json", type=pathlib.Path, help="write everything measured to this file")
        self.add_argument("--labcoat", type=pathlib.Path,
                          default=pathlib.Path(os.environ.get("LABCOAT", ROOT / "build/release/labcoat")))  # fmt: skip

        self.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="an option for labcoat serve")

    def parse(self, words=None):
        given = self.parse_args(words)
        if given.rounds < 1 or not 0 < given.seconds <= 600:
            self.error("--rounds must be at least 1 and --seconds from 0 to 600")
        for option, known in self.names.items():
            if hasattr(given, option):
                chosen = getattr(given, option).split(",")
                if unknown := [name for name in chosen if name not in known]:
                    self.error(f"--{option}: there is no '{unknown[0]}'; there are {', '.join(known)}")
                setattr(given, option, chosen)
        given.labcoat = given.labcoat.resolve()
        if not os.access(given.labcoat, os.X_OK):
            self.exit(1, f"{given.labcoat} is not there; build it first with 'make build'\n")
        given.serve = [given.labcoat, "serve", *(word for knob in given.set for word in ("--set", knob))]
        given.cpus = sorted(os.sched_getaffinity(0))
        if len(given.cpus) < 2:
            self.exit(1, "server and generator need a core each, but this process may use only one\n")
        given.server_cpus, given.generator_cpus = given.cpus[:1], given.cpus[1:2]
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not without ending the servers
        return given


@contextlib.contextmanager
def temporary_folder():
    """One that servers may read which were started as root and gave that up."""
    with tempfile.TemporaryDirectory(prefix="labcoat-bench-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        yield folder


@contextlib.contextmanager
def running(entries, cpus, checks, some=True):
    """Starts the servers; yields those that run by name, and why the others do not. An entry may be a call that makes
    one, which may raise NotStarted. With `some`, the program ends when there is none."""
    servers, left_out = {}, {}
    with contextlib.ExitStack() as stack:
        for name, entry in entries.items():
            try:
                servers[name] = Server(entry() if callable(entry) else entry, cpus, checks)
            except (NotStarted, FileNotFoundError) as error:
                left_out[name] = str(error)
                print(f"left out: {name}: {error}", file=sys.stderr)
                continue
            stack.callback(servers[name].stop)
        if some and not servers:
            sys.exit("no server started")
        yield servers, left_out


def one_round(server, load, path, seconds):
    before = server.cpu_ns()
    result = load(server.url + path, seconds)
    after = server.cpu_ns()
    answers = max(result["answers"], 1)
    used = {name: max(0, ns - before.get(name, 0)) for name, ns in after.items()}
    return result | {
        "cpu_us": {name: ns / 1e3 / answers for name, ns in sorted(used.items()) if ns / 1e3 / answers >= 0.005},
        "cores": sum(used.values()) / 1e9 / max(result["duration_s"], 1e-9),
    }


def take_turns(servers, load, path, rounds, seconds, cores=1):
    """Rounds by name; `load` is one for all or one for each name. A server that the load cannot measure is left out of
    the rest, with the reason on stderr."""
    results = {name: [] for name in servers}
    load_of = load if isinstance(load, dict) else dict.fromkeys(servers, load)
    for name, server in servers.items():
        with contextlib.suppress(Failed):
            load_of[name](server.url + path, min(WARM_UP_SECONDS, seconds))
    for number in range(rounds):
        # There and back: nobody always comes after the same other one.
        for name in list(results)[:: -1 if number % 2 else 1]:
            show(f"round {number + 1} of {rounds}: {name}")
            try:
                results[name].append(one_round(servers[name], load_of[name], path, seconds))
            except Failed as error:
                print(f"left out: {name}: {error}", file=sys.stderr)
                del results[name]
    show("")
    return {name: summary(of_name, cores) for name, of_name in results.items()}


def summary(rounds, cores):
    def median(key):
        values = [r[key] for r in rounds if r.get(key) is not None]
        return statistics.median(values) if values else None

    names = sorted({name for r in rounds for name in r["cpu_us"]})
    bound = [r["cores"] < BUSY * cores if r["generator_bound"] is None else r["generator_bound"] for r in rounds]
    return {
        "rps": median("rps"),
        "rps_min": min(r["rps"] for r in rounds),
        "rps_max": max(r["rps"] for r in rounds),
        "p99_us": median("p99_us"),
        "errors": sum(r["errors"] for r in rounds),
        "cpu_us": {name: statistics.median(r["cpu_us"].get(name, 0) for r in rounds) for name in names},
        "cores": median("cores"),
        "generator_bound": sum(bound) * 2 > len(rounds),
        "all_rounds": rounds,
    }


def ratios(ours, theirs, value):
    """Of each round: our value divided by theirs."""
    return [value(a) / value(b) for a, b in zip(ours["all_rounds"], theirs["all_rounds"]) if value(b)]


def ratio(ours, theirs, value):
    """The median over the rounds."""
    return statistics.median(ratios(ours, theirs, value) or [math.nan])


def rate(one):
    return one["rps"]


def cpu(one):
    return sum(one["cpu_us"].values())


def show(progress):
    if sys.stderr.isatty():
        print(f"\r\x1b[K{progress}", end="", file=sys.stderr, flush=True)


def print_table(results, unit="requests", bound="it waited for the generator: at least this fast"):
    limit = results.get("limit", {}).get("rps")
    of_limit = f"{'of limit':>10}" if limit else ""
    print(f"{'':18}{unit + '/s':>14}{of_limit}{'min-max':>18}{'p99 us':>11}{'cores':>7}   CPU us for each")
    for name, s in results.items():
        share = f"{s['rps'] / limit:>10.2f}" if limit else ""
        spread = f"{s['rps_min']:,.0f}-{s['rps_max']:,.0f}"
        p99 = f"{s['p99_us']:,.0f}" if s["p99_us"] is not None else "-"
        used = f"{cpu(s):.2f}"
        if len(s["cpu_us"]) > 1:
            used += " = " + " + ".join(f"{process} {us:.2f}" for process, us in s["cpu_us"].items())
        notes = [f"{s['errors']:,} errors"] if s["errors"] else []
        if s["generator_bound"]:
            notes.append(bound)
        print(f"{name:18}{s['rps']:>14,.0f}{share}{spread:>18}{p99:>11}{s['cores']:>7.2f}   {used}"
              + (f"   ({'; '.join(notes)})" if notes else ""))  # fmt: skip
    print()


def print_verdict(results, rivals, rate_wanted=None, cpu_wanted=None):
    """Compares labcoat with the fastest of the rivals. With both wanted, the rate decides, and the CPU for each request
    where the generator was the limit: a rival that waited for it could have been faster than its rate says."""
    rivals = {name: results[name] for name in rivals if name in results and results[name]["rps"] > 0}
    if "labcoat" not in results or not rivals:
        return
    name = max(rivals, key=lambda one: rivals[one]["rps"])
    ours, theirs = results["labcoat"], rivals[name]
    by_rate, by_cpu = ratio(ours, theirs, rate), ratio(ours, theirs, cpu)
    rate_good, cpu_good = by_rate >= (rate_wanted or math.inf), by_cpu <= (cpu_wanted or 0)
    if rate_wanted and cpu_wanted:
        wanted = f"{rate_wanted:.2f}x the rate or, where the generator is the limit, at most {cpu_wanted:.2f}x the CPU"
        good = cpu_good if theirs["generator_bound"] else rate_good or (ours["generator_bound"] and cpu_good)
    else:
        wanted = f"{rate_wanted:.2f}x the rate" if rate_wanted else f"at most {cpu_wanted:.2f}x the CPU"
        good = rate_good or cpu_good
    print(f"labcoat has {by_rate:.2f}x the rate of {name} with {by_cpu:.2f}x its CPU for each, wanted {wanted}: "
          f"{'yes' if good else 'NO'}")  # fmt: skip


def write_report(arguments, name, facts):
    if arguments.json:
        report = {"schema": f"labcoat.{name}/1", "rounds": arguments.rounds, "seconds": arguments.seconds, **facts}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
