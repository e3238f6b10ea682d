"""Certificates and TLS clients for the stories."""

import json
import pathlib
import socket
import ssl
import subprocess
import types

from edge_wire import Edge
from http_client import Client

HERE = pathlib.Path(__file__).resolve().parent
HTTPS = "https://127.0.0.1:0"


def openssl(*words, input=None):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, input=input, timeout=60)


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory, name):
        self.directory = directory
        self.file = directory / "authority.pem"
        self.key = directory / "authority.key"
        self.new_key(self.key)
        openssl("req", "-x509", "-new", "-key", self.key, "-days", 30, "-subj", f"/CN={name}", "-out", self.file)

    @staticmethod
    def new_key(path):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)

    def certificate(self, *hosts, subject=None, folder=None, name=None):
        """Paths of a certificate for these hosts and of its key; the same each time unless `folder` is given."""
        folder = folder or self.directory
        stem = name or "+".join(hosts).replace("*", "star")
        certificate, key = folder / f"{stem}.crt", folder / f"{stem}.key"
        if folder is self.directory and certificate.exists():
            return certificate, key
        self.new_key(key)
        extensions = folder / f"{stem}.ext"
        # What is found in the tests as "who answered" is the common name.
        names = "subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts) + "\n" if hosts else ""
        extensions.write_text(names + "basicConstraints=CA:FALSE\n")
        request = openssl("req", "-new", "-utf8", "-key", key, "-subj", subject or f"/CN={name or hosts[0]}").stdout
        signed = openssl(
            "x509", "-req", "-CA", self.file, "-CAkey", self.key, "-days", 30, "-extfile", extensions, input=request
        ).stdout
        certificate.write_bytes(signed)
        return certificate, key

    def context(self, version=None, alpn=(), certificate=None):
        context = ssl.create_default_context(cafile=str(self.file))
        # Python's own choice is to take any end for a good one.
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        if version:
            context.minimum_version = context.maximum_version = version
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if certificate:
            context.load_cert_chain(*map(str, certificate))
        return context


class TlsClient(Client):
    def __init__(self, server, context, host="localhost", session=None, receive_buffer=None, timeout=60):
        self.plain = socket.socket()
        if receive_buffer:
            self.plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.plain.settimeout(timeout)
        self.plain.connect((server.host, server.port))
        try:
            self.socket = context.wrap_socket(
                self.plain, server_hostname=host, session=session, suppress_ragged_eofs=False
            )
        except BaseException:
            self.plain.close()
            raise
        self.file = self.socket.makefile("rb")
        self.authority = host

    def who(self):
        """The common name of the server's certificate."""
        return dict(pair for rdn in self.socket.getpeercert()["subject"] for pair in rdn)["commonName"]


class TlsEdge(Edge):
    def __init__(self, server, authority):
        super().__init__(server)
        self.authority = authority

    def client(self, context=None, **options):
        return TlsClient(self.server, context or self.authority.context(), **options)

    def plain_client(self, index):
        """Of the listener with this number, which speaks http."""
        port = int(self.server.urls[index].rsplit(":", 1)[1])
        return Client(types.SimpleNamespace(host="127.0.0.1", port=port))

    def told(self, **options):
        """What the app was told about a request on a connection of its own."""
        with self.client(**options) as client:
            return json.loads(client.get("/").body)

    def who(self, host="localhost"):
        """The common name of the certificate for this host, whether it is right or not."""
        context = self.authority.context()
        context.check_hostname = False
        with self.client(context, host=host) as client:
            return client.who()


class PieceClient:
    """TLS over a plain socket, whose bytes the test sends as it likes."""

    def __init__(self, edge, context, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)
        self.socket.connect((edge.server.host, edge.server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def run(self, call, send):
        """Until `call` has what it needs; what it wants to say goes through `send`."""
        while True:
            try:
                result = call()
            except ssl.SSLWantReadError:
                result = None
            if self.outgoing.pending:
                send(self.outgoing.read())
            if result is not None:
                return result
            data = self.socket.recv(65536)
            assert data, "the server hung up"
            self.incoming.write(data)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
