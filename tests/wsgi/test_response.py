"""What the app returns, yields or writes, as the client gets it."""

import pytest
from server import wait_until


def test_a_list_of_one_block(app):
    response = app.get("/hello")
    assert response.status_line == "HTTP/1.1 200 OK"
    assert response.body == b"Hello, world\n"
    assert response.get("Content-Type") == "text/plain"
    assert response.get("Content-Length") == "13"


def test_status_and_headers_arrive_as_the_app_gave_them(app):
    response = app.get("/headers")
    assert response.status_line == "HTTP/1.1 200 Tr\xe8s bien"
    assert response.all("Set-Cookie") == ["a=1", "b=2"]
    assert response.get("X-Latin") == "caf\xe9"
    assert response.get("X-Empty") == ""


def test_fields_that_are_the_same_objects_again_may_stand_anywhere_and_with_any_others(app):
    seen = {"1": ("X-One", "1"), "2": ("X-Two", "2"), "e": ("X-Two", "caf\xe9"), "v": ("X-Long", "v" * 300)}
    with app.client() as client:
        for which in ("tl12", "tl12", "lt21", "lt21", "t1", "tl112", "tll1", "tllL", "t2e", "te2", "te2", "tvlv", "tvlv",
                      "TL12", "TL12", "tE", "te", "t"):  # fmt: skip
            response = client.get(f"/same_pairs?which={which}")
            assert response.body == b"hello", which
            assert response.all("Content-Type") == ["text/plain"], which
            assert response.all("Content-Length") == ["5"] * ("l" in which.lower()), which
            wanted = [seen[one] for one in which.lower() if one in seen]
            for name in ("X-One", "X-Two", "X-Long"):
                assert response.all(name) == [value for other, value in wanted if other == name], which


def test_a_list_gets_its_length_counted(bare):
    response = bare.get("/several")
    assert response.get("Content-Length") == "30"
    assert response.get("Transfer-Encoding") is None
    assert response.body == b"a" * 10 + b"b" * 20


def test_an_iterable_without_length_is_chunked_for_1_1_and_until_close_for_1_0(app):
    response = app.get("/late_start")
    assert response.status_line == "HTTP/1.1 201 Created"
    assert response.get("Transfer-Encoding") == "chunked"
    assert response.body == b"late" and response.complete
    with app.client() as client:
        response = client.get("/late_start", version="1.0", fields=[("Connection", "keep-alive")])
        assert response.get("Transfer-Encoding") is None
        assert response.body == b"late"
        assert client.at_end()


@pytest.mark.parametrize("path", ["/nothing", "/nothing_generated"])
def test_an_empty_body(app, path):
    response = app.get(path)
    assert response.status == 200
    assert response.body == b"" and response.complete


@pytest.mark.parametrize(("path", "status"), [("/no_content", 204), ("/not_modified", 304)])
def test_answers_without_a_body_leave_the_connection_usable(app, path, status):
    with app.client() as client:
        response = client.get(path)
        assert response.status == status
        assert response.get("Content-Length") is None
        assert response.get("Transfer-Encoding") is None
        assert client.get("/hello").body == b"Hello, world\n"


def test_each_block_is_sent_before_the_next_is_asked_for(app, tmp_path):
    with app.client() as client:
        client.request(f"/gate?folder={tmp_path}")
        assert client.head()[0] == "HTTP/1.1 200 OK"
        assert client.chunk() == b"one\n"
        assert not (tmp_path / "closed").exists()
        (tmp_path / "gate1").touch()
        assert client.chunk() == b"two\n"
        (tmp_path / "gate2").touch()
        assert client.chunk() == b"three\n"
        assert client.chunk() == b""
        wait_until((tmp_path / "closed").exists)


def test_a_complete_body_does_not_wait_for_the_end_of_its_iterable(app, tmp_path):
    with app.client() as client:
        response = client.get(f"/gate_behind_body?folder={tmp_path}")
        assert response.body == b"all\n"
        assert not (tmp_path / "closed").exists()
        (tmp_path / "gate1").touch()
        wait_until((tmp_path / "closed").exists)


def test_write_sends_at_once(app, tmp_path):
    with app.client() as client:
        client.request(f"/write?folder={tmp_path}")
        client.head()
        assert client.chunk() == b"written, "
        (tmp_path / "gate1").touch()
        assert client.chunk() == b"written again, "
        assert client.chunk() == b"returned\n"
        assert client.chunk() == b""


def test_start_response_can_be_called_again_with_exc_info_before_anything_is_sent(app):
    response = app.get("/recovers")
    assert response.status_line == "HTTP/1.1 503 Sorry"
    assert response.get("Content-Type") == "text/html"
    assert response.body == b"recovered"


@pytest.mark.parametrize("path", ["/hello", "/late_start", "/several", "/nothing", "/big?size=100000&block=1000"])
def test_head_has_the_head_of_get_and_no_body(app, path):
    with app.client() as client:
        get = client.get(path)
        head = client.get(path, method="HEAD")
        assert head.status_line == get.status_line
        if get.get("Content-Length") is not None and path != "/nothing":
            assert head.get("Content-Length") in (get.get("Content-Length"), None)
        assert client.get("/hello").body == b"Hello, world\n"  # not a byte of body was sent between


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 1 << 20, (10 << 20) + 1])
@pytest.mark.parametrize("block", [0, 1000, 65536, 1 << 20])
def test_bodies_of_any_size_arrive_whole(app, size, block):
    if size > 1 << 20 and block == 1000:
        block = 50000
    with app.client() as client:
        response = client.get(f"/big?size={size}" + (f"&block={block}" if block else ""))
        assert response.get("Content-Length") == str(size)
        assert response.complete and len(response.body) == size and response.body.count(b"x") == size
        assert client.get("/hello").body == b"Hello, world\n"


def test_keep_alive_and_pipelining_keep_the_order(app):
    with app.client() as client:
        for path in ("/hello", "/late_start", "/nothing", "/hello", "/big?size=100000"):
            client.request(path)
        assert client.response().body == b"Hello, world\n"
        assert client.response().body == b"late"
        assert client.response().body == b""
        assert client.response().body == b"Hello, world\n"
        assert len(client.response().body) == 100000


def test_close_is_called_when_the_client_goes_away(app, tmp_path):
    client = app.client()
    client.request(f"/forever?folder={tmp_path}")
    client.head()
    assert len(client.chunk()) > 0
    client.close()
    wait_until((tmp_path / "closed").exists)
    assert app.get("/hello").body == b"Hello, world\n"


def test_a_slow_reader_gets_everything_and_the_worker_waits_for_it(app):
    with app.client() as client:
        client.request("/big?size=20000000&block=65536")
        client.head()
        total = 0
        while total < 20_000_000:
            total += len(client.file.read(min(100_000, 20_000_000 - total)))
        assert total == 20_000_000
