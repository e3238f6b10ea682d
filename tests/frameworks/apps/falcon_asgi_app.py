"""Falcon, through ASGI. labcoat serve falcon_asgi_app:app"""

import io
import logging
import os

import falcon
import falcon.asgi
from itsdangerous import BadSignature, URLSafeSerializer

from shared import FORM, SECRET, about, digest_of, fail, pieces_async

signed = URLSafeSerializer(SECRET)


class Hello:
    async def on_get(self, request, response, name):
        response.media = {"name": name, "query": request.params, **about("falcon")}


class Form:
    async def on_get(self, request, response):
        response.content_type = falcon.MEDIA_HTML
        response.text = FORM.format("")

    async def on_post(self, request, response):
        fields = await request.get_media()
        if not fields.get("title"):
            raise falcon.HTTPBadRequest()
        response.media = {"title": fields["title"], "text": fields["text"]}


class Json:
    async def on_post(self, request, response):
        response.media = {"got": await request.get_media()}


class Upload:
    async def on_post(self, request, response):
        answer = {}
        async for part in await request.get_media():
            if part.name == "file":
                answer.update(name=part.filename, **digest_of(io.BytesIO(await part.stream.read())))
            else:
                answer[part.name] = await part.get_text()
        response.media = answer


async def blocks(file):
    with file:
        while block := file.read(65536):
            yield block


class Download:
    async def on_get(self, request, response):
        file = open("data.bin", "rb")
        response.content_type = "application/octet-stream"
        response.downloadable_as = "data.bin"
        response.set_stream(blocks(file), os.fstat(file.fileno()).st_size)


class Stream:
    async def on_get(self, request, response):
        response.content_type = falcon.MEDIA_TEXT
        response.stream = pieces_async(request.get_param("gate"))


class Session:
    """Falcon has none: a cookie, signed by hand."""

    async def on_get(self, request, response):
        try:
            visits = signed.loads(request.cookies.get("visits", "")) + 1
        except BadSignature:
            visits = 1
        response.set_cookie("visits", signed.dumps(visits), secure=False)
        response.media = {"visits": visits}


class Go:
    async def on_get(self, request, response):
        raise falcon.HTTPFound("/hello/again")


class Socket:
    async def on_websocket(self, request, socket):
        await socket.accept(subprotocol="shout")
        try:
            while True:
                await socket.send_text((await socket.receive_text()).upper())
        except falcon.WebSocketDisconnected:
            pass


class Error:
    async def on_get(self, request, response):
        fail()


logging.basicConfig()  # Falcon is silent about exceptions in ASGI apps unless somebody listens
app = falcon.asgi.App()
app.add_route("/hello/{name}", Hello())
for resource in (Form, Json, Upload, Download, Stream, Session, Go, Error, Socket):
    app.add_route("/" + resource.__name__.lower(), resource())
