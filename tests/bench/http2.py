#!/usr/bin/python3
"""A file of 612 bytes over HTTP/2 with TLS 1.3, 10 streams a connection, through labcoat serve, NGINX and H2O.

Server on one core, generator (h2load) on another; the same certificate (ECDSA, P-256) and cipher for all.

    tests/bench/http2.py [--servers labcoat,nginx] [--connections 32] [--rounds 5] [--seconds 1] [--json FILE]
"""

import lineup
from contest import Words, print_table, print_verdict, take_turns, write_report
from loads import h2load

STREAMS = 10


def main():
    words = Words(__doc__, ["labcoat", "nginx", "h2o"])
    words.add_argument("--connections", type=int, default=32)
    arguments = words.parse()
    with lineup.files_served(arguments, {"612.html": 612}, secure=True) as servers:
        load = h2load(arguments.generator_cpus, arguments.connections, STREAMS)
        results = take_turns(servers, load, "612.html", arguments.rounds, arguments.seconds)
    print(f"file of 612 bytes over HTTP/2 and TLS, h2load, {arguments.connections} connections with {STREAMS} streams each, "
          f"{arguments.rounds} rounds of {arguments.seconds:g} s\n")  # fmt: skip
    print_table(results)
    print_verdict(results, ["nginx", "h2o"], rate_wanted=1.0, cpu_wanted=1.0)
    write_report(arguments, "http2", {"servers": results})


if __name__ == "__main__":
    main()
