"""A gigabyte up and a gigabyte down, in bounded memory."""

import zlib

import pytest
from server import wait_until

GIB = 1 << 30
PIECE = bytes(range(256)) * 4096  # 1 MiB


@pytest.mark.slow
def test_a_gibibyte_each_way_in_bounded_memory(serve_app, memory):
    app = serve_app("wsgi_app:app", "-w", 1)
    pids = {"edge": app.server.edge_pid(), **{f"worker {pid}": pid for pid in wait_until(app.server.worker_pids)}}
    crc = 0
    with app.client(timeout=300) as client:
        client.request("/crc", method="POST", fields=[("Content-Length", GIB)])
        for _ in range(GIB // len(PIECE)):
            client.send(PIECE)
            crc = zlib.crc32(PIECE, crc)
        assert client.response().body.decode() == f"{GIB} {crc}"

        client.request(f"/big?size={GIB}&block=262144")
        head = client.head()
        assert ("Content-Length", str(GIB)) in head[1]
        left = GIB
        while left > 0:
            piece = client.file.read(min(left, 1 << 20))
            assert piece.count(b"x") == len(piece) > 0
            left -= len(piece)
        assert client.get("/hello").body == b"Hello, world\n"
        for name, pid in pids.items():
            with open(f"/proc/{pid}/maps") as maps:
                sanitized = "libasan" in maps.read()  # it keeps freed memory for a while, to notice late uses
            used = memory(pid, "VmHWM")
            assert used < (600 if sanitized else 100) * 1024, f"{name} used {used} KiB"
