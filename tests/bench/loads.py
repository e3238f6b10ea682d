"""What loads a server: labcoat bench, wrk, h2load and openssl s_time, each as one call that says the same things.

Each returns a dict with answers, rps, p99_us (None where the tool does not say), errors, and generator_bound (None where
the tool cannot tell: then the share of its cores that the server used must).
"""

import json
import re
import resource
import subprocess
import time

TIMEOUT_SECONDS = 2
CIPHER = "TLS_AES_128_GCM_SHA256"  # named, so that no server can save by choosing another


class Failed(Exception):
    pass


def pinned(cpus, *words):
    return ["taskset", "-c", ",".join(map(str, cpus)), *map(str, words)]


def output_of(words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}: {(done.stderr.strip() or done.stdout.strip())[-300:]}")
    return done.stdout


class LabcoatBench:
    """Requests in clear: closed loop, or open with -r. Without URL, `more` says which are sent."""

    def __init__(self, labcoat, cpus, connections, *more, timeout=TIMEOUT_SECONDS, warm_up=0):
        # A server that leaves connections waiting must not hold up the others for long.
        self.words = pinned(cpus, labcoat, "bench", "-c", connections, "--timeout", f"{timeout}s", *more)
        self.warm_up = warm_up

    def report(self, *words):
        done = subprocess.run([*self.words, *map(str, words), "--json", "-"], capture_output=True, text=True)
        if not done.stdout:
            raise Failed(f"labcoat bench {words}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def ceiling(self, url):
        return self.report(url, "-d", "0.1s", "--warmup", "0")["generator"]["ceiling_rps"]

    def __call__(self, url, seconds, *more):
        words = ["-d", f"{seconds}s", "--warmup", f"{self.warm_up}s", "--no-calibrate", *more]
        report = self.report(*([url] if url else []), *words)
        return {
            "answers": report["responses"],
            "rps": report["rps"],
            "p50_us": report["response_us"]["p50"],
            "p95_us": report["response_us"]["p95"],
            "p99_us": report["response_us"]["p99"],
            "p999_us": report["response_us"]["p999"],
            "errors": sum(report["errors"].values()) + report["status"]["4xx"] + report["status"]["5xx"],
            "generator_bound": not report["valid"],
            "why_invalid": report["invalid_reasons"],
            "duration_s": report["duration_s"],
        }


def wrk(cpus, connections):
    """In clear or TLS, HTTP/1.1, rounds of whole seconds."""

    def load(url, seconds):
        out = output_of(pinned(cpus, "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", url))
        answers, length = re.search(r"(\d+) requests in ([0-9.]+)s", out).groups()
        failed = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
        broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
        return {
            "answers": int(answers),
            "rps": float(re.search(r"Requests/sec:\s+([0-9.]+)", out)[1]),
            "p99_us": None,
            "errors": (int(failed[1]) if failed else 0) + (sum(map(int, broken.groups())) if broken else 0),
            "generator_bound": None,
            "duration_s": float(length),
        }

    return load


def h2load(cpus, connections, streams, http1=False):
    """Over TLS, with CIPHER: HTTP/2 with so many streams on each connection, or HTTP/1.1."""

    def load(url, seconds):
        words = ["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"--tls13-ciphers={CIPHER}"]
        words += ["-D", f"{max(1, round(seconds * 1000))}ms"]
        out = output_of(pinned(cpus, *words, *(["--h1"] if http1 else []), url))
        want = "http/1.1" if http1 else "h2"
        for fact in (rf"^Cipher: {CIPHER}$", "^TLS Protocol: TLSv1.3$", f"^Application protocol: {want}$"):
            if not re.search(fact, out, re.MULTILINE):
                raise Failed(f"h2load {url} did not see '{fact}':\n{out[:800]}")
        length, rate = re.search(r"finished in ([0-9.]+m?s), ([0-9.]+) req/s", out).groups()
        counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", out)
        good = int(re.search(r"status codes: (\d+) 2xx", out)[1])
        return {
            "answers": int(counts[1]),
            "rps": float(rate),
            "p99_us": None,
            # Requests in flight when the time is up count as failed here, though a 2xx may have been seen of them; an answer
            # that is no 2xx does not.
            "errors": max(0, int(counts[1]) - good),
            "generator_bound": None,
            "duration_s": float(length[:-2]) / 1000 if length.endswith("ms") else float(length[:-1]),
        }

    return load


def childrens_cpu_s():
    """Of processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def handshakes(cpus, clients):
    """Full TLS 1.3 handshakes, nothing resumed, each followed by one request: only an answer proves to a client of
    TLS 1.3 that the server has finished too. So many openssl s_time take turns on the generator's cores."""

    def load(url, seconds):
        authority, _, path = url.removeprefix("https://").partition("/")
        words = ["openssl", "s_time", "-connect", authority, "-www", "/" + path, "-new", "-tls1_3", "-ciphersuites", CIPHER]
        words += ["-time", str(max(1, round(seconds)))]
        began, spent = time.monotonic(), childrens_cpu_s()
        running = [subprocess.Popen(pinned(cpus, *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                   for _ in range(clients)]  # fmt: skip
        outs = [process.communicate()[0] for process in running]
        took = time.monotonic() - began  # s_time itself counts whole seconds only
        found = [re.search(r"^(\d+) connections in \d+ real seconds, (\d+) bytes read per connection", out, re.MULTILINE)
                 for out in outs]  # fmt: skip
        if not all(found) or any(process.returncode for process in running):
            raise Failed(f"openssl s_time {url}: {outs[0][-300:]}")
        answers = sum(int(one[1]) for one in found)
        return {
            "answers": answers,
            "generator_us": (childrens_cpu_s() - spent) * 1e6 / max(answers, 1),
            "rps": answers / took,
            "p99_us": None,
            "errors": sum(int(one[2]) == 0 for one in found),
            "generator_bound": None,
            "duration_s": took,
        }

    return load
