"""FastAPI. labcoat serve fastapi_app:app"""

from typing import Any

from fastapi import Body, FastAPI, File, Form, Request, UploadFile, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel
from starlette.middleware.sessions import SessionMiddleware

from shared import FORM, SECRET, about, digest_of, fail, pieces_async

app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=SECRET)


class Upload(BaseModel):
    note: str
    name: str
    size: int
    sha256: str


@app.get("/hello/{name}")
async def hello(name: str, request: Request):
    return {"name": name, "query": dict(request.query_params), **about("fastapi")}


@app.get("/form", response_class=HTMLResponse)
def form():
    return FORM.format("")


@app.post("/form")
def keep(title: str = Form(min_length=1), text: str = Form()):
    return {"title": title, "text": text}


@app.post("/json")
async def json(got: Any = Body()):
    return {"got": got}


@app.post("/upload", response_model=Upload)
def upload(note: str = Form(), file: UploadFile = File()):
    return {"note": note, "name": file.filename, **digest_of(file.file)}


@app.get("/download")
def download():
    return FileResponse("data.bin", filename="data.bin")


@app.get("/stream")
async def stream(gate: str):
    return StreamingResponse(pieces_async(gate), media_type="text/plain")


@app.get("/session")
def session(request: Request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return request.session


@app.get("/go")
def go(request: Request):
    return RedirectResponse(request.url_for("hello", name="again"), status_code=302)


@app.get("/error")
def error():
    fail()


@app.websocket("/socket")
async def socket(websocket: WebSocket):
    await websocket.accept(subprotocol="shout")
    try:
        while True:
            await websocket.send_text((await websocket.receive_text()).upper())
    except WebSocketDisconnect:
        pass
