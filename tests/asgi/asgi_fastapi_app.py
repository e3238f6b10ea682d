"""A small FastAPI application (and so a Starlette one), below the validator."""

import asyncio
import hashlib

from asgi_validator import Validator
from fastapi import BackgroundTasks, Depends, FastAPI, File, Form, HTTPException, UploadFile
from pydantic import BaseModel
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, StreamingResponse

events = []




api = FastAPI()
api.add_event_handler("startup", lambda: events.append("startup"))
api.add_middleware(GZipMiddleware, minimum_size=100_000)


class Item(BaseModel):
    name: str
    price: float


@api.middleware("http")
async def mark(request: Request, call_next):
    response = await call_next(request)
    response.headers["X-Middleware"] = "seen"
    return response


@api.get("/items/{number}")
async def read(number: int, wanted: bool = False):
    if number == 404:
        raise HTTPException(404, "no such item")
    return {"number": number, "wanted": wanted, "events": events}


@api.post("/items")
def create(item: Item, token: str = Depends(lambda: "depends")):
    """Not async: runs in a thread."""
    return {"twice": item.price * 2, "name": item.name, "token": token}


@api.post("/upload")
async def upload(title: str = Form(), file: UploadFile = File()):
    content = await file.read()
    return {"title": title, "name": file.filename, "sha256": hashlib.sha256(content).hexdigest()}


@api.get("/stream")
async def stream():
    async def numbers():
        for number in range(20):
            yield f"{number} "
            await asyncio.sleep(0)

    return StreamingResponse(numbers(), media_type="text/plain")


@api.get("/ticks")
async def ticks():
    async def forever():
        try:
            while True:
                yield "tick "
                await asyncio.sleep(0.002)
        finally:
            events.append("ticks stopped")

    return StreamingResponse(forever(), media_type="text/plain")


@api.get("/file")
async def file(path: str):
    return FileResponse(path)


@api.get("/later")
async def later(background: BackgroundTasks):
    background.add_task(events.append, "later")
    return "now"


@api.get("/large")
async def large():
    return {"text": "x" * 200_000}


@api.get("/fails")
async def fails():
    raise RuntimeError("on purpose, in FastAPI")


app = Validator(api)
