"""The example application by itself: every page under wsgiref.validate, the form, the API, the feed, the data.

No server is needed; the application is called as PEP 3333 says, with the standard library's validator in between.
"""

import io
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import urllib.parse
import warnings
import xml.etree.ElementTree
from html.parser import HTMLParser
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import WSGIWarning, validator

import pytest

NOTES = pathlib.Path(__file__).parents[2] / "examples" / "notes"
MODULES = ["notes", "database", "make_data", "markup", "topics"]
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    """The module, imported as a server would, with its data in a folder of this test."""
    patch = pytest.MonkeyPatch()
    patch.setenv("NOTES_DB", str(tmp_path_factory.mktemp("notes") / "notes.db"))
    patch.syspath_prepend(str(NOTES))
    import notes as module
    yield module
    for name in MODULES:
        sys.modules.pop(name, None)
    patch.undo()


class Answer:
    def __init__(self, status, headers, body):
        self.status = int(status.split()[0])
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body
        self.text = body.decode() if "image" not in self.headers.get("content-type", "") else ""


@pytest.fixture
def ask(notes):
    """ask("/path") or ask("/path", form={…}) or ask("/path", json={…}): the application's validated answer."""

    def call(target, method=None, form=None, body=b"", headers=None, **given):
        environ, log = {}, io.StringIO()
        if form is not None:
            body = urllib.parse.urlencode(form).encode()
            environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
        if "json" in given:
            body = json.dumps(given["json"]).encode()
            environ["CONTENT_TYPE"] = "application/json"
        path, _, query = target.partition("?")
        environ.update(SCRIPT_NAME="", REQUEST_METHOD=method or ("POST" if body else "GET"), QUERY_STRING=query,
                       PATH_INFO=urllib.parse.unquote(path, "latin-1"), CONTENT_LENGTH=str(len(body)),
                       **{"wsgi.input": io.BytesIO(body), "wsgi.errors": log})
        for name, value in (headers or {}).items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        setup_testing_defaults(environ)
        head = []
        with warnings.catch_warnings():
            warnings.simplefilter("error", WSGIWarning)
            result = validator(notes.app)(environ, lambda *args: head.append(args) or (lambda data: None))
            body = b"".join(result)
            result.close()
        assert log.getvalue() == ""
        return Answer(head[0][0], head[0][1], body)

    return call


class Outline(HTMLParser):
    """Checks that every element is closed in its turn and that no id occurs twice."""

    VOID = {"meta", "link", "input", "img", "br", "hr"}

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.words = [], set(), []
        self.feed(text)
        self.close()
        assert self.open == [], "elements never closed"

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                assert value not in self.ids, f"id {value} twice"
                self.ids.add(value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag not in self.VOID, f"</{tag}> closes nothing"
        assert self.open and self.open[-1] == tag, f"</{tag}> inside {self.open}"
        self.open.pop()


PAGES = ["/", "/?page=2", "/?page=100", "/?tag=garden", "/?tag=garden&page=3", "/notes/1", "/notes/2000", "/search",
         "/search?q=rain", "/search?q=rain+garden", "/search?q=nowherenowhere", "/about", "/new"]


@pytest.mark.parametrize("target", PAGES)
def test_every_page_is_well_formed_html(ask, target):
    page = ask(target)
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.startswith("<!doctype html>")
    Outline(page.text)
    assert ask(target, method="HEAD").body == b""


@pytest.mark.parametrize("target", ["/nothing", "/notes/0", "/notes/99999999999999999999", "/?page=101", "/?page=0", "/?page=x",
                                    "/?page=%D9%A1", "/?page=-1"])
def test_what_is_not_there_gets_a_page_that_says_so(ask, target):
    page = ask(target)
    assert page.status == 404
    assert "Not Found" in page.text
    Outline(page.text)


def test_every_note_renders_to_well_formed_html(notes):
    with notes.app.app_context():
        rows = list(notes.database.every_note())
    assert len(rows) == 2000
    for row in rows:
        Outline(notes.markup.render(row["body"]))


def test_pages_lead_through_all_notes_once(ask):
    seen = []
    for number in range(1, 101):
        seen += [note["id"] for note in json.loads(ask(f"/api/notes?page={number}").text)["notes"]]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) >= 2000


@pytest.mark.parametrize("name, kind", [("notes.css", "text/css"), ("notes.js", "javascript"), ("notes.svg", "image/svg+xml")])
def test_static_files_are_served(ask, name, kind):
    answer = ask(f"/static/{name}")
    assert answer.status == 200
    assert kind in answer.headers["content-type"]
    assert answer.body == (NOTES / "static" / name).read_bytes()


def test_the_feed_is_atom_with_every_note_and_hundreds_of_kilobytes(ask, notes):
    answer = ask("/feed.xml")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert 200_000 < len(answer.body) < 1_000_000
    feed = xml.etree.ElementTree.fromstring(answer.body)
    assert feed.tag == ATOM + "feed"
    entries = feed.findall(ATOM + "entry")
    with notes.app.app_context():
        assert len(entries) == notes.database.count()
    ids = [entry.findtext(ATOM + "id") for entry in entries]
    assert len(set(ids)) == len(ids)
    for entry in entries:
        assert entry.findtext(ATOM + "title")
        Outline(entry.find(ATOM + "summary").text)


def test_the_feed_is_not_made_again_for_who_has_it(ask):
    first = ask("/feed.xml")
    again = ask("/feed.xml", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    ask("/new", form={"title": "News", "body": "Something happened.", "tag": "garden"})
    assert ask("/feed.xml", headers={"If-None-Match": first.headers["etag"]}).status == 200


def test_the_form_writes_a_note_and_leads_to_it(ask):
    answer = ask("/new", form={"title": " Über  Bäume ", "tag": "Garden", "body": "*Green* & <tall>.\r\n\r\n- one\r\n- two"})
    assert answer.status == 303
    page = ask(answer.headers["location"])
    Outline(page.text)
    assert "<h1>Über Bäume</h1>" in page.text
    assert "<p><em>Green</em> &amp; &lt;tall&gt;.</p>" in page.text
    assert "<ul><li>one</li><li>two</li></ul>" in page.text
    assert "Über Bäume" in ask("/").text
    assert "Über Bäume" in ask("/search?q=b%C3%A4ume").text


@pytest.mark.parametrize("wrong, sentence", [
    ({"title": ""}, "A title has 1 to 120 characters."),
    ({"title": "x" * 121}, "A title has 1 to 120 characters."),
    ({"body": " \n "}, "A text has 1 to 20000 characters."),
    ({"body": "x" * 20001}, "A text has 1 to 20000 characters."),
    ({"tag": "two words"}, "A tag is one word"),
    ({"tag": "<script>"}, "A tag is one word"),
])
def test_a_wrong_field_is_explained_and_nothing_typed_is_lost(ask, wrong, sentence):
    fields = {"title": "Kept title", "body": "Kept text", "tag": "kept", **wrong}
    page = ask("/new", form=fields)
    assert page.status == 422
    Outline(page.text)
    assert sentence in page.text
    for name in fields.keys() - wrong.keys():
        assert fields[name] in page.text
    api = ask("/api/notes", json=fields)
    assert api.status == 422
    assert sentence in api.text


def test_the_api_lists_shows_and_adds(ask):
    listed = json.loads(ask("/api/notes?tag=books&size=3").text)
    assert [note["tag"] for note in listed["notes"]] == ["books"] * 3
    added = ask("/api/notes", json={"title": "By a program", "body": "Text", "tag": "api"})
    assert added.status == 201
    note = json.loads(ask(added.headers["location"]).text)
    assert (note["title"], note["body"], note["tag"]) == ("By a program", "Text", "api")
    assert note == json.loads(added.text)


@pytest.mark.parametrize("call, status", [
    ({"target": "/api/nothing"}, 404),
    ({"target": "/api/notes/0"}, 404),
    ({"target": "/api/notes?size=101"}, 404),
    ({"target": "/api/notes/1", "method": "DELETE"}, 405),
    ({"target": "/api/notes", "json": [1]}, 400),
    ({"target": "/api/notes", "json": {"title": 5, "body": None, "tag": {}}}, 422),
    ({"target": "/api/notes", "body": b"not json", "headers": {}}, (400, 415)),
    ({"target": "/api/notes", "json": {"title": "x", "body": "y" * 200_000, "tag": "z"}}, 413),
])
def test_programs_get_their_errors_as_json(ask, call, status):
    answer = ask(**call)
    assert answer.status in (status if isinstance(status, tuple) else (status,))
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.text)
    if answer.status == 405:
        assert "GET" in answer.headers["allow"]


def test_characters_that_no_page_can_hold_are_left_out(ask):
    added = ask("/api/notes", json={"title": "a\0b\ud800c", "body": "x\x0by", "tag": "odd"})
    assert json.loads(added.text)["title"] == "abc"
    xml.etree.ElementTree.fromstring(ask("/feed.xml").body)


@pytest.mark.parametrize("query", ['"', "*", "a AND", "NEAR(", "title:x", "-", "%00", "%FF", "'; DROP TABLE notes; --", pytest.param("x" * 5000, id="long")])
def test_nothing_typed_into_the_search_breaks_it(ask, query):
    page = ask("/search?q=" + urllib.parse.quote(query, safe="%"))
    assert page.status == 200
    Outline(page.text)


@pytest.mark.parametrize("source, html", [
    ("one\ntwo", "<p>one\ntwo</p>"),
    ("a **b** *c* `*d*`", "<p>a <strong>b</strong> <em>c</em> <code>*d*</code></p>"),
    ("## Head", "<h2>Head</h2>"),
    ("    if a < b:\n        c()", "<pre><code>if a &lt; b:\n    c()</code></pre>"),
    ("see http://x.example/a*b*c.", '<p>see <a href="http://x.example/a*b*c">http://x.example/a*b*c</a>.</p>'),
    ("javascript:alert(1)", "<p>javascript:alert(1)</p>"),
    ('http://x.y"onclick=z', '<p><a href="http://x.y">http://x.y</a>&#34;onclick=z</p>'),
    ("", ""),
])
def test_markup(notes, source, html):
    assert notes.markup.render(source) == html


def dump(path):
    with sqlite3.connect(path) as db:
        return db.execute("SELECT * FROM notes ORDER BY id").fetchall()


def test_the_same_seed_makes_the_same_notes(tmp_path):
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        subprocess.run([sys.executable, NOTES / "make_data.py", tmp_path / name, "--notes", "300", "--seed", seed],
                       check=True, capture_output=True)
    assert len(dump(tmp_path / "a")) == 300
    assert dump(tmp_path / "a") == dump(tmp_path / "b")
    assert dump(tmp_path / "a") != dump(tmp_path / "c")


def test_servers_that_start_at_once_make_the_data_once(tmp_path):
    path = tmp_path / "notes.db"
    servers = [subprocess.Popen([sys.executable, "-c", "import notes"], cwd=NOTES, env={**os.environ, "NOTES_DB": str(path)})
               for _ in range(4)]
    assert [server.wait(timeout=60) for server in servers] == [0] * 4
    assert len(dump(path)) == 2000
    assert [left.name for left in tmp_path.iterdir() if not left.name.startswith("notes.db")] == []
    assert not (tmp_path / "notes.db.new").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "missing" / "notes.db"
    failed = subprocess.run([sys.executable, "-c", "import notes"], cwd=NOTES, env={**os.environ, "NOTES_DB": str(path)},
                            capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith(f"RuntimeError: cannot make the database {path}: ")


def test_search_works_without_full_text_support(notes):
    with notes.app.app_context():
        by_index = {row["id"] for row in notes.database._search_index(["sourdough", "rye"], 2000)}
        by_text = {row["id"] for row in notes.database._search_text(["sourdough", "rye"], 2000)}
    assert by_index and by_index == by_text
