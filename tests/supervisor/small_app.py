"""A small application and a small client for the supervisor's stories."""

import http.client
import socket
import threading

from server import wait_until

# Answers with the pid of its worker; /slow waits for the file that the query names, so that a test decides when.
APP = '''
import os, time

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/slow":
        gate = environ["QUERY_STRING"]
        open(gate + ".begun", "w").close()
        while not os.path.exists(gate):
            time.sleep(0.002)
    if path == "/exit":
        os._exit(7)
    body = f"{os.getpid()} {open('version').read() if os.path.exists('version') else ''}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
'''


def get(server, path="/", timeout=30):
    """(status, body) of one request on a connection of its own."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


class Slow:
    """A request that is inside the app until finish() lets it go."""

    def __init__(self, server, gate):
        self.gate = gate
        self.result = None
        self.thread = threading.Thread(target=self._run, args=(server,))
        self.thread.start()
        wait_until(lambda: gate.with_name(gate.name + ".begun").exists(), what="the slow request to begin")

    def _run(self, server):
        try:
            self.result = get(server, f"/slow?{self.gate}", timeout=60)
        except (OSError, http.client.HTTPException) as error:
            self.result = error

    def open_gate(self):
        self.gate.touch()

    def finish(self):
        self.open_gate()
        self.thread.join()
        return self.result


def refuses(server):
    """Whether a new connection is refused."""
    try:
        socket.create_connection((server.host, server.port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # the listener was closed while it waited there
        return False
    return False
