#!/usr/bin/env python3
"""Fails when a file of src/ includes a folder that tools/layers.txt does not allow, or when the table has a circle."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"/]+)/[^"]+"', re.MULTILINE)
SUFFIXES = {".h", ".cc"}


def read_table(text):
    """{"edge": {"channel", "net"}, …} from lines like `edge: channel net`."""
    table = {}
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if line:
            folder, _, below = line.partition(":")
            table[folder.strip()] = set(below.split())
    return table


def find_circle(table):
    """A list of folders that lead back to the first, or None."""
    done = set()

    def visit(folder, path):
        if folder in path:
            return path[path.index(folder) :] + [folder]
        if folder in done:
            return None
        for below in sorted(table.get(folder, ())):
            circle = visit(below, path + [folder])
            if circle:
                return circle
        done.add(folder)
        return None

    for folder in table:
        circle = visit(folder, [])
        if circle:
            return circle
    return None


def wrong_arrows(table, sources):
    """Sentences, one per forbidden include. `sources` yields (folder, name, text)."""
    for folder, name, text in sources:
        if folder not in table:
            yield f"{name}: the folder '{folder}' is not in tools/layers.txt"
            continue
        for match in INCLUDE.finditer(text):
            other = match.group(1)
            if other != folder and other in table and other not in table[folder]:
                line = text.count("\n", 0, match.start(1)) + 1
                yield f"{name}:{line}: {folder} may not include {other} (tools/layers.txt)"


def sources():
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix in SUFFIXES:
            relative = path.relative_to(ROOT)
            yield relative.parts[1], str(relative), path.read_text()


def main():
    table = read_table((ROOT / "tools/layers.txt").read_text())
    circle = find_circle(table)
    problems = [f"tools/layers.txt: a circle: {' -> '.join(circle)}"] if circle else []
    problems += wrong_arrows(table, sources())
    for problem in problems:
        print(problem)
    if not problems:
        print(f"layers: {len(table)} folders, every include points down")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
