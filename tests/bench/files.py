#!/usr/bin/python3
"""Static files through labcoat serve, NGINX and H2O: rates, and the server's CPU time for each request beside.

Server on one core, generator on another, keep-alive connections. The peers' configurations are in tests/bench/peers/.

    tests/bench/files.py [--only 612,100k] [--servers labcoat,nginx] [--rounds 5] [--seconds 1] [--wrk] [--json FILE]
"""

import shutil

import lineup
from contest import Words, print_table, print_verdict, take_turns, write_report
from loads import LabcoatBench, wrk

# What issue 3 asks of labcoat: at least so many times the rate of the fastest of these peers, or at most so many times
# its CPU for each request.
CASES = {
    "612": {"bytes": 612, "connections": 64, "rate": 1.2, "cpu": 0.8, "of": ("nginx", "h2o")},
    "100k": {"bytes": 100_000, "connections": 64, "rate": 1.0, "cpu": None, "of": ("nginx",)},
    "10m": {"bytes": 10_000_000, "connections": 16, "rate": 1.0, "cpu": None, "of": ("nginx",)},
}


def file_name(case):
    return f"{case}.html" if case == "612" else f"{case}.bin"


def main():
    words = Words(__doc__, ["labcoat", "nginx", "h2o"], CASES)
    words.add_argument("--wrk", action="store_true", help="wrk as the generator, for rounds of whole seconds")
    arguments = words.parse()
    if arguments.wrk and not shutil.which("wrk"):
        words.error("--wrk needs the program wrk; install Debian's package wrk")
    generator = "wrk" if arguments.wrk else "labcoat bench"
    report = {}
    sizes = {file_name(case): facts["bytes"] for case, facts in CASES.items()}
    with lineup.files_served(arguments, sizes) as servers:
        for case in arguments.only:
            facts = CASES[case]
            cpus, connections = arguments.generator_cpus, facts["connections"]
            load = wrk(cpus, connections) if arguments.wrk else LabcoatBench(arguments.labcoat, cpus, connections)
            results = report[case] = take_turns(servers, load, file_name(case), arguments.rounds, arguments.seconds)
            print(f"file of {facts['bytes']:,} bytes, {connections} connections, {generator}, {arguments.rounds} rounds "
                  f"of {arguments.seconds:g} s\n")  # fmt: skip
            print_table(results)
            print_verdict(results, facts["of"], facts["rate"], facts["cpu"])
            print()
    write_report(arguments, "files", {"generator": generator, "cases": report})


if __name__ == "__main__":
    main()
