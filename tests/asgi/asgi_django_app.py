"""A small Django application through its ASGI handler, below the validator, with async and ordinary views."""

import asyncio
import hashlib
import json

import django
from asgi_validator import Validator
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

settings.configure(
    DEBUG=False,
    SECRET_KEY="for tests",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"stderr": {"class": "logging.StreamHandler"}},
        "loggers": {"django.request": {"handlers": ["stderr"], "propagate": False}},
    },
)


async def hello(request):
    await asyncio.sleep(0)
    return JsonResponse({"method": request.method, "path": request.path, "query": request.GET.dict()})


def plain(request):
    return HttpResponse("plain", headers={"X-Kind": "sync"})


async def form(request):
    upload = request.FILES.get("file")
    return JsonResponse(
        {"title": request.POST.get("title"), "sha256": hashlib.sha256(upload.read()).hexdigest() if upload else None}
    )


async def body(request):
    return JsonResponse({"length": len(request.body), "header": request.META.get("CONTENT_LENGTH")})


def visits(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(str(request.session["visits"]))


def stream(request):
    return StreamingHttpResponse(f"{number} " for number in range(20))


def download(request):
    return FileResponse(open(request.GET["path"], "rb"))


async def fails(request):
    raise RuntimeError("on purpose, in Django")


urlpatterns = [
    path("hello/<slug:name>", lambda request, name: HttpResponse(json.dumps(name))),
    *(path(view.__name__, view) for view in (hello, plain, form, body, visits, stream, download, fails)),
]
django.setup()
app = Validator(ASGIHandler())
