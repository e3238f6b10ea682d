"""Fixtures of every end-to-end test: the program, and servers that cannot outlive their test."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from server import Server, labcoat_program  # noqa: E402


@pytest.fixture(scope="session")
def labcoat():
    """Path of the program under test: $LABCOAT, else build/release/labcoat."""
    return labcoat_program()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    setattr(item, f"report_{report.when}", report)


@pytest.fixture
def serve(labcoat, tmp_path, request):
    """serve("module:app", "-w", 1) starts a server in tmp_path; after the test it stops and must leave nothing behind."""
    servers = []

    def start(*args, cwd=tmp_path, **options):
        server = Server(*args, cwd=cwd, program=labcoat, name=f"server{len(servers)}", **options)
        servers.append(server)
        return server

    yield start
    failed = getattr(request.node, "report_call", None) is None or request.node.report_call.failed
    for server in servers:
        if failed:
            server.kill()
            print(f"--- stderr of labcoat serve ({server.log_path})\n{server.stderr()[-8000:]}")
        elif server.process.poll() is None:
            server.stop()
        else:
            server.assert_nothing_left()


@pytest.fixture
def write_app(tmp_path):
    """write_app(source, name="app") puts a Python module into the test's directory."""

    def write(source, name="app"):
        path = tmp_path / f"{name}.py"
        path.write_text(source)
        return path

    return write
