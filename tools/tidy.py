#!/usr/bin/env python3
"""Runs clang-tidy-14 over src/, two files at a time, and prints only what it finds.

A file that was clean is not looked at again until it, a header of src/ or the checks change: build/lint/clean holds a stamp
for each. A fresh tree takes some minutes, a changed file some seconds.
"""

import concurrent.futures
import hashlib
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/lint"
CLEAN = BUILD / "clean"
FINDING = re.compile(r"^(/\S+?):(\d+):\d+: (?:warning|error): (.*)$", re.MULTILINE)


def digest(*paths):
    whole = hashlib.sha256()
    for path in paths:
        whole.update(path.read_bytes())
        whole.update(b"\0")
    return whole.hexdigest()


def look_at(path):
    """The findings in one file: clang-tidy's lines, with paths as a person types them."""
    done = subprocess.run(
        ["clang-tidy-14", "--quiet", f"-p={BUILD}", str(path)], cwd=ROOT, capture_output=True, text=True
    )
    findings = {
        f"{os.path.relpath(name, ROOT)}:{line}: {text}" for name, line, text in FINDING.findall(done.stdout)
    }
    if done.returncode != 0 and not findings:
        findings = {f"{os.path.relpath(path, ROOT)}: clang-tidy failed: {done.stderr.strip()[-300:]}"}
    return findings


def main():
    CLEAN.mkdir(parents=True, exist_ok=True)
    common = digest(ROOT / ".clang-tidy", *sorted((ROOT / "src").rglob("*.h")))
    # Tests are GoogleTest's macros more than our code.
    files = [path for path in sorted((ROOT / "src").rglob("*.cc")) if not path.stem.endswith(("_test", "_perf"))]
    stamps = {path: CLEAN / hashlib.sha256(f"{path} {common} {digest(path)}".encode()).hexdigest() for path in files}
    todo = [path for path in files if not stamps[path].exists()]
    found = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, findings in zip(todo, pool.map(look_at, todo)):
            found |= findings
            if not findings:
                stamps[path].touch()
    for finding in sorted(found):
        print(finding)
    print(f"{len(files)} files, {len(todo)} looked at, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
