"""Workers come when requests wait, and go when nobody needs them."""

from server import wait_until


def test_waiting_requests_bring_workers_and_calm_takes_them_away(serve, app, slow_request):
    server = serve(app, "-w", 1, "--set", "workers_max=3", "--set", "scale_down=1s")
    # The second begins although the first worker has the first: Slow waits for it to be inside the app.
    requests = [slow_request(server, f"gate{i}") for i in range(3)]
    wait_until(lambda: len(server.worker_pids()) == 3, what="three workers")
    for request in requests:
        assert request.finish()[0] == 200
    server.wait_for_workers(1)
    assert "no more were needed for" in server.stderr()


def test_it_is_off_by_default(serve, app, slow_request):
    server = serve(app, "-w", 2)
    slow_request(server, "gate0")
    slow_request(server, "gate1")
    assert len(server.worker_pids()) == 2
    assert "requests wait, the oldest" not in server.stderr()


def test_a_range_that_is_none_is_refused(serve, app):
    server = serve(app, "--set", "workers_min=5", "--set", "workers_max=2", wait=False)
    assert server.wait() == 2
    assert "workers_max = 2 is less than workers_min = 5" in server.stderr()


def test_workers_start_within_the_range(serve, app):
    server = serve(app, "-w", 1, "--set", "workers_min=2", "--set", "workers_max=4")
    wait_until(lambda: len(server.worker_pids()) == 2, what="the least number of workers")
