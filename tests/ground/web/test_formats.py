from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from makegood.ground.web import formats

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "0 min"), (59, "59 min"), (119, "119 min"), (120, "2 h"), (2879, "47 h"), (2880, "2 d"), (-90, "90 min")],
)
def test_lists_say_lengths_of_time_in_one_unit(minutes, said):
    assert formats.brief(timedelta(minutes=minutes)) == said


@pytest.mark.parametrize(
    ("minutes", "state", "said"),
    [
        (300, "later", "5 h"),
        (120, "soon", "2 h"),
        (0, "soon", "0 min"),
        (-1, "late", "1 min late"),
        (-4000, "late", "2 d late"),
    ],
)
def test_a_due_chip_says_its_state_in_words_too(minutes, state, said):
    assert formats.due(NOW + timedelta(minutes=minutes), NOW) == (state, said)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (NOW, "12:00"),
        (NOW - timedelta(days=2), "Tue 12:00"),
        (NOW - timedelta(days=20), "13 Feb"),
        (NOW - timedelta(days=400), "29 Jan 2025"),
    ],
)
def test_a_moment_is_said_as_shortly_as_it_can_be(at, said):
    assert formats.day_time(at, now=NOW) == said


def test_money_is_written_as_people_write_it():
    assert formats.money(Decimal("1234.5"), "GBP") == "£1,234.50"
    assert formats.money(Decimal(7), "") == "7.00"
    assert formats.money(None, "GBP") == ""


@pytest.mark.parametrize(
    ("name", "letters"), [("Ana Moreira", "AM"), ("ana", "A"), ("Ana B. C. Moreira", "AM"), ("", "")]
)
def test_a_face_has_two_letters_at_most(name, letters):
    assert formats.initials(name) == letters


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0.0"), (0.01, "under 0.1"), (0.06, "0.1"), (9.23, "9.2"), (120.4, "120"), (12345, "12,345"),
        (-3, "\u22123.0"), (-120.4, "\u2212120"), (-0.01, "0.0"),
    ],
)  # fmt: skip
def test_a_count_that_need_not_be_whole_is_as_exact_as_it_helps(value, said):
    assert formats.rounded(value) == said
