"""Quart. labcoat serve quart_app:app"""

from quart import Quart, abort, redirect, request, send_file, session, url_for, websocket

from shared import FORM, SECRET, about, digest_of, fail, pieces_async

app = Quart(__name__)
app.secret_key = SECRET


@app.get("/hello/<name>")
async def hello(name):
    return {"name": name, "query": dict(request.args), **about("quart")}


@app.route("/form", methods=["GET", "POST"])
async def form():
    if request.method == "GET":
        return FORM.format("")
    fields = await request.form
    if not fields.get("title"):
        abort(400)
    return {"title": fields["title"], "text": fields["text"]}


@app.post("/json")
async def json():
    return {"got": await request.get_json()}


@app.post("/upload")
async def upload():
    file = (await request.files)["file"]
    return {"note": (await request.form)["note"], "name": file.filename, **digest_of(file.stream)}


@app.get("/download")
async def download():
    return await send_file("data.bin", as_attachment=True)


@app.get("/stream")
async def stream():
    return pieces_async(request.args["gate"]), 200, {"Content-Type": "text/plain"}


@app.get("/session")
async def visits():
    session["visits"] = session.get("visits", 0) + 1
    return {"visits": session["visits"]}


@app.get("/go")
async def go():
    return redirect(url_for("hello", name="again"))


@app.get("/error")
async def error():
    fail()


@app.websocket("/socket")
async def socket():
    await websocket.accept(subprotocol="shout")
    while True:
        await websocket.send((await websocket.receive()).upper())
