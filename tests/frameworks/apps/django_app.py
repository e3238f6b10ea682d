"""Django, through both of its handlers. labcoat serve django_app:wsgi, or django_app:asgi

A project has these two in its wsgi.py and asgi.py, and its settings in a module of their own."""

import json
import os

import django
from django import forms
from django.conf import settings
from django.http import FileResponse, HttpResponse, HttpResponseBadRequest, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from shared import FORM, SECRET, about, digest_of, fail, pieces, pieces_async

settings.configure(
    DEBUG=False,
    SECRET_KEY=SECRET,
    ALLOWED_HOSTS=["127.0.0.1", "shop.example.org"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.sessions"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    USE_TZ=True,
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"stderr": {"class": "logging.StreamHandler"}},
        "loggers": {"django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
    },
)


class Note(forms.Form):
    title = forms.CharField()
    text = forms.CharField(widget=forms.Textarea)


def hello(request, name):
    return JsonResponse({"name": name, "query": request.GET.dict(), **about("django")})


def form(request):
    if request.method == "GET":
        return HttpResponse(engines["django"].from_string(FORM.format("{% csrf_token %}")).render({}, request))
    note = Note(request.POST)
    return JsonResponse(note.cleaned_data) if note.is_valid() else HttpResponseBadRequest(str(note.errors))


@csrf_exempt
def take_json(request):
    try:
        return JsonResponse({"got": json.loads(request.body)})
    except ValueError:
        return HttpResponseBadRequest()


def upload(request):
    file = request.FILES["file"]
    return JsonResponse({"note": request.POST["note"], "name": file.name, **digest_of(file)})


def download(request):
    # Of a relative name Django 3.2 does not tell the length.
    return FileResponse(open(os.path.abspath("data.bin"), "rb"), as_attachment=True)


def stream(request):
    # From Django 4.2 on a generator of the handler's own kind is needed for its pieces to go out one by one.
    make = pieces_async if hasattr(request, "scope") and django.VERSION >= (4, 2) else pieces
    return StreamingHttpResponse(make(request.GET["gate"]), content_type="text/plain")


def session(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"]})


def go(request):
    return redirect("hello", name="again")


def error(request):
    fail()


urlpatterns = [
    path("hello/<str:name>", hello, name="hello"),
    path("json", take_json),
    *(path(view.__name__, view) for view in (form, upload, download, stream, session, go, error)),
]

from django.core.asgi import get_asgi_application  # noqa: E402  as in wsgi.py and asgi.py: behind the settings
from django.core.wsgi import get_wsgi_application  # noqa: E402

wsgi = get_wsgi_application()
asgi = get_asgi_application()
