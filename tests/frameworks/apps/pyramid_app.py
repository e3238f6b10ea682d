"""Pyramid. labcoat serve pyramid_app:app"""

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPBadRequest, HTTPFound
from pyramid.response import FileResponse, Response
from pyramid.session import SignedCookieSessionFactory

from shared import FORM, SECRET, about, digest_of, fail, pieces


def hello(request):
    return {"name": request.matchdict["name"], "query": dict(request.GET), **about("pyramid")}


def form(request):
    if request.method == "GET":
        return Response(FORM.format(""))
    if not request.POST.get("title"):
        raise HTTPBadRequest()
    return Response(json={"title": request.POST["title"], "text": request.POST["text"]})


def json(request):
    try:
        return {"got": request.json_body}
    except ValueError:
        raise HTTPBadRequest() from None


def upload(request):
    file = request.POST["file"]
    return {"note": request.POST["note"], "name": file.filename, **digest_of(file.file)}


def download(request):
    response = FileResponse("data.bin", request=request)
    response.content_disposition = 'attachment; filename="data.bin"'
    return response


def stream(request):
    return Response(app_iter=pieces(request.GET["gate"]), content_type="text/plain")


def session(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return {"visits": request.session["visits"]}


def go(request):
    return HTTPFound(request.route_url("hello", name="again"))


def error(request):
    fail()


with Configurator(session_factory=SignedCookieSessionFactory(SECRET)) as config:
    config.add_route("hello", "/hello/{name}")
    config.add_view(hello, route_name="hello", renderer="json")
    for view, renderer in (
        (form, None), (json, "json"), (upload, "json"), (download, None), (stream, None), (session, "json"), (go, None), (error, None)
    ):
        config.add_route(view.__name__, "/" + view.__name__)
        config.add_view(view, route_name=view.__name__, renderer=renderer)
    app = config.make_wsgi_app()
