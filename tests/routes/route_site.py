"""A site with two hosts and every kind of route, and a client that can ask it for any host."""

import http.client
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent

CONFIG = """
[server]
listen = "http://127.0.0.1:0"
[admin]
listen = "http://127.0.0.1:0"
[app.shop]
target = "route_app:app"
directory = "APP"
workers = 1

[[route]]
name = "secret"
path = "*.secret"
status = 403

[[site]]
host = ["shop.test", "*.shop.test"]
app = "shop"
set_header = { X-Site = "shop", X-Request-Id = "{request_id}" }
remove_header = ["X-Powered-By"]
error_pages = { 404 = "lost.html", 418 = "teapot.html" }

[[site.route]]
path = "/static/*"
files = "static"
set_header = { X-Site = "static" }
add_header = { Link = "</a>; rel=x" }

[[site.route]]
path = "/old/*"
redirect = "/new/{1}{query}"
status = 308

[[site.route]]
path = "/canonical"
redirect = "https://www.{host}{path}?from=here{query}"

[[site.route]]
path = ["/mounted/*", "/mounted"]
strip_prefix = "/mounted"
app = "shop"
set_request_header = { X-Via = "{scheme} {host} {path}", Accept = "all" }
remove_request_header = ["Cookie"]

[[site.route]]
path = "/api/*/by/*"
rewrite = "/items/{2}/{1}"
app = "shop"
set_request_header = { X-Star = "<{1}>" }

[[site.route]]
path = "/pages/*"
error_pages_for_app = true
app = "shop"

[[site.route]]
path = "/only-get"
method = "GET"
answer = "got\\n"

[[site.route]]
path = "/speaks"
header = { Accept = "*json*" }
answer = "{}"
content_type = "application/json"

[[site.route]]
path = "/speaks"
without_header = "Cookie"
answer = "text"

[[site.route]]
path = "/empty"
status = 204

[[site.route]]
path = "/copies/*"
strip_prefix = "/copies"
files = "static"

[[site]]
host = "files.test"
[[site.route]]
path = "/robots.txt"
files = "static"
[[site.route]]
path = "/gone"
method = ["PUT", "DELETE"]
status = 410
"""


class Site:
    def __init__(self, server):
        self.server = server
        self.config = server.cwd / "labcoat.toml"

    def ask(self, host, path, method="GET", headers=None, body=None):
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        response.content = response.read()
        connection.close()
        return response

    def said(self, host, path, **options):
        """What the app was asked."""
        response = self.ask(host, path, **options)
        assert response.status == 200, (response.status, response.content)
        return json.loads(response.content)


def write_site(folder):
    (folder / "static").mkdir()
    (folder / "static/site.css").write_text("body {}\n")
    (folder / "static/robots.txt").write_text("User-agent: *\n")
    (folder / "lost.html").write_text("<h1>lost</h1>\n")
    (folder / "teapot.html").write_text("<h1>teapot</h1>\n")
    (folder / "labcoat.toml").write_text(CONFIG.replace("APP", str(HERE)))
