"""What people deploy: an app of each framework, as Debian has it and as PyPI has it, through the real server.

The contract of the apps stands in apps/shared.py. Two workers serve each, so nothing may depend on which of them answers.
"""

import asyncio
import hashlib
import html.parser
import random
import re
import threading
import uuid

import pytest
import requests
import websockets
from interpreters import REQUIREMENTS

TARGETS = {
    "flask": "flask_app:app",
    "django-wsgi": "django_app:wsgi",
    "django-asgi": "django_app:asgi",
    "pyramid": "pyramid_app:app",
    "bottle": "bottle_app:app",
    "falcon-wsgi": "falcon_app:app",
    "falcon-asgi": "falcon_asgi_app:app",
    "fastapi": "fastapi_app:app",
    "starlette": "starlette_app:app",
    "quart": "quart_app:app",
}
FILE = random.Random(4).randbytes(700_000)


class Site:
    """A running app and a browser of it, which keeps cookies."""

    def __init__(self, server, framework, source, folder):
        self.server, self.framework, self.source, self.folder = server, framework, source, folder

    def browser(self):
        session = requests.Session()
        session.trust_env = False
        return session

    def url(self, path):
        return self.server.url + path


def cases(source, *marks):
    return [pytest.param((source, name), id=f"{source}-{name}", marks=marks) for name in TARGETS]


# The sanitized program has no other Python than this one: Debian's frameworks suffice for it.
@pytest.fixture(scope="module", params=cases("debian") + cases("pypi", pytest.mark.release_only))
def site(request, tmp_path_factory, start_app, interpreter_with):
    source, framework = request.param
    folder = tmp_path_factory.mktemp(framework)
    (folder / "data.bin").write_bytes(FILE)
    words = ("-w", 2, "--set", "trusted_proxies=127.0.0.1", "--python", interpreter_with(source))
    with start_app(TARGETS[framework], folder, *words) as server:
        yield Site(server, framework, source, folder)


@pytest.fixture
def browser(site):
    with site.browser() as one:
        yield one


class Hidden(html.parser.HTMLParser):
    """The hidden fields of a form: a browser sends them back."""

    def __init__(self, page):
        super().__init__()
        self.fields = {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "input" and attributes.get("type") == "hidden":
            self.fields[attributes["name"]] = attributes["value"]


def hidden_fields(site, browser):
    page = browser.get(site.url("/form"))
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html") and "<form" in page.text
    return Hidden(page.text).fields


def multipart(fields, name, content):
    """As browsers write it: names of files in UTF-8."""
    boundary = uuid.uuid4().hex
    lines = [f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()]
    lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n')
    lines.append("Content-Type: application/octet-stream\r\n\r\n")
    body = "".join(lines).encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return {"data": body, "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"}}


def pinned(package):
    """Its versions in requirements.txt: one, or one for each of some Pythons."""
    return re.findall(rf"(?im)^{package}==([\w.]+)", REQUIREMENTS.read_text())


def test_the_app_runs_on_the_packages_that_are_meant(site, browser):
    answer = browser.get(site.url("/hello/x")).json()
    package = site.framework.partition("-")[0]
    assert (answer["framework"] in pinned(package)) == (site.source == "pypi")
    assert (answer["python"].startswith("3.11.") and site.source == "debian") or site.source == "pypi"


def test_paths_and_queries_are_any_text(site, browser):
    answer = browser.get(site.url("/hello/Jörg Größe €"), params={"a": "1", "ö": "日本"}).json()
    assert answer["name"] == "Jörg Größe €" and answer["query"] == {"a": "1", "ö": "日本"}
    assert browser.get(site.url("/nowhere")).status_code == 404


def test_a_form_is_shown_taken_and_refused(site, browser):
    hidden = hidden_fields(site, browser)
    answer = browser.post(site.url("/form"), data={**hidden, "title": "Größe", "text": "one & two = 3%\nß"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["title"] == "Größe" and answer.json()["text"].splitlines() == ["one & two = 3%", "ß"]
    assert browser.post(site.url("/form"), data={**hidden, "title": "", "text": "t"}).status_code in (400, 422)


def test_json_goes_in_and_out(site, browser):
    document = {"a": [1, None, "€"], "b": {"c": True}}
    assert browser.post(site.url("/json"), json=document).json() == {"got": document}
    bad = browser.post(site.url("/json"), data=b"{", headers={"Content-Type": "application/json"})
    assert bad.status_code in (400, 422)


@pytest.mark.parametrize("size", [0, 1000, 3_000_000])
def test_uploads_arrive_whole(site, browser, size):
    content = random.Random(size).randbytes(size)
    fields = {"note": "schön", **hidden_fields(site, browser)}
    answer = browser.post(site.url("/upload"), **multipart(fields, "Größe 1.bin", content))
    assert answer.status_code == 200, answer.text
    got = {key: value for key, value in answer.json().items() if key in ("note", "name", "size", "sha256")}
    assert got == {"note": "schön", "name": "Größe 1.bin", "size": size, "sha256": hashlib.sha256(content).hexdigest()}


def test_downloads_are_files_to_keep(site, browser):
    answer = browser.get(site.url("/download"))
    assert answer.status_code == 200 and answer.content == FILE
    assert re.fullmatch(r'attachment; filename="?data\.bin"?', answer.headers["Content-Disposition"])
    assert answer.headers["Content-Length"] == str(len(FILE))


def test_a_stream_goes_out_piece_by_piece(site, browser):
    gate = f"gate-{uuid.uuid4().hex}"
    with browser.get(site.url(f"/stream?gate={gate}"), stream=True, timeout=30) as answer:
        lines = answer.iter_lines(chunk_size=None)
        # The app has not made the second piece yet: without the first one we would wait for ever.
        assert next(lines) == b"before the gate"
        (site.folder / gate).touch()
        assert list(lines) == [b"behind the gate"]


def test_a_session_is_kept_and_cannot_be_forged(site, browser):
    assert [browser.get(site.url("/session")).json()["visits"] for _ in range(4)] == [1, 2, 3, 4]
    with site.browser() as other:
        assert other.get(site.url("/session")).json()["visits"] == 1
    cookie = next(iter(browser.cookies))
    middle = len(cookie.value) // 2
    cookie.value = cookie.value[:middle] + ("A" if cookie.value[middle] != "A" else "B") + cookie.value[middle + 1 :]
    assert browser.get(site.url("/session")).json()["visits"] == 1


def test_a_redirect_leads_back_to_this_server(site, browser):
    first = browser.get(site.url("/go"), allow_redirects=False)
    assert first.status_code in (302, 303) and first.headers["Location"] in ("/hello/again", site.url("/hello/again"))
    assert browser.get(site.url("/go")).json()["name"] == "again"


def test_links_are_those_of_the_client_when_a_trusted_proxy_stands_before(site, browser):
    fields = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example.org"}
    away = browser.get(site.url("/go"), headers=fields, allow_redirects=False).headers["Location"]
    # Some frameworks write no host.
    assert away in ("/hello/again", "https://shop.example.org/hello/again")


@pytest.mark.complains
def test_an_exception_is_a_500_in_the_log_and_no_more(site, browser):
    workers = site.server.worker_pids()
    before = site.server.stderr().count("RuntimeError: on purpose")
    for count in range(1, 4):
        answer = browser.get(site.url("/error"))
        assert answer.status_code == 500 and "on purpose" not in answer.text
        site.server.wait_for_log("RuntimeError: on purpose", before + count)
        assert browser.get(site.url("/hello/x")).status_code == 200
    assert site.server.worker_pids() == workers


@pytest.fixture
def socket_site(site):
    if site.framework not in ("falcon-asgi", "fastapi", "starlette", "quart"):
        pytest.skip("knows no WebSockets by itself")
    return site


def test_a_websocket_is_answered_until_its_client_leaves(socket_site):
    texts = ["one", "größe €", "x" * 70_000]

    async def talk():
        url = socket_site.url("/socket").replace("http", "ws", 1)
        async with websockets.connect(url, subprotocols=["other", "shout"]) as socket:
            assert socket.subprotocol == "shout"
            for text in texts:
                await socket.send(text)
                assert await socket.recv() == text.upper()

    for _ in range(3):
        asyncio.run(asyncio.wait_for(talk(), 30))


def test_many_clients_each_get_their_own_answer(site):
    wrong = []

    def visit(client):
        with site.browser() as browser:
            for number in range(15):
                name = f"{client}-{number}"
                answer = browser.get(site.url(f"/hello/{name}"), params={"n": name}).json()
                if (answer["name"], answer["query"]) != (name, {"n": name}):
                    wrong.append((name, answer))

    clients = [threading.Thread(target=visit, args=(client,)) for client in range(6)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert not wrong

