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

from makegood.engines.language.due import Due, find_due
from makegood.engines.language.phrasebook import fold, readable
from makegood.engines.language.promise_words import NEW, NOT_REPLACED, Sense, english, portuguese, words_in


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
    times: list[int]  # which words speak of time
    senses: list[Sense]

    def place(self, at: int) -> int:
        """Where in the sentence the word of a letter begins."""
        return self.starts[self.owner[at]] if at < len(self.owner) else len(self.text)


_LONGEST: Final = 300
_SENTENCE_AT_MOST: Final = 600
_SENTENCE: Final = re.compile(r"[^\n]+?(?:[.!?]+(?=\s|$)|\n|$)")
_WORD: Final = re.compile(r"\d+[.,]\d\d\b|[a-z0-9]+(?:'[a-z]+)?|(?<![a-z])-|[^\sa-z0-9-]")

# -- which language a sentence is in: little words that the other language lacks
_EN_ONLY: Final = words_in("""
    the you your we i is are will to for by with and it i'll we'll of our on in be have my not this that at
""")
_PT_ONLY: Final = words_in("""
    o os um uma que voce de do da em para com seu sua nao ate na e se vou vamos te por dia nos pra ja ao senhora
    gente ainda hoje amanha semana dias uteis pedido produto
""")

# -- what opens a promise
_HEADS: Final = re.compile(
    r"(?P<word>ia*h?a*P|^[ac.i]?P|(?<=[,&])P|^Q(?=im)|^Q(?=[.]*c))|(?P<own>i[a.]?a*w|ib[aT]*(?:GT|T|gy?|eT)|iET|^w(?=a*v)|^[a.]w(?=v)|L[i.](?=a*v))|(?P<set>iha*[Av]|ia*A|^A)|(?P<present>ia*y?a*[vps])|(?P<theirs>w|bGT|E)|(?P<thing>(?<![wmT])(?<![wmT]a)b[a.]?[eA]|(?<![wmT])(?<![wmT]a)b[ab]*[gdG]|s)"
)
_CAN_PROMISE: Final = re.compile("[wPLpQ]|ib|ia*[vs]")
_WAIT: Final = re.compile(
    r"\ballow (?:me|us|up|\d+|an?|one|two|another)\b|\b(?:give|gimme) (?:(?:me|us) )?(?:until|till|\d+|two|an?)\b"
    r"|\bbear with (?:me|us) until|\b(?:leave|hang) (?:it|this|on|tight)"
    r"|\baguard(?:e|em)\b|\b(?:pedimos|peco|me da|me de|preciso de) (?:so )?ate\b"
)
_BREAK: Final = re.compile(r"[,&R](?=[^,&R]*$)")
_PARTED: Final = {"word": re.compile(","), "set": re.compile("[,&]")}
_MORE: Final = re.compile(r"[&,][ay.]?a*[y]?v")
_REPORTED: Final = re.compile(r"[cyot][^,&i]{0,4}Q|yD?h?[QP]|(?<!^)(?<!i)(?<!ih)(?<!i[a.])Q|n[^,&]*R|^[.]?sb[gd]")
_OURS_TO_DO: Final = re.compile(r"[nmcqurDQ]")
_NOT_MEANT: Final = re.compile(r"a*(?:[.]?n|j|b?a*[.]?x)")
_GETS: Final = re.compile(r"[ay]*(?:[hbk]|[.]?h)")
_CLAUSE: Final = re.compile(r"[^,&]+")
_DATED_THING: Final = re.compile(r"^[^iycto]*b")
_PLAINLY_NOT: Final = re.compile(r"[nmrDjuQPqhxLc]|^v(?!T)|[yi]a*[dv]")

# -- what they speak of when they speak of time; without one of these no date is looked for
_TIMES: Final = words_in("""
    today tomorrow tonight morning noon midday lunchtime lunch afternoon evening night day days week weeks weekend
    month months hour hours hr hrs minute minutes min mins eod eow eom cob monday tuesday wednesday thursday friday
    saturday sunday mon tue tues wed thu thur thurs fri sat sun january february march april may june july august
    september october november december christmas fortnight year am pm half quarter hoje amanha noite manha tarde
    cedo meio dia dias semana semanas mes meses hora horas minuto minutos segunda terca quarta quinta sexta sabado
    domingo janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro natal ano uteis
    quinzena expediente
""")
_AROUND: Final = 4
_HINGES: Final = words_in("""
    should had before until antes if se caso no like word and out que tem informamos informo avisamos comunicamos to
    a
""")
_WEEKDAYS: Final = words_in("""
    monday tuesday wednesday thursday friday saturday sunday segunda terca sexta sabado
""")
_DETERMINERS: Final = words_in("""
    a an the your our my this that full any no another first o um uma seu sua nosso nossa meu minha do da de na
""")
# Turns of phrase that say what is promised, whatever else is named.
_TURNS: Final = {
    "answer": (
        "let you know", "keep you", "in touch", "hear from", "hear back", "come back with", "come back to you",
        "follow up", "drop you", "get back to", "be back to you", "em contato", "em contacto",
    ),
    "call": (
        "speak to you", "try you",
    ),
    "credit": (
        "gift card",
    ),
    "refund": (
        "back on your", "back to your", "pay back", "paid back", "money back", "comes back", "devolvemos tudo",
    ),
    "other": (
        "sort this",
    ),
}  # fmt: skip
_PAYS: Final = words_in("pay paid paying put")
_AT_THE_DOOR: Final = ("be with you", "back with you", "it with you", "have it", "expect it")
_ORDER: Final = ("refund", "replacement", "repair", "credit", "call", "paper", "other", "delivery", "answer")
_STRONG: Final = frozenset({"call", "refund", "replacement", "repair", "credit", "answer"})
_DOING: Final = frozenset({"v", "g", "d", "ip", "iw", "w", "s"})
_ENDED: Final = words_in("""
    resolved sorted solved finished done decided completed settled ready fixed reviewed complaint case resolvido
    resolvida decidido decidida pronto pronta concluido concluida finalizado caso reclamacao tratado
""")


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
    heads = _heads(it) or (_plain(it) if it.times else [])
    openings = [_opening(it, head, heads[n - 1].end if n else 0) for n, head in enumerate(heads)]
    ends = [it.place(at) for at in (*openings[1:], len(it.tags))] if heads else []
    for n, (head, opening, end) in enumerate(zip(heads, openings, ends, strict=True)):
        if _is_not_meant(it, head, opening):
            continue
        start = it.place(opening if head.how in ("theirs", "thing", "plain") else head.at)
        words = text[start:end]
        begin = it.place(opening)
        due = _moment(it, text, begin, end, now, holidays)
        if due:
            start = min(start, due.start)
            words = text[start : max(due.end, it.place(head.end))]
        elif n == 0 and opening and not _OURS_TO_DO.search(it.tags[:opening]):
            # "Tomorrow at ten, I'll call": the moment may come first.
            due = _moment(it, text, 0, begin, now, holidays)
            if due:
                start, words = due.start, text[due.start : end]
        kind = _accepted(it, head, opening, openings[n + 1] if n + 1 < len(heads) else len(it.tags), due is not None)
        if kind:
            yield Promise(
                kind, words.strip(" ,;:-.!\n")[:_LONGEST], offset + start, due.at if due else None,
                due.words if due else "",
            )  # fmt: skip


def _moment(it: _Said, text: str, begin: int, end: int, now: datetime, holidays: Container[date]) -> Due | None:
    """When, by the words between two places; only what stands near a word of time is looked at."""
    near = [n for n in it.times if begin <= it.starts[n] < end]
    if not near:
        return None
    first, last = max(near[0] - _AROUND, 0), near[-1] + _AROUND
    begin = max(begin, it.starts[first])
    end = min(end, it.starts[last] if last < len(it.starts) else end)
    found = find_due(text[begin:end], now=now, holidays=holidays)
    return found and found._replace(start=begin + found.start, end=begin + found.end)


def _read(said: str, *, portuguese_before: bool = False) -> _Said:
    found = [(word.group(), word.start()) for word in _WORD.finditer(said)]
    words = [word for word, _ in found]
    en, pt = sum(word in _EN_ONLY for word in words), sum(word in _PT_ONLY for word in words)
    in_portuguese = pt > en or (pt == en and portuguese_before)
    sense = portuguese if in_portuguese else english
    senses = [sense(word) for word in words]
    letters = [it.tags for it in senses]
    for n, word in enumerate(words):
        before, after = words[n - 1] if n else "", words[n + 1] if n + 1 < len(words) else ""
        if word in _HINGES:
            opens = not n or letters[n - 1] == ","
            then = letters[n + 1][:1] if after else ""
            letters[n] = _hinge(word, letters[n], before, after, opens=opens, then=then)
            if word == "and" and said[found[n][1] - 1] == "-":
                letters[n] = "."
            elif word == "like" and before in ("would", "i'd", "we'd"):
                letters[n - 1] = letters[n - 1].replace("m", "")
        elif letters[n] in ("v", "s", "ip", "P", "r") and before in _DETERMINERS:
            letters[n] = "."  # "your refund", "o retorno": a thing
    owner = [n for n, letter in enumerate(letters) for _ in letter]
    times = [n for n, word in enumerate(words) if word in _TIMES or word[0].isdigit()]
    return _Said(said, "".join(letters), owner, words, [start for _, start in found], times, senses)


def _hinge(word: str, letter: str, before: str, after: str, *, opens: bool, then: str) -> str:  # noqa: C901, PLR0911, PLR0912  a table in words
    """What a word does that depends on its neighbours."""
    match word:
        case "should":
            return "q" if not before or (opens and then == "y") else "w"
        case "had":
            return "m" if before else "q"
        case "if":
            return "." if then == "i" else "q"
        case "before" | "until" | "antes":
            return "q" if opens and then in ("i", "y") else "."
        case "se" | "caso":
            return "q" if (opens or before in ("e", "mas")) and then != "i" else "."
        case "no":
            return "n" if after in ("way", "one", "longer") else "."
        case "word":
            return "P" if before == "my" else "."
        case "out":
            return "x" if after == "of" else letter
        case "que":
            return "." if after == "vem" else letter
        case "tem":
            return "j" if after == "ate" else letter
        case "to" | "a":
            # "Monday to Friday": hours, not a moment
            return "u" if before in _WEEKDAYS and after in _WEEKDAYS else letter
        case "informamos" | "informo" | "avisamos" | "comunicamos":
            return "." if after == "que" else letter
        case _:
            return letter


def _is_refused(it: _Said) -> bool:
    """Whether the whole sentence is a condition put to the reader, or what somebody else said."""
    tags = it.tags
    if "q" in tags:
        return True
    if not it.times and not _CAN_PROMISE.search(tags):
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
        if (
            kept
            and kept[-1].how in ("word", "set")
            and not _PARTED[kept[-1].how].search(it.tags, kept[-1].end, head.at)
        ):
            kept[-1] = _Head(kept[-1].at, kept[-1].end, "word")  # "I promise that you will": one promise
            continue
        kept.append(head)
        if head.how in ("own", "word"):
            # "I'll look into it and write to you": what is joined to it is promised as well.
            kept += (_Head(it_.start() + 1, it_.end(), "own") for it_ in _MORE.finditer(it.tags, head.end))
    kept = sorted(set(kept))
    return [head for n, head in enumerate(kept) if not n or head.at >= kept[n - 1].end]


def _plain(it: _Said) -> list[_Head]:
    """A sentence, or its clauses, that only names a thing and its time: "Estimated delivery: Thursday"."""
    if not _PLAINLY_NOT.search(it.tags):
        return [_Head(0, 0, "plain")]
    return [
        _Head(clause.start(), clause.start(), "plain")
        for clause in _CLAUSE.finditer(it.tags)
        if _DATED_THING.search(clause.group()) and not _PLAINLY_NOT.search(clause.group())
    ]


def _opening(it: _Said, head: _Head, floor: int) -> int:
    """Where the clause of a promise begins."""
    found = _BREAK.search(it.tags[floor : head.at])
    return floor + found.end() if found else floor


def _is_not_meant(it: _Said, head: _Head, opening: int) -> bool:  # noqa: PLR0911  a table in words
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
    if head.how == "theirs" and "u" in tags[: head.end + 1]:
        return True
    if head.how == "thing" and ("u" in tags or before[-1:] == "y"):
        return True
    if head.how == "present" and it.words[it.owner[head.end - 1]].endswith("mos") and "ja" in it.words:
        return True  # "Ja enviamos": done
    return bool(_NOT_MEANT.match(after))


def _accepted(it: _Said, head: _Head, opening: int, end: int, dated: bool) -> str:  # noqa: PLR0911  a table in words
    """The kind of a promise; empty: it is none."""
    last = it.owner[end - 1] + 1 if end else 0
    deed_from = it.owner[head.at]
    first = it.owner[opening] if opening < len(it.owner) else 0
    if head.how == "wait":
        bare = "allow" in it.words
        return (_kind(it, 0, 0, len(it.words)).removeprefix("?") or ("" if bare else "other")) if dated else ""
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
        return "" if head.how == "plain" and kind == "?other" else plain
    if head.how in ("own", "word"):
        return plain if kind in _STRONG or kind == "other" else ""
    if head.how == "theirs" or (head.how == "present" and it.words[it.owner[head.end - 1]].endswith("o")):
        return plain if kind in _STRONG else ""
    return ""


def _kind(it: _Said, first: int, deed_from: int, last: int) -> str:  # noqa: C901, PLR0911  a table in words
    """What the words from first to last are about. With a question mark before it where it takes a date to tell."""
    words = it.words[first:last]
    said = it.text[it.starts[first] : it.starts[last] if last < len(it.starts) else len(it.text)]
    if "back" in words and not _PAYS.isdisjoint(words):
        return "refund"
    for kind, turns in _TURNS.items():
        if any(turn in said for turn in turns):
            return kind
    things: list[str] = []
    for n in range(first, last):
        word, sense, before = it.words[n], it.senses[n], it.words[n - 1] if n else ""
        thing = sense.thing
        if sense.deed and (n < deed_from or before in _DETERMINERS):
            thing = thing or (sense.deed if word != "phone" else "")
        elif sense.deed and sense.tags in _DOING and not (sense.deed == "answer" and things):
            return _deed(sense.deed, it, n + 1, last)
        near = it.words[n + 1] if n + 1 < last else ""
        if word in NEW and near not in NOT_REPLACED and before not in NOT_REPLACED:
            thing = "replacement"
        if thing:
            things.append(thing)
    if things:
        if things[0] in ("call", "answer"):
            return things[0]
        kind = next(kind for kind in _ORDER if kind in things)
        return {"paper": "other", "delivery": "?delivery"}.get(kind, kind)
    if any(turn in said for turn in _AT_THE_DOOR):
        return "?delivery"
    return "?other" if not _ENDED.isdisjoint(words) else ""


def _deed(deed: str, it: _Said, start: int, end: int) -> str:
    """What a deed is about, by what follows it: credit to a card is a refund, and who mails a label sends a label."""
    if deed == "credit" and not {"card", "cartao"}.isdisjoint(it.words[start:end]):
        return "refund"
    if deed == "answer" and any(sense.thing == "paper" for sense in it.senses[start:end]):
        return "other"
    return deed
