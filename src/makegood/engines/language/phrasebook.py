"""Phrases as data, and how they are found in a text.

A phrasebook is one file, ``phrases/<language>.toml``; to teach a language, add a file. It lists phrases under
reason codes (with a weight from 1, a hint, to 5, says it outright) and under kinds of distress. A phrase is words
parted by single spaces:

=============  ==================================================================================
``chegou``     this word
``receb*``     a word that begins so
``a|b|c_d``    one of these; ``_`` stands for a space inside an alternative
``{neg}``      one of the words of a set, from ``[sets]``
``meu?``       this word or none
``..``         up to three words (``...``: up to six), in one sentence, no negator or wall among them
``didn't``     an apostrophe or hyphen may be there or not, or be a space
=============  ==================================================================================

A phrase begins with a word that must be there. It is compiled to a regular expression in which every repetition
has an upper bound and neighbours never match the same character, so no text makes it slow. Texts are folded first
(`fold`): lower case, accents off, one character for one, so that a place in the folded text is the same place in
the text.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

# A complaint says why it came early on; what follows is mostly quoted mail. Bounds the work for hostile input.
READ_AT_MOST = 4_000

_WORD = re.compile(r"[a-z0-9]+")
# What stands between two words of a phrase: never the end of a sentence.
_GAP = r"[^a-z0-9.!?]{1,4}"
_SOFT = r"[^a-z0-9]?"
_END = r"(?![a-z0-9])"
_HEAD = 3
_SKIPS = {"..": 3, "...": 6}
# Words met and the groups they may open; emptied when full, so that hostile vocabularies cannot fill the memory.
_REMEMBER_AT_MOST = 20_000


class Hit(NamedTuple):
    """A phrase found: its label, its weight and its place in the folded text."""

    label: str
    weight: int
    start: int
    end: int


class _Phrase(NamedTuple):
    """A phrase after its first word."""

    label: str
    weight: int
    words: int
    tail: str  # regular expression
    needs: frozenset[str]  # beginnings of words, one of which the rest of the phrase contains; empty: no telling


class _Tail(NamedTuple):
    """The phrases of one label that one first word opens."""

    label: str
    weights: tuple[int, ...]  # of the groups of the expression
    needs: frozenset[str]
    match: Callable[[str, int], re.Match[str] | None]


class _Folding(dict[int, str]):
    """A translation table that fills itself: any character to one ASCII character, a space where none is like it."""

    def __missing__(self, code: int) -> str:
        first = unicodedata.normalize("NFKD", chr(code))[0]
        if first.isascii():
            plain = first.lower() if first.isprintable() else " "
        else:
            plain = {"ß": "s", "ø": "o", "Ø": "o", "æ": "a", "Æ": "a", "đ": "d", "ł": "l"}.get(first, "-")
        self[code] = plain
        return plain


_FOLDING = _Folding()


def readable(text: str) -> str:
    """The part of a text that is read: its first `READ_AT_MOST` characters, in composed form (NFC)."""
    head = text[:READ_AT_MOST]
    return head if head.isascii() else unicodedata.normalize("NFC", head)[:READ_AT_MOST]


def fold(text: str) -> str:
    """Lower case, without accents, the same length as the text.

    >>> fold("NÃO recebi")
    'nao recebi'
    """
    return text.lower() if text.isascii() else text.translate(_FOLDING)


class Phrases:
    """Labelled phrases, looked up by their first word and compiled as those words are met.

    Safe to share between threads: two may compile the same expression, to the same end.

    Parameters
    ----------
    groups : mapping of label to (mapping of weight to phrases)
    sets : mapping of name to alternatives, for ``{name}`` in a phrase
    negators, between : words
        A phrase right after a negator, or after a negator and one word of `between`, is not counted, unless the
        phrase begins with a negator itself.
    walls : words
        No gap reaches over one of these, nor over a negator.

    Raises
    ------
    ValueError
        A phrase is empty, names an unknown set, or begins with a gap or an optional word. The message quotes it.

    """

    def __init__(
        self,
        groups: Mapping[str, Mapping[int, Sequence[str]]],
        *,
        sets: Mapping[str, str],
        negators: frozenset[str],
        between: frozenset[str],
        walls: frozenset[str] = frozenset(),
    ) -> None:
        self._negators = negators
        self._between = between
        self._phrases: list[_Phrase] = []
        self._openers: dict[str, list[int]] = {}
        self._stems: dict[str, list[int]] = {}
        self._met: dict[str, tuple[_Tail, ...]] = {}
        self._tails: dict[frozenset[int], tuple[_Tail, ...]] = {}
        for label, by_weight in groups.items():
            for weight, phrases in by_weight.items():
                for phrase in phrases:
                    tokens = _tokens(phrase, sets)
                    rest, needs = _pattern(tokens[1:], negators | walls), _needs(tokens[1:])
                    for word, tail in _openings(tokens[0]):
                        where = self._stems if word.endswith("*") else self._openers
                        where.setdefault(word.removesuffix("*"), []).append(len(self._phrases))
                        self._phrases.append(_Phrase(label, weight, len(tokens), tail + rest, needs))

    def find(self, folded: str) -> list[Hit]:
        """All phrases in a folded text, in order; those of one label do not overlap one another."""
        # Most openers ("not") open far more than follows; a look at how the text's words begin spares the rest.
        heads = {word[:_HEAD] for word in _WORD.findall(folded)}
        hits: list[Hit] = []
        done: dict[str, int] = {}
        met, negators, between = self._met, self._negators, self._between
        last, last_but_one, last_end = "", "", 0
        for word_match in _WORD.finditer(folded):
            word = word_match.group()
            end = word_match.end()
            tails = met.get(word)
            if tails is None:
                tails = self._meet(word)
            if tails:
                start = word_match.start()
                negated = (
                    (last in negators or (last_but_one in negators and last in between))
                    and word not in negators
                    and folded[last_end:start].isspace()
                )
                if not negated:
                    for label, weights, needs, match_tail in tails:
                        if needs and needs.isdisjoint(heads):
                            continue
                        if start >= done.get(label, 0) and (match := match_tail(folded, end)):
                            done[label] = match.end()
                            hits.append(Hit(label, weights[(match.lastindex or 1) - 1], start, match.end()))
            last_but_one, last, last_end = last, word, end
        return hits

    def _meet(self, word: str) -> tuple["_Tail", ...]:
        """What may follow a word for a phrase to be there. Words that open the same phrases share the answer."""
        opened = list(self._openers.get(word, ()))
        for length in range(1, min(len(word), 20) + 1):
            opened += self._stems.get(word[:length], ())
        key = frozenset(opened)
        tails = self._tails.get(key)
        if tails is None:
            tails = self._tails[key] = _compile([self._phrases[n] for n in sorted(key)])
        if len(self._met) >= _REMEMBER_AT_MOST:
            self._met.clear()
        self._met[word] = tails
        return tails


class Phrasebook:
    """What one language knows: phrases of reasons, phrases of distress, and how reasons go together.

    Attributes
    ----------
    language : ISO 639-1 code
    common : frozenset of folded words that texts of this language are full of
    reasons, distress : Phrases
    together : tuple of (one label, another label, what they mean together)

    """

    def __init__(self, source: str) -> None:
        data = tomllib.loads(source)
        sets: dict[str, str] = data["sets"]
        negators = _words(data["negators"])
        between = _words(data["between"])
        walls = _words(data["walls"])
        self.language: str = data["language"]
        self.common = frozenset(data["common"].split("|"))
        self.together: tuple[tuple[str, str, str], ...] = tuple((a, b, c) for a, b, c in data["together"])
        self.reasons = Phrases(
            {label: {int(weight): found for weight, found in rows.items()} for label, rows in data["reasons"].items()},
            sets=sets,
            negators=negators,
            between=between,
            walls=walls,
        )
        self.distress = Phrases(
            {kind: {1: found} for kind, found in data["distress"].items()},
            sets=sets,
            negators=negators,
            between=between,
            walls=walls,
        )
        self.labels = frozenset(data["reasons"])


@cache
def phrasebooks() -> dict[str, Phrasebook]:
    """The phrasebooks that there are, by language. Read and compiled at the first call; a tenth of a second."""
    folder = resources.files(__package__) / "phrases"
    books = (Phrasebook(f.read_text("utf-8")) for f in folder.iterdir() if f.name.endswith(".toml"))
    return dict(sorted((book.language, book) for book in books))


def books_for(language: str, folded: str) -> list[Phrasebook]:
    """The phrasebooks to read a text with: the one named, or else those whose common words it has most of."""
    books = phrasebooks()
    if language:
        book = books.get(language.replace("_", "-").split("-")[0].lower())
        return [book] if book else []
    words = set(folded.split())
    votes = [(len(words & book.common), book) for book in books.values()]
    most = max(count for count, _ in votes)
    return [book for count, book in votes if count == most]


def quote(text: str, hits: Iterable[Hit], *, at_most: int = 3) -> tuple[str, ...]:
    """The words of the text under some hits, each once, as the customer wrote them (white space squeezed)."""
    quotes: dict[str, str] = {}
    for hit in hits:
        words = " ".join(text[hit.start : hit.end].split())
        quotes.setdefault(words.lower(), words)
    return tuple(quotes.values())[:at_most]


def _words(alternatives: str) -> frozenset[str]:
    """Folded words; of "isn't", both ways it may be met: its first half "isn" and "isnt"."""
    words = alternatives.split("|")
    return frozenset(w.split("'")[0] for w in words if w != "can't") | frozenset(w.replace("'", "") for w in words)


def _tokens(phrase: str, sets: Mapping[str, str]) -> list[str]:
    try:
        tokens = [re.sub(r"\{(\w+)\}", lambda m: sets[m[1]], token) for token in phrase.split(" ")]
    except KeyError as unknown:
        message = f"Phrase {phrase!r} names the set {unknown}, which the phrasebook does not have."
        raise ValueError(message) from None
    if tokens[0] in _SKIPS or tokens[-1] in _SKIPS or tokens[0].endswith("?") or not all(tokens):
        message = f"Phrase {phrase!r} must begin with a word that has to be there, its words parted by one space."
        raise ValueError(message)
    return tokens


def _openings(token: str) -> Iterator[tuple[str, str]]:
    """First words of a phrase's first token, each with the expression for the rest of that alternative."""
    for alternative in token.split("|"):
        pattern = _alternative(alternative)
        if "_" in alternative:
            word, _, rest = alternative.partition("_")
            yield word, _GAP + _alternative(rest) + _END
        elif match := re.fullmatch(r"([a-z0-9]+)(['.-])(.+)", alternative):
            # "didn't" is met as "didn" and, where the apostrophe was left out, as "didnt".
            yield match[1], "[^a-z0-9]" + _alternative(match[3]) + _END
            yield match[1] + match[3], ""
        elif pattern:
            yield alternative, ""


def _pattern(tokens: Sequence[str], walls: frozenset[str]) -> str:
    """What must follow the first word. A gap holds no wall: "came .. broken" is not in "came and is not broken"."""
    pattern, skip = "", 0
    unlike = f"(?!(?:{'|'.join(sorted(walls))}){_END})" if walls else ""
    for token in tokens:
        if token in _SKIPS:
            skip = _SKIPS[token]
            continue
        words = "(?:" + "|".join(_alternative(a) for a in token.removesuffix("?").split("|")) + ")" + _END
        step = (f"(?:{_GAP}{unlike}[a-z0-9]{{1,30}}){{0,{skip}}}?{_GAP}" if skip else _GAP) + words
        pattern += f"(?:{step})?" if token.endswith("?") else step
        skip = 0
    return pattern


def _needs(tokens: Sequence[str]) -> frozenset[str]:
    """Beginnings of the most telling word that must follow: of all such tokens, the one with fewest alternatives."""
    found: list[set[str]] = []
    for token in tokens:
        if token in _SKIPS or token.endswith("?"):
            continue
        heads: set[str] = set()
        for alternative in token.split("|"):
            first = alternative.split("_")[0]
            # A short stem begins too many words to be told by their heads.
            heads |= {""} if len(first) <= _HEAD and first.endswith("*") else {re.split(r"['.-]", first)[0][:_HEAD]}
            heads.add(re.sub(r"['.*-]", "", first)[:_HEAD])
        if "" not in heads:
            found.append(heads)
    fewest = min(found, key=len, default=set[str]())
    return frozenset(fewest)


def _compile(phrases: Iterable[_Phrase]) -> tuple[_Tail, ...]:
    by_label: dict[str, dict[int, list[_Phrase]]] = {}
    for phrase in phrases:
        by_label.setdefault(phrase.label, {}).setdefault(phrase.weight, []).append(phrase)
    tails = []
    for label, by_weight in by_label.items():
        weights = tuple(sorted(by_weight, reverse=True))
        # An alternation takes the first that fits: the weightiest, then the longest.
        groups = (sorted(by_weight[weight], key=lambda p: -p.words) for weight in weights)
        regex = "|".join("(" + "|".join(dict.fromkeys(p.tail for p in group)) + ")" for group in groups)
        needs = [phrase.needs for group in by_weight.values() for phrase in group]
        needed = frozenset[str]().union(*needs) if all(needs) else frozenset[str]()
        tails.append(_Tail(label, weights, needed, re.compile(regex).match))
    return tuple(tails)


def _alternative(words: str) -> str:
    found = "".join({"_": _GAP, "*": "[a-z0-9]{0,20}", "'": _SOFT, "-": _SOFT, ".": _SOFT}.get(c, c) for c in words)
    if not re.fullmatch(r"[a-z0-9_*'.\-]+", words):
        message = f"{words!r} is not a folded word."
        raise ValueError(message)
    return found
