"""One worker, no access log: Gunicorn at its fastest for one core. The worker class is given on the command line."""

workers = 1
accesslog = None
errorlog = "-"
loglevel = "error"
keepalive = 75
worker_connections = 1000
