"""Chromium without a window, and the certificate that it takes for good."""

import base64
import hashlib
import os
import re
import signal
import subprocess

from tls_wire import Authority, openssl

# What a page says on its console, as Chromium logs it; errors of scripts and refused resources are among it.
CONSOLE = re.compile(r'CONSOLE[:(].*?\] "(.*?)", source:', re.DOTALL)


class Certificate:
    """For localhost. A browser has authorities of its own; so it is told which key it may believe (RFC 7469 has the digest)."""

    def __init__(self, folder):
        self.file, self.key = Authority(folder, "Labcoat Test Authority").certificate("localhost", "127.0.0.1")
        public = openssl("x509", "-in", self.file, "-pubkey", "-noout").stdout
        spki = openssl("pkey", "-pubin", "-outform", "DER", input=public).stdout
        self.pin = base64.b64encode(hashlib.sha256(spki).digest()).decode()


class Browser:
    def __init__(self, url, folder, certificate=None):
        folder.mkdir()
        self.log = folder / "log"
        self.words = ["chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                      "--disable-extensions", "--disable-background-networking", "--enable-logging=stderr",
                      f"--user-data-dir={folder}"]  # fmt: skip
        if certificate:
            self.words.append(f"--ignore-certificate-errors-spki-list={certificate.pin}")
        self.url = url
        self.process = None

    def stay(self):
        """Opens the page and leaves it open; what it does, its server sees."""
        with self.log.open("wb") as log:
            # A port for debuggers keeps it open; 0: any that is free.
            self.process = subprocess.Popen(
                [*self.words, "--remote-debugging-port=0", self.url], stdout=log, stderr=log, start_new_session=True
            )
        return self

    def document(self):
        """The page as it is when it has loaded, as HTML."""
        with self.log.open("wb") as log:
            done = subprocess.run(
                [*self.words, "--dump-dom", "--virtual-time-budget=5000", self.url], stdout=subprocess.PIPE, stderr=log, timeout=120
            )
        assert done.returncode == 0, self.said()
        return done.stdout.decode()

    def said(self):
        return self.log.read_text(errors="replace")

    def console(self):
        """What the page said on its console."""
        return CONSOLE.findall(self.said())

    def close(self):
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
