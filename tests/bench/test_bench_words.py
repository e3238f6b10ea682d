"""Wrong words after labcoat bench get one clear sentence."""

import subprocess

import pytest
from small_server import SmallServer, always, answer


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which URL?"),
        (["127.0.0.1:80"], "http://"),
        (["https://127.0.0.1/"], "without TLS"),
        (["http://127.0.0.1/", "http://127.0.0.1/b"], "--url 'WEIGHT URL'"),
        (["--url", "x http://127.0.0.1/"], "weight above 0"),
        (["--url", "1 http://127.0.0.1/", "--url", "1 http://127.0.0.2/"], "same server"),
        (["http://127.0.0.1/", "-c", "many"], "'many' is not a whole number"),
        (["http://127.0.0.1/", "-c", "0"], "-c: 0 is not from 1 to"),
        (["http://127.0.0.1/", "-c"], "needs a value"),
        (["http://127.0.0.1/", "-c", "2", "-t", "4"], "each thread needs a connection"),
        (["http://127.0.0.1/", "-d", "soon"], "duration"),
        (["http://127.0.0.1/", "-d", "1s", "-n", "5"], "exclude each other"),
        (["http://127.0.0.1/", "-r", "0"], "above 0"),
        (["http://127.0.0.1/", "-r", "fast"], "not a number"),
        (["http://127.0.0.1/", "--duratoin", "1s"], "did you mean '--duration'?"),
        (["http://127.0.0.1/", "-m", "GET ME"], "not an HTTP method"),
        (["http://127.0.0.1/", "-H", "no colon"], "'Name: value'"),
        (["http://127.0.0.1/", "-b", "@/nonexistent/body"], "/nonexistent/body"),
        (["http://127.0.0.1/", "--json", "/nonexistent/report.json"], "/nonexistent"),
        (["http://127.0.0.1/", "--fail-if", "p98>5ms"], "did you mean"),
        (["http://127.0.0.1/", "--fail-if", "p99>5"], "needs a unit"),
    ],
)
def test_wrong_words_get_one_clear_sentence(bench, words, said):
    done = bench(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.startswith("labcoat bench: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_nobody_listening_is_said_at_once(bench):
    with SmallServer(always(answer())) as server:
        url = server.url
    done = bench(url, "-d", "30s", timeout=10)
    assert done.returncode == 1
    assert "is the server running there?" in done.stderr


def test_too_many_connections_for_the_descriptor_limit(labcoat):
    with SmallServer(always(answer())) as server:
        done = subprocess.run(
            ["/bin/sh", "-c", 'ulimit -n 128; exec "$0" bench "$1" -c 200', str(labcoat), server.url],
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    assert done.returncode == 1
    assert "200 connections need 264 file descriptors, but only 128 are allowed" in done.stderr


def test_help_explains_every_flag(bench):
    done = bench("--help")
    assert done.returncode == 0
    for flag in ["-c", "-d", "-n", "-r", "-t", "--warmup", "-m", "-H", "-b", "--fail-if", "--json", "--seed", "--url"]:
        assert f"{flag}" in done.stdout
    assert "exit:" in done.stdout
