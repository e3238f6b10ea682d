"""`labcoat serve --check --explain URL`, and configurations that are refused."""

import json
import subprocess

import pytest

from route_site import Site, write_site
from server import ROOT


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("explained")
    write_site(path)
    return path


def explain(labcoat, folder, *words):
    return subprocess.run(
        [labcoat, "serve", "--check", "--explain", *words], cwd=folder, capture_output=True, text=True, timeout=60
    )


def test_it_says_which_route_answers_and_why_the_others_do_not(labcoat, folder):
    done = explain(labcoat, folder, "http://www.shop.test/old/a?b")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "GET http://www.shop.test/old/a?b"
    assert lines[1].startswith("  1. secret  labcoat.toml:11: no, the path \"/old/a\" is not \"*.secret\"")
    assert "no, the path \"/old/a\" is not \"/static/*\"" in lines[2]
    assert "shop.test/old/*" in lines[3] and lines[3].endswith(": yes")
    assert lines[4] == "     answer: 308 to /new/a?b"
    assert "     response with X-Site: shop" in lines
    assert lines[-1].endswith("more are not asked)")


@pytest.mark.parametrize(
    "words, text",
    [
        (["http://shop.test/mounted/x"], "the app 'shop', with SCRIPT_NAME \"/mounted\" and PATH_INFO \"/x\""),
        (["http://shop.test/static/a.css"], "the file \"a.css\" below "),
        (["http://shop.test/only-get", "-m", "POST"], "no, the method POST is not GET"),
        (["http://shop.test/speaks"], "no, there is no header Accept"),
        (["http://shop.test/speaks", "-H", "Accept: x"], "no, the header Accept is not \"*json*\""),
        (["http://shop.test/speaks", "-H", "Cookie: x"], "no, there is a header Cookie"),
        (["/robots.txt", "-H", "Host: files.test"], "the file \"robots.txt\" below"),
        (["http://files.test/robots.txt"], "no, the host \"files.test\" is not \"shop.test\", \"*.shop.test\""),
    ],
)
def test_it_names_the_reason(labcoat, folder, words, text):
    done = explain(labcoat, folder, *words)
    assert done.returncode == 0
    assert text in done.stdout


def test_it_says_what_is_answered_when_no_route_does(labcoat, folder):
    done = explain(labcoat, folder, "http://nobody.test/")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "no route answers: 421 Misdirected Request")
    done = explain(labcoat, folder, "http://files.test/gone")
    assert done.stdout.splitlines()[-1] == "no route answers: 405 Method Not Allowed"


def test_it_says_the_same_as_the_server_does(labcoat, site):
    for host, path in [("shop.test", "/static/none"), ("a.shop.test", "/x"), ("files.test", "/x.secret")]:
        response = site.ask(host, path)
        done = explain(labcoat, site.server.cwd, f"http://{host}{path}")
        answers = "shop" if response.getheader("Content-Type") == "application/json" else str(response.status)
        assert ": yes" in done.stdout
        assert answers in done.stdout or "the file" in done.stdout


def test_it_knows_that_http_is_redirected_before_any_route(labcoat, tmp_path):
    (tmp_path / "labcoat.toml").write_text(
        '[server]\nlisten = ["http://127.0.0.1:8080", "https://127.0.0.1:8443"]\n[tls]\nredirect_https = "on"\n'
        '[[tls.certificate]]\nfile = "labcoat.toml"\n[[route]]\npath = "/*"\nanswer = "x"\n'
    )
    done = explain(labcoat, tmp_path, "http://shop.test/a?b")
    assert "answer: 301 to https://shop.test:8443/a?b, by tls.redirect_https" in done.stdout and "yes" not in done.stdout
    done = explain(labcoat, tmp_path, "http://shop.test/a", "-m", "POST")
    assert "answer: 308 to https://shop.test:8443/a" in done.stdout
    assert ": yes" in explain(labcoat, tmp_path, "https://shop.test/a").stdout


def test_it_refuses_what_the_server_would_refuse(labcoat, folder):
    done = explain(labcoat, folder, "http://shop.test/../x")
    assert done.returncode == 2 and "400" in done.stderr
    assert explain(labcoat, folder, "shop.test").returncode == 2


@pytest.mark.parametrize(
    "route, message",
    [
        ('path = "/a"\nfils = "."', "labcoat.toml:3: [[route]] has no key 'fils'; did you mean 'files'?"),
        ('path = "/a"\nredirect = "/b"\nstatus = 200', "labcoat.toml:4: route.status: '200' is not a redirect's"),
        ('path = "/a"\nredirect = "/{hots}"', "there is no variable '{hots}'; did you mean '{host}'?"),
        ('path = "/a/*"\nredirect = "/{2}"', "'{2}' is no star of the path \"/a/*\", which has 1"),
        ('path = "/a"\nstatus = 99', "labcoat.toml:3: route.status: '99' is out of range; expected a status"),
        ('path = "/a"\nanswer = "x"\nfiles = "."', 'has files and answer; only one of them can answer'),
        ('path = "/a"\nfiles = "."\nstatus = 404', "labcoat.toml:4: route.status: goes with answer or redirect"),
        ('path = "/a?b"\nstatus = 404', "labcoat.toml:2: route.path: '/a?b' has a ?"),
        ('path = ["/a", 7]\nstatus = 404', "labcoat.toml:2: route.path is a whole number; expected a path"),
        ('path = "/a"\nmethod = "get"\nstatus = 404', "'get' has small letters"),
        ('host = "a.test:80"\nstatus = 404', "route.host: 'a.test:80' has a port"),
        ('path = "/a"\nstatus = 404\nset_header = { Connection = "x" }', "'Connection' is the server's own business"),
        ('path = "/a"\nstatus = 404\nset_header = { "X-A" = "a\\nb" }', "has a control character"),
        ('path = "/a"\nstatus = 404\nset_header = "X-A: b"', "route.set_header is text; expected a table"),
        ('path = "/b/*"\nstrip_prefix = "/a"\nfiles = "."', "'/a' is not in front of the path \"/b/*\""),
        ('path = "/b/*"\nstrip_prefix = "/b"\nstatus = 404', "route.strip_prefix: goes with app or files only"),
        ('path = "/a"\nstatus = 404\nerror_pages = { 404 = "no.html" }', "does not exist"),
        ('path = "/a"\nstatus = 404\nerror_pages = { 200 = "x" }', "'200' is not a status from 400 to 599"),
        ('path = "/a"\nname = "x"\nstatus = 404\n[[route]]\nname = "x"\npath = "/b"\nstatus = 404', "another route 'x'"),
        ('path = "/a"\nstatus = 404\nrate_limit = "fast"', "route.rate_limit: 'fast' is no rate"),
        ('path = "/a"\nstatus = 404\nrate_burst = 3', "route.rate_burst: goes with rate_limit"),
        ('path = "/a"\nstatus = 404\nrate_limit = "1/s"\nrate_key = "host"', "route.rate_key: 'host' is nothing to count by"),
        ('path = "/a"\nstatus = 404\ninternal = true', "route.internal: goes with files only"),
        ('path = "/a"\nfiles = "."\ninternal = true\nmethod = "GET"', "route.method: does not go with internal"),
        ('path = "/a"\nfiles = "."\ncompress = "lzma"', "route.compress: 'lzma' is no content coding"),
        ('path = "/a"\nfiles = "."\ncompress = ["on", "gzip"]', "stands alone"),
        ('path = "/a"\nfiles = "."\ncompress_types = "html"', "route.compress_types: 'html' is not a type"),
        ('path = "/a"\nstatus = 404\n[[site]]\napp = "x"', "labcoat.toml:4: this site has no host"),
        ('path = "/a"\nstatus = 404\n[[site]]\nhost = "a"\npath = "/"', "[[site]] has no key 'path'"),
        ('path = "/a"\nstatus = 404\n[[site]]\nhost = "a"', "this site has no route and nothing that answers"),
        ('path = "/a"\nstatus = 404\n[[site]]\nhost = "a"\n[[site.route]]\nhost = "b"', "the hosts of a site stand in"),
    ],
)
def test_a_bad_route_is_refused_with_its_place(labcoat, tmp_path, route, message):
    (tmp_path / "labcoat.toml").write_text(f"[[route]]\n{route}\n")
    done = explain(labcoat, tmp_path, "/")
    assert done.returncode == 2
    assert message in done.stderr


def test_the_routes_are_shown_by_the_status_page(site):
    import urllib.request

    with urllib.request.urlopen(site.server.admin_urls[0] + "/status", timeout=60) as page:
        routes = json.load(page)["config"]["routes"]
    assert [route["name"] for route in routes][:3] == ["secret", "shop.test/static/*", "shop.test/old/*"]
    assert routes[1]["where"].startswith("labcoat.toml:")


def test_every_key_is_in_the_docs(labcoat, tmp_path):
    (tmp_path / "labcoat.toml").write_text("[[route]]\nzzzzzzzzzzzz = 1\n")
    message = explain(labcoat, tmp_path, "/").stderr
    keys = message.strip().partition("it may have ")[2].split(", ")
    assert "path" in keys
    docs = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    assert [key for key in keys if f"`{key}`" not in docs] == []


@pytest.mark.parametrize("path", ["examples/two_hosts/labcoat.toml", "docs/site.md"])
def test_the_example_and_the_page_about_it_are_good_configurations(labcoat, tmp_path, path):
    folder = ROOT / "examples/two_hosts"
    words = ["http://shop.localhost:8000/static/site.css"]
    if path.endswith(".md"):
        config = (ROOT / path).read_text().partition("```toml\n")[2].partition("```")[0]
        folder = tmp_path
        (folder / "static").mkdir()
        (folder / "docs").mkdir()
        for page in ("lost.html", "sorry.html"):
            (folder / page).write_text("lost")
        (folder / "labcoat.toml").write_text(config.replace("/var/log/labcoat", str(tmp_path)))
        words = ["https://shop.example.org/static/site.css"]
    done = explain(labcoat, folder, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the file \"site.css\" below" in done.stdout


def test_the_example_serves_two_hosts(serve, labcoat):
    site = Site(serve("-c", ROOT / "examples/two_hosts/labcoat.toml"))
    assert site.ask("shop.localhost", "/basket").content == b"The shop of shop.localhost: /basket\n"
    assert site.ask("docs.localhost", "/").content == b"<h1>How to buy</h1>\n"
    assert site.ask("docs.localhost", "/x").content == b"<h1>There is no such page</h1>\n"
    assert site.ask("www.shop.localhost", "/x?y").getheader("Location") == "http://shop.localhost:8000/x?y"
