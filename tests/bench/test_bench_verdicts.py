"""Valid or not, failed or not: the exit codes of labcoat bench."""

import json
import signal
import subprocess
import time

import pytest
from small_server import SmallServer, always, answer


def test_a_generator_without_cpu_time_refuses_its_run(labcoat):
    """Stopped and continued from outside, as a throttled container would be: it must notice that it was late."""
    with SmallServer(always(answer())) as server:
        words = [labcoat, "bench", server.url, "-c", "4", "-r", "500", "-d", "1s", "--warmup", "0", "--no-calibrate"]
        process = subprocess.Popen([*map(str, words), "--json", "-"], stdout=subprocess.PIPE, text=True)
        while len(server.requests) < 50:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.15)  # how long it gets no CPU
        process.send_signal(signal.SIGCONT)
        result = json.loads(process.communicate(timeout=30)[0])
    assert process.returncode == 3
    assert result["valid"] is False
    assert any("sent late by its own fault" in reason for reason in result["invalid_reasons"])


def test_calibration_does_not_refuse_a_server_far_below_the_ceiling(bench, tmp_path):
    with SmallServer(always(answer())) as server:
        done = bench(server.url, "-c", 4, "-n", 500, "--json", tmp_path / "report.json")
    result = json.loads((tmp_path / "report.json").read_text())
    assert result["generator"]["ceiling_rps"] > 2 * result["rps"]
    assert not any("at most" in reason for reason in result["invalid_reasons"])
    assert "could send" in done.stdout


@pytest.mark.parametrize(
    ("gate", "code"),
    [
        ("p99>1h", 0),
        ("p50>1us", 1),
        ("errors>0", 0),
        ("rps<1", 0),
        ("rps>1", 1),
        ("error_share>0.01", 0),
        ("p999>1h", 3),  # 100 answers cannot tell
    ],
)
def test_fail_if_decides_the_exit_code(bench, gate, code):
    with SmallServer(always(answer())) as server:
        done = bench(server.url, "-c", 2, "-n", 100, "--fail-if", gate, "--no-calibrate")
    assert done.returncode == code, done.stdout
    assert gate in done.stdout


def test_one_gate_that_holds_is_enough(bench):
    with SmallServer(always(answer())) as server:
        done = bench(
            server.url, "-c", 2, "-n", 100, "--no-calibrate", "--fail-if", "errors>0", "--fail-if", "p50>1us"
        )
    assert done.returncode == 1


def test_interrupt_ends_the_run_early_and_still_reports(labcoat):
    with SmallServer(always(answer())) as server:
        words = [str(labcoat), "bench", server.url, "-c", "2", "-d", "1h", "--warmup", "0", "--no-calibrate"]
        process = subprocess.Popen([*words, "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while len(server.requests) < 100:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    result = json.loads(out)
    assert result["interrupted"] is True
    assert result["responses"] > 50
    assert result["duration_s"] < 60
    assert "interrupted" in err
