#!/usr/bin/python3
"""What the access log costs: hello world through labcoat serve without it, with it in its default file mode, as JSON, and
written line by line (access_log_sync, the mode that exists to show what that costs).

Four servers on one core take turns in short rounds, the generator (labcoat bench) is on another. The cost is 1 minus the
ratio of the rates within a round; its interval is that of the median of the rounds (95 %). The thread that writes runs
on the server's core, and its CPU is in the server's. Afterwards the lines are counted: a log that drops is cheap.

    tests/bench/access_log.py [--servers off,file] [--rounds 20] [--seconds 0.5] [--json FILE]
"""

import math

import lineup
from contest import Words, cpu, print_table, rate, ratio, ratios, running, take_turns, temporary_folder, write_report
from loads import LabcoatBench
from served import Check

WANTED = 0.05
MODES = {
    "off": [],
    "file": ["--access-log", "access.log"],
    "json": ["--access-log", "access.log", "--set", "access_log_format=json"],
    "sync": ["--access-log", "access.log", "--set", "access_log_sync=on"],
}


def interval_of_median(values):
    """The order statistics that hold the true median with at least 95 %, by the binomial distribution."""
    values, n = sorted(values), len(values)
    below, chance = 0, 0.5**n
    while n and chance + math.comb(n, below + 1) * 0.5**n <= 0.025:
        below += 1
        chance += math.comb(n, below) * 0.5**n
    return values[below], values[-1 - below]


def lines_in(path):
    with open(path, "rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def print_costs(results, logged):
    for name in results:
        if name == "off" or "off" not in results:
            continue
        each = [1 - one for one in ratios(results[name], results["off"], rate)]
        cost = 1 - ratio(results[name], results["off"], rate)
        low, high = interval_of_median(each)
        more_cpu = ratio(results[name], results["off"], cpu) - 1
        wanted = f", wanted at most {WANTED:.0%}: {'yes' if cost <= WANTED else 'NO'}" if name == "file" else ""
        print(f"{name:6} costs {cost:6.1%} of the rate ({low:.1%} to {high:.1%}) and {more_cpu:+.1%} CPU for each; "
              f"{logged[name]['lines']:,} lines for {logged[name]['answers']:,} answers{wanted}")  # fmt: skip


def main():
    words = Words(__doc__, MODES, rounds=20, seconds=0.5)
    words.add_argument("--connections", type=int, default=64)
    arguments = words.parse()
    lineup.make_venv()
    with temporary_folder() as folder:
        entries = {}
        for name in arguments.servers:
            (folder / name).mkdir()
            app = lineup.App("hello:app", cwd=folder / name, env={"PYTHONPATH": str(lineup.PEERS)})
            entries[name] = lineup.labcoat_app(arguments.serve, app, *MODES[name], name=name)
        load = LabcoatBench(arguments.labcoat, arguments.generator_cpus, arguments.connections)
        answered = dict.fromkeys(entries, 1)  # each server's check is a request, too

        def counted(name):
            def count(url, seconds):
                result = load(url, seconds)
                answered[name] += result["answers"]
                return result

            return count

        with running(entries, arguments.server_cpus, [Check(b"Hello, world!\n")]) as (servers, _):
            loads = {name: counted(name) for name in servers}
            results = take_turns(servers, loads, "", arguments.rounds, arguments.seconds)
        # The servers have ended, so their last lines are written.
        logged = {name: {"answers": answered[name], "lines": 0 if name == "off" else lines_in(folder / name / "access.log")}
                  for name in results}  # fmt: skip
    print(f"hello world with and without access log, {arguments.connections} connections, {arguments.rounds} rounds of "
          f"{arguments.seconds:g} s\n")  # fmt: skip
    print_table(results)
    print_costs(results, logged)
    write_report(arguments, "access_log", {"servers": results, "logged": logged})


if __name__ == "__main__":
    main()
