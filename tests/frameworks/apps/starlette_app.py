"""Starlette. labcoat serve starlette_app:app"""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from shared import FORM, SECRET, about, digest_of, fail, pieces_async


async def hello(request):
    return JSONResponse({"name": request.path_params["name"], "query": dict(request.query_params), **about("starlette")})


async def form(request):
    if request.method == "GET":
        return HTMLResponse(FORM.format(""))
    fields = await request.form()
    if not fields.get("title"):
        raise HTTPException(400)
    return JSONResponse({"title": fields["title"], "text": fields["text"]})


async def json(request):
    try:
        return JSONResponse({"got": await request.json()})
    except ValueError:
        raise HTTPException(400) from None


async def upload(request):
    async with request.form() as fields:
        file = fields["file"]
        return JSONResponse({"note": fields["note"], "name": file.filename, **digest_of(file.file)})


async def download(request):
    return FileResponse("data.bin", filename="data.bin")


async def stream(request):
    return StreamingResponse(pieces_async(request.query_params["gate"]), media_type="text/plain")


async def session(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JSONResponse(dict(request.session))


def go(request):
    return RedirectResponse(request.url_for("hello", name="again"), status_code=302)


async def error(request):
    fail()


async def socket(websocket):
    await websocket.accept(subprotocol="shout")
    try:
        while True:
            await websocket.send_text((await websocket.receive_text()).upper())
    except WebSocketDisconnect:
        pass


app = Starlette(
    routes=[
        Route("/hello/{name}", hello),
        Route("/form", form, methods=["GET", "POST"]),
        Route("/json", json, methods=["POST"]),
        Route("/upload", upload, methods=["POST"]),
        WebSocketRoute("/socket", socket),
        *(Route(f"/{view.__name__}", view) for view in (download, stream, session, go, error)),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key=SECRET)],
)
