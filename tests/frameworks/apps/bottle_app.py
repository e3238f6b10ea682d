"""Bottle. labcoat serve bottle_app:app"""

from bottle import Bottle, abort, redirect, request, response, static_file

from shared import FORM, SECRET, about, digest_of, fail, pieces

app = Bottle()


@app.get("/hello/<name>")
def hello(name):
    return {"name": name, "query": dict(request.query.decode()), **about("bottle")}


@app.get("/form")
def form():
    return FORM.format("")


@app.post("/form")
def keep():
    fields = request.forms.decode()
    if not fields.get("title"):
        abort(400)
    return {"title": fields["title"], "text": fields["text"]}


@app.post("/json")
def json():
    try:
        return {"got": request.json}
    except ValueError:  # Bottle 0.12; newer ones refuse by themselves
        abort(400)


@app.post("/upload")
def upload():
    file = request.files["file"]
    # Bottle 0.12 has text here, which it cannot decode once more; newer ones have latin-1 as everywhere.
    note = request.forms.getunicode("note") or request.forms["note"]
    return {"note": note, "name": file.raw_filename, **digest_of(file.file)}


@app.get("/download")
def download():
    return static_file("data.bin", root=".", download=True)


@app.get("/stream")
def stream():
    response.content_type = "text/plain"
    return pieces(request.query["gate"])


@app.get("/session")
def session():
    visits = (request.get_cookie("visits", secret=SECRET) or 0) + 1
    response.set_cookie("visits", visits, secret=SECRET, path="/", httponly=True)
    return {"visits": visits}


@app.get("/go")
def go():
    redirect("/hello/again")


@app.get("/error")
def error():
    fail()
