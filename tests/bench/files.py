#!/usr/bin/python3
"""Static files through labcoat serve, NGINX and H2O: rates, and the server's CPU time per request beside each.

Server on one core, generator on another, keep-alive connections, all servers up during the whole run and taking turns
(see peers.py). The peers' configurations are in tests/bench/peers/.

    tests/bench/files.py [--only 612] [--servers labcoat,nginx] [--rounds 5] [--seconds 1] [--wrk] [--json FILE]
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

from peers import PEERS, ROOT, Generator, NotStarted, Server, free_port, one_round, print_table, show, summary

# Name: bytes, connections, and what issue 3 asks of labcoat: at least so many times the rate of the fastest of these
# peers, or at most so many times its CPU per request.
CASES = {
    "612": {"bytes": 612, "connections": 64, "rate": 1.2, "cpu": 0.8, "of": ("nginx", "h2o")},
    "100k": {"bytes": 100_000, "connections": 64, "rate": 1.0, "cpu": None, "of": ("nginx",)},
    "10m": {"bytes": 10_000_000, "connections": 16, "rate": 1.0, "cpu": None, "of": ("nginx",)},
}


def file_name(case):
    return f"{case}.html" if case == "612" else f"{case}.bin"


class FileServer(Server):
    """A server of the folder `root`, which has one file for every case."""

    def __init__(self, name, argv, url, cpu, root):
        self.root = root
        super().__init__(name, argv, url, cpu)

    def _wait_for_an_answer(self):
        base, self.url = self.url, self.url + file_name("612")
        expected = (self.root / file_name("612")).read_bytes()
        self._wait_until_it_answers(expected)
        self.url = base
        for case in CASES:
            name = file_name(case)
            with urllib.request.urlopen(base + name, timeout=10) as answer:
                if answer.read() != (self.root / name).read_bytes():
                    self._fail(f"did not answer with the file {name}")


def write_files(root):
    for case, facts in CASES.items():
        line = f"{case}: the quick brown fox jumps over the lazy dog. ".encode()
        (root / file_name(case)).write_bytes((line * (facts["bytes"] // len(line) + 1))[: facts["bytes"]])


def server_command(name, labcoat, folder, root):
    """argv and URL (None: the server prints it)."""
    if name == "labcoat":
        return [str(labcoat), "serve", "--static", f"/={root}", "-l", "http://127.0.0.1:0", "--edge-threads", "1"], None
    template = PEERS / {"nginx": "nginx_files.conf", "h2o": "h2o_files.yaml"}[name]
    port = free_port()
    config = folder / template.name
    text = template.read_text()
    for key, value in {"port": port, "root": root, "dir": folder}.items():
        text = text.replace("{" + key + "}", str(value))
    config.write_text(text)
    words = ["nginx", "-p", str(folder), "-c", str(config)] if name == "nginx" else ["h2o", "-m", "worker", "-c", str(config)]
    return words, f"http://127.0.0.1:{port}/"


def wrk_round(server, url, connections, seconds, cpu):
    before = server.cpu_ns()
    words = ["taskset", "-c", str(cpu), "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", url]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    after = server.cpu_ns()
    answers, length = re.search(r"(\d+) requests in ([0-9.]+)s", out).groups()
    used = {name: ns - before.get(name, 0) for name, ns in after.items()}
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return {
        "rps": float(re.search(r"Requests/sec:\s+([0-9.]+)", out)[1]),
        "p99_us": None,
        "errors": int(failed[1]) if failed else 0,
        "cpu_us": {name: ns / 1e3 / max(1, int(answers)) for name, ns in sorted(used.items())},
        "server_core_share": sum(used.values()) / 1e9 / float(length),
        "generator_cpu_share": None,
        "generator_bound": False,
    }


def measure_case(case, servers, arguments, cpus):
    facts = CASES[case]
    generator = Generator(arguments.labcoat, cpus[1], facts["connections"])
    rounds = {name: [] for name in servers}

    class At:  # the server, at this case's file
        def __init__(self, server):
            self.url, self.cpu_ns = server.url + file_name(case), server.cpu_ns

    for server in servers.values():
        generator.run(At(server).url, 0.3, "--no-calibrate")
    for number in range(arguments.rounds):
        for name, server in servers.items():
            show(f"{case}: round {number + 1} of {arguments.rounds}: {name}")
            at = At(server)
            if arguments.wrk:
                rounds[name].append(wrk_round(at, at.url, facts["connections"], arguments.seconds, cpus[1]))
            else:
                rounds[name].append(one_round(at, generator, arguments.seconds))
    show("")
    return {name: summary(of_name) | {"all_rounds": of_name} for name, of_name in rounds.items()}


def print_verdict(case, results):
    facts = CASES[case]
    peers = {name: results[name] for name in facts["of"] if name in results and results[name]["rps"] > 0}
    if "labcoat" not in results or not peers:
        return
    ours = results["labcoat"]
    fastest = max(peers, key=lambda name: peers[name]["rps"])
    rate = ours["rps"] / peers[fastest]["rps"]
    cpu = sum(ours["cpu_us"].values()) / sum(peers[fastest]["cpu_us"].values())
    # Where the generator is the limit, rates are level and only the CPU can tell.
    spared = facts["cpu"] is not None and cpu <= facts["cpu"]
    wanted = f"{facts['rate']:.2f}x" + (f", or at most {facts['cpu']:.2f}x the CPU" if facts["cpu"] else "")
    print(f"labcoat has {rate:.2f}x the rate of {fastest} with {cpu:.2f}x its CPU per request, wanted {wanted}: "
          f"{'yes' if rate >= facts['rate'] or spared else 'NO'}\n")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(CASES), help="comma-separated cases")
    parser.add_argument("--servers", default="labcoat,nginx,h2o", help="comma-separated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--wrk", action="store_true", help="wrk as the generator, for rounds of whole seconds")
    parser.add_argument("--json", type=pathlib.Path, help="write everything measured to this file")
    parser.add_argument("--labcoat", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("LABCOAT", ROOT / "build/release/labcoat")))  # fmt: skip
    arguments = parser.parse_args()
    arguments.labcoat = arguments.labcoat.resolve()
    if not os.access(arguments.labcoat, os.X_OK):
        sys.exit(f"files.py: {arguments.labcoat} is not there; build it first with 'make build'")
    cases = arguments.only.split(",")
    if unknown := set(cases) - set(CASES):
        sys.exit(f"files.py: there is no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        sys.exit("files.py: server and generator need a core each, but this process may use only one")
    if arguments.wrk and not shutil.which("wrk"):
        sys.exit("files.py: --wrk needs the program wrk; install Debian's package wrk")

    report = {"schema": "labcoat.files/1", "rounds": arguments.rounds, "seconds": arguments.seconds,
              "generator": "wrk" if arguments.wrk else "labcoat bench", "cases": {}}  # fmt: skip
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)  # NGINX and H2O started as root read the files as somebody else
        root = folder / "www"
        root.mkdir()
        write_files(root)
        servers = {}
        for name in arguments.servers.split(","):
            own = folder / name
            own.mkdir()
            own.chmod(0o777)
            argv, url = server_command(name, arguments.labcoat, own, root)
            try:
                servers[name] = FileServer(name, argv, url, cpus[0], root)
            except (NotStarted, FileNotFoundError) as error:
                print(f"left out: {error}", file=sys.stderr)
                continue
            stack.callback(servers[name].stop)
        for case in cases:
            results = report["cases"][case] = measure_case(case, servers, arguments, cpus)
            print(f"file of {CASES[case]['bytes']:,} bytes, {CASES[case]['connections']} connections, {report['generator']}, "
                  f"median of {arguments.rounds} rounds of {arguments.seconds:g} s\n")  # fmt: skip
            print_table(results)
            print()
            print_verdict(case, results)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
