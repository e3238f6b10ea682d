"""A request that takes too long ends its worker, and the log says what it was doing."""

import http.client
import re
import signal
import threading

from small_app import get
from server import wait_gone, wait_until

# /stuck never comes back, and never lets another thread of its interpreter run; /waits sleeps for ever.
STUCK = """
import os, threading, time
def spin():
    while True:
        pass
def hold_the_lock():
    # One long call of C code: no signal handler of Python runs, and no other thread.
    sum(range(10 ** 13))
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/stuck":
        hold_the_lock()
    if path == "/waits":
        time.sleep(10 ** 6)
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


NEIGHBOURS = """
import threading, time
def app(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    with open(name, "a+") as tries:
        tries.write("x")
        tries.flush()
        tries.seek(0)
        if tries.read() == "x":
            time.sleep(10 ** 6)
    start_response("200 OK", [("Content-Length", "0")])
    return []
"""


def post(server, path):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    connection.request("POST", path, body=b"x")
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_the_stacks_and_the_request_are_in_the_log_before_the_worker_is_ended(serve, write_app):
    write_app(STUCK)
    server = serve("app:app", "-w", 1, "--set", "request_timeout=200ms")
    worker = int(get(server)[1])
    assert post(server, "/stuck?a=b")[0] == 504
    server.wait_for_log(f"(pid {worker}) was killed by SIGKILL")
    log = server.stderr()
    line = re.search(rf"\(pid {worker}\) has worked for .* on POST /stuck\?a=b \(request [0-9a-f]{{16}}\), longer", log)
    stacks = log.find("in hold_the_lock")
    end = log.find(f"(pid {worker}) was killed by SIGKILL")
    assert line and 0 < line.start() < stacks < end, log
    assert get(server)[0] == 200


def test_every_thread_of_the_worker_is_shown(serve, write_app):
    write_app(STUCK)
    server = serve("app:app", "-w", 1, "-t", 3, "--set", "request_timeout=200ms")
    assert post(server, "/waits")[0] == 504
    server.wait_for_log("Python stacks of worker")
    stacks = server.stderr().partition("Python stacks of worker")[2]
    assert stacks.count("_serve_thread") == 3, stacks


def test_a_worker_that_is_to_go_anyway_is_not_forgotten(serve, write_app):
    write_app(STUCK)
    server = serve("app:app", "-w", 1, "--set", "request_timeout=500ms", "--set", "drain_timeout=1h")
    worker = int(get(server)[1])
    answers = []
    client = threading.Thread(target=lambda: answers.append(post(server, "/stuck")))
    client.start()
    server.signal(signal.SIGHUP)
    client.join()
    wait_gone(worker)
    assert answers[0][0] == 504
    assert "in hold_the_lock" in server.stderr()


def test_a_slow_answer_within_the_limit_is_left_alone(serve, app, slow_request):
    server = serve(app, "-w", 1, "--set", "request_timeout=1h")
    request = slow_request(server)
    assert request.finish()[0] == 200
    assert "longer than request_timeout" not in server.stderr()


def test_what_a_worker_was_ended_for_is_not_tried_again_but_its_neighbours_are(serve, write_app):
    """A GET would be repeated if its worker had died of something else; this one has had its time."""
    write_app(NEIGHBOURS)
    server = serve("app:app", "-w", 1, "-t", 2, "--set", "request_timeout=700ms")
    answers = {}

    def ask(path):
        answers[path] = get(server, path)

    stuck = threading.Thread(target=ask, args=("/stuck",))
    stuck.start()
    wait_until((server.cwd / "stuck").exists, what="the stuck request to begin")
    # The neighbour waits, too, but began half a limit later, and at its second try finds what it waits for.
    threading.Event().wait(0.35)
    neighbour = threading.Thread(target=ask, args=("/neighbour",))
    neighbour.start()
    stuck.join()
    neighbour.join()
    assert answers["/stuck"][0] == 504
    assert (server.cwd / "stuck").read_text() == "x", "it was tried once"
    assert answers["/neighbour"][0] == 200
    assert (server.cwd / "neighbour").read_text() == "xx", "it is not to blame"
