#!/usr/bin/python3
"""Hello world through labcoat serve and its peers, as shares of what one core can do at all.

Server on one core, generator (labcoat bench) on another, keep-alive connections. Every server is up during the whole
run and they take turns, round after round, so that a machine that changes its speed changes it for all of them. The
limit is tests/bench/limit.cc, a bare epoll loop.

    tests/bench/peers.py [--only limit,labcoat] [--rounds 5] [--seconds 2] [--json FILE]
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
PEERS = HERE / "peers"
ROOT = HERE.parent.parent
READY_SECONDS = 20
TIMEOUT_SECONDS = 2

# What issue 2 asks of labcoat: at least this many times the rate of the other.
BARS = {"limit": 0.60, "uwsgi-http": 3, "uwsgi-http11": 2, "gunicorn-sync": 10, "gunicorn-gthread": 10}


def free_port():
    """A port that is free now. Only for programs that cannot pick one themselves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def server_commands(labcoat):
    """Name to argv and URL; the URL is None when the server prints it as 'ready URL'."""

    def at_port(*words):
        port = free_port()
        return [word.format(port=port) for word in words], f"http://127.0.0.1:{port}/"

    limit = labcoat.parent / "tests" / "bench" / "limit"
    uwsgi = ["uwsgi", "--ini", "uwsgi.ini"]
    gunicorn = ["gunicorn", "--config", "gunicorn.py", "--bind", "127.0.0.1:{port}"]
    return {
        "limit": lambda: ([str(limit)], None),
        "labcoat": lambda: (
            [str(labcoat), "serve", "hello:app", "-l", "http://127.0.0.1:0", "-w", "1", "-t", "1", "--edge-threads", "1",
             "--python", "/usr/bin/python3"], None),
        "uwsgi-http": lambda: at_port(*uwsgi, "--http-socket", "127.0.0.1:{port}"),
        "uwsgi-http11": lambda: at_port(*uwsgi, "--http11-socket", "127.0.0.1:{port}"),
        "gunicorn-sync": lambda: at_port(*gunicorn, "--worker-class", "sync", "hello:app"),
        "gunicorn-gthread": lambda: at_port(*gunicorn, "--worker-class", "gthread", "--threads", "4", "hello:app"),
    }  # fmt: skip


class NotStarted(Exception):
    pass


class Server:
    def __init__(self, name, argv, url, cpu):
        self.name = name
        self.log = tempfile.TemporaryFile(mode="w+")
        try:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(cpu), *argv], cwd=PEERS, stdout=subprocess.PIPE, stderr=self.log, text=True,
                start_new_session=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            )  # fmt: skip
            self.url = url or self._url_from_ready_line()
            self._wait_for_an_answer()
        except NotStarted:
            self.stop()
            raise

    def _fail(self, why):
        self.log.seek(0)
        last = self.log.read().strip().splitlines()[-3:]
        raise NotStarted(f"{self.name}: {why}" + (": " + " | ".join(last) if last else ""))

    def _url_from_ready_line(self):
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            if not select.select([self.process.stdout], [], [], 0.2)[0]:
                continue
            line = self.process.stdout.readline()
            if found := re.match(r"ready (http://\S+)", line):
                return found[1].rstrip("/") + "/"
        return self._fail("did not print 'ready URL'")

    def _wait_for_an_answer(self):
        self._wait_until_it_answers(b"Hello, world!\n")

    def _wait_until_it_answers(self, expected):
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(self.url, timeout=5) as answer:
                if answer.read() == expected:
                    return
                self._fail(f"did not answer with {expected[:40]!r}")
            time.sleep(0.05)
        self._fail("did not start")

    def cpu_ns(self):
        """CPU time so far by process name, of the whole tree, from the scheduler's own count of nanoseconds."""
        spent = {}
        for pid in process_tree(self.process.pid):
            with contextlib.suppress(OSError):
                name = process_name(pid)
                for task in os.listdir(f"/proc/{pid}/task"):
                    used = int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
                    spent[name] = spent.get(name, 0) + used
        return spent

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process.stdout.close()
        self.log.close()


def process_tree(root):
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                # The name in parentheses may hold anything; what follows the last one does not.
                stat = pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(stat[1]), []).append(int(entry))
    tree, todo = [], [root]
    while todo:
        tree.append(todo.pop())
        todo += children.get(tree[-1], [])
    return tree


def process_name(pid):
    """'edge', 'labcoat', 'python3', …: the subcommand tells the processes of labcoat apart."""
    name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    if name == "labcoat" and len(words) > 1 and words[1] == b"edge":
        return "edge"
    return name


class Generator:
    def __init__(self, labcoat, cpu, connections):
        self.words = ["taskset", "-c", str(cpu), str(labcoat), "bench"]
        self.connections = connections
        self.cpu = cpu

    def run(self, url, seconds, *more):
        words = [*self.words, url, "-c", str(self.connections), "-d", f"{seconds}s", "--warmup", "0", "--json", "-"]
        # A server that leaves connections waiting (uWSGI with keep-alive does) must not hold up the others for long.
        words += ["--timeout", f"{TIMEOUT_SECONDS}s"]
        done = subprocess.run([*words, *more], capture_output=True, text=True)
        if not done.stdout:
            raise RuntimeError(f"labcoat bench {url}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def ceiling(self, url):
        return self.run(url, 0.1)["generator"]["ceiling_rps"]

    def wrk(self, url, seconds):
        words = ["taskset", "-c", str(self.cpu), "wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", url]
        out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        return float(re.search(r"Requests/sec:\s+([0-9.]+)", out)[1])


def one_round(server, generator, seconds):
    before = server.cpu_ns()
    result = generator.run(server.url, seconds, "--no-calibrate")
    after = server.cpu_ns()
    answers = max(result["responses"], 1)
    used = {name: ns - before.get(name, 0) for name, ns in after.items()}
    return {
        "rps": result["rps"],
        "p99_us": result["response_us"]["p99"],
        "errors": sum(result["errors"].values()) + result["status"]["4xx"] + result["status"]["5xx"],
        "cpu_us": {name: ns / 1e3 / answers for name, ns in sorted(used.items()) if ns / 1e3 / answers >= 0.005},
        "server_core_share": sum(used.values()) / 1e9 / max(result["duration_s"], 1e-9),
        "generator_cpu_share": result["generator"]["cpu_share"],
        "generator_bound": not result["valid"],
    }


def summary(rounds):
    def median(key):
        values = [r[key] for r in rounds if r[key] is not None]
        return statistics.median(values) if values else None

    names = sorted({name for r in rounds for name in r["cpu_us"]})
    return {
        "rps": median("rps"),
        "rps_min": min(r["rps"] for r in rounds),
        "rps_max": max(r["rps"] for r in rounds),
        "p99_us": median("p99_us"),
        "errors": sum(r["errors"] for r in rounds),
        "cpu_us": {name: statistics.median(r["cpu_us"].get(name, 0) for r in rounds) for name in names},
        "server_core_share": median("server_core_share"),
        "generator_cpu_share": median("generator_cpu_share"),
        "generator_bound": sum(r["generator_bound"] for r in rounds) * 2 > len(rounds),
    }


def print_table(servers):
    limit = servers.get("limit", {}).get("rps")
    print(f"{'':18}{'requests/s':>12}{'of limit':>10}{'min-max':>18}{'p99 us':>11}{'core':>7}   CPU us per request")
    for name, s in servers.items():
        share = f"{s['rps'] / limit:.2f}" if limit else "-"
        spread = f"{s['rps_min']:,.0f}-{s['rps_max']:,.0f}"
        p99 = f"{s['p99_us']:,.0f}" if s["p99_us"] is not None else "-"
        cpu = f"{sum(s['cpu_us'].values()):.2f}"
        if len(s["cpu_us"]) > 1:
            cpu += " = " + " + ".join(f"{process} {used:.2f}" for process, used in s["cpu_us"].items())
        notes = [f"{s['errors']:,} errors"] if s["errors"] else []
        if s["generator_bound"]:
            notes.append("at the generator's own limit: at least this fast")
        print(
            f"{name:18}{s['rps']:>12,.0f}{share:>10}{spread:>18}{p99:>11}{s['server_core_share']:>7.0%}   {cpu}"
            + ("   (" + "; ".join(notes) + ")" if notes else "")
        )


def print_bars(servers):
    if "labcoat" not in servers:
        return
    print()
    for name, bar in BARS.items():
        if name in servers and servers[name]["rps"] > 0:
            ratio = servers["labcoat"]["rps"] / servers[name]["rps"]
            print(f"labcoat is {ratio:.2f}x {name}, wanted {bar:.2f}x: {'yes' if ratio >= bar else 'NO'}")


def show(progress):
    if sys.stderr.isatty():
        print(f"\r\x1b[K{progress}", end="", file=sys.stderr, flush=True)


def measure(arguments, cpus):
    commands = server_commands(arguments.labcoat)
    names = arguments.only.split(",") if arguments.only else list(commands)
    for name in names:
        if name not in commands:
            sys.exit(f"peers.py: there is no server '{name}'; there are {', '.join(commands)}")
    generator = Generator(arguments.labcoat, cpus[1], arguments.connections)
    servers, rounds, missing = {}, {}, {}
    report = {"schema": "labcoat.peers/1", "connections": arguments.connections, "seconds": arguments.seconds,
              "rounds": arguments.rounds, "server_cpu": cpus[0], "generator_cpu": cpus[1]}  # fmt: skip
    with contextlib.ExitStack() as stack:
        for name in names:
            argv, url = commands[name]()
            try:
                servers[name] = Server(name, argv, url, cpus[0])
            except (NotStarted, FileNotFoundError) as error:
                missing[name] = str(error)
                print(f"left out: {error}", file=sys.stderr)
                continue
            stack.callback(servers[name].stop)
        if not servers:
            sys.exit("peers.py: no server started")
        for server in servers.values():  # warm-up
            report["generator_ceiling_rps"] = generator.ceiling(server.url)
            generator.run(server.url, min(0.5, arguments.seconds), "--no-calibrate")
        wrk = []
        for number in range(arguments.rounds):
            for name, server in servers.items():
                show(f"round {number + 1} of {arguments.rounds}: {name}")
                rounds.setdefault(name, []).append(one_round(server, generator, arguments.seconds))
            if arguments.wrk and "limit" in servers:
                wrk.append(generator.wrk(servers["limit"].url, max(1, round(arguments.seconds))))
        show("")
    report["servers"] = {name: summary(of_name) | {"all_rounds": of_name} for name, of_name in rounds.items()}
    report["left_out"] = missing
    if wrk:
        report["wrk_on_limit_rps"] = statistics.median(wrk)
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="comma-separated names of servers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--json", type=pathlib.Path, help="write everything measured to this file")
    parser.add_argument("--wrk", action="store_true", help="let wrk load the limit too, to compare the generators")
    parser.add_argument("--labcoat", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("LABCOAT", ROOT / "build/release/labcoat")))  # fmt: skip
    arguments = parser.parse_args()
    if arguments.rounds < 1 or not 0 < arguments.seconds <= 600:
        parser.error("--rounds must be at least 1 and --seconds from 0 to 600")
    arguments.labcoat = arguments.labcoat.resolve()
    if not os.access(arguments.labcoat, os.X_OK):
        sys.exit(f"peers.py: {arguments.labcoat} is not there; build it first with 'make build'")
    if arguments.wrk and not shutil.which("wrk"):
        sys.exit("peers.py: --wrk needs the program wrk; install Debian's package wrk")
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        sys.exit("peers.py: server and generator need a core each, but this process may use only one")

    report = measure(arguments, cpus)
    print(f"hello world, server on core {cpus[0]}, generator on core {cpus[1]}, {arguments.connections} connections, "
          f"median of {arguments.rounds} rounds of {arguments.seconds:g} s; generator's ceiling "
          f"{report['generator_ceiling_rps']:,.0f}/s\n")  # fmt: skip
    print_table(report["servers"])
    print_bars(report["servers"])
    if "wrk_on_limit_rps" in report:
        ratio = report["servers"]["limit"]["rps"] / report["wrk_on_limit_rps"]
        print(f"\non the limit, labcoat bench reaches {ratio:.2f}x the rate of wrk")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
