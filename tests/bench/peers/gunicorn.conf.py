"""No access log: Gunicorn at its fastest. Workers and their class are given on the command line (tests/bench/lineup.py).
Its parser in C is used when it is installed (http_parser = auto)."""

accesslog = None
errorlog = "-"
loglevel = "error"
keepalive = 75
backlog = 2048
worker_connections = 1000
control_socket_disable = True
