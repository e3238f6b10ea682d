"""A configuration that has changed while the server runs: what is taken over at once, what waits, and what is refused."""

import signal
import subprocess

import pytest
from small_app import APP, get
from server import wait_until

SITE = """
[server]
listen = "http://127.0.0.1:0"
edge_threads = {threads}
[admin]
listen = "http://127.0.0.1:0"
[limits]
idle_timeout = "{idle}"
[app.main]
target = "app:app"
workers = 1
{routes}
"""
FIRST = '[[route]]\npath = "/v"\nanswer = "one"\n[[route]]\npath = "/*"\napp = "main"\n'


@pytest.fixture
def site(serve, write_app, tmp_path, labcoat):
    write_app(APP)

    class Site:
        def write(self, routes, threads=1, idle="75s"):
            (tmp_path / "labcoat.toml").write_text(SITE.format(routes=routes, threads=threads, idle=idle))

        def reload(self):
            done = subprocess.run([labcoat, "reload"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
            return done.returncode, done.stdout + done.stderr

        def answer(self, path):
            return get(self.server, path)

    site = Site()
    site.write(FIRST)
    site.server = serve(listen=None)
    return site


def test_new_routes_are_in_force_and_nothing_that_goes_on_is_lost(site, slow_request):
    assert site.answer("/v") == (200, "one")
    edge = site.server.edge_pid()
    slow = slow_request(site.server)
    site.write('[[route]]\npath = "/v"\nanswer = "two"\n[[route]]\npath = "/new"\nstatus = 410\n' + FIRST)
    assert site.reload() == (0, "reloaded\n")
    wait_until(lambda: site.answer("/v") == (200, "two"))
    assert site.answer("/new")[0] == 410
    assert site.server.edge_pid() == edge, "the same process"
    assert "in force from now on: routes" in site.server.stderr()
    # A request that began by the old routes ends by them.
    slow.finish()
    assert slow.result[0] == 200


def test_what_cannot_be_read_changes_nothing_and_is_said(site):
    site.write('[[route]]\npath = "/v"\nanswer = "two"\nstatsu = 200\n')
    code, text = site.reload()
    assert code == 1 and "labcoat.toml" in text and "'statsu'" in text
    assert "the configuration in force stays" in site.server.stderr()
    assert site.answer("/v") == (200, "one")
    site.write('[[route]]\npath = "/v"\nanswer = "two"\n[[route]]\npath = "/*"\nfiles = "nowhere"\n')
    assert site.reload()[0] == 1 and site.answer("/v") == (200, "one")
    site.write(FIRST.replace("one", "three"))
    assert site.reload()[0] == 0
    wait_until(lambda: site.answer("/v") == (200, "three"))


def test_limits_are_taken_and_threads_wait_for_a_restart_by_name(site):
    site.write(FIRST, threads=2, idle="0.2s")
    site.server.signal(signal.SIGHUP)
    wait_until(lambda: "in force only after a restart: server.edge_threads" in site.server.stderr())
    assert "in force from now on: limits.idle_timeout" in site.server.stderr()

    def is_closed_when_idle():
        import http.client

        connection = http.client.HTTPConnection(site.server.host, site.server.port, timeout=60)
        connection.request("GET", "/v")
        connection.getresponse().read()
        connection.sock.settimeout(1)
        try:
            return connection.sock.recv(1) == b""
        except TimeoutError:
            return False
        finally:
            connection.close()

    wait_until(is_closed_when_idle)


def test_metrics_go_on_under_the_same_names(site):
    import json
    import urllib.request

    def answered():
        with urllib.request.urlopen(site.server.admin_urls[0] + "/status", timeout=60) as page:
            return {row["route"]: row["answers"]["2xx"] for row in json.load(page)["routes"]}

    for _ in range(3):
        site.answer("/v")
    site.write('[[route]]\npath = "/first"\nanswer = "x"\n' + FIRST)
    assert site.reload()[0] == 0
    wait_until(lambda: site.answer("/first") == (200, "x"))
    site.answer("/v")
    wait_until(lambda: answered().get("/v") == 4 and answered()["/first"] == 1)
