"""The Python interpreters that tests use: every CPython of this machine, and virtual environments with packages from PyPI.

python3 tests/frameworks/interpreters.py makes the environment for the tests of this folder, and says where it is. The tests do that
themselves, too; LABCOAT_NO_PYPI=1 skips those that need it, for a machine without a network.
"""

import fcntl
import functools
import glob
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing

HERE = pathlib.Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parent.parent / "build/venv"
REQUIREMENTS = HERE / "requirements.txt"
NEWEST_WITH_WHEELS = (3, 14)  # for a newer one, compilers would be needed for some packages of requirements.txt
WITHOUT = "LABCOAT_NO_PYPI"
_QUESTION = """
import json, platform, sys, sysconfig
print(json.dumps([platform.python_implementation(), sys.version_info[:3], sysconfig.get_config_var("Py_GIL_DISABLED") or 0]))
"""


class Python(typing.NamedTuple):
    version: tuple[int, int, int]
    path: str

    def __str__(self):
        return ".".join(map(str, self.version))


@functools.cache
def pythons():
    """Every CPython from 3.11 on that PATH, /usr/bin and pyenv have, the oldest first. Not the free-threaded ones: the stable ABI
    does not reach them."""
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    folders = ["/usr/bin", "/usr/local/bin", *os.get_exec_path(), *glob.glob(f"{glob.escape(pyenv)}/versions/*/bin")]
    candidates = {
        os.path.realpath(path)
        for folder in folders
        if os.path.basename(folder) != "shims"
        for path in glob.glob(f"{glob.escape(folder)}/python3.*")
        if re.fullmatch(r"python3\.\d+", os.path.basename(path)) and int(path.rpartition(".")[2]) >= 11
    }
    found = []
    for path in candidates:
        answer = subprocess.run([path, "-I", "-S", "-c", _QUESTION], capture_output=True, text=True)
        if answer.returncode == 0:
            kind, version, free_threaded = json.loads(answer.stdout)
            if kind == "CPython" and not free_threaded:
                found.append(Python(tuple(version), path))
    return sorted(found)


def environment(requirements=REQUIREMENTS, python=None):
    """The interpreter of a virtual environment with these packages, made when it is not there yet. Without `python`, of the newest."""
    python = python or [one for one in pythons() if one.version[:2] <= NEWEST_WITH_WHEELS][-1]
    key = hashlib.sha256(f"{python.path} {python}\n{requirements.read_text()}".encode()).hexdigest()[:12]
    name = f"{requirements.parent.name}-{requirements.stem}-{python}"
    folder = ENVIRONMENTS / f"{name}-{key}"
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with open(ENVIRONMENTS / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        if not (folder / "complete").exists():
            for old in ENVIRONMENTS.glob(f"{name}-*"):
                shutil.rmtree(old)
            _run(python.path, "-m", "venv", folder)
            _run(folder / "bin/python3", "-m", "pip", "install", "--quiet", "--no-input", "-r", requirements)
            (folder / "complete").touch()
    return str(folder / "bin/python3")


def _run(*words):
    done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(map(str, words))} failed:\n{done.stdout}\nWithout a network, say {WITHOUT}=1: tests that need it are skipped."
        )


if __name__ == "__main__":
    try:
        print(f"{WITHOUT} is set: none is made" if os.environ.get(WITHOUT) else environment())
    except RuntimeError as why:
        sys.exit(str(why))
