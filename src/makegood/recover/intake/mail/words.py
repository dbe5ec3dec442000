"""The words of a mail: from bytes in whatever character set to text, from HTML to text, without what was quoted."""

import codecs
import html
import re
from email.header import decode_header
from functools import lru_cache

from mailparser_reply import EmailReplyParser

WORDS_AT_MOST = 100_000
_HEADER_AT_MOST = 4_000  # decoding a header takes time that grows with the square of its length
_HTML_AT_MOST = 1_000_000

# Codecs that Python has and mails have no business with: slow on purpose-made input, or no character sets at all.
_NOT_FOR_MAIL = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf_7", "mbcs", "oem"}
# Seven-bit sets that switch by escape sequences: valid as ASCII, and yet something else.
_STATEFUL = ("iso2022", "hz")
# What senders call Latin-1 or ASCII is Windows-1252 in practice, as in browsers (WHATWG Encoding, section 4.2).
_IN_TRUTH = {"iso8859-1": "cp1252", "ascii": "cp1252"}

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff]")
# What takes no room on a screen: two addresses that look the same are two.
_UNSEEN_CHARACTERS = re.compile(
    r"[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f]"
)
_TAG = re.compile(r"<(!--|[/!?]?[a-z][a-z0-9]*)[^<>]{0,2000}>", re.IGNORECASE)
_NEW_LINE = {"br", "p", "div", "tr", "li", "ul", "ol", "table", "blockquote", "hr", "h1", "h2", "h3", "h4", "h5", "h6"}
_NEW_LINE |= {f"/{name}" for name in _NEW_LINE}
_UNSEEN = {"script", "style", "title", "template"}
_SPACES = re.compile(r"[ \t\xa0]+")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")


def clean(text: str) -> str:
    """Text that can be stored and shown: one kind of line end, no NUL, no half surrogates, nothing that turns it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", text).encode("utf-8", "replace").decode()


def made_visible(text: str) -> str:
    """With a mark in place of every character that cannot be seen, so that nobody takes one address for another."""
    return _UNSEEN_CHARACTERS.sub("\ufffd", text)


def decode(content: bytes, charset: str) -> str:
    """The text that bytes mean, whatever their sender says: never fails, at worst with replacement characters."""
    codec = _codec(charset)
    if codec.startswith(_STATEFUL):
        return content.decode(codec, "replace")
    try:
        return content.decode("utf-8")  # bytes that happen to be valid UTF-8 are UTF-8
    except UnicodeDecodeError:
        pass
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


@lru_cache(maxsize=256)  # senders choose the names
def _codec(charset: str) -> str:
    try:
        info = codecs.lookup(charset[:40].strip().lower())
    except (LookupError, ValueError, UnicodeError):
        return "cp1252"
    if not info._is_text_encoding or info.name.replace("-", "_") in _NOT_FOR_MAIL:  # noqa: SLF001  what bytes.decode itself asks
        return "cp1252"
    return _IN_TRUTH.get(info.name, info.name)


def header(value: object) -> str:
    """A header's text, decoded and on one line."""
    text = "" if value is None else str(value)[:_HEADER_AT_MOST]
    # Eight-bit bytes in headers come out of the parser as surrogates.
    raw = text.encode("utf-8", "surrogateescape")
    text = decode(raw, "utf-8") if not raw.isascii() else text
    try:
        pieces = decode_header(text)
    except Exception:  # noqa: BLE001  broken base64 and worse: what is there is shown as it is
        pieces = [(text, None)]
    words = "".join(piece if isinstance(piece, str) else decode(piece, charset or "utf-8") for piece, charset in pieces)
    return " ".join(clean(words).split())


def from_html(page: str) -> str:
    """The text of an HTML mail: tags go, with all that is never shown. Nothing is fetched or run.

    One pass over the tags, in time that grows with the length alone: parsers that build a tree take the square of how
    deep it is nested. What comes out is text, to be escaped like any other.
    """
    page = " ".join(page[:_HTML_AT_MOST].split())
    pieces: list[str] = []
    at, unseen = 0, ""
    while tag := _TAG.search(page, at):
        name = tag[1].lower()
        if not unseen:
            pieces.append(page[at : tag.start()])
        at = tag.end()
        if name == "!--":
            end = page.find("-->", tag.start())
            at = end + 3 if end >= 0 else len(page)
        elif unseen:
            unseen = "" if name == f"/{unseen}" else unseen
        elif name in _UNSEEN:
            unseen = name
        elif name in _NEW_LINE:
            pieces.append("\n")
    if not unseen:
        pieces.append(page[at:])
    lines = (_SPACES.sub(" ", line).strip() for line in html.unescape("".join(pieces)).split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


# The parser's time grows with the square of what it reads: enough for an answer, and lines that are no answer cut.
_READ_FOR_QUOTES = 8_000
_LINE_FOR_QUOTES = 200
_QUOTES = EmailReplyParser(languages=["en", "de", "fr", "es", "it", "nl", "pl"])
# Portuguese, which the parser does not know.
_WROTE_PT = re.compile(r"^(?:>\s*)?Em [^\n]{5,150}(?:\n[^\n]{0,100})?escreveu:\s*$", re.MULTILINE)


def without_quotes(text: str) -> tuple[str, str]:
    """What the writer said, and what they repeated of earlier mails below. Together they are the whole text."""
    text = _BLANK_LINES.sub("\n\n", text).strip()
    if found := _WROTE_PT.search(text, 0, _READ_FOR_QUOTES):
        return _cut(text, found.start())
    read = "\n".join(line[:_LINE_FOR_QUOTES] for line in text[:_READ_FOR_QUOTES].split("\n"))
    said = _QUOTES.parse_reply(read)
    if not said:
        return text, ""
    # Counted in lines, which the parser keeps, because it strips each of them.
    lines = text.split("\n")
    kept = said.rstrip().count("\n") + 1
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    if first + kept >= read.count("\n") + 1:
        return text, ""
    return _cut(text, sum(len(line) + 1 for line in lines[: first + kept]))


def _cut(text: str, at: int) -> tuple[str, str]:
    said, quoted = text[:at].strip(), text[at:].strip()
    return (said, quoted) if said else (text, "")
