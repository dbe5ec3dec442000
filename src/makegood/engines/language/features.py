"""Words and facts as numbers for the reason classifier: hashed, so that a stored model holds nobody's words.

Three blocks side by side, each of length 1 in every row: words and pairs of words; groups of 2 to 5 letters within a
word (they survive typing errors, endings and compounds); facts. A word is hashed once and remembered: texts repeat
their words, so most of a text costs a look-up for each word.
"""

import re
import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from makegood.engines.language.phrasebook import readable
from makegood.engines.language.reasons import Finding

Ints = NDArray[np.int32]

WORDS, LETTERS, FACTS = 1 << 17, 1 << 18, 1 << 12
WIDTH = WORDS + LETTERS + FACTS
# Length of each block in a row: the text decides, facts tip the scales.
_SHARES = (0.5**0.5, 0.5**0.5, 0.8)
_WORDS_AT_MOST, _LETTERS_AT_MOST = 400, 24
_GROUPS = (2, 3, 4, 5)
_WORD = re.compile(r"\w+")
_ADDRESS = re.compile(r"https?://\S{1,500}|\S{1,100}@\S{1,100}")


@dataclass(frozen=True)
class Told:
    """What is known when a reason is judged: the words, plain facts by name, and what the phrasebook finds."""

    text: str
    facts: Mapping[str, str] = field(default_factory=dict)
    finding: Finding | None = None


class Word(NamedTuple):
    """A word of a text: where it stands, and itself as compared (lower case, no accents, every digit a nought)."""

    start: int
    end: int
    plain: str


def words_of(text: str) -> list[Word]:
    """The words that count, in order; web and mail addresses are passed over."""
    read = _ADDRESS.sub(lambda found: " " * len(found[0]), readable(text))
    return [Word(*m.span(), _plain(m[0])) for m, _ in zip(_WORD.finditer(read), range(_WORDS_AT_MOST), strict=False)]


def facts_of(told: Told) -> dict[str, str]:
    """The facts that count: those given, and the reason that the phrasebook finds."""
    return {**told.facts, "phrasebook": told.finding.reason if told.finding else "nothing"}


def word_columns(words: Sequence[Word]) -> list[tuple[int, int, int]]:
    """Which columns a text fills, with the first and last word that fills each. The slow twin of `matrix`."""
    singles = [(_word_column(word.plain), n, n) for n, word in enumerate(words)]
    pairs = [(_word_column(f"{a.plain} {b.plain}"), n, n + 1) for n, (a, b) in enumerate(pairwise(words))]
    letters = [(int(column), n, n) for n, word in enumerate(words) for column in _letter_columns(word.plain)]
    return singles + pairs + letters


def fact_column(name: str, value: str) -> int:
    """The column of a fact."""
    return WORDS + LETTERS + zlib.crc32(f"{name}={value}".encode("utf-8", "replace")) % FACTS


def matrix(tellings: Sequence[Told]) -> sparse.csr_matrix:
    """How often each column is filled: shape (n, `WIDTH`), float32."""
    rows = []
    for told in tellings:
        plain = [word.plain for word in words_of(told.text)]
        own = [_word_column(word) for word in plain]
        pairs = [_word_column(f"{a} {b}") for a, b in pairwise(plain)]
        facts = [fact_column(name, value) for name, value in facts_of(told).items()]
        rows.append(np.concatenate([np.array(own + pairs + facts, np.int32), *map(_letter_columns, plain)]))
    ends = np.cumsum([0, *(len(row) for row in rows)])
    columns = np.concatenate(rows) if rows else np.zeros(0, np.int32)
    found = sparse.csr_matrix((np.ones(len(columns), np.float32), columns, ends), shape=(len(rows), WIDTH))
    found.sum_duplicates()
    return found


def weighted(counts: sparse.csr_matrix, columns: Ints, rarity: NDArray[np.float32]) -> sparse.csr_matrix:
    """Counts as weights: the columns kept, dampened, rare ones heavier, every block brought to its length."""
    kept = counts[:, columns].astype(np.float32)
    kept.data = 1 + np.log(kept.data)
    kept = kept.multiply(rarity).tocsr()
    blocks = np.searchsorted([WORDS, WORDS + LETTERS], columns, side="right")
    of_entry = blocks[kept.indices]
    row = np.repeat(np.arange(kept.shape[0]), np.diff(kept.indptr))
    for block, share in enumerate(_SHARES):
        mine = of_entry == block
        lengths = np.sqrt(np.bincount(row[mine], kept.data[mine] ** 2, minlength=kept.shape[0]))
        kept.data[mine] *= share / lengths[row[mine]]
    return kept


@lru_cache(maxsize=50_000)
def _plain(word: str) -> str:
    letters = (c for c in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(c))
    return "".join("0" if c.isdigit() else c for c in letters)[:_LETTERS_AT_MOST]


@lru_cache(maxsize=200_000)
def _word_column(words: str) -> int:
    return zlib.crc32(words.encode("utf-8", "replace")) % WORDS


@lru_cache(maxsize=50_000)
def _letter_columns(word: str) -> NDArray[Any]:
    framed = f" {word} "
    groups = {framed[n : n + size] for size in _GROUPS for n in range(len(framed) - size + 1)}
    hashes = sorted(zlib.crc32(group.encode("utf-8", "replace")) % LETTERS for group in groups)
    return np.array(hashes, np.int32) + np.int32(WORDS)
