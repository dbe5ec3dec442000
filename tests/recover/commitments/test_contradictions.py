"""A promise that contradicts an earlier one is caught, however it is put."""

import uuid
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from makegood.engines.language.promises import find_promises
from makegood.recover.commitments.services.finding import Earlier, _contradicts

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=LONDON)
CASE = uuid.uuid4()
PAIRS = [
    line.split("\t")
    for line in (Path(__file__).parent / "contradictions.tsv").read_text().splitlines()
    if not line.startswith("#")
]


def earlier(said: str, case: uuid.UUID = CASE) -> list[Earlier]:
    return [
        Earlier(uuid.uuid4(), 1, it.kind, it.due, NOW, "Ana", case, 1) for it in find_promises(said, now=NOW) if it.due
    ]


def contradicted(first: str, later: str, case: uuid.UUID = CASE) -> bool:
    found = find_promises(later, now=NOW)
    return any(_contradicts(it, old, CASE, LONDON, later) for it in found for old in earlier(first, case))


@pytest.mark.parametrize(("expected", "first", "later"), PAIRS)
def test_other_words_for_the_same_matter(expected: str, first: str, later: str):
    assert earlier(first)
    assert contradicted(first, later) == (expected == "yes")


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair[0] == "yes"])
def test_what_was_said_contradicts_nothing_when_it_is_said_again(pair: list[str]):
    for said in pair[1:]:
        assert not contradicted(said, said)


def test_on_another_case_another_remedy_is_another_matter():
    assert not contradicted("I'll refund you today.", "We'll send a new one tomorrow.", uuid.uuid4())
    assert contradicted("I'll call you on Thursday.", "I'll call you on Friday.", uuid.uuid4())
