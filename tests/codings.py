"""Content codings undone by tools that are not the server's."""

import gzip
import subprocess


def unpack(coding, data):
    if coding == "gzip":
        return gzip.decompress(data)
    program = {"br": "brotli", "zstd": "zstd"}[coding]
    return subprocess.run([program, "-dc"], input=data, capture_output=True, check=True).stdout
