"""What a person's browser makes of the server: a page with all that pages do, over TLS and HTTP/2, and the server's own pages."""

import html
import json
import pathlib
import shutil

import pytest
from server import wait_until

HERE = pathlib.Path(__file__).resolve().parent

SITE = """
[server]
listen = ["https://localhost:0"]
[tls]
[[tls.certificate]]
file = "{certificate.file}"
key = "{certificate.key}"
[app.main]
target = "browser_app:app"
workers = 1
[[route]]
path = "/app/*"
app = "main"
compress = true
[[route]]
path = "/*"
files = "site"
"""


@pytest.fixture
def found(serve, browser, certificate, tmp_path):
    """What the page of `site` reports, and the browser that had it open."""
    shutil.copytree(HERE / "site", tmp_path / "site")
    (tmp_path / "site" / "numbers.txt").write_text("0123456789" * 1000)
    (tmp_path / "labcoat.toml").write_text(SITE.format(certificate=certificate))
    server = serve("-c", "labcoat.toml", listen=None, env={"PYTHONPATH": str(HERE)})
    page = browser(f"https://localhost:{server.port}/").stay()
    wait_until((tmp_path / "found.json").exists, what="the page's report", seconds=60)
    report = json.loads((tmp_path / "found.json").read_text())
    assert "error" not in report, (report, page.console())
    report["console"] = page.console()
    return report


def test_a_page_does_all_that_pages_do(found):
    assert found["console"] == []
    assert found["colour"] == "rgb(1, 2, 3)", "the style sheet has its type"
    assert found["first"] == {"scheme": "https", "http": "2", "cookie": "", "redirected": False, "padding": 3000}
    assert found["second"] == {**found["first"], "cookie": "seen=yes", "redirected": True}
    assert found["digest"] == {"bytes": 1_300_000, "same": True}
    assert found["range"] == {"status": 206, "text": "0123456789"}
    assert found["events"] == ["0", "1", "2"]
    assert found["many"], "a hundred requests at once"


def test_a_page_has_a_websocket(found):
    socket = found["socket"]
    assert socket.pop("extensions").startswith("permessage-deflate")
    assert socket == {"protocol": "shout", "text": "GRÜSSE", "bytes": 100_000, "code": 1000, "clean": True}


def test_everything_comes_over_http2_and_what_is_worth_it_compressed(found):
    resources = {entry["path"]: entry for entry in found["resources"]}
    assert {entry["protocol"] for entry in resources.values()} == {"h2"}
    assert resources["/app/who"]["coded"] < resources["/app/who"]["plain"] / 5
    assert resources["/site.js"]["coded"] < resources["/site.js"]["plain"]
    assert resources["/"]["coded"] == resources["/"]["plain"], "too small"


def test_a_listing_shows_names_as_they_are(serve, browser, tmp_path):
    names = ["plain.txt", "two words & more.txt", "100%25.txt", "ünï.txt", "<img src=x onerror=document.title='broken'>.txt", 'quo"te\'s.txt']
    (tmp_path / "files").mkdir()
    for name in names:
        (tmp_path / "files" / name).write_text("text")
    (tmp_path / "labcoat.toml").write_text('[[route]]\npath = "/*"\nfiles = "files"\nlisting = true\n')
    server = serve("-c", "labcoat.toml")
    page = browser(server.url + "/")
    document = page.document()
    shown = html.unescape(document)
    for name in names:
        assert f">{name}<" in shown, name
    assert "broken</title>" not in document and "<img" not in document
    assert page.console() == []
