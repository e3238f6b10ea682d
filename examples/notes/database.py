"""The notes and where they live: one SQLite file, opened anew for every request.

A connection must not cross a fork: servers import the application once and fork workers from it. So
nothing is opened while the module is imported; `connection()` opens lazily and keeps the result in
`flask.g` until the request ends. That costs little and works under any server, with any number of
processes and threads.
"""

import sqlite3
from datetime import datetime, timezone

from flask import current_app, g

SCHEMA = """
CREATE TABLE notes (
  id      INTEGER PRIMARY KEY,
  title   TEXT NOT NULL,
  body    TEXT NOT NULL,
  tag     TEXT NOT NULL,
  created TEXT NOT NULL            -- UTC, 2024-06-01T12:34:56Z
);
CREATE INDEX notes_by_tag ON notes (tag, id);
"""

# Full-text search; keeps only an index, the text itself stays in `notes`. The trigger keeps them in
# step.
SEARCH_SCHEMA = """
CREATE VIRTUAL TABLE notes_index
  USING fts5 (title, body, content = 'notes', content_rowid = 'id');
CREATE TRIGGER notes_indexed AFTER INSERT ON notes BEGIN
  INSERT INTO notes_index (rowid, title, body) VALUES (new.id, new.title, new.body);
END;
"""


def create_schema(db):
    """Makes the tables. An SQLite without FTS5 gets none for search, which then reads all text."""
    db.executescript(SCHEMA)
    try:
        db.executescript(SEARCH_SCHEMA)
    except sqlite3.OperationalError:
        pass


def connection():
    """The connection of the current request."""
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"], timeout=5)
        g.db.row_factory = sqlite3.Row
    return g.db


def close(_error=None):
    """Registered with the application to run when a request ends."""
    db = g.pop("db", None)
    if db is not None:
        db.close()


def count(tag=""):
    """How many notes there are, with this tag if one is given."""
    condition, values = _with_tag(tag)
    return connection().execute(f"SELECT count(*) FROM notes {condition}", values).fetchone()[0]


def tags():
    """Every tag with its number of notes, the most used first."""
    return connection().execute(
        "SELECT tag, count(*) AS notes FROM notes GROUP BY tag ORDER BY notes DESC, tag").fetchall()


def page(number, size, tag=""):
    """One page of notes, newest first. The first page is number 1."""
    condition, values = _with_tag(tag)
    return connection().execute(
        f"SELECT * FROM notes {condition} ORDER BY id DESC LIMIT ? OFFSET ?",
        [*values, size, (number - 1) * size]).fetchall()


def _with_tag(tag):
    return ("WHERE tag = ?", [tag]) if tag else ("", [])


def every_note():
    """All notes, newest first, one after the other."""
    return connection().execute("SELECT * FROM notes ORDER BY id DESC")


def get(note_id):
    """One note, or None."""
    if note_id >= 2**63:  # more than SQLite's integers hold
        return None
    return connection().execute("SELECT * FROM notes WHERE id = ?", (note_id,)).fetchone()


def neighbours(note, limit=5):
    """The latest other notes with the same tag."""
    return connection().execute(
        "SELECT id, title, created FROM notes WHERE tag = ? AND id != ? ORDER BY id DESC LIMIT ?",
        (note["tag"], note["id"], limit)).fetchall()


def add(title, body, tag):
    """Stores a new note and returns its number."""
    created = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    db = connection()
    with db:  # one transaction: committed at the end, rolled back on an error
        return db.execute("INSERT INTO notes (title, body, tag, created) VALUES (?, ?, ?, ?)",
                          (title, body, tag, created)).lastrowid


def search(words, limit=20):
    """Notes that hold every one of the words, the best match first."""
    if not words:
        return []
    has_index = connection().execute(
        "SELECT 1 FROM sqlite_master WHERE name = 'notes_index'").fetchone()
    return _search_index(words, limit) if has_index else _search_text(words, limit)


def _search_index(words, limit):
    # Quoted, a word is only a word: `AND` or `NEAR` mean nothing special to FTS5 then.
    query = " ".join(f'"{word}"' for word in words)
    return connection().execute(
        "SELECT notes.* FROM notes_index JOIN notes ON notes.id = notes_index.rowid "
        "WHERE notes_index MATCH ? ORDER BY rank LIMIT ?", (query, limit)).fetchall()


def _search_text(words, limit):
    found = " AND ".join(["instr(lower(title || ' ' || body), ?) > 0"] * len(words))
    return connection().execute(
        f"SELECT * FROM notes WHERE {found} ORDER BY id DESC LIMIT ?",
        [*(word.lower() for word in words), limit]).fetchall()
