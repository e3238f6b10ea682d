"""The open-file cache: what it saves, what it notices, and that it stays within its bounds."""

import os
import random
import threading

from server import wait_until

KIB = 1 << 10
LARGE = 100 * KIB


def counters(files):
    return files.status()["counters"]


def replace(path, content):
    """As a careful program writes: a whole new file takes the old one's name."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    beside.rename(path)


def test_a_file_is_looked_up_once(serve_files, root):
    (root / "small.txt").write_bytes(b"small")
    (root / "large.bin").write_bytes(b"x" * LARGE)
    files = serve_files(root, file_cache_valid="1h")
    with files.client() as client:
        for name, size in (("small.txt", 5), ("large.bin", LARGE), ("missing", None)):
            before = counters(files)
            for _ in range(10):
                response = client.get(f"/{name}")
                assert response.status == (404 if size is None else 200)
                assert size is None or len(response.body) == size
            after = counters(files)
            assert after["file_cache_misses"] - before["file_cache_misses"] == 1
            assert after["file_cache_hits"] - before["file_cache_hits"] == 9


def test_small_files_hold_no_descriptor_and_large_ones_one_each(serve_files, root):
    files = serve_files(root, file_cache_valid="1h")
    with files.client() as client:
        client.get("/missing")
        before = files.descriptors()
        for number in range(10):
            (root / f"{number}.txt").write_bytes(b"x" * 16 * KIB)
            assert client.get(f"/{number}.txt").status == 200
        assert files.descriptors() == before
        for number in range(5):
            (root / f"{number}.bin").write_bytes(b"x" * (16 * KIB + 1))
            for _ in range(3):
                assert client.get(f"/{number}.bin").status == 200
        assert files.descriptors() == before + 5


def test_the_cache_can_be_switched_off(serve_files, root):
    (root / "a.txt").write_bytes(b"a")
    files = serve_files(root, file_cache_entries=0)
    with files.client() as client:
        for text in (b"a", b"b", b"longer"):
            (root / "a.txt").write_bytes(text)
            assert client.get("/a.txt").body == text
    assert counters(files)["file_cache_hits"] == 0


def test_the_newest_entries_stay_when_there_are_too_many(serve_files, root):
    for number in range(20):
        (root / str(number)).write_bytes(str(number).encode())
    files = serve_files(root, file_cache_entries=8, file_cache_valid="1h")
    with files.client() as client:
        for number in range(20):
            assert client.get(f"/{number}").body == str(number).encode()
        assert counters(files)["file_cache_evictions"] == 12
        before = counters(files)
        for number in range(12, 20):
            assert client.get(f"/{number}").body == str(number).encode()
        assert counters(files)["file_cache_hits"] == before["file_cache_hits"] + 8


def test_names_that_do_not_exist_displace_few_files(serve_files, root):
    for number in range(12):
        (root / str(number)).write_bytes(b"x")
    files = serve_files(root, file_cache_entries=16, file_cache_valid="1h")
    with files.client() as client:
        for number in range(12):
            client.get(f"/{number}")
        for number in range(100):
            assert client.get(f"/missing{number}").status == 404
        before = counters(files)
        for number in range(12):
            assert client.get(f"/{number}").status == 200
        assert counters(files)["file_cache_hits"] == before["file_cache_hits"] + 12


def test_the_cache_is_bounded_in_bytes(serve_files, root):
    for number in range(64):
        (root / str(number)).write_bytes(b"x" * 16 * KIB)
    files = serve_files(root, file_cache_bytes="128KiB", file_cache_valid="1h")
    with files.client() as client:
        for number in range(64):
            assert len(client.get(f"/{number}").body) == 16 * KIB
    assert counters(files)["file_cache_evictions"] >= 64 - 8


def test_changes_are_noticed_after_file_cache_valid(serve_files, root):
    path = root / "a.txt"
    path.write_bytes(b"one")
    (root / "large").write_bytes(b"a" * LARGE)
    files = serve_files(root, file_cache_valid="50ms")
    with files.client() as client:

        def shows(name, content):
            wait_until(lambda: client.get(f"/{name}").body == content, 10, f"{content[:10]} in {name}")

        shows("a.txt", b"one")
        replace(path, b"two")
        shows("a.txt", b"two")
        path.write_bytes(b"six")  # in place, of the same length
        shows("a.txt", b"six")
        path.unlink()
        wait_until(lambda: client.get("/a.txt").status == 404, 10, "the file to be gone")
        path.write_bytes(b"again")
        shows("a.txt", b"again")
        path.chmod(0)
        if os.getuid() != 0:  # root reads everything
            wait_until(lambda: client.get("/a.txt").status == 403, 10, "the file to be forbidden")
        path.unlink()
        path.mkdir()
        wait_until(lambda: client.get("/a.txt").status == 301, 10, "the directory")
        shows("large", b"a" * LARGE)
        replace(root / "large", b"b" * LARGE)
        shows("large", b"b" * LARGE)


def test_a_large_file_that_is_written_in_place_is_never_sent_as_it_was(serve_files, root):
    path = root / "large"
    path.write_bytes(b"a" * LARGE)
    files = serve_files(root, file_cache_valid="1h")
    with files.client() as client:
        first = client.get("/large")
        path.write_bytes(b"b" * (LARGE - 1))
        second = client.get("/large")
        assert second.body == b"b" * (LARGE - 1) and second.get("ETag") != first.get("ETag")


def test_a_file_of_the_same_size_and_second_is_read_again(serve_files, root):
    """Time stamps tick: what is read right after a write may be written again within the same tick."""
    path = root / "a.txt"
    files = serve_files(root, file_cache_valid="20ms")
    with files.client() as client:
        for number in range(50):
            stamp = path.stat().st_mtime_ns if path.exists() else None
            path.write_bytes(b"%04d" % number)
            if stamp is not None and number % 2:
                os.utime(path, ns=(stamp, stamp))
            wait_until(lambda: client.get("/a.txt").body == b"%04d" % number, 10, f"version {number}")


def test_a_file_that_is_not_used_is_closed_after_a_while(serve_files, root):
    """A deleted file must not hold its disk space for ever."""
    (root / "large").write_bytes(b"x" * LARGE)
    files = serve_files(root)
    with files.client() as client:
        client.get("/missing")
        before = files.descriptors()
        client.get("/large")
        assert files.descriptors() == before + 1
        (root / "large").unlink()
        wait_until(lambda: files.descriptors() == before, 30, "the deleted file to be closed")


def test_no_version_is_mixed_with_another_while_files_are_replaced(serve_files, root):
    """A writer replaces a small and a large file as fast as it can; every whole answer is one whole version."""
    files = serve_files(root, file_cache_valid="1ms")
    sizes = {"small": 4 * KIB, "large": 300 * KIB}
    for name, size in sizes.items():
        (root / name).write_bytes(b"0" * size)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    ended = threading.Event()

    def rewrite():
        number = 0
        while not ended.is_set():
            number += 1
            for name, size in sizes.items():
                replace(root / name, b"%d" % (number % 10) * (size + chance.randrange(100)))

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        tags = {}
        with files.client() as client:
            for _ in range(300):
                for name in sizes:
                    response = client.get(f"/{name}")
                    assert response.status == 200 and response.complete
                    assert len(set(response.body)) == 1, "one version"
                    assert tags.setdefault((name, response.get("ETag")), response.body) == response.body
        assert len(tags) > 10
    finally:
        ended.set()
        writer.join()


def test_a_file_that_is_rewritten_in_place_while_it_is_sent_breaks_the_connection(serve_files, root):
    path = root / "large"
    size = 64 << 20
    path.write_bytes(b"a" * size)
    files = serve_files(root)
    with files.client() as client:
        client.request("/large")
        _, fields = client.head()
        assert dict(fields)["Content-Length"] == str(size)
        client.file.read(1 << 20)
        with open(path, "r+b") as file:
            file.seek(size - 10)
            file.write(b"b" * 10)
        assert len(client.file.read()) < size - (1 << 20), "ended before its end"
    assert files.get("/large").body[-10:] == b"b" * 10
