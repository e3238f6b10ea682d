"""The queue is bounded in bytes, too: bodies that wait or run, in memory and in files."""

import pytest
from edge_wire import request_bytes
from server import wait_until


def upload(path, size):
    return request_bytes(path, "POST", [f"Content-Length: {size}"], b"x" * size)


@pytest.mark.parametrize("size", [10_000, 300_000])
def test_more_bytes_than_may_wait_are_503(serve_queue, asking, begun, tmp_path, size):
    edge = serve_queue("-w", 1, queue_bytes=2 * size)
    gate = tmp_path / "gate"
    inside = [*asking(edge, upload(f"/gate?{gate}", size)), *asking(edge, upload("/page?x", size))]
    assert next(iter(edge.status()["apps"].values()))["body_bytes"] == 2 * size
    begun(gate)
    with edge.client() as client:
        client.send(upload("/page?x", size))
        response = client.response()
        assert response.status == 503 and response.get("Retry-After") == "1"
        assert edge.counter("limit_queue_bytes") == 1
    [small] = asking(edge, "/page?small")  # without a body it is not concerned
    gate.touch()
    assert [client.response().status for client in inside] == [200, 200]
    assert small.response().body == b"small"
    with edge.client() as client:
        client.send(upload("/page?x", size))
        assert client.response().status == 200, "what is answered does not count any more"


def test_one_request_alone_may_be_larger_than_all(serve_queue):
    edge = serve_queue("-w", 1, queue_bytes=1000)
    with edge.client() as client:
        for _ in range(2):
            client.send(upload("/page?x", 50_000))
            assert client.response().status == 200
    assert edge.counter("limit_queue_bytes") == 0


def test_who_leaves_takes_its_bytes_along(serve_queue, asking, begun, tmp_path):
    edge = serve_queue("-w", 1, queue_bytes=100_000)
    gate = tmp_path / "gate"
    [first] = asking(edge, upload(f"/gate?{gate}", 50_000))
    begun(gate)
    for round_number in range(1, 4):
        [gone] = asking(edge, upload("/page?gone", 50_000))
        gone.close()
        wait_until(lambda: edge.counter("withdrawn") == round_number, what="it to be withdrawn")
    assert edge.counter("limit_queue_bytes") == 0
    gate.touch()
    assert first.response().status == 200
