from django.core.paginator import Paginator
from django.forms import ModelForm
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render

from journal.models import Entry, Tag


class EntryForm(ModelForm):
    class Meta:
        model = Entry
        fields = ["title", "text", "tags"]


def index(request):
    page = Paginator(Entry.objects.prefetch_related("tags"), 20).get_page(request.GET.get("page"))
    seen = request.session.get("seen", [])
    return render(request, "journal/index.html", {"page": page, "tags": Tag.objects.all(), "seen": seen})


def entry(request, number):
    return render(request, "journal/entry.html", {"entry": get_object_or_404(Entry, pk=number)})


def entries_json(request):
    return JsonResponse({"entries": list(Entry.objects.values("id", "title", "written")[:50])})


def new(request):
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect("entry", form.save().pk)
    return render(request, "journal/new.html", {"form": form})
