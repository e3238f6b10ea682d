"""The servers and how each is set up. What fits on a command line stands here, the rest in tests/bench/peers/.

Python servers all run the interpreter of build/bench-venv, which tools/bench_venv.sh makes of the pinned versions in
tests/bench/peers/requirements.txt; NGINX and H2O are Debian's. LABCOAT_BENCH_PYTHON=PATH has another interpreter make one of its own;
LABCOAT_BENCH_VENV names one that is there.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys

from contest import PEERS, ROOT, running, temporary_folder
from served import Check, Entry, NotStarted, free_port

PYTHON = os.environ.get("LABCOAT_BENCH_PYTHON", "")
VENV = pathlib.Path(os.environ.get("LABCOAT_BENCH_VENV", ROOT / ("build/bench-venv" + ("-" + os.path.basename(PYTHON) if PYTHON else ""))))


@dataclasses.dataclass
class App:
    """A Python application to be served: MODULE:CALLABLE in a folder, by so many workers."""

    target: str
    workers: int = 1
    cwd: pathlib.Path = PEERS
    env: dict = dataclasses.field(default_factory=dict)
    static: tuple | None = None  # (path prefix, folder), for the servers that send files themselves


def make_venv():
    """The peers from PyPI, when they are not there yet."""
    if "LABCOAT_BENCH_VENV" not in os.environ:
        made = subprocess.run(["sh", ROOT / "tools/bench_venv.sh", PYTHON or "/usr/bin/python3", VENV], stdout=sys.stderr)
        if made.returncode != 0 and not (VENV / "bin/python").exists():
            sys.exit(f"tools/bench_venv.sh could not make {VENV}: without it there is no Python to serve with")


def program(name):
    path = VENV / "bin" / name
    if not path.exists():
        raise NotStarted(f"{path} is not there: tools/bench_venv.sh could not install it")
    return path


def limit(labcoat):
    """tests/bench/limit.cc, which is built beside the program."""
    return Entry("limit", [labcoat.parent / "tests/bench/limit"])


def labcoat_app(serve, app, *more, name="labcoat", config=None):
    """`serve`: the words that start labcoat serve. `config`: a file of PEERS that names the app, with what is said of routes."""
    words = [*serve, *(["-c", PEERS / config] if config else [app.target]), "-l", "http://127.0.0.1:0", "-w", app.workers, "-t", 1, "--edge-threads", 1]
    words += ["--python", program("python")]
    if app.static:
        words += ["--static", "=".join(map(str, app.static))]
    return Entry(name, [*words, *more], cwd=app.cwd, env=app.env)


def _at_port(name, app, *words):
    port = free_port()
    argv = [str(word).format(port=port) if isinstance(word, str) else word for word in words]
    return Entry(name, argv, f"http://127.0.0.1:{port}/", app.cwd, app.env)


def granian(app, interface="wsgi", websocket=False):
    # One thread for the network and one that holds Python, as its documentation advises for apps that do not wait; and
    # what it calls experimental, tried here and found faster: flushing answers together, and ASGI tasks in Rust (but not
    # for WebSocket).
    words = [program("granian"), "--interface", interface, "--port", "{port}", "--workers", app.workers, "--http", "1",
             "--runtime-threads", 1, "--http1-pipeline-flush", "--backlog", 2048, "--log-level", "error"]  # fmt: skip
    if interface == "wsgi":
        words += ["--blocking-threads", 1]
    else:
        words += ["--loop", "uvloop", "--task-impl", "asyncio" if websocket else "rust"]
    words += ["--ws"] if websocket else ["--no-ws"]
    if app.static:
        words += ["--static-path-route", app.static[0], "--static-path-mount", app.static[1]]
    return _at_port("granian", app, *words, app.target)


def uwsgi(app, socket, name):
    words = [program("uwsgi"), "--ini", PEERS / "uwsgi.ini", "--module", app.target, "--processes", app.workers, *socket]
    if app.static:
        words += ["--static-map", "=".join(map(str, app.static))]
    if app.workers > 1:
        words += ["--master", "--thunder-lock"]
    return _at_port(name, app, *words)


def uwsgi_socket(app):
    """Speaks HTTP itself and closes each connection after its answer."""
    return uwsgi(app, ["--http-socket", "127.0.0.1:{port}"], "uwsgi-socket")


def uwsgi_router(app):
    """A process of its own keeps the connections and hands each request to a worker."""
    return uwsgi(app, ["--http", "127.0.0.1:{port}", "--http-keepalive=75"], "uwsgi-router")


def gunicorn(app, worker_class, *more):
    words = [program("gunicorn"), "--config", PEERS / "gunicorn.conf.py", "--bind", "127.0.0.1:{port}",
             "--workers", app.workers, "--worker-class", worker_class, *more, app.target]  # fmt: skip
    return _at_port(f"gunicorn-{worker_class}", app, *words)


def gunicorn_sync(app):
    return gunicorn(app, "sync")


def gunicorn_gthread(app, threads=4):
    # Of 1, 2 and 4 threads the last was the fastest at hello world.
    return gunicorn(app, "gthread", "--threads", threads)


def in_process(app, name):
    """bjoern, FastWSGI, FastPySGI: libraries that a script of ours calls as their documentation says."""
    return _at_port(name, app, program("python"), PEERS / "in_process.py", name, app.target, "{port}", app.workers)


def bjoern(app):
    return in_process(app, "bjoern")


def fastwsgi(app):
    return in_process(app, "fastwsgi")


def fastpysgi(app):
    return in_process(app, "fastpysgi")


def gunicorn_asgi(app):
    return gunicorn(app, "asgi", "--asgi-loop", "uvloop")


def uvicorn(app, websocket="none"):
    return _at_port("uvicorn", app, program("uvicorn"), "--port", "{port}", "--workers", app.workers, "--loop", "uvloop",
                    "--http", "httptools", "--ws", websocket, "--backlog", 2048, "--no-access-log", "--log-level", "error",
                    app.target)  # fmt: skip


def hypercorn(app):
    return _at_port("hypercorn", app, program("hypercorn"), "--bind", "127.0.0.1:{port}", "--workers", app.workers,
                    "--worker-class", "uvloop", "--backlog", 2048, "--log-level", "error", app.target)  # fmt: skip


WSGI = {
    "granian": granian,
    "uwsgi-socket": uwsgi_socket,
    "uwsgi-router": uwsgi_router,
    "gunicorn-sync": gunicorn_sync,
    "gunicorn-gthread": gunicorn_gthread,
    "bjoern": bjoern,
    "fastwsgi": fastwsgi,
    "fastpysgi": fastpysgi,
}
ASGI = {
    "granian": lambda app: granian(app, "asgi"),
    "uvicorn": uvicorn,
    "hypercorn": hypercorn,
    "gunicorn-asgi": gunicorn_asgi,
}
WEBSOCKET = ASGI | {
    "granian": lambda app: granian(app, "asgi", websocket=True),
    "uvicorn": lambda app: uvicorn(app, websocket="websockets-sansio"),
}


def self_signed(folder):
    """A certificate for localhost with an ECDSA key on P-256; returns (certificate, key)."""
    certificate, key = folder / "localhost.crt", folder / "localhost.key"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key,
             "-out", certificate]  # fmt: skip
    subprocess.run(words, check=True, capture_output=True)
    key.chmod(0o644)  # it protects nothing
    return certificate, key


CONFIGS = {
    "nginx": {"http": "nginx_files.conf", "https": "nginx_tls.conf"},
    "h2o": {"http": "h2o_files.yaml", "https": "h2o_tls.yaml"},
}


def file_server(name, serve, folder, root, certificate=None, connections=4096, clear_http2=False):
    """labcoat, nginx or h2o serving the files of `root`: over TLS with a certificate, else in clear. NGINX must be told
    when that is to be HTTP/2, and then speaks nothing else. labcoat-openssl is labcoat that never leaves TLS to the kernel."""
    own = folder / f"{name}-{len(list(folder.iterdir()))}"
    own.mkdir()
    own.chmod(0o777)
    scheme = "https" if certificate else "http"
    if name in ("labcoat", "labcoat-openssl"):
        serve = [*serve, "--set", "kernel_tls=false"] if name == "labcoat-openssl" else serve
        words = [*serve, "--static", f"/={root}", "-l", f"{scheme}://127.0.0.1:0", "--edge-threads", 1]
        words += ["--certificate", ",".join(map(str, certificate))] if certificate else []
        return Entry(name, [*words, "--set", f"connections={connections}"], cwd=own)
    if not shutil.which(name):
        raise NotStarted(f"there is no {name}; install Debian's package {name}")
    template = PEERS / CONFIGS[name][scheme]
    port = free_port()
    text = template.read_text()
    facts = {"port": port, "root": root, "dir": own, "connections": connections, "http2": " http2" if clear_http2 else ""}
    if certificate:
        facts |= {"certificate": certificate[0], "key": certificate[1]}
    for key, value in facts.items():
        text = text.replace("{" + key + "}", str(value))
    (own / template.name).write_text(text)
    words = {"nginx": ["nginx", "-p", own], "h2o": ["h2o", "-m", "worker"]}[name]
    return Entry(name, [*words, "-c", own / template.name], f"{scheme}://127.0.0.1:{port}/", cwd=own)


@contextlib.contextmanager
def files_served(arguments, sizes, secure=False):
    """Starts the servers that were asked for, with a file of so many bytes for each name; yields them by name."""
    with temporary_folder() as folder:
        certificate, root = self_signed(folder) if secure else None, folder / "www"
        root.mkdir()
        for name, size in sizes.items():
            (root / name).write_bytes(text_of(size))
        entries = {name: lambda name=name: file_server(name, arguments.serve, folder, root, certificate)
                   for name in arguments.servers}  # fmt: skip
        checks = [Check(text_of(size), name) for name, size in sizes.items()]
        with running(entries, arguments.server_cpus, checks) as (servers, _):
            yield servers


def text_of(size):
    line = b"the quick brown fox jumps over the lazy dog. "
    return (line * (size // len(line) + 1))[:size]
