"""USR1: logs are opened again by their names, and what happens when one cannot be."""

import os
import signal

from server import wait_until


def lines(path):
    """Without those of the admin listener, which have no query."""
    text = path.read_text().splitlines() if path.exists() else []
    return [line for line in text if line != "-"]


def test_a_log_that_cannot_be_opened_again_is_said_and_the_old_file_is_written_on(serve_logged, tmp_path):
    folder, away = tmp_path / "logs", tmp_path / "away"
    folder.mkdir()
    log, slow = folder / "access", folder / "slow"
    edge = serve_logged("--access-log", log, slow_log=slow, slow_log_threshold="0s", access_log_format="{query}")
    edge.get("/echo?before")
    folder.rename(away)
    edge.server.signal(signal.SIGUSR1)
    for name, path in ("access log", log), ("slow log", slow):
        edge.server.wait_for_log(f"error] cannot open the {name} {path}: No such file or directory")
    assert "send USR1 again" in edge.server.stderr()
    assert edge.counter("access_log_reopen_failed") == 2
    edge.get("/echo?after")
    for name in "access", "slow":
        wait_until(lambda: lines(away / name) == ["before", "after"], what="the line in the old file")

    folder.mkdir()
    edge.server.signal(signal.SIGUSR1)
    wait_until(lambda: log.exists() and slow.exists(), what="the new files")
    edge.get("/echo?mended")
    for name in "access", "slow":
        wait_until(lambda: lines(folder / name) == ["mended"], what="the line in the new file")
    assert edge.counter("access_log_reopen_failed") == 2
    assert edge.counter("access_log_dropped") == 0


def test_a_pipe_without_a_reader_is_no_log_to_be_opened_again(serve_logged, tmp_path):
    """A reader that is restarted shall not end the lines of the file that took the place of its pipe."""
    log = tmp_path / "log"
    edge = serve_logged("--access-log", log, access_log_format="{query}")
    edge.get("/echo?before")
    log.rename(tmp_path / "old")
    os.mkfifo(log)
    edge.server.signal(signal.SIGUSR1)
    edge.server.wait_for_log(f"cannot open the access log {log}: No such device or address")
    edge.get("/echo?after")
    wait_until(lambda: lines(tmp_path / "old") == ["before", "after"], what="the line")


