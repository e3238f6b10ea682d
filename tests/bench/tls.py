#!/usr/bin/python3
"""TLS 1.3 through labcoat serve and NGINX: full handshakes, and a file of 612 bytes on connections that are kept.

Server on one core, generator on another. Both servers have the same certificate (ECDSA, P-256) and the same cipher;
what they agree on with a client is asked beforehand and must be the same.

handshake   openssl s_time, several at a time: connect, full handshake, one request for the 612 bytes, close. A client's
            half of a handshake costs twice the server's, so the rate says how fast the generator's core is at that
            moment, and what this server makes a client do: that is printed beside. The server's own part is its CPU.
612         h2load speaking HTTP/1.1, 64 connections.
10m         The same with a file of 10 MB, 4 connections.

Where the kernel knows TLS (modprobe tls), --servers labcoat,labcoat-openssl says what that is worth.

    tests/bench/tls.py [--only handshake,612,10m] [--servers labcoat,nginx] [--rounds 5] [--seconds 2] [--json FILE]
"""

import re
import statistics
import subprocess
import sys

import lineup
from contest import Words, cpu, print_table, print_verdict, ratio, take_turns, write_report
from loads import CIPHER, h2load, handshakes

CASES = {"handshake": ("full handshakes", "handshakes"), "612": ("file of 612 bytes over TLS", "requests"),
         "10m": ("file of 10 MB over TLS", "requests")}  # fmt: skip
FILES = {"handshake": "612.html", "612": "612.html", "10m": "10m.bin"}


def agreed(url):
    """What a client that offers the cipher of these benchmarks agrees on with the server."""
    words = ["openssl", "s_client", "-connect", url.split("/")[2], "-tls1_3", "-ciphersuites", CIPHER, "-brief"]
    text = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True).stderr
    found = {line.partition(":")[0]: line.partition(":")[2].strip() for line in text.splitlines()}
    facts = ("Protocol version", "Ciphersuite", "Signature type", "Hash used", "Server Temp Key")
    return ", ".join(f"{fact} {found.get(fact, 'none')}" for fact in facts)


def session_tickets(url):
    """How many tickets the server sends after a handshake: part of what one costs."""
    words = ["openssl", "s_client", "-connect", url.split("/")[2], "-tls1_3", "-ign_eof"]
    request = b"GET /612.html HTTP/1.0\r\n\r\n"
    text = subprocess.run(words, input=request, capture_output=True, timeout=10).stdout
    return len(re.findall(rb"Post-Handshake New Session Ticket arrived", text))


def print_generator(results):
    """What the servers make a client do, and what one core could do if the clients were free."""
    for name, result in results.items():
        client = statistics.median(one["generator_us"] for one in result["all_rounds"])
        print(f"{name}: a handshake costs the client {client:,.0f} us; one core of the server is enough for {1e6 / cpu(result):,.0f} a second")
    if "labcoat" in results and "nginx" in results:
        of_client = ratio(results["labcoat"], results["nginx"], lambda one: one["generator_us"])
        print(f"labcoat costs its clients {of_client:.2f}x the CPU that nginx does\n")


def main():
    words = Words(__doc__, ["labcoat", "nginx"], CASES, seconds=2)
    words.names["servers"].append("labcoat-openssl")
    words.add_argument("--clients", type=int, default=8, help="openssl s_time at a time (default: %(default)s)")
    words.add_argument("--connections", type=int, default=64)
    arguments = words.parse()
    report = {}
    with lineup.files_served(arguments, {"612.html": 612, "10m.bin": 10_000_000}, secure=True) as servers:
        report["agreed"] = {name: agreed(server.url) for name, server in servers.items()}
        if len(set(report["agreed"].values())) != 1:
            sys.exit(f"the servers do not agree on the same with a client: {report['agreed']}")
        print(next(iter(report["agreed"].values())))
        report["tickets"] = {name: session_tickets(server.url) for name, server in servers.items()}
        print("session tickets after each handshake:", ", ".join(f"{n} {count}" for n, count in report["tickets"].items()))
        for case in arguments.only:
            load = handshakes(arguments.generator_cpus, arguments.clients) if case == "handshake" else h2load(
                arguments.generator_cpus, 4 if case == "10m" else arguments.connections, 1, http1=True)  # fmt: skip
            results = report[case] = take_turns(servers, load, FILES[case], arguments.rounds, arguments.seconds)
            title, unit = CASES[case]
            print(f"\n{title}, {arguments.rounds} rounds of {arguments.seconds:g} s\n")
            print_table(results, unit)
            if case == "handshake":
                print_generator(results)
            print_verdict(results, ["nginx", "labcoat-openssl"], rate_wanted=1.0, cpu_wanted=1.0)
    write_report(arguments, "tls", {"cases": report})


if __name__ == "__main__":
    main()
