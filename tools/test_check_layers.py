"""The layering test itself: what it lets pass, what it refuses."""

import check_layers
import pytest

TABLE = check_layers.read_table("# comment\nbase:\nnet: base\nedge: net base\n")


@pytest.mark.parametrize(
    "folder, include, allowed",
    [
        ("edge", '#include "net/loop.h"', True),
        ("edge", '#include "edge/exchange.h"', True),
        ("edge", "#include <net/if.h>", True),  # the system's
        ("net", '#include "edge/exchange.h"', False),
        ("base", ' #  include "net/loop.h"', False),
    ],
)
def test_arrows_point_down(folder, include, allowed):
    problems = list(check_layers.wrong_arrows(TABLE, [(folder, f"src/{folder}/x.cc", f"// first line\n{include}\n")]))
    assert (problems == []) == allowed
    if not allowed:
        assert f"src/{folder}/x.cc:2: {folder} may not include" in problems[0]


def test_a_folder_must_be_in_the_table():
    problems = list(check_layers.wrong_arrows(TABLE, [("misc", "src/misc/x.cc", "")]))
    assert problems == ["src/misc/x.cc: the folder 'misc' is not in tools/layers.txt"]


def test_a_circle_is_found():
    assert check_layers.find_circle(TABLE) is None
    assert check_layers.find_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]


def test_the_source_tree_keeps_to_its_table():
    table = check_layers.read_table((check_layers.ROOT / "tools/layers.txt").read_text())
    assert list(check_layers.wrong_arrows(table, check_layers.sources())) == []
