"""Notes: a small, complete Flask application, as people deploy them.

Pages, search, a form, a JSON API, static files, and a feed that costs real work. Every server that
speaks WSGI can run it:

    labcoat serve                     (reads labcoat.toml)
    flask --app notes run
    gunicorn notes:app
"""

import json
import os
import re
from pathlib import Path

from flask import Flask, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException

import database
import make_data
import markup

PAGE_SIZE = 20
PAGE_SIZE_MAX = 100
TITLE_MAX = 120
BODY_MAX = 20_000
SEARCH_MAX = 200
TAG = re.compile(r"[a-z][a-z-]{0,29}")
# What XML, and so the feed, cannot hold: control characters and halves of surrogate pairs.
UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

app = Flask(__name__)
app.config["DATABASE"] = os.environ.get("NOTES_DB", str(Path(__file__).with_name("notes.db")))
app.config["MAX_CONTENT_LENGTH"] = 128 * 1024
app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
app.teardown_appcontext(database.close)
app.add_template_filter(markup.render, "markup")
app.add_template_filter(markup.summary, "summary")

# A first start finds no data, and several servers may start at once: this makes it exactly once.
make_data.create_if_missing(app.config["DATABASE"])


# Pages

@app.get("/")
def index():
    tag = request.args.get("tag", "")
    total = database.count(tag)
    pages = max(1, -(-total // PAGE_SIZE))
    number = positive_number("page", default=1, limit=pages)
    return render_template("index.html", notes=database.page(number, PAGE_SIZE, tag), tag=tag,
                           tags=database.tags(), total=total, number=number, pages=pages)


@app.get("/notes/<int:note_id>")
def note(note_id):
    found = database.get(note_id) or abort(404)
    return render_template("note.html", note=found, neighbours=database.neighbours(found))


@app.get("/search")
def search():
    query = request.args.get("q", "")[:SEARCH_MAX].strip()
    found = database.search(re.findall(r"\w+", query))
    return render_template("search.html", query=query, notes=found)


@app.get("/about")
def about():
    return render_template("about.html", total=database.count())


@app.route("/new", methods=["GET", "POST"])
def new():
    # Anybody may write, nobody is logged in: there is no cookie that a foreign page could misuse.
    if request.method == "GET":
        return render_template("new.html", fields={}, problems={})
    fields, problems = checked_fields(request.form)
    if problems:
        return render_template("new.html", fields=fields, problems=problems), 422
    # 303: reloading the page that follows does not send the form again.
    return redirect(url_for("note", note_id=database.add(**fields)), 303)


@app.get("/feed.xml")
def feed():
    """All notes as Atom: reads and renders every one, unless the reader has the latest version."""
    total = database.count()
    latest = database.page(1, 1)[0]["created"] if total else "1970-01-01T00:00:00Z"
    response = app.response_class(mimetype="application/atom+xml")
    response.set_etag(f"{total}-{latest}")
    response.cache_control.public = True
    response.cache_control.max_age = 60
    response.make_conditional(request)
    if response.status_code != 304:
        response.set_data(render_template("feed.xml", notes=database.every_note(), latest=latest,
                                          home=url_for("index", _external=True)))
    return response


# JSON API

@app.get("/api/notes")
def api_notes():
    tag = request.args.get("tag", "")
    size = positive_number("size", default=PAGE_SIZE, limit=PAGE_SIZE_MAX)
    total = database.count(tag)
    number = positive_number("page", default=1, limit=max(1, -(-total // size)))
    return jsonify(total=total, page=number, size=size,
                   notes=[dict(row) for row in database.page(number, size, tag)])


@app.get("/api/notes/<int:note_id>")
def api_note(note_id):
    return jsonify(dict(database.get(note_id) or abort(404)))


@app.post("/api/notes")
def api_new():
    fields, problems = checked_fields(request.get_json())
    if problems:
        return jsonify(problems=problems), 422
    note_id = database.add(**fields)
    response = jsonify(dict(database.get(note_id)))
    response.status_code = 201
    response.headers["Location"] = url_for("api_note", note_id=note_id)
    return response


# What comes from outside

@app.before_request
def limit_body():
    """Older versions of Flask look at the limit for forms only."""
    if (request.content_length or 0) > app.config["MAX_CONTENT_LENGTH"]:
        abort(413)


def positive_number(name, default, limit):
    """A number of the query string, from 1 to the limit; anything else is the client's mistake."""
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= limit):
        abort(404, f"{name} is a number from 1 to {limit}.")
    return int(text)


def checked_fields(given):
    """The fields of a new note, tidied up, and for each wrong one a sentence on what is right."""
    if not hasattr(given, "get"):
        abort(400, "A note is an object with title, body and tag.")
    fields = {name: clean_text(given.get(name)) for name in ("title", "body", "tag")}
    fields["title"] = " ".join(fields["title"].split())
    fields["tag"] = fields["tag"].strip().lower()
    problems = {}
    if not 1 <= len(fields["title"]) <= TITLE_MAX:
        problems["title"] = f"A title has 1 to {TITLE_MAX} characters."
    if not 1 <= len(fields["body"]) <= BODY_MAX:
        problems["body"] = f"A text has 1 to {BODY_MAX} characters."
    if not TAG.fullmatch(fields["tag"]):
        problems["tag"] = "A tag is one word of letters and hyphens, at most 30."
    return fields, problems


def clean_text(given):
    """The text without what cannot be shown; empty for anything that is no text."""
    if not isinstance(given, str):
        return ""
    # Spaces at the start of the first line stay: they make it code.
    return UNPRINTABLE.sub("", given).rstrip().lstrip("\r\n")


@app.errorhandler(HTTPException)
def error(problem):
    """Programs get JSON, people get a page; status and headers (Allow, …) stay as they are."""
    response = problem.get_response()
    if response.status_code >= 400:  # a redirect comes here too and is no error
        if request.path.startswith("/api/"):
            response.content_type = "application/json"
            response.set_data(json.dumps({"error": problem.description}) + "\n")
        else:
            response.set_data(render_template("error.html", problem=problem))
    return response
