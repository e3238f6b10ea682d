"""Makes the notes: a few thousand, invented from a seed, so that everybody has the same ones.

    python3 make_data.py [--notes 2000] [--seed 1] [notes.db]

The application calls `create_if_missing` when it starts; by hand this makes other data.
"""

import argparse
import contextlib
import fcntl
import os
import random
import sqlite3
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import database
from topics import ITEMS, SENTENCES, TITLES, TOPICS, WHENS

NOTES = 2000
SEED = 1
FIRST_DAY = datetime(2019, 3, 1, 7, 30, tzinfo=timezone.utc)


class Writer:
    """Writes notes on a topic. All its choices come from one random source."""

    def __init__(self, rng, tag):
        self.rng = rng
        self.tag = tag
        self.words = TOPICS[tag]

    def title(self):
        return self._filled(TITLES)

    def body(self):
        blocks = [self._paragraph(2)]
        for _ in range(self.rng.randrange(4)):
            kind = self.rng.random()
            if kind < 0.55:
                blocks.append(self._paragraph(self.rng.randrange(2, 6)))
            elif kind < 0.85:
                items = [self._filled(ITEMS) for _ in range(self.rng.randrange(2, 6))]
                blocks.append("\n".join("- " + item for item in items))
            elif "code" in self.words:
                code = self.rng.choice(self.words["code"])
                blocks.append("\n".join("    " + line for line in code.split("\n")))
            else:
                blocks += ["## " + self._filled(TITLES), self._paragraph(3)]
        return "\n\n".join(blocks)

    def _paragraph(self, sentences):
        return " ".join(self._filled(SENTENCES) for _ in range(sentences))

    def _filled(self, patterns):
        """One of the patterns with its gaps filled."""
        choice = self.rng.choice
        drawn = {
            "thing": choice(self.words["things"]),
            "thing2": choice(self.words["things"]),
            "doing": choice(self.words["doings"]),
            "finding": choice(self.words["findings"]),
            "place": choice(self.words["places"]),
            "when": choice(WHENS),
            "number": str(self.rng.randrange(3, 90)),
            "number2": str(self.rng.randrange(3, 90)),
            "tag": self.tag,
        }
        drawn |= {capital(name): capital(words) for name, words in drawn.items()}
        return choice(patterns).format_map(drawn)


def capital(text):
    return text[:1].upper() + text[1:]


def invent(count, seed):
    """(title, body, tag, created) of so many notes, the oldest first."""
    rng = random.Random(seed)
    moment = FIRST_DAY
    for _ in range(count):
        moment += timedelta(minutes=rng.randrange(60, 2500))
        writer = Writer(rng, rng.choice(list(TOPICS)))
        yield writer.title(), writer.body(), writer.tag, moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def write(path, count=NOTES, seed=SEED):
    """Fills a new database at `path`."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        database.create_schema(db)
        with db:
            db.executemany("INSERT INTO notes (title, body, tag, created) VALUES (?, ?, ?, ?)",
                           invent(count, seed))
        # Readers and the one writer then do not wait for each other. The file remembers this.
        db.execute("PRAGMA journal_mode = WAL")


def create_if_missing(path):
    """Makes the default data unless it is there. Many processes may call this at the same time."""
    path = Path(path)
    if path.exists():
        return
    try:
        with locked(path.parent):
            if path.exists():  # another process was faster
                return
            # Written beside, then renamed: nobody ever sees a half-written file, even if this
            # process is killed.
            unfinished = path.with_name(path.name + ".new")
            unfinished.unlink(missing_ok=True)
            write(unfinished)
            unfinished.rename(path)
    except (OSError, sqlite3.OperationalError) as problem:
        raise RuntimeError(f"cannot make the database {path}: {problem}. Set NOTES_DB to a path in "
                           "a folder that exists and that may be written to.") from problem


@contextlib.contextmanager
def locked(folder):
    """Only one process at a time holds this; the lock goes away with the process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main():
    parser = argparse.ArgumentParser(description="Make a database of invented notes.")
    parser.add_argument("path", nargs="?", default=Path(__file__).with_name("notes.db"), type=Path)
    parser.add_argument("--notes", type=int, default=NOTES, metavar="N",
                        help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N",
                        help="other seed, other notes (default: %(default)s)")
    options = parser.parse_args()
    if options.path.exists():
        sys.exit(f"{options.path} exists already; remove it first.")
    try:
        write(options.path, options.notes, options.seed)
    except sqlite3.OperationalError as problem:
        sys.exit(f"Cannot write {options.path}: {problem}.")
    print(f"{options.path}: {options.notes} notes from seed {options.seed}")


if __name__ == "__main__":
    main()
