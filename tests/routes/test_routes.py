"""Which route answers, and what it does with request and response."""

import pytest


def test_hosts_have_their_own_routes(site):
    assert site.ask("shop.test", "/static/site.css").content == b"body {}\n"
    assert site.ask("files.test", "/static/site.css").status == 404
    assert site.ask("files.test", "/robots.txt").content == b"User-agent: *\n"
    assert site.said("shop.test", "/robots.txt")["PATH_INFO"] == "/robots.txt"


@pytest.mark.parametrize("host", ["SHOP.test", "shop.test:8080", "shop.test.", "a.b.shop.test"])
def test_a_host_is_known_in_any_writing(site, host):
    assert site.ask(host, "/static/site.css").status == 200


def test_a_host_that_nobody_serves_is_told_so(site):
    assert site.ask("other.test", "/").status == 421
    assert site.ask("xshop.test", "/").status == 421
    # But a route without a host is for every host.
    assert site.ask("other.test", "/x.secret").status == 403


def test_the_first_match_answers(site):
    response = site.ask("shop.test", "/static/a.secret")
    assert (response.status, response.content) == (403, b"403 Forbidden\n")
    assert response.getheader("X-Site") is None


@pytest.mark.parametrize(
    "path, status, location",
    [
        ("/old/a/b?c=d", 308, "/new/a/b?c=d"),
        ("/old/", 308, "/new/"),
        ("/old//evil.test", 308, "/new//evil.test"),
        ("/old/%0d%0aSet-Cookie:%20a=b", 308, "/new/%0D%0ASet-Cookie:%20a=b"),
        ("/canonical?x=1", 302, "https://www.shop.test/canonical?from=here&x=1"),
    ],
)
def test_a_redirect_leads_where_it_says(site, path, status, location):
    response = site.ask("shop.test:81", path)
    assert (response.status, response.getheader("Location")) == (status, location)
    assert response.getheader("X-Site") == "shop"
    assert response.getheader("Set-Cookie") is None


def test_a_fixed_answer_is_by_method_and_header(site):
    response = site.ask("shop.test", "/only-get")
    assert (response.content, response.getheader("Content-Type")) == (b"got\n", "text/plain; charset=utf-8")
    head = site.ask("shop.test", "/only-get", method="HEAD")
    assert (head.status, head.content, head.getheader("Content-Length")) == (200, b"", "4")
    json = site.ask("shop.test", "/speaks", headers={"Accept": "text/html, Application/JSON"})
    assert (json.content, json.getheader("Content-Type")) == (b"{}", "application/json")
    assert site.ask("shop.test", "/speaks").content == b"text"
    assert site.said("shop.test", "/speaks", headers={"Cookie": "a=b"})["HTTP_COOKIE"] == "a=b"
    empty = site.ask("shop.test", "/empty")
    assert (empty.status, empty.content, empty.getheader("Content-Length")) == (204, b"", None)


def test_a_method_that_nobody_takes_is_answered_with_those_that_are(site):
    response = site.ask("files.test", "/gone", method="POST", headers={"Content-Length": "0"})
    assert (response.status, response.getheader("Allow")) == (405, "PUT, DELETE")
    assert site.ask("files.test", "/gone", method="DELETE").status == 410


def test_response_headers_are_changed_in_every_kind_of_answer(site):
    app = site.ask("shop.test", "/x")
    assert (app.getheader("X-Site"), app.getheader("X-Powered-By"), app.getheader("Server")) == ("shop", None, "mine")
    file = site.ask("shop.test", "/static/site.css")
    assert (file.getheader("X-Site"), file.getheader("Link")) == ("static", "</a>; rel=x")
    same = site.ask("shop.test", "/static/site.css", headers={"If-None-Match": file.getheader("ETag")})
    assert (same.status, same.getheader("X-Site"), same.getheader("ETag")) == (304, "static", file.getheader("ETag"))
    part = site.ask("shop.test", "/static/site.css", headers={"Range": "bytes=0-3"})
    assert (part.status, part.content, part.getheader("X-Site")) == (206, b"body", "static")
    lost = site.ask("shop.test", "/static/none")
    assert (lost.status, lost.getheader("X-Site")) == (404, "static")
    assert len(app.getheader("X-Request-Id")) == 16
    assert app.getheader("X-Request-Id") != file.getheader("X-Request-Id")


def test_a_mounted_app_is_told_where_it_stands(site):
    for path, info in [("/mounted/a/b?q", "/a/b"), ("/mounted/", "/"), ("/mounted", "")]:
        said = site.said("shop.test", path)
        assert (said["SCRIPT_NAME"], said["PATH_INFO"], said["REQUEST_URI"]) == ("/mounted", info, path)
    assert site.said("shop.test", "/mountedx")["SCRIPT_NAME"] == ""


def test_request_headers_are_changed_before_the_app_sees_them(site):
    said = site.said("shop.test:99", "/mounted/a%20b", headers={"Cookie": "a=b", "Accept": "none", "X-Via": "forged"})
    assert said["HTTP_X_VIA"] == "http shop.test /mounted/a%20b"
    assert said["HTTP_ACCEPT"] == "all"
    assert "HTTP_COOKIE" not in said


def test_a_path_is_rewritten_for_the_app_and_for_files(site):
    said = site.said("shop.test", "/api/7/by/ann?x=1")
    assert (said["PATH_INFO"], said["QUERY_STRING"], said["SCRIPT_NAME"]) == ("/items/ann/7", "x=1", "")
    assert said["REQUEST_URI"] == "/api/7/by/ann?x=1"
    assert site.said("shop.test", "/api/%0d%0a7/by/x")["HTTP_X_STAR"] == "<%0D%0A7>"
    assert site.ask("shop.test", "/copies/site.css").content == b"body {}\n"


def test_error_pages_stand_for_the_edges_own_answers_and_the_apps_if_asked(site):
    lost = site.ask("shop.test", "/static/none")
    assert (lost.content, lost.getheader("Content-Type")) == (b"<h1>lost</h1>\n", "text/html; charset=utf-8")
    assert site.ask("shop.test", "/x?status=418").getheader("Content-Type") == "application/json"
    for _ in range(5):  # the worker's slots come back
        tea = site.ask("shop.test", "/pages/x?status=418")
        assert (tea.status, tea.content, tea.getheader("X-Site")) == (418, b"<h1>teapot</h1>\n", "shop")
    assert site.said("shop.test", "/pages/x")["PATH_INFO"] == "/pages/x"
