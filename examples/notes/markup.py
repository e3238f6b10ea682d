"""The light markup that notes are written in, turned into HTML.

Blank lines part blocks. A block is a heading (`## Words`), a list (lines that start with `- `),
code (lines indented by four spaces) or a paragraph. Inside: *emphasis*, **strong**, `code`, and
bare http links.
Everything is escaped first; the only tags in the result are those written here.
"""

import re

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*(.+?)\*\*")
_EMPHASIS = re.compile(r"\*(.+?)\*")
_LINK = re.compile(r"\bhttps?://[^\s<>&]+[^\s<>&.,;:!?)]")


def render(text):
    """The whole text as HTML, safe to put into a page."""
    return Markup("\n".join(_block(block) for block in _blocks(text)))


def summary(text):
    """The first paragraph as HTML: what a list or a feed shows."""
    for block in _blocks(text):
        if not block.startswith(("## ", "- ", "    ")):
            return Markup(_inline(block))
    return Markup("")


def _blocks(text):
    blocks = re.split(r"\n(?:[ \t]*\n)+", text.replace("\r\n", "\n").strip("\n"))
    return (block.rstrip() for block in blocks if block.strip())


def _block(block):
    lines = block.split("\n")
    if block.startswith("## "):
        return f"<h2>{_inline(block[3:])}</h2>"
    if all(line.startswith("- ") for line in lines):
        items = "".join(f"<li>{_inline(line[2:])}</li>" for line in lines)
        return f"<ul>{items}</ul>"
    if all(line.startswith("    ") for line in lines):
        code = "\n".join(line[4:] for line in lines)
        return f"<pre><code>{escape(code)}</code></pre>"
    return f"<p>{_inline(block)}</p>"


def _inline(text):
    # Odd pieces are what stood between backquotes; nothing in them has a meaning.
    pieces = _CODE.split(text)
    for i, piece in enumerate(pieces):
        html = str(escape(piece))
        pieces[i] = f"<code>{html}</code>" if i % 2 else _words(html)
    return "".join(pieces)


def _words(html):
    # Odd pieces are links, and an asterisk in an address is part of the address.
    pieces = re.split(f"({_LINK.pattern})", html)
    for i, piece in enumerate(pieces):
        if i % 2:
            pieces[i] = f'<a href="{piece}">{piece}</a>'
        else:
            pieces[i] = _EMPHASIS.sub(r"<em>\1</em>", _STRONG.sub(r"<strong>\1</strong>", piece))
    return "".join(pieces)
