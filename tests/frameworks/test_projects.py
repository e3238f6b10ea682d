"""docs/frameworks.md says what is so: its lines, its versions, and the Django project that it makes from nothing."""

import os
import pathlib
import re
import subprocess

import pytest
import requests
from server import ROOT, Server
from test_frameworks import TARGETS, Hidden, pinned

PAGE = (ROOT / "docs/frameworks.md").read_text()


@pytest.mark.parametrize("name", TARGETS)
def test_the_page_names_the_line_and_the_versions_that_are_tested(name):
    row = next(line for line in PAGE.splitlines() if f"`labcoat serve {TARGETS[name]}`" in line)
    assert set(re.findall(r"\d[\d.]*\d", row.split("|")[4].replace("on Python 3.11", ""))) == set(pinned(name.partition("-")[0]))


@pytest.mark.release_only  # its edge is that of the other tests
def test_a_django_project_of_the_page_has_an_admin_one_can_log_in_to(tmp_path, labcoat, interpreter_with):
    python = pathlib.Path(interpreter_with("pypi"))
    *make, start = re.search(r"```sh\n(django-admin.*?)```", PAGE, re.DOTALL)[1].strip().splitlines()
    env = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}", "DJANGO_SUPERUSER_PASSWORD": "guess"}
    create = "python3 manage.py createsuperuser --noinput --username eve --email eve@example.org"
    subprocess.run(["sh", "-ec", "\n".join([*make, create])], cwd=tmp_path, env=env, check=True, stdout=subprocess.DEVNULL)
    words = start.removeprefix("labcoat serve ").split()
    with Server(*words, "-w", 2, cwd=tmp_path, program=labcoat, env={"VIRTUAL_ENV": str(python.parent.parent)}) as server:
        with requests.Session() as browser:
            browser.trust_env = False
            page = browser.get(f"{server.url}/admin/")
            assert page.url.endswith("/admin/login/?next=/admin/")
            style = re.search(r'href="(/static/[^"]+\.css)"', page.text)[1]
            assert browser.get(server.url + style).headers["Content-Type"].startswith("text/css")
            fields = {**Hidden(page.text).fields, "username": "eve", "password": "guess"}
            inside = browser.post(page.url, data=fields, headers={"Referer": page.url})
            assert inside.url == f"{server.url}/admin/" and "eve" in inside.text
        assert "Traceback" not in server.stderr()
