"""Fixtures of the supervisor's stories."""

import pytest
from small_app import APP, Slow


@pytest.fixture
def slow_request(tmp_path):
    started = []

    def start(server, name="gate"):
        started.append(Slow(server, tmp_path / name))
        return started[-1]

    yield start
    for request in started:
        request.finish()


@pytest.fixture
def app(write_app):
    write_app(APP)
    return "app:app"
