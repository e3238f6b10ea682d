#!/usr/bin/python3
"""ASGI through labcoat serve and its peers, each with one worker on one core: hello world, an answer of 10 KB, 10 KB sent
and sent back. The generator (labcoat bench) is on another core, with 64 keep-alive connections.

All run on uvloop; Uvicorn reads requests with httptools. How each is set up: tests/bench/lineup.py.

    tests/bench/asgi_peers.py [--only hello] [--servers labcoat,granian] [--rounds 5] [--seconds 1] [--json FILE]
"""

import lineup
from contest import Words, print_verdict, write_report
from wsgi_peers import measure

APPS = {"hello": "asgi_apps:hello", "10k": "asgi_apps:ten_kb", "echo": "asgi_apps:echo"}


def main():
    words = Words(__doc__, ["labcoat", *lineup.ASGI], APPS)
    words.add_argument("--connections", type=int, default=64)
    arguments = words.parse()
    lineup.make_venv()
    report = {}
    for case in arguments.only:
        report[case] = measure(case, arguments, lineup.ASGI, APPS)
        print_verdict(report[case]["servers"], lineup.ASGI, rate_wanted=1.0, cpu_wanted=1.0)
        print()
    write_report(arguments, "asgi_peers", {"cases": report})


if __name__ == "__main__":
    main()
