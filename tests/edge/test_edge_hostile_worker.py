"""A hostile worker can spoil the requests of its own app, and nothing else."""

import random
import socket
import threading

import pytest
from edge_wire import request_bytes
from server import wait_until

CONFIG = """
[server]
edge_threads = 2
[limits]
queue_wait = "300ms"
[app.good]
target = "edge_app:app"
workers = 1
[app.hostile]
target = "edge_hostile_app:app"
workers = 2
[[route]]
path = "/hostile/*"
app = "hostile"
[[route]]
path = "/*"
app = "good"
"""


@pytest.mark.parametrize("end", ["answer", "kill"])
def test_a_worker_that_scribbles_over_its_channel_harms_no_other_app(serve_edge, tmp_path, end):
    (tmp_path / "labcoat.toml").write_text(CONFIG)
    edge = serve_edge("-c", "labcoat.toml", app=None)
    seed = random.randrange(2**32)
    print("seed", seed)
    stop, failures, answered = threading.Event(), [], []

    def good():
        with edge.client(timeout=20) as client:
            while not stop.is_set():
                response = client.get(f"/size?{len(answered) % 50_000}")
                if response.status != 200 or len(response.body) != len(answered) % 50_000:
                    failures.append((response.status, len(response.body)))
                answered.append(1)

    def hostile(number):
        # Whatever comes back, or nothing: it is the hostile app's own client.
        try:
            with edge.client(timeout=0.05) as client:
                client.send(request_bytes(f"/hostile/?{seed + number},{end}"))
                client.socket.recv(65536)
        except OSError:
            pass

    thread = threading.Thread(target=good)
    thread.start()
    try:
        for number in range(40):
            hostile(number)
            assert not failures and thread.is_alive()
    finally:
        stop.set()
        thread.join()
    assert failures == [] and answered
    assert edge.server.edge_pid() == edge.pid, "the edge lives"
    assert edge.get("/echo?x").body == b"x"
    assert edge.admin("/status").status == 200 and edge.admin("/metrics").status == 200
    # Nobody is left behind: not even connections whose slot was spoilt.
    wait_until(lambda: edge.counter("connections_open") == 1, 10, "the clients to be let go")
    ticks = edge.cpu_ticks()
    with socket.socket() as quiet:  # an observation of half a second
        quiet.settimeout(0.5)
        quiet.bind(("127.0.0.1", 0))
        quiet.listen()
        with pytest.raises(TimeoutError):
            quiet.accept()
    assert edge.cpu_ticks() - ticks < 25, "the edge spins"
