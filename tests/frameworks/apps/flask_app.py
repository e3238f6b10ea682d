"""Flask. labcoat serve flask_app:app"""

from flask import Flask, Response, abort, redirect, request, send_file, session, url_for

from shared import FORM, SECRET, about, digest_of, fail, pieces

app = Flask(__name__, root_path=".")
app.secret_key = SECRET


@app.get("/hello/<name>")
def hello(name):
    return {"name": name, "query": request.args, **about("flask")}


@app.route("/form", methods=["GET", "POST"])
def form():
    if request.method == "GET":
        return FORM.format("")
    if not request.form.get("title"):
        abort(400)
    return {"title": request.form["title"], "text": request.form["text"]}


@app.post("/json")
def json():
    return {"got": request.get_json()}


@app.post("/upload")
def upload():
    file = request.files["file"]
    return {"note": request.form["note"], "name": file.filename, **digest_of(file.stream)}


@app.get("/download")
def download():
    return send_file("data.bin", as_attachment=True)


@app.get("/stream")
def stream():
    return Response(pieces(request.args["gate"]), mimetype="text/plain")


@app.get("/session")
def visits():
    session["visits"] = session.get("visits", 0) + 1
    return {"visits": session["visits"]}


@app.get("/go")
def go():
    return redirect(url_for("hello", name="again"))


@app.get("/error")
def error():
    fail()
