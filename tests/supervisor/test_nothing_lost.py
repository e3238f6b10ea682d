"""Under steady load nothing is lost: no failed idempotent request, no refused connection, whatever happens to workers.

Short in CI; LABCOAT_LONG=1 runs it as often as the project promises.
"""

import http.client
import os
import random
import signal
import subprocess
import threading

import pytest
from server import wait_gone, wait_until

LONG = bool(os.environ.get("LABCOAT_LONG"))
RELOADS = 50 if LONG else 5
RECYCLINGS = 200 if LONG else 40
KILLS = 50 if LONG else 10
GROWTHS = 20 if LONG else 3

APP = """
import os, time
def app(environ, start_response):
    time.sleep(0.002)
    body = environ["QUERY_STRING"].encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


class Load:
    """Clients that never pause: some keep their connection, some open one for each request."""

    def __init__(self, server, clients=4):
        self.server = server
        self.done = threading.Event()
        self.counts = [0] * clients  # answers of each
        self.failures = []
        self.threads = [threading.Thread(target=self._run, args=(i, i % 2 == 0)) for i in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()

    def _run(self, number, keeps):
        connection = None
        count = 0
        while not self.done.is_set():
            count += 1
            text = f"{number}.{count}"
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
                connection.request("GET", f"/?{text}")
                response = connection.getresponse()
                body = response.read().decode()
                if response.status != 200 or body != text:
                    self.failures.append((text, response.status, body))
                if response.will_close or not keeps:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                self.failures.append((text, repr(error)))
                connection = None
            self.counts[number] += 1

    def wait_for_an_answer_each(self):
        """Until every client has been answered for something it asks from now on."""
        before = list(self.counts)
        wait_until(lambda: all(now > then + 1 for now, then in zip(self.counts, before)), 60, "an answer for each client")

    def check(self):
        assert self.failures == []
        assert all(self.counts)


@pytest.fixture
def app(write_app):
    write_app(APP)
    return "app:app"


def test_reloads_lose_nothing(serve, app, labcoat, tmp_path):
    server = serve(app, "-w", 2)
    with Load(server) as load:
        for _ in range(RELOADS):
            done = subprocess.run([labcoat, "reload"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
    load.check()
    assert server.stderr().count("is loaded again") == RELOADS


def test_recycling_loses_nothing(serve, app):
    server = serve(app, "-w", 2, "--set", "max_requests=5")
    with Load(server) as load:
        wait_until(lambda: server.stderr().count("is to be replaced: max_requests") >= RECYCLINGS, 300, "the recyclings")
    load.check()


def test_killed_workers_lose_nothing_that_may_be_repeated(serve, app):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    choice = random.Random(seed)
    server = serve(app, "-w", 2)
    with Load(server) as load:
        for _ in range(KILLS):
            victim = choice.choice(server.wait_for_workers(2))
            os.kill(victim, signal.SIGKILL)
            wait_gone(victim)
            # A request is repeated once: none may meet two dying workers.
            load.wait_for_an_answer_each()
        server.wait_for_workers(2)
    load.check()


def test_growing_and_shrinking_loses_nothing(serve, app):
    server = serve(app, "-w", 1)
    with Load(server) as load:
        for _ in range(GROWTHS):
            server.signal(signal.SIGTTIN)
            server.wait_for_workers(2)
            server.signal(signal.SIGTTOU)
            server.wait_for_workers(1)
    load.check()
