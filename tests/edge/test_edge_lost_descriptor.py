"""A file whose descriptor does not arrive: the edge had none left to receive it with."""

import contextlib
import os
import resource

from server import wait_until

# The body is a file that is too large to be worth copying: its descriptor goes to the edge.
APP = """
import os
def app(environ, start_response):
    if environ["PATH_INFO"] == "/pid":
        body = str(os.getpid()).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    start_response("200 OK", [("Content-Length", str(1 << 20))])
    return environ["wsgi.file_wrapper"](open("large", "rb"))
"""


@contextlib.contextmanager
def no_descriptors_left(pid):
    """The process can open nothing while this lasts: the limit is the lowest number that is free."""
    taken = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    free = next(number for number in range(len(taken) + 1) if number not in taken)
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


def test_its_answer_is_dropped_and_nothing_else_is_lost(serve_edge, write_app, tmp_path):
    write_app(APP)
    (tmp_path / "large").write_bytes(bytes(1 << 20))
    edge = serve_edge("-w", 1, app="app:app")
    with edge.client() as client, edge.client() as other, edge.admin_client() as admin:
        worker = other.get("/pid").body
        assert client.get("/pid").body == worker and admin.get("/health").status == 200
        with no_descriptors_left(edge.pid):
            client.request("/large")
            response = client.response()
            assert response.status == 200 and response.body == b"" and not response.complete
            assert other.get("/pid").body == worker, "the worker and its other clients are not to blame"
        counters = edge.status()["counters"]
        assert counters["limit_descriptors"] >= 1 and counters["responses_broken"] == 1
    response = edge.get("/large")
    assert response.complete and len(response.body) == 1 << 20, "the slot is as good as new"
    assert edge.get("/pid").body == worker
    wait_until(lambda: edge.counter("connections_open") == 1, what="the clients to be let go")
