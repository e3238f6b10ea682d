from django.contrib import admin
from django.urls import path

from journal import views
from journal.models import Entry, Tag

admin.site.register([Entry, Tag])

urlpatterns = [
    path("", views.index, name="index"),
    path("entry/<int:number>", views.entry, name="entry"),
    path("entries.json", views.entries_json, name="entries_json"),
    path("new", views.new, name="new"),
    path("admin/", admin.site.urls),
]
