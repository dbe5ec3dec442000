"""Promises in what people write: "I'll call you by Thursday", "O estorno será feito em 5 dias úteis".

A sentence becomes a string of letters, one for what each word does (`promise_words`); short expressions over that
string find who takes what on, clause by clause, and what keeps it from being a promise: a condition, a question, what
others said, what is past, what is usual, what the reader is asked to do. Who asks to be sure asks a person: what is
found is offered, not recorded.
"""

import re
from bisect import bisect_left
from collections.abc import Container, Iterator
from datetime import date, datetime
from typing import Final, NamedTuple

from makegood.engines.language.due import find_due
from makegood.engines.language.phrasebook import fold, readable
from makegood.engines.language.promise_words import NEW, NOT_REPLACED, Sense, english, portuguese


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


class _Head(NamedTuple):
    """Where a promise opens in the letters of a sentence. `how` says on whose word."""

    at: int
    end: int
    how: str  # own, theirs, thing, word, wait, set


class _Said(NamedTuple):
    """A sentence read: its letters, whose word each belongs to, and where the words stand."""

    text: str
    tags: str
    owner: list[int]
    words: list[str]
    starts: list[int]
    senses: list[Sense]

    def place(self, at: int) -> int:
        """Where in the sentence the word of a letter begins."""
        return self.starts[self.owner[at]] if at < len(self.owner) else len(self.text)


_LONGEST: Final = 300
_SENTENCE_AT_MOST: Final = 600
_READ_AT_MOST: Final = 4_000
_SENTENCE: Final = re.compile(r"[^\n]+?(?:[.!?]+(?=\s|$)|\n|$)")
_WORD: Final = re.compile(r"\d+[.,]\d\d\b|[a-z0-9]+(?:'[a-z]+)?|(?<![a-z])-|[^\sa-z0-9-]")

# -- which language a sentence is in: little words that the other language lacks
_EN_ONLY: Final = frozenset(
    "the you your we i is are will to for by with and it i'll we'll of our on in be have my not this that at".split()
)
_PT_ONLY: Final = frozenset(
    """o os um uma que voce de do da em para com seu sua nao ate na e se vou vamos te por dia nos pra ja ao senhora gente ainda
    hoje amanha semana dias uteis pedido produto""".split()
)

# -- what opens a promise
_HEADS: Final = re.compile(
    "|".join(
        [
            r"(?P<word>ia*h?a*P|^[ac.i]?P|(?<=[,&])P|^Q(?=im)|^Q(?=[.]*c))",
            r"(?P<own>i[a.]?a*w|ib[aT]*(?:GT|T|gy?|eT)|iET|^w(?=a*v)|^[a.]w(?=v)|L[i.](?=a*v))",
            r"(?P<set>iha*[Av]|ia*A|^A)",
            r"(?P<present>ia*y?a*[vps])",
            r"(?P<theirs>w|bGT|E)",
            r"(?P<thing>(?<![wmT])(?<![wmT]a)b[a.]?[eA]|(?<![wmT])(?<![wmT]a)b[ab]*[gdG]|s)",
        ]
    )
)
_WAIT: Final = re.compile(
    r"\ballow (?:me|us|up|\d+|an?|one|two|another)\b|\b(?:give|gimme) (?:(?:me|us) )?(?:until|till|\d+|two|an?)\b"
    r"|\bbear with (?:me|us) until|\b(?:leave|hang) (?:it|this|on|tight)"
    r"|\baguard(?:e|em)\b|\b(?:pedimos|peco|me da|me de|preciso de) (?:so )?ate\b"
)
_BREAK: Final = re.compile(r"[,&R](?=[^,&R]*$)")
_MORE: Final = re.compile(r"[&,][ay.]?a*[y]?v")
_REPORTED: Final = re.compile(r"[cyot][^,&i]{0,4}Q|yD?h?[QP]|(?<!^)(?<!i)(?<!ih)(?<!i[a.])Q|n[^,&]*R|^[.]?sb[gd]")
_OURS_TO_DO: Final = re.compile(r"[nmcqurDQ]")
_NOT_MEANT: Final = re.compile(r"a*(?:[.]?n|j|b?a*[.]?x)")
_GETS: Final = re.compile(r"[ay]*(?:[hbk]|[.]?h)")
_PLAINLY_NOT: Final = re.compile(r"[nmrDjuQPqhxLc]|^v(?!T)|[yi]a*[dv]")

# -- what they speak of when they speak of time; without one of these no date is looked for
_TIMES: Final = frozenset(
    """today tomorrow tonight morning noon midday lunchtime lunch afternoon evening night day days week weeks weekend month
    months hour hours hr hrs minute minutes min mins eod eow eom cob monday tuesday wednesday thursday friday saturday
    sunday mon tue tues wed thu thur thurs fri sat sun january february march april may june july august september
    october november december christmas fortnight year am pm half quarter
    hoje amanha noite manha tarde cedo meio dia dias semana semanas mes meses hora horas minuto minutos segunda terca
    quarta quinta sexta sabado domingo janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro
    dezembro natal ano uteis quinzena expediente""".split()
)
_HINGES: Final = frozenset("should had before until antes se caso no like word and out que".split())
_DETERMINERS: Final = frozenset(
    "a an the your our my this that full any no another first full o um uma seu sua nosso nossa meu minha do da de na".split()
)
_TURNS: Final = (
    ("let you know", "answer"), ("keep you", "answer"), ("in touch", "answer"), ("hear from", "answer"),
    ("hear back", "answer"), ("come back with", "answer"), ("come back to you", "answer"), ("get back to", "answer"),
    ("be back to you", "answer"), ("speak to you", "call"), ("em contato", "answer"), ("em contacto", "answer"),
    ("back on your", "refund"), ("back to your", "refund"), ("gift card", "credit"), ("try you", "call"), ("pay back", "refund"), ("paid back", "refund"),
    ("money back", "refund"), ("comes back", "refund"), ("devolvemos tudo", "refund"), ("have it", "?delivery"), ("sort this", "other"),
)  # fmt: skip
_ORDER: Final = ("refund", "replacement", "repair", "credit", "call", "paper", "delivery", "answer")
_STRONG: Final = frozenset({"call", "refund", "replacement", "repair", "credit", "answer"})
_DOING: Final = frozenset({"v", "g", "d", "ip", "iw", "w", "s"})
_ENDED: Final = frozenset(
    """resolved sorted solved finished done decided completed settled ready resolved fixed reviewed complaint case
    resolvido resolvida decidido decidida pronto pronta concluido concluida finalizado caso reclamacao tratado""".split()
)


def find_promises(text: str, *, now: datetime, holidays: Container[date] = ()) -> tuple[Promise, ...]:
    """Promises that the writer of a text makes, in English or Portuguese, in the order in which they stand.

    What somebody else does for the writer (a colleague, a carrier, a workshop) counts as theirs; what the customer will
    do does not.

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
        at = sentence.start()
        it = _read(said[:_SENTENCE_AT_MOST], portuguese_before=not text.isascii())
        if it.words and not _is_refused(it):
            found += _weed(_in_sentence(it, text[at : at + _SENTENCE_AT_MOST], at, now, holidays))
    dated = {promise.kind for promise in found if promise.due}
    return tuple(promise for promise in found if promise.due or promise.kind not in dated)


def what_about(text: str) -> str:
    """What a promise in somebody's own words is about: one of the kinds of `Promise`, or empty.

    >>> what_about("Ring her about the parcel")
    'call'
    """
    it = _read(fold(readable(text[:_SENTENCE_AT_MOST])))
    return _kind(it, 0, 0, len(it.words)).removeprefix("?") if it.words else ""


def _weed(found: Iterator[Promise]) -> list[Promise]:
    """Of one sentence: what has a date speaks for what has none, and an answer for the checking before it."""
    promises = list(found)
    dated = [it for it in promises if it.due]
    return dated or [it for it in promises if it.kind != "other"] or promises[:1]


def _in_sentence(it: _Said, text: str, offset: int, now: datetime, holidays: Container[date]) -> Iterator[Promise]:
    timed = any(word in _TIMES or word[0].isdigit() for word in it.words)
    heads = _heads(it)
    if not heads and timed and not _PLAINLY_NOT.search(it.tags):
        heads = [_Head(0, 0, "plain")]
    openings = [_opening(it, head, heads[n - 1].end if n else 0) for n, head in enumerate(heads)]
    ends = [it.place(at) for at in (*openings[1:], len(it.tags))] if heads else []
    for n, (head, opening, end) in enumerate(zip(heads, openings, ends, strict=True)):
        if _is_not_meant(it, head, opening):
            continue
        start = it.place(opening if head.how in ("theirs", "thing", "plain") else head.at)
        due, words = None, text[start:end]
        if timed:
            due = find_due(text[it.place(opening) : end], now=now, holidays=holidays)
            if due:
                begin = it.place(opening)
                start = min(start, begin + due.start)
                words = text[start : max(begin + due.end, it.place(head.end))]
            elif n == 0 and opening and not _OURS_TO_DO.search(it.tags[:opening]):
                # "Tomorrow at ten, I'll call": the moment may come first.
                due = find_due(text[: it.place(opening)], now=now, holidays=holidays)
                if due:
                    start = due.start
                    words = text[start:end]
        kind = _accepted(it, head, opening, openings[n + 1] if n + 1 < len(heads) else len(it.tags), due is not None)
        if kind:
            yield Promise(
                kind, words.strip(" ,;:-.!\n")[:_LONGEST], offset + start, due.at if due else None,
                due.words if due else "",
            )  # fmt: skip


def _read(said: str, *, portuguese_before: bool = False) -> _Said:
    found = [(word.group(), word.start()) for word in _WORD.finditer(said)]
    words = [word for word, _ in found]
    en, pt = sum(word in _EN_ONLY for word in words), sum(word in _PT_ONLY for word in words)
    in_portuguese = pt > en or (pt == en and portuguese_before)
    sense = portuguese if in_portuguese else english
    senses = [sense(word) for word in words]
    letters = [it.tags for it in senses]
    for n, word in enumerate(words):
        before, after = words[n - 1] if n else "", letters[n + 1] if n + 1 < len(words) else ""
        if word in _HINGES:
            opens = not n or letters[n - 1] == ","
            if word in ("should", "had"):
                letters[n] = "q" if not n or (opens and after == "y") else {"should": "w", "had": "m"}[word]
            elif word in ("before", "until", "antes"):
                letters[n] = "q" if opens and after[:1] in ("i", "y") else "."
            elif word in ("se", "caso"):
                letters[n] = "q" if (opens or letters[n - 1] == "&") and after[:1] != "i" else "."
            elif word == "no" and not in_portuguese:
                letters[n] = "n" if n + 1 < len(words) and words[n + 1] in ("way", "one", "longer") else "."
            elif word == "like" and before in ("would", "i'd", "we'd"):
                letters[n - 1] = letters[n - 1].replace("m", "")
            elif word in ("out", "que"):
                near = words[n + 1] if n + 1 < len(words) else ""
                letters[n] = {"of": "x", "vem": "."}.get(near, letters[n])
            elif word == "word":
                letters[n] = "P" if before == "my" else "."
            elif word == "and" and said[found[n][1] - 1] == "-":
                letters[n] = "."
        elif letters[n] in ("v", "s", "ip", "P", "r") and before in _DETERMINERS:
            letters[n] = "."  # "your refund", "o retorno": a thing
    owner = [n for n, letter in enumerate(letters) for _ in letter]
    return _Said(said, "".join(letters), owner, words, [start for _, start in found], senses)


def _is_refused(it: _Said) -> bool:
    """Whether the whole sentence is a condition put to the reader, or what somebody else said."""
    tags = it.tags
    if "q" in tags:
        return True
    if it.words[0] in ("when", "quando") and tags[1:2] in ("y", "b", "."):
        return True
    return bool(_REPORTED.search(tags))


def _heads(it: _Said) -> list[_Head]:
    heads = [_Head(found.start(), found.end(), found.lastgroup or "") for found in _HEADS.finditer(it.tags)]
    wait = _WAIT.search(it.text)
    if wait:
        at = bisect_left(it.owner, bisect_left(it.starts, wait.start()))
        heads = sorted([*(head for head in heads if head.at != at), _Head(at, at + 1, "wait")])
    kept: list[_Head] = []
    for head in heads:
        if kept and kept[-1].how in ("word", "set") and "," not in it.tags[kept[-1].end : head.at]:
            kept[-1] = _Head(kept[-1].at, kept[-1].end, "word")  # "I promise that you will": one promise
            continue
        kept.append(head)
        if head.how in ("own", "word"):
            # "I'll look into it and write to you": what is joined to it is promised as well.
            kept += (_Head(it_.start() + 1, it_.end(), "own") for it_ in _MORE.finditer(it.tags, head.end))
    kept = sorted(set(kept))
    return [head for n, head in enumerate(kept) if not n or head.at >= kept[n - 1].end]


def _opening(it: _Said, head: _Head, floor: int) -> int:
    """Where the clause of a promise begins."""
    found = _BREAK.search(it.tags[floor : head.at])
    return floor + found.end() if found else floor


def _is_not_meant(it: _Said, head: _Head, opening: int) -> bool:
    tags, before = it.tags, it.tags[opening : head.at]
    after = tags[head.end :]
    if head.how == "word":
        return bool(re.search(r"[nmycu]", before))
    if head.how == "wait":
        return "n" in before
    if _OURS_TO_DO.search(before):
        return True
    if head.how == "theirs" and before.endswith("y") and tags[head.at] != "E":
        return not _GETS.match(after) and not it.words[it.owner[head.at]].startswith(("receb", "tera"))
    if head.how in ("thing", "present", "set") and "D" in tags[opening:]:
        return True
    if head.how in ("thing", "theirs") and (
        "u" in tags[: head.end + 1] or (head.how == "thing" and before[-1:] == "y")
    ):
        return True
    if head.how == "present" and it.words[it.owner[head.end - 1]].endswith("mos") and "ja" in it.words:
        return True  # "Ja enviamos": done
    return bool(_NOT_MEANT.match(after))


def _accepted(it: _Said, head: _Head, opening: int, end: int, dated: bool) -> str:  # noqa: FBT001
    """The kind of a promise; empty: it is none."""
    last = it.owner[end - 1] + 1 if end else 0
    deed_from = it.owner[head.at] if head.how != "plain" else 0
    first = it.owner[opening] if opening < len(it.owner) else 0
    if head.how == "wait":
        return (_kind(it, 0, 0, len(it.words)).removeprefix("?") or "other") if dated else ""
    if opening and it.tags[opening - 1] == "R":
        first = 0  # "a voucher, which I'll send": what it is about stands before
    kind = _kind(it, first, deed_from, last)
    if not kind and dated and opening:
        kind = _kind(it, 0, deed_from, last)  # "your refund is made, and you should see it on Friday"
    plain = kind.removeprefix("?")
    if dated:
        if head.how in ("own", "word") or (head.how == "present" and it.tags[head.end - 1] == "p"):
            return plain or "other"
        if head.how == "theirs" and not plain and it.tags[head.at - 1 : head.at] == "y":
            return "delivery"
        return plain
    if head.how in ("own", "word"):
        return plain if kind in _STRONG or kind == "other" else ""
    if head.how == "theirs" or (head.how == "present" and it.words[it.owner[head.end - 1]].endswith("o")):
        return plain if kind in _STRONG else ""
    return ""


def _kind(it: _Said, first: int, deed_from: int, last: int) -> str:
    """What the words from first to last are about. With a question mark before it where it takes a date to tell."""
    words = it.words[first:last]
    said = it.text[it.starts[first] : it.starts[last] if last < len(it.starts) else len(it.text)]
    for turn, kind in _TURNS:
        if turn in said:
            return kind
    things: list[str] = []
    for n in range(first, last):
        word, (tags, deed, thing) = it.words[n], it.senses[n]
        before = it.words[n - 1] if n else ""
        if deed and (n < deed_from or before in _DETERMINERS):
            thing = thing or (deed if word != "phone" else "")  # noqa: PLW2901
        elif deed and tags in _DOING and not (deed == "answer" and things):
            if deed == "credit" and not {"card", "cartao"}.isdisjoint(it.words[n + 1 : last]):
                return "refund"
            if deed == "answer" and any(it.senses[m].thing == "paper" for m in range(n + 1, last)):
                return "other"
            return deed
        if word in NEW:
            near = it.words[n + 1] if n + 1 < last else ""
            if near not in NOT_REPLACED and before not in NOT_REPLACED:
                thing = "replacement"  # noqa: PLW2901
        if thing:
            things.append(thing)
    if things:
        if things[0] in ("call", "answer"):
            return things[0]
        kind = next(kind for kind in _ORDER if kind in things)
        return {"paper": "other", "delivery": "?delivery"}.get(kind, kind)
    if "with you" in said:
        return "?delivery"
    return "?other" if not _ENDED.isdisjoint(words) else ""
