"""Promises in what somebody wrote: "I'll call you by Thursday", "vou ligar até quinta".

Sentence by sentence: a *head* (who will: "I'll", "your refund will", "vou") opens a promise; the words up to the next
head say what it is about and until when. Questions, quoted lines, negations and what others do are left out. A book
of a few dozen patterns, not a model of language: it finds what staff usually write, and a person confirms each.
"""

import re
from collections.abc import Container, Iterator
from datetime import date, datetime
from typing import Final, NamedTuple

from makegood.engines.language.due import find_due
from makegood.engines.language.phrasebook import fold, readable


class Promise(NamedTuple):
    """A promise found: what it is about, the very words and where they stand, and when it is due.

    `kind` is ``call``, ``answer``, ``refund``, ``replacement``, ``repair``, ``credit``, ``delivery`` or ``other``;
    `due` is None where no moment was named, and `when` then empty.
    """

    kind: str
    words: str
    start: int
    due: datetime | None
    when: str


# In this order: who is sent a replacement is promised a replacement, not a parcel.
_ABOUT: Final = tuple(
    (kind, re.compile(rf"\b(?:{pattern})"))
    for kind, pattern in (
        ("refund", (r"refund|reimburs|money|paid back|pay (?:you )?back|reembols|estorn|dinheiro|"
                   r"devolv\w* o (?:valor|pagamento)|valor\b.* devolv")),
        ("replacement", (r"replac|new (?!parcel|deliver|date|label|courier)\w+|exchange|swap|substitu|"
                        r"troc(?:a|o|ar|aremos|arei)\b|(?!entreg|dat)\w+ nov[oa]\b|nov[oa] (?!entreg|dat|env)\w+")),
        ("repair", r"repair|fix(?:ed)?\b|mend|technician|engineer|consert|repar[oa]|tecnic|assistencia"),
        ("credit", r"credit(?! card)|voucher|gift card|goodwill|vale\b|vale-|cupom"),
        ("call", r"call(?:ing|s|ed)?\b|ring\b|phone|telephone|lig(?:o|ar|arei|aremos|ara|acao)\b|telefon"),
        ("delivery", (r"deliver|arriv|ship|dispatch|sen[dt]\b|sending|(?<!you )posted|in the post|with you|reach you|"
                     r"parcel|"
                     r"courier|collect|leaves?\b|on its way|entreg|cheg|envi|despach|encomenda|pedido|saira|"
                     r"mand(?:o|ar|arei|aremos)\b")),
        ("answer", (r"let you know|get back|come back|back to you|updat|e-?mail|write|repl(?:y|ies)|answer|"
                   r"hear from|in touch|"
                   r"keep you|drop you|chase|confirm|inform|tell you|check|look into|find out|contact|news|"
                   r"respo(?:nd|st)|"
                   r"retorn|avis|atualiz|contato|verific|noticia")),
    )
)  # fmt: skip
_ADVERBS = r"(?: (?:also|then|now|personally|certainly|gladly|definitely|still|tambem|entao))?"
_NOT = (
    r"(?! (?:not|never|nao|nunca|be (?:happy|glad|pleased|able|closed|open)|do (?:my|our) best|normally|usually|reopen)"
    r"\b)"
)
_I_WILL = (
    r"(?:lig|retorn|envi|mand|estorn|avis|entreg|troc|consert|repar|credit|confirm|inform|reembols|despach|verific"
    r"|telefon)"
)
_HEADS: Final = {
    # Whoever writes takes it on: also without a date, where it is plain what is promised.
    "own": re.compile(
        r"\b(?:i|we)(?:'?ll| will| shall| ?'m going to| ?'re going to| am going to| are going to| ?'m to| am to|"
        r" aim to| hope to| plan to)\b" + _ADVERBS + _NOT
        + r"|\b(?:i'?m|i am|we are|we're) (?=(?:sending|shipping|posting|calling|refunding|dispatching|arranging)\b)"
        r"|\b(?:told|promised|assured) (?:her|him|them|the customer)(?: that)? (?:i|we|i'd|we'd)(?: would)?\b"
        r"|(?<!not )(?<!cannot )(?<!can't )\b(?:promised?|guaranteed?|agreed (?:to|on|with))\b"
        r"|(?<!nao )(?<!podemos )\b(?:vou|vamos|irei|iremos|prometo|prometi|prometemos|garanto|garantimos"
        r"|combinei|combinamos)"
        r"\b(?! poder)"
        rf"|(?<!nao )(?<!nao lhe )(?<!nao te )\b{_I_WILL}(?:arei|aremos)\b"
        r"|(?<!nao )\b(?:respond|devolv)(?:erei|eremos)\b|(?<!nao )\b(?:farei|faremos|daremos|darei)\b"
        r"|(?<!nao )(?<! o )(?<! um )\b(?:ligo|respondo|aviso|retorno|envio|mando|confirmo|devolvo)\b"
    ),
    # What will happen to the customer: only with a date.
    "theirs": re.compile(
        r"(?:(?<!\bi)(?<!\bwe)(?: will| shall| should|'ll)| is due to)\b" + _ADVERBS + _NOT
        + r"|\b(?:parcel|order|replacement|refund|package|letter) (?:leaves?|goes|ships|arrives|follows)\b"
        r"|\byou can expect\b|\bexpect (?:my|our|your)\b"
        r"|(?<!nao )\b(?:sera|serao|chegara|caira|estara|ira|entrara|vai|vao|saira|fara|segue|tera|recebera|passara|"
        r"enviara|"
        r"entregara|ligara|retornara|devolvera|(?:esta|fica) previst[oa])\b(?! fechad| abert)"
    ),
}  # fmt: skip
# Who does not speak for us, and sentences that only repeat or suppose.
_NOT_US: Final = re.compile(
    r"\b(?:customer|client|buyer|cliente|comprador|he|she|they|ele|ela|nobody|no one|ninguem|if|se|when|quando|hope|"
    r"offices?|shop|"
    r"loja|promotion|you (?:said|told|wrote|expected)|(?:voce|senhora?) (?:disse|falou))\b(?! centre| from)"
)
_OPENS: Final = re.compile(r"(?:^|[,;:]| (?:and|but|e|mas)\b)\s*(?=[^,;:]*$)")
_CLEAR_WITHOUT_DATE: Final = frozenset({"call", "refund", "replacement", "repair", "credit"})
_SENTENCE: Final = re.compile(r"[^\n]+?(?:[.!?]+(?=\s|$)|\n|$)")
_LONGEST: Final = 300


def find_promises(text: str, *, now: datetime, holidays: Container[date] = ()) -> tuple[Promise, ...]:
    """Promises that the writer of a text makes, in English or Portuguese, in the order in which they stand.

    Parameters
    ----------
    text
        A reply, a call log, a note. Only its first 4,000 characters are read.
    now
        When it was said, aware, in the time zone that its words are meant in.
    holidays
        Days that are no business days beside weekends.

    Examples
    --------
    >>> from datetime import timezone
    >>> monday = datetime(2026, 11, 23, 10, tzinfo=timezone.utc)
    >>> [found] = find_promises("Sorry! I'll call you by Thursday.", now=monday)
    >>> found.kind, found.words, found.due.isoformat()
    ('call', "I'll call you by Thursday", '2026-11-26T18:00:00+00:00')
    """
    text = readable(text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    folded = fold(text)
    found: list[Promise] = []
    for sentence in _SENTENCE.finditer(folded):
        said = sentence.group()
        if said.lstrip().startswith(">") or said.rstrip().endswith("?"):
            continue
        heads = list(_heads(said))
        for n, (start, name) in enumerate(heads):
            end = heads[n + 1][0] if n + 1 < len(heads) else len(said)
            offset = sentence.start()
            # "Tomorrow at ten I'll call": with one promise in a sentence the moment may come first.
            before = text[offset : offset + start] if len(heads) == 1 and not _NOT_US.search(said[:start]) else ""
            promise = _promise(text[offset + start : offset + end], before, offset + start, name, now, holidays)
            if promise:
                found.append(promise)
    dated = {promise.kind for promise in found if promise.due}
    return tuple(promise for promise in found if promise.due or promise.kind not in dated)


def _heads(said: str) -> Iterator[tuple[int, str]]:
    """Where promises open in a folded sentence, and by whom."""
    opened = sorted((head.start(), name) for name, pattern in _HEADS.items() for head in pattern.finditer(said))
    last = 0
    for at, name in opened:
        start = at
        if name == "theirs":
            # From the beginning of its clause: the subject says what it is about, and whose promise it is.
            opening = [*_OPENS.finditer(said[last:at])]
            start = last + opening[-1].end() if opening else last
            if _NOT_US.search(said[start:at]):
                continue
        last = at
        yield start, name


def _promise(said: str, before: str, start: int, head: str, now: datetime, holidays: Container[date]) -> Promise | None:
    kind = what_about(said)
    due = find_due(said, now=now, holidays=holidays)
    if due:
        words = said[: due.end]
    elif kind and before and (due := find_due(before, now=now, holidays=holidays)):
        start -= len(before) - due.start
        words = before[due.start :] + said
    if due:
        if not kind and head != "own":
            return None
        return Promise(kind or "other", words.strip(" ,;:-.!\n")[:_LONGEST], start, due.at, due.words)
    if head == "own" and kind in _CLEAR_WITHOUT_DATE:
        return Promise(kind, said.strip().rstrip(".!,; ")[:_LONGEST], start, None, "")
    return None


def what_about(text: str) -> str:
    """What a promise in somebody's own words is about: one of the kinds of `Promise`, or empty.

    >>> what_about("Ring her about the parcel")
    'call'
    """
    about = fold(readable(text))
    kind, first = "", len(about)
    for name, pattern in _ABOUT:
        found = pattern.search(about)
        # A call about the refund is a call.
        if found and (not kind or (name == "call" and found.start() < first)):
            kind, first = name, found.start()
    return kind
