"""Promises in sentences, against sentences written by hand: what is found, how much of it, how much of it is right."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from makegood.engines.language.promises import find_promises

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Europe/London"))


class Sentence(NamedTuple):
    language: str
    text: str
    promises: frozenset[str]


def corpus(name: str) -> list[Sentence]:
    lines = (Path(__file__).parent / name).read_text().splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return [Sentence(lang, text, frozenset(said.split(";")) - {"-"}) for lang, text, said in rows]


def found_in(text: str) -> frozenset[str]:
    found = find_promises(text, now=NOW)
    return frozenset(f"{p.kind}@{p.due:%Y-%m-%dT%H:%M}" if p.due else f"{p.kind}@?" for p in found)


class Measured(NamedTuple):
    """Of whole promises: kind and moment both right."""

    precision: float
    recall: float
    wrong: list[str]


def measure(sentences: list[Sentence]) -> Measured:
    hits = said = wanted = 0
    wrong = []
    for sentence in sentences:
        found = found_in(sentence.text)
        hits += len(found & sentence.promises)
        said += len(found)
        wanted += len(sentence.promises)
        if found != sentence.promises:
            wrong.append(f"{sentence.text} -> {sorted(found)}, not {sorted(sentence.promises)}")
    return Measured(hits / said, hits / wanted, wrong)


# The rules were made with the first two; the third was written afterwards, and they were not changed for it. What staff
# of another shop write is more like the third: every other promise is found, two of three findings are wholly right.
@pytest.mark.parametrize(
    ("name", "precision", "recall"),
    [("promises.tsv", 0.95, 0.95), ("promises_later.tsv", 0.9, 0.9), ("promises_unseen.tsv", 0.65, 0.4)],
)
def test_precision_and_recall_on_sentences_written_by_hand(name: str, precision: float, recall: float):
    measured = measure(corpus(name))
    print(f"{name}: precision {measured.precision:.2f}, recall {measured.recall:.2f}")
    assert measured.precision >= precision, "\n".join(measured.wrong)
    assert measured.recall >= recall, "\n".join(measured.wrong)


def test_the_very_words_are_kept():
    text = "Hi Maria,\nsorry for that. I\N{RIGHT SINGLE QUOTATION MARK}ll call you by Thursday, and that is that."
    [found] = find_promises(text, now=NOW)
    assert found.words == "I'll call you by Thursday"
    assert found.when == "Thursday"
    assert text[found.start :].startswith("I\N{RIGHT SINGLE QUOTATION MARK}ll call")


def test_quoted_lines_are_somebody_elses():
    assert not find_promises("> I will call you tomorrow\nThank you for writing.", now=NOW)


def test_no_text_makes_it_slow():
    # Bounded work: hostile repetition is cut at what is read, and no pattern nests its repetitions.
    for text in ("I'll " * 2_000, "will be " * 2_000, "a " * 4_000, "by thursday " * 1_000, "x" * 100_000):
        assert len(find_promises(text, now=NOW)) <= 4_000
