"""Cases that we opened ourselves, by writing first, count when the customer answers, and never as a failure."""

from datetime import UTC, datetime, timedelta

import pytest

from makegood.engines.lake.changed import Spans
from makegood.lead.scorecards.queries.changed import figures
from makegood.lead.scorecards.services.weekly import weekly_report
from makegood.prevent import casing
from makegood.recover.cases.models import Case, CaseEvent, Contact
from makegood.recover.cases.unasked import UNASKED
from makegood.recover.triage.examples import confirmed

MONDAY = datetime(2018, 2, 26, tzinfo=UTC)  # of 2018-W09
AFTER = datetime(2018, 3, 20, 12, 0, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),  # ibis 12 with duckdb 2
]


@pytest.fixture
def told_first(shop, lake):
    """Twelve told in week 8, of whom four answer in week 9. By themselves three came in week 8, two in week 9."""
    for week in range(-16, 1):
        shop.orders(week, 30)
    shop.cases(-1, 15)
    shop.cases(0, 2)
    at = MONDAY - WEEK + timedelta(days=3)
    ours = list(Case.objects.filter(opened_at=at).order_by("pk")[:12])
    for i, case in enumerate(ours):
        case.origin = f"{UNASKED}{i}"
        case.first_response_at = at
        case.status, case.resolved_at, case.outcome = "resolved", MONDAY + 50 * HOUR, "recovered"
        Contact.objects.create(case=case, channel="email", direction="out", author="Shop", at=at, body="We are sorry.")
        if i < 4:
            for hours in (2, 5):
                Contact.objects.create(
                    case=case, channel="email", direction="in", author="K", at=MONDAY + hours * HOUR, body="Thanks!"
                )
        case.save()
    lake()
    return ours


def report(week, **options):
    return weekly_report(week=week, now=AFTER, **options)


def test_the_weekly_report_counts_whoever_came_in_the_week_in_which_they_came(told_first):
    assert report("2018-W08").cases.cases == 3
    assert report("2018-W09").cases.cases == 2 + 4
    assert report("2018-W09", as_of=MONDAY + HOUR).cases.cases == 0, "nobody had answered yet"


def test_nobody_waited_for_what_we_wrote_first(told_first):
    first, resolution = report("2018-W08").waits
    assert (first.n, resolution.n) == (0, 0)
    first, resolution = report("2018-W09").waits
    assert (first.n, resolution.n) == (0, 4), "the eight who never answered did not wait"


def test_an_answer_is_there_after_the_next_refresh(told_first, lake):
    late = told_first[-1]
    Contact.objects.create(case=late, channel="email", direction="in", author="K", at=MONDAY + 9 * HOUR, body="Hello?")
    CaseEvent.objects.create(case=late, seq=2, kind="contact", at=MONDAY + 9 * HOUR)
    lake()
    assert report("2018-W09").cases.cases == 2 + 5


def test_what_changed_counts_the_same(told_first):
    spans = Spans(against=(MONDAY - WEEK, MONDAY), asked=(MONDAY, MONDAY + WEEK), as_of=AFTER)
    with figures("cases", spans) as found:
        assert (found.failed.before.sum(), found.failed.after.sum()) == (3, 6)


def test_they_are_no_failures_even_when_answered_and_nothing_is_learned_from_them(told_first):
    assert all(case.again for case in casing.of_cases([case.pk for case in told_first]))
    assert confirmed(until=AFTER) == []
