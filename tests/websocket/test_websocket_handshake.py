"""The opening handshake: what is refused how, and what is no WebSocket at all."""

import json

import pytest
from websocket_wire import TEXT, Wire, frame, handshake


@pytest.mark.parametrize("version", ["8", "0", "14", "13, 8", "x"])
def test_another_version_is_426_with_the_right_one(wire, version):
    status, fields, _ = wire(None).ask(handshake("/echo", version=version))
    assert status == 426
    assert fields["sec-websocket-version"] == "13"
    assert fields["upgrade"] == "websocket" and fields["connection"] == "Upgrade"


@pytest.mark.parametrize(
    "asked",
    [
        handshake("/echo", version=None),
        handshake("/echo", key=None),
        handshake("/echo", key="c2hvcnQ="),
        handshake("/echo", key="not base64 at all !!!!=="),
        handshake("/echo", method="POST"),
        handshake("/echo", "Content-Length: 0", method="PUT"),
        handshake("/echo", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    ],
)
def test_a_handshake_that_breaks_the_rules_is_400(wire, asked):
    assert wire(None).ask(asked)[0] == 400


def test_another_protocol_is_not_upgraded_to(wire):
    status, _, body = wire(None).ask(handshake("/", upgrade="h2c"))
    assert status == 200
    assert json.loads(body)["upgrade"] == "h2c"


def test_frames_may_come_with_the_handshake(wire):
    client = wire(None)
    client.send(handshake("/echo") + frame(TEXT, b"early"))
    while client.file.readline() != b"\r\n":
        pass
    assert client.message() == (TEXT, b"early")


def test_a_wsgi_app_answers_as_if_nobody_had_asked(serve, write_app):
    write_app(
        """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"plain"]
"""
    )
    server = serve("app:app", "-w", 1)
    for asked in (handshake("/"), handshake("/", version="8"), handshake("/", key=None)):
        with Wire(server) as client:
            status, fields, body = client.ask(asked)
            assert (status, body) == (200, b"plain")
            assert "sec-websocket-accept" not in fields
