#!/usr/bin/env python3
"""Runs clang-tidy-14 over src/, two groups of files at a time, and prints only what it finds.

Most of what clang-tidy does for a file it does for the standard library's headers. So files that are compiled alike are looked
at together, GROUP of them in one translation unit; those that cannot stand in one with the others (the same name in both) go into
the next. A group that was clean is not looked at again until one of its files, a header of src/ or the checks change:
build/lint/clean holds a stamp for each.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/lint"
CLEAN = BUILD / "clean"
TOGETHER = BUILD / "together"
GROUP = 24
FINDING = re.compile(r"^(/\S+?):(\d+):\d+: (?:warning|error): (.*)$", re.MULTILINE)


def digest(*paths):
    whole = hashlib.sha256()
    for path in paths:
        whole.update(path.read_bytes())
        whole.update(b"\0")
    return whole.hexdigest()


def compile_commands():
    """Of each source file the words that compile it, with SOURCE where its name stands and without its output."""
    commands = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        words = entry["command"].replace(entry["file"], "SOURCE").split()
        at = words.index("-o")
        commands[pathlib.Path(entry["file"])] = " ".join(words[:at] + words[at + 2 :])
    return commands


def groups_of(files, commands):
    alike = {}
    for path in files:
        alike.setdefault((path.parent, commands[path]), []).append(path)
    return [paths[i : i + GROUP] for paths in alike.values() for i in range(0, len(paths), GROUP)]


def unit_of(paths, command):
    """Writes the translation unit of some files; its folder has the compile_commands.json for it."""
    folder = TOGETHER / hashlib.sha256(" ".join(map(str, paths)).encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    unit = folder / "unit.cc"
    # To include a source file is what bugprone-suspicious-include exists to find.
    unit.write_text("".join(f'#include "{path}"  // NOLINT\n' for path in paths))
    entry = {"directory": str(BUILD), "command": command.replace("SOURCE", str(unit)), "file": str(unit)}
    (folder / "compile_commands.json").write_text(json.dumps([entry]))
    return unit


def apart(paths, command):
    """Those of the files that cannot stand in one translation unit with those before them, or none: a compiler's quick look, for
    clang-tidy's takes ten times as long."""
    words = shlex.split(command.replace("SOURCE", str(unit_of(paths, command))))
    done = subprocess.run([*words, "-fsyntax-only", "-Werror", "-ferror-limit=0"], cwd=BUILD, capture_output=True, text=True)
    if done.returncode == 0:
        return []
    named = {line.split(":")[0] for line in done.stderr.splitlines() if ": error: " in line}
    others = [path for path in paths if str(path) in named]
    return others if 0 < len(others) < len(paths) else paths[len(paths) // 2 :]


def look_at(paths, command):
    """The findings in some files: clang-tidy's lines, with paths as a person types them."""
    others = apart(paths, command) if len(paths) > 1 else []
    if others:
        return look_at([path for path in paths if path not in others], command) | look_at(others, command)
    unit = unit_of(paths, command)
    config = f"--config-file={ROOT}/.clang-tidy"
    done = subprocess.run(
        ["clang-tidy-14", "--quiet", config, f"-p={unit.parent}", str(unit)], cwd=ROOT, capture_output=True, text=True
    )
    lines = FINDING.findall(done.stdout)
    findings = {f"{os.path.relpath(name, ROOT)}:{line}: {text}" for name, line, text in lines}
    if done.returncode != 0 and not findings:
        findings = {f"{os.path.relpath(paths[0], ROOT)} …: clang-tidy failed: {done.stderr.strip()[-300:]}"}
    return findings


def main():
    CLEAN.mkdir(parents=True, exist_ok=True)
    common = digest(ROOT / ".clang-tidy", *sorted((ROOT / "src").rglob("*.h")))
    # Tests are GoogleTest's macros more than our code.
    files = [path for path in sorted((ROOT / "src").rglob("*.cc")) if not path.stem.endswith(("_test", "_perf"))]
    commands = compile_commands()
    found = {f"{os.path.relpath(path, ROOT)}: is in no CMakeLists.txt" for path in files if path not in commands}
    todo = {}
    for group in groups_of([path for path in files if path in commands], commands):
        name = f"{[str(path) for path in group]} {common} {digest(*group)}"
        stamp = CLEAN / hashlib.sha256(name.encode()).hexdigest()
        if not stamp.exists():
            todo[stamp] = group
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        looks = pool.map(lambda group: look_at(group, commands[group[0]]), todo.values())
        for stamp, findings in zip(todo, looks):
            found |= findings
            if not findings:
                stamp.touch()
    for finding in sorted(found):
        print(finding)
    looked_at = sum(len(group) for group in todo.values())
    print(f"{len(files)} files, {looked_at} looked at, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
