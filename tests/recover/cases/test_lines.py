"""What a line of the queue says."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from makegood.recover.cases.queries.queue import Row
from makegood.recover.cases.views.lines import lines

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
ROW = Row(
    id=uuid.UUID(int=1), number=7, subject="Nothing came", failed="", severity=2, status="open",
    due_at=NOON + timedelta(hours=3), opened_at=NOON - timedelta(days=1), last_contact_at=NOON - timedelta(hours=5),
    last_contact_by="customer", value=Decimal(600), currency="GBP", key=NOON, reason="Late",
    customer="Ana", tier="gold", order_ref="O-1", assignee="Bo Li",
)  # fmt: skip


@pytest.mark.parametrize(
    ("status", "spoke", "says", "urges", "ago"),
    [
        ("open", "customer", "Waits for us", True, "5 h"),
        ("waiting_customer", "customer", "Waits for us", False, "5 h"),
        ("open", "us", "Waits for them", False, "5 h"),
        ("waiting_partner", "us", "Partner has it", False, ""),
        ("resolved", "customer", "Resolved", False, ""),
    ],
)
def test_a_line_says_whose_turn_it_is(status, spoke, says, urges, ago):
    [line] = lines([ROW._replace(status=status, last_contact_by=spoke)], NOON)
    assert (line.told, line.urges, line.told_ago) == (says, urges, ago)


def test_a_case_of_which_nobody_spoke_is_not_yet_told():
    [line] = lines([ROW._replace(last_contact_at=None, last_contact_by="")], NOON)
    assert (line.told, line.told_at, line.urges) == ("Not yet told", "", False)


def test_the_clock_says_when_it_runs_out_in_the_readers_zone_and_why_it_stands_where_it_stands():
    with timezone.override("America/Sao_Paulo"):
        [line] = lines([ROW], NOON)
    assert (line.state, line.due) == ("later", "3 h")
    assert line.due_title.startswith("Thu 5 Mar 2026, 12:00 -03. Ordered by when its clock runs out; ")
    assert "High value: 4 h sooner" in line.due_title
    assert "Gold customer: 4 h sooner" in line.due_title


def test_a_resolved_case_shows_when_it_was_opened_instead_of_a_clock():
    [line] = lines([ROW._replace(status="resolved")], NOON)
    assert (line.state, line.due_title, line.due) == ("", "", "Wed 12:00")


def test_what_failed_is_the_subject_where_nobody_said_it():
    assert [line.failed for line in lines([ROW, ROW._replace(failed="Toaster")], NOON)] == ["Nothing came", "Toaster"]
