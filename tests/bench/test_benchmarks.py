"""The scripts of `make bench` are run by hand; here only that they still start, and that what they compute is right.

What a script measures is no business of a test: it depends on the machine.
"""

import math
import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
SCRIPTS = re.search(r"^BENCH \?= (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()


def run(name, *words):
    command = [sys.executable, "-B", str(HERE / f"{name}.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_script_explains_itself_and_names_what_it_does_not_know(name):
    helped = run(name, "--help")
    assert helped.returncode == 0, helped.stderr
    assert f"tests/bench/{name}.py" in helped.stdout
    wrong = run(name, "--servers", "nosuch")
    assert wrong.returncode == 2 and "there is no 'nosuch'; there are " in wrong.stderr, wrong.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_script_has_its_place_on_the_page(name):
    assert f"\n## {name}: " in (ROOT / "docs/benchmarks.md").read_text()


def rounds(rates, cpu=10.0, cores=1.0):
    from contest import summary

    facts = {"p99_us": None, "errors": 0, "cpu_us": {"server": cpu}, "cores": cores, "generator_bound": None}
    return summary([{"rps": rate, **facts} for rate in rates], 1)


def test_a_ratio_is_taken_within_rounds_because_the_machine_changes_its_speed():
    from contest import rate, ratio

    # The machine is half as fast in the second and third round; the ratio of the medians would be 100 / 200.
    assert ratio(rounds([200, 100, 100]), rounds([200, 100, 200]), rate) == 1
    assert math.isnan(ratio(rounds([200]), rounds([0]), rate))


def test_the_computed_queue_is_first_come_and_a_cap_keeps_workers_for_the_fast():
    import tail

    one = tail.ideal(201, count=50_000)
    capped = tail.ideal(201, tail.SLOW_PLACES, count=50_000)
    assert one["p50"] == pytest.approx(1e6 * tail.FAST_SECONDS)
    assert capped["fast p99"] < 0.1 * one["fast p99"]
    assert capped["p99.9"] > one["p99.9"], "the slow ones wait for each other"


@pytest.mark.parametrize(
    "path, kind",
    [
        ("", "anonymous"),
        ("[heap]", "heap"),
        ("/usr/bin/python3.11", "program"),
        ("/usr/lib/libc.so.6", "libraries"),
        ("/memfd:labcoat-channel (deleted)", "labcoat-channel"),
        ("/usr/lib/locale/C.utf8/LC_CTYPE", "files"),
    ],
)
def test_memory_is_told_by_what_is_mapped(path, kind):
    from served import kind_of_mapping

    assert kind_of_mapping(path, "/usr/bin/python3.11") == kind


def test_a_round_whose_p99_is_slow_by_itself_for_every_server_tells_nothing():
    import tail

    def round_of(*p99_ms):
        return {"all": [{"p99_us": 1000 * ms} for ms in p99_ms]}

    assert tail.telling({"one": round_of(20, 500, 499), "other": round_of(700, 501, 600)}) == [True, False, True]


@pytest.mark.parametrize(
    "ours, theirs, verdict",
    [
        (rounds([120]), rounds([100]), "yes"),
        (rounds([90]), rounds([100]), "NO"),
        # The rival waited for the generator: its rate is only a lower bound, and the CPU decides.
        (rounds([120], cpu=11), rounds([100], cores=0.5), "NO"),
        (rounds([90], cpu=9), rounds([100], cores=0.5), "yes"),
        # Only we waited for it: either will do.
        (rounds([90], cpu=9, cores=0.5), rounds([100]), "yes"),
    ],
)
def test_where_the_generator_is_the_limit_the_cpu_decides(ours, theirs, verdict, capsys):
    from contest import print_verdict

    print_verdict({"labcoat": ours, "rival": theirs}, ["rival"], rate_wanted=1.0, cpu_wanted=1.0)
    assert capsys.readouterr().out.strip().endswith(": " + verdict)


def test_the_interval_of_a_median_is_that_of_the_binomial_distribution():
    from access_log import interval_of_median

    # Of 20, five or fewer lie below the median with a chance of 0.0207, six or fewer with 0.0577.
    assert interval_of_median(range(1, 21)) == (6, 15)
    assert interval_of_median([7]) == (7, 7)
