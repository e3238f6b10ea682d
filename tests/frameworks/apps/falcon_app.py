"""Falcon, through WSGI. labcoat serve falcon_app:app"""

import os

import falcon
from itsdangerous import BadSignature, URLSafeSerializer

from shared import FORM, SECRET, about, digest_of, fail, pieces

signed = URLSafeSerializer(SECRET)


class Hello:
    def on_get(self, request, response, name):
        response.media = {"name": name, "query": request.params, **about("falcon")}


class Form:
    def on_get(self, request, response):
        response.content_type = falcon.MEDIA_HTML
        response.text = FORM.format("")

    def on_post(self, request, response):
        fields = request.get_media()
        if not fields.get("title"):
            raise falcon.HTTPBadRequest()
        response.media = {"title": fields["title"], "text": fields["text"]}


class Json:
    def on_post(self, request, response):
        response.media = {"got": request.get_media()}


class Upload:
    def on_post(self, request, response):
        answer = {}
        for part in request.get_media():
            if part.name == "file":
                answer.update(name=part.filename, **digest_of(part.stream))
            else:
                answer[part.name] = part.get_text()
        response.media = answer


class Download:
    def on_get(self, request, response):
        file = open("data.bin", "rb")
        response.content_type = "application/octet-stream"
        response.downloadable_as = "data.bin"
        response.set_stream(file, os.fstat(file.fileno()).st_size)


class Stream:
    def on_get(self, request, response):
        response.content_type = falcon.MEDIA_TEXT
        response.stream = pieces(request.get_param("gate"))


class Session:
    """Falcon has none: a cookie, signed by hand."""

    def on_get(self, request, response):
        try:
            visits = signed.loads(request.cookies.get("visits", "")) + 1
        except BadSignature:
            visits = 1
        response.set_cookie("visits", signed.dumps(visits), secure=False)
        response.media = {"visits": visits}


class Go:
    def on_get(self, request, response):
        raise falcon.HTTPFound("/hello/again")


class Error:
    def on_get(self, request, response):
        fail()


app = falcon.App()
app.add_route("/hello/{name}", Hello())
for resource in (Form, Json, Upload, Download, Stream, Session, Go, Error):
    app.add_route("/" + resource.__name__.lower(), resource())
