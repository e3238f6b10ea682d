"""SQLite from Python's library: the import fills the database, each worker has a connection of its own.

labcoat serve sqlite_app:app --set pre_fork=sqlite_app:disconnect --set post_fork=sqlite_app:connect
"""

import os
import random
import sqlite3

connection = None
dice = random.Random(1)


def connect():
    """post_fork, and once while the app is imported."""
    global connection
    connection = sqlite3.connect("shop.db", timeout=30, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    dice.seed()


def disconnect():
    """pre_fork: SQLite's connections must not be carried over a fork."""
    global connection
    if connection is not None:
        connection.close()
        connection = None


connect()
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("CREATE TABLE IF NOT EXISTS visit (worker INTEGER, name TEXT)")


def app(environ, start_response):
    if environ["PATH_INFO"] == "/random":
        answer = f"{os.getpid()} {random.random()} {dice.random()}"
    else:
        connection.execute("INSERT INTO visit VALUES (?, ?)", (os.getpid(), environ["PATH_INFO"]))
        answer = str(connection.execute("SELECT count(*) FROM visit WHERE name = ?", (environ["PATH_INFO"],)).fetchone()[0])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]
