"""in_process.py bjoern|fastwsgi|fastpysgi MODULE:CALLABLE PORT WORKERS: servers that are libraries, as their README says.

Nagle's algorithm is off and there is no log. bjoern knows no workers: its README forks after listen().
"""

import importlib
import os
import sys


def run_bjoern(app, port, workers):
    import bjoern

    bjoern.listen(app, "127.0.0.1", port, listen_backlog=2048)
    for _ in range(workers - 1):
        if os.fork() == 0:
            break
    bjoern.run()


def run_fast(name, app, port, workers):
    module = importlib.import_module(name)
    module.server.backlog = 2048
    module.server.tcp_nodelay = 1
    module.run(app, host="127.0.0.1", port=port, loglevel=1, workers=workers)


def main():
    name, target, port, workers = sys.argv[1:]
    sys.path.insert(0, os.getcwd())
    module, _, attribute = target.partition(":")
    app = getattr(importlib.import_module(module), attribute)
    if name == "bjoern":
        run_bjoern(app, int(port), int(workers))
    else:
        run_fast(name, app, int(port), int(workers))


main()
