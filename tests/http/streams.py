"""Makes up what clients send: good requests, requests that look good to some, and both with a few bytes changed."""

# Each list: what is usual, then what is odd: obsolete, forbidden, or read differently by different servers.
METHODS = [b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS"], [b"get", b"BREW", b"G\x00T", b""]
TARGETS = [b"/", b"/a/b?c=d", b"/%2e%2e/x", b"http://h.example/x?y", b"//"], [
    b"*", b"http://h", b"/a#b", b"/a b", b"/\xc3\xa9", b"",
]
VERSIONS = [b"HTTP/1.1"] * 9 + [b"HTTP/1.0"], [
    b"HTTP/1.2", b"HTTP/2.0", b"HTTP/1.", b"http/1.1", b"HTTP/1.1 ",
]
LINE_ENDS = [b"\r\n"], [b"\n", b"\r", b"\r\r\n", b"\r\n ", b" \r\n"]
LENGTHS = [b"5"], [
    b"0", b"05", b"+5", b"-1", b"5 ", b"5, 5", b"5,6", b"0x5", b"5\t", b"", b"9" * 20, b"5_0", b"\xb2",
]
CODINGS = [b"chunked"], [
    b"Chunked", b"chunked, chunked", b"gzip, chunked", b"chunked, gzip", b"identity", b"xchunked", b"chunked;a=b",
    b"\x0bchunked", b"", b",chunked", b"chunked,", b'"chunked"', b"gzip",
]
LENGTH_NAMES = [b"Content-Length", b"content-length"], [
    b"Content-Length ", b"Content_Length", b" Content-Length",
]
CODING_NAMES = [b"Transfer-Encoding", b"TRANSFER-ENCODING"], [
    b"Transfer-Encoding ", b"Transfer\xadEncoding", b"\tTransfer-Encoding",
]
FIELDS = [
    b"Connection: keep-alive", b"Connection: x, Close", b"X-A: b", b"X:", b"Expect: 100-continue", b"X: caf\xe9",
], [
    b"Accept: */*\r\n folded", b"Cookie: a=\x01", b"X: \x00", b"Host: h", b": empty", b"no colon", b"X : y",
    b"Content-Length: 5",
]
SIZES = [b"5", b"5", b"05", b"5;a=b"], [
    b"5 ;a", b"5 ", b"0x5", b"+5", b"5;a\nb", b" 5", b'5;"\r"', b"f" * 16 + b"5", b"4", b"6",
]
LAST_SIZES = [b"0", b"0", b"00", b"0;x"], [b"0 ", b"-0", b"0;\n"]
TRAILERS = [b"", b"", b"X-T: 1\r\n"], [b"Content-Length: 3\r\n", b"X\r\n", b" X: y\r\n", b"X: y\n"]
INSIDE = b"\r\n \t:,;0159aZ\x00\x0b\x0c\x7f\x80\xff"


class Client:
    """Writes requests; `oddness` is how often it takes an odd part for a usual one."""

    def __init__(self, random, oddness):
        self.random = random
        self.oddness = oddness

    def pick(self, usual_and_odd):
        return self.random.choice(usual_and_odd[self.random.random() < self.oddness])

    def lines(self, lines):
        return b"".join(line + self.pick(LINE_ENDS) for line in lines)

    def chunked_body(self):
        chunks = [line for _ in range(self.random.randrange(3)) for line in (self.pick(SIZES), b"hello")]
        return self.lines(chunks) + self.lines([self.pick(LAST_SIZES)]) + self.pick(TRAILERS) + self.lines([b""])

    def request(self):
        random = self.random
        lines = [b" ".join([self.pick(METHODS), self.pick(TARGETS), self.pick(VERSIONS)]), b"Host: h"]
        framing = random.choice(["none", "length", "chunked"])
        both = random.random() < self.oddness
        if framing == "length" or both:
            lines.append(self.pick(LENGTH_NAMES) + b": " + self.pick(LENGTHS))
        if framing == "chunked" or both:
            lines.append(self.pick(CODING_NAMES) + random.choice([b": ", b":", b":\t "]) + self.pick(CODINGS))
        if random.random() < 0.3:
            lines.append(self.pick(FIELDS))
        if random.random() < self.oddness:
            lines.append(random.choice(lines[1:]))
        if random.random() < self.oddness:
            del lines[1]
        body = {"none": b"", "length": b"hello", "chunked": self.chunked_body()}[framing]
        return self.lines(lines + [b""]) + body


def mutated(random, stream):
    """One to three bytes changed, inserted or taken away."""
    out = bytearray(stream)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(out))
        action = random.randrange(3)
        if action == 0:
            out[at] = random.choice(INSIDE)
        elif action == 1:
            out.insert(at, random.choice(INSIDE))
        elif len(out) > 1:
            del out[at]
    return bytes(out)


def streams(random, count):
    for _ in range(count):
        client = Client(random, oddness=random.choice([0, 0.02, 0.1]))
        stream = b"".join(client.request() for _ in range(random.randint(1, 3)))
        yield mutated(random, stream) if random.random() < 0.3 else stream
