"""PostgreSQL through psycopg2: the import looks into the database, each worker has a pool of its own, for its threads.

labcoat serve postgres_app:app -t 2 --set pre_fork=postgres_app:disconnect --set post_fork=postgres_app:connect
"""

import json
import os

import psycopg2.pool

pool = None


def connect():
    """post_fork, and once while the app is imported."""
    global pool
    pool = psycopg2.pool.ThreadedConnectionPool(1, 2, os.environ["DATABASE"])


def disconnect():
    """pre_fork: otherwise each worker would hold the same conversation with the server, and end it when it ends."""
    global pool
    if pool is not None:
        pool.closeall()
        pool = None


def ask(query, *values):
    connection = pool.getconn()
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchone()
    finally:
        pool.putconn(connection)


connect()
version = ask("SHOW server_version")[0]


def app(environ, start_response):
    name = environ["QUERY_STRING"]
    backend, echo = ask("INSERT INTO visit VALUES (%s, %s) RETURNING pg_backend_pid(), name", os.getpid(), name)
    body = json.dumps({"worker": os.getpid(), "backend": backend, "echo": echo, "version": version}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
