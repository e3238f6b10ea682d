"""FastAPI (with Starlette below it) and Django, as Debian has them, through the real server."""

import hashlib
import socket
import struct

import pytest
import requests
from asgi_server import HERE, PYTHON, watched
from server import Server, wait_until

FILE = hashlib.shake_128(b"upload").digest(1_500_000)


def framework(tmp_path_factory, labcoat, target):
    folder = tmp_path_factory.mktemp("framework")
    return Server(target, "-w", 1, *PYTHON, cwd=folder, env={"PYTHONPATH": str(HERE)}, program=labcoat)


@pytest.fixture(scope="module")
def fastapi_server(tmp_path_factory, labcoat):
    with framework(tmp_path_factory, labcoat, "asgi_fastapi_app:app") as server:
        yield server


@pytest.fixture(scope="module")
def django_server(tmp_path_factory, labcoat):
    with framework(tmp_path_factory, labcoat, "asgi_django_app:app") as server:
        yield server


@pytest.fixture
def fastapi(request, fastapi_server):
    yield from watched(request, fastapi_server)


@pytest.fixture
def django(request, django_server):
    yield from watched(request, django_server)


@pytest.fixture
def session():
    with requests.Session() as one:
        one.trust_env = False
        yield one


def test_fastapi_routes_and_validates(fastapi, session):
    url = fastapi.server.url
    reply = session.get(f"{url}/items/7?wanted=true")
    assert reply.json() == {"number": 7, "wanted": True, "events": reply.json()["events"]}
    assert reply.json()["events"][0] == "startup" and reply.headers["X-Middleware"] == "seen"
    assert session.get(f"{url}/items/404").json() == {"detail": "no such item"}
    assert session.get(f"{url}/items/seven").status_code == 422
    assert session.post(f"{url}/items", json={"name": "a", "price": 2}).json() == {"twice": 4, "name": "a", "token": "depends"}
    assert session.get(f"{url}/openapi.json").json()["paths"]


def test_fastapi_takes_uploads_and_gives_files(fastapi, session, tmp_path):
    url = fastapi.server.url
    reply = session.post(f"{url}/upload", data={"title": "größe"}, files={"file": ("name.bin", FILE)})
    assert reply.json() == {"title": "größe", "name": "name.bin", "sha256": hashlib.sha256(FILE).hexdigest()}
    (tmp_path / "file.bin").write_bytes(FILE)
    assert session.get(f"{url}/file?path={tmp_path}/file.bin").content == FILE


def test_fastapi_streams_compresses_and_works_on(fastapi, session):
    url = fastapi.server.url
    assert session.get(f"{url}/stream").text == "".join(f"{number} " for number in range(20))
    reply = session.get(f"{url}/large")
    assert reply.headers["Content-Encoding"] == "gzip" and len(reply.json()["text"]) == 200_000
    assert session.get(f"{url}/later").json() == "now"
    wait_until(lambda: "later" in session.get(f"{url}/items/1").json()["events"])


def test_a_stream_of_fastapi_ends_when_its_client_goes(fastapi, session):
    with fastapi.client() as client:
        client.request("/ticks")
        assert client.head()[0] == "HTTP/1.1 200 OK"
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: "ticks stopped" in session.get(f"{fastapi.server.url}/items/1").json()["events"])


@pytest.mark.complains
def test_an_exception_in_fastapi_is_a_500(fastapi, session):
    assert session.get(f"{fastapi.server.url}/fails").status_code == 500
    wait_until(lambda: "on purpose, in FastAPI" in fastapi.new_log())


def test_django_routes_and_reads_forms(django, session):
    url = django.server.url
    assert session.get(f"{url}/hello?a=1&b=%C3%A9").json() == {"method": "GET", "path": "/hello", "query": {"a": "1", "b": "é"}}
    assert session.get(f"{url}/hello/slug").json() == "slug"
    assert session.get(f"{url}/plain").headers["X-Kind"] == "sync"
    assert session.post(f"{url}/form", data={"title": "größe"}).json() == {"title": "größe", "sha256": None}
    assert session.get(f"{url}/nowhere").status_code == 404


def test_django_takes_uploads_and_gives_files(django, session, tmp_path):
    url = django.server.url
    reply = session.post(f"{url}/form", data={"title": "t"}, files={"file": ("name.bin", FILE)})
    assert reply.json() == {"title": "t", "sha256": hashlib.sha256(FILE).hexdigest()}
    (tmp_path / "file.bin").write_bytes(FILE)
    assert session.get(f"{url}/download?path={tmp_path}/file.bin").content == FILE
    # A chunked body has the length that it turned out to have.
    assert session.post(f"{url}/body", data=iter([b"abc", b"de"])).json() == {"length": 5, "header": "5"}


def test_django_has_sessions_and_streams(django, session):
    url = django.server.url
    assert [session.get(f"{url}/visits").text for _ in range(3)] == ["1", "2", "3"]
    assert session.get(f"{url}/stream").text == "".join(f"{number} " for number in range(20))


@pytest.mark.complains
def test_an_exception_in_django_is_a_500(django, session):
    assert session.get(f"{django.server.url}/fails").status_code == 500
    wait_until(lambda: "on purpose, in Django" in django.new_log())
