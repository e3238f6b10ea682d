"""What people deploy: a Flask application, with uploads, files, streams and errors."""

import hashlib
import random

import pytest
import requests

pytest.importorskip("flask")

APP = """
import hashlib, io
from flask import Flask, Response, abort, jsonify, redirect, request, send_file, session, stream_with_context, url_for

app = Flask(__name__)
app.secret_key = "not secret"

@app.get("/")
def index():
    return f"<p>{request.args.get('name', 'nobody')}</p>"

@app.post("/json")
def json():
    return jsonify(got=request.get_json(), length=request.content_length)

@app.post("/upload")
def upload():
    file = request.files["file"]
    return {"name": file.filename, "digest": hashlib.sha256(file.stream.read()).hexdigest(), "note": request.form["note"]}

@app.get("/file")
def file():
    return send_file("data.bin", conditional=True)

@app.get("/memory")
def memory():
    return send_file(io.BytesIO(b"m" * 300000), mimetype="text/plain")

@app.get("/stream")
def stream():
    @stream_with_context
    def blocks():
        for i in range(1000):
            yield f"{request.path} {i}\\n"
    return Response(blocks(), mimetype="text/plain")

@app.get("/login")
def login():
    session["user"] = request.args["user"]
    return redirect(url_for("who"))

@app.get("/who")
def who():
    return session["user"]

@app.get("/fails")
def fails():
    return str(1 / 0)

@app.get("/teapot")
def teapot():
    abort(418)
"""


@pytest.fixture
def flask(serve, write_app, tmp_path):
    write_app(APP)
    (tmp_path / "data.bin").write_bytes(random.Random(1).randbytes(500_000))
    # Debian's interpreter has Flask, whatever python3 comes first on PATH.
    return serve("app:app", "-w", 2, "--python", "/usr/bin/python3").url


def test_a_flask_application(flask, tmp_path):
    with requests.Session() as client:
        assert client.get(flask + "/?name=J%C3%B6rg").text == "<p>J\u00f6rg</p>"
        assert client.post(flask + "/json", json={"a": ["\u20ac"]}).json()["got"] == {"a": ["\u20ac"]}
        for size in (0, 1000, 3_000_000):
            content = random.Random(size).randbytes(size)
            answer = client.post(flask + "/upload", files={"file": ("n.bin", content)}, data={"note": "x\u00f6"}).json()
            assert answer == {"name": "n.bin", "digest": hashlib.sha256(content).hexdigest(), "note": "x\u00f6"}
        data = (tmp_path / "data.bin").read_bytes()
        assert client.get(flask + "/file").content == data
        part = client.get(flask + "/file", headers={"Range": "bytes=1000-100999"})
        assert part.status_code == 206 and part.content == data[1000:101000]
        tag = client.get(flask + "/file").headers["ETag"]
        assert client.get(flask + "/file", headers={"If-None-Match": tag}).status_code == 304
        assert client.get(flask + "/memory").text == "m" * 300000
        assert client.get(flask + "/stream").text == "".join(f"/stream {i}\n" for i in range(1000))
        assert client.get(flask + "/login?user=eve").text == "eve"
        assert client.get(flask + "/teapot").status_code == 418
        assert client.get(flask + "/fails").status_code == 500
        assert client.head(flask + "/file").headers["Content-Length"] == "500000"
        assert client.get(flask + "/nowhere").status_code == 404
