#!/usr/bin/python3
"""WebSocket through labcoat serve and its peers, one ASGI worker on one core: messages of 64 bytes, without compression.

echo        32 clients, each sends its next message when the last one has come back
broadcast   32 clients, every message goes to all of them; what is counted is messages received

The generator is tests/bench/websocket_load.cc, which is built beside the program, on another core. Where it is the limit,
read the CPU.

    tests/bench/websocket.py [--only echo] [--servers labcoat,granian] [--rounds 5] [--seconds 1] [--json FILE]
"""

import json
import urllib.parse

import lineup
from contest import Words, print_table, print_verdict, running, take_turns, write_report
from loads import output_of, pinned
from served import Check

CASES = ("echo", "broadcast")
CLIENTS = 32


def websocket_load(labcoat, cpus, case):
    def load(url, seconds):
        at = urllib.parse.urlsplit(url)
        words = pinned(cpus, labcoat.parent / "tests/bench/websocket_load", case, at.hostname, at.port, CLIENTS, seconds)
        got = json.loads(output_of(words))
        return {"answers": got["messages"], "rps": got["messages"] / got["seconds"], "p99_us": None, "errors": 0,
                "generator_bound": None, "duration_s": got["seconds"]}  # fmt: skip

    return load


def main():
    arguments = Words(__doc__, ["labcoat", *lineup.WEBSOCKET], CASES).parse()
    lineup.make_venv()
    app = lineup.App("websocket_app:app")
    peers = lineup.WEBSOCKET | {"labcoat": lambda app: lineup.labcoat_app(arguments.serve, app)}
    entries = {name: lambda name=name: peers[name](app) for name in arguments.servers}
    report = {}
    with running(entries, arguments.server_cpus, [Check(b"Hello, world!\n")]) as (servers, _):
        for case in arguments.only:
            load = websocket_load(arguments.labcoat, arguments.generator_cpus, case)
            results = report[case] = take_turns(servers, load, case, arguments.rounds, arguments.seconds)
            print(f"WebSocket {case}, {CLIENTS} clients, {arguments.rounds} rounds of {arguments.seconds:g} s\n")
            print_table(results, "messages")
            print_verdict(results, lineup.WEBSOCKET, rate_wanted=1.0, cpu_wanted=1.0)
            print()
    write_report(arguments, "websocket", {"cases": report})


if __name__ == "__main__":
    main()
