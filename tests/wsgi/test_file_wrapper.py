"""wsgi.file_wrapper: plain files are sent by the edge, everything else is read."""

import pytest
from server import wait_until

SIZES = [0, 1, 65535, 65536, 65537, 1_000_000]


@pytest.fixture
def content(tmp_path):
    data = bytes(range(256)) * 4000
    (tmp_path / "data").write_bytes(data)
    return data


@pytest.mark.parametrize("size", SIZES)
def test_a_file_arrives_whole_and_its_length_is_told(bare, tmp_path, size):
    data = bytes(i % 251 for i in range(size))
    (tmp_path / "data").write_bytes(data)
    with bare.client() as client:
        response = client.get(f"/file?path={tmp_path}/data")
        assert response.body == data
        assert response.get("Content-Length") == str(size)
        assert client.get("/hello").body == b"Hello, world\n"


@pytest.mark.parametrize("buffering", [-1, 0])
@pytest.mark.parametrize("seek", [1, 65536, 1_023_999, 1_024_000, 2_000_000])
def test_it_starts_where_the_file_stands(bare, tmp_path, content, seek, buffering):
    response = bare.get(f"/file?path={tmp_path}/data&seek={seek}&buffering={buffering}")
    assert response.body == content[seek:]


@pytest.mark.parametrize("length", [0, 10, 100_000, 1_024_000])
def test_it_ends_where_the_content_length_says(bare, tmp_path, content, length):
    with bare.client() as client:
        response = client.get(f"/file?path={tmp_path}/data&length={length}")
        assert response.body == content[:length]
        assert client.get("/hello").body == b"Hello, world\n"


@pytest.mark.complains
def test_a_file_shorter_than_the_content_length_is_visibly_broken(bare, tmp_path, content):
    response = bare.get(f"/file?path={tmp_path}/data&length={len(content) + 1}")
    assert response.body == content and not response.complete


@pytest.mark.parametrize("kind", ["bytesio", "gzip", "bz2", "temporary", "anonymous", "minimal"])
def test_what_looks_like_a_file_gives_what_reading_it_gives(bare, kind):
    assert bare.get(f"/file_kinds?kind={kind}").body == b"0123456789" * 20000


def test_a_pipe_is_read(bare):
    assert bare.get("/file_kinds?kind=pipe").body == b"0123456789" * 3000


def test_below_the_validator_it_is_an_iterable_like_any_other(app, tmp_path, content):
    assert app.get(f"/file?path={tmp_path}/data").body == content


def test_head_sends_no_file(bare, tmp_path, content):
    with bare.client() as client:
        response = client.get(f"/file?path={tmp_path}/data", method="HEAD")
        assert response.get("Content-Length") == str(len(content))
        assert client.get("/hello").body == b"Hello, world\n"


def test_the_file_is_closed_also_when_the_client_has_gone(bare, tmp_path):
    with open(tmp_path / "data", "wb") as file:
        file.truncate(200 << 20)
    client = bare.client()
    client.request(f"/file_closed?path={tmp_path}/data&folder={tmp_path}")
    client.head()
    client.close()
    wait_until((tmp_path / "closed").exists)
    assert bare.get("/hello").status == 200
