"""The weekly report says what went wrong, whether it was more than chance, and what changed."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from makegood.ground.retail.models import Source
from makegood.lead.scorecards.errors import BadWeek, SourceNotFound
from makegood.lead.scorecards.services.weekly import weekly_report
from makegood.lead.scorecards.weeks import Week
from makegood.prevent.lake import lake_state

MONDAY = datetime(2018, 2, 26, tzinfo=UTC)
AFTER = datetime(2018, 3, 20, 12, 0, tzinfo=UTC)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),  # ibis 12 with duckdb 2
]


@pytest.fixture
def filled(shop, lake):
    shop.fill()
    lake()
    return shop


def report(week="2018-W09", **options):
    return weekly_report(week=week, now=AFTER, **options)


def test_what_went_wrong_is_told_with_what_was_to_be_expected(filled):
    told = report()
    late, faulty = told.reasons

    assert (told.orders_due, told.orders_due_last_week) == (80, 60)
    assert (late.name, late.cases, late.last_week, late.mean, late.outside) == ("Delivered late", 40, 6, 6.0, "above")
    assert late.expected == 8.0  # six of sixty, now of eighty
    assert (faulty.name, faulty.cases, faulty.outside) == ("Faulty or stopped working", 4, "")
    assert told.cases.cases == 44


def test_what_changed_adds_up_in_the_table_and_in_the_sentence(filled):
    told = report()
    late, faulty = told.changed_by_reason

    assert (late.change, late.volume, late.rate) == (34, 6.0, 28.0)
    assert late.sentence == (
        "Delivered late: 40 cases, 34 more than last week: 6 because more orders were due, "
        "28 because a larger share failed."
    )
    assert faulty.sentence == (
        "Faulty or stopped working: 4 cases, as many as last week: 1.2 more because more orders were due, "
        "1.2 fewer because a smaller share failed."
    )
    assert told.changed.volume == late.volume + faulty.volume
    assert told.changed.volume + told.changed.rate == told.changed.change == 34


def test_the_route_that_fails_stands_on_top(filled):
    told = report()
    states, routes, _sellers = told.late_by

    worst = routes.rows[0]
    assert (worst.name, worst.due, worst.late, worst.outside) == ("SP → RJ", 45, 30, True)
    assert (worst.expected, worst.excess, worst.expected_from) == (3.0, 27.0, "own")
    assert not routes.rows[1].outside
    assert states.rows[0].name == "RJ"
    assert routes.over_trend[0].name == "SP → RJ"
    assert (told.late.exposure, told.late.count) == (80, 32)
    assert told.late.outside == "above"
    assert [point.outside for point in told.late_trend[:-1]] == [""] * 25


def test_slices_with_few_shipments_are_left_out_and_counted(filled, lake):
    filled.orders(0, 3, late=3, route=("SP", "AC"))
    lake()
    (routes,) = (ranking for ranking in report().late_by if ranking.by == "routes")
    assert (routes.shown_of, routes.too_few, routes.too_few_due) == (2, 1, 3)


def test_waits_are_medians_or_too_few(filled):
    first, resolution = report().waits
    assert (first.n, first.median, first.too_few) == (40, 21.5 * 3600, False)
    assert first.median_low < first.median < first.median_high
    assert resolution.too_few
    assert resolution.median is None


def test_the_headline_is_one_sentence_about_cases_and_one_about_parcels(filled):
    assert report().headline == (
        "Cases rose from 10 to 44, above the 2 to 24 to be expected; the largest change is Delivered late (+34). "
        "32 of 80 shipments due were late (40.0 %); 5 were to be expected, at most 12 by chance."
    )


def test_nothing_is_known_before_its_time(filled, lake):
    tuesday = MONDAY + timedelta(days=1)
    early = report(as_of=tuesday)
    assert (early.orders_due, early.late.exposure, early.cases.cases, early.complete) == (48, 0, 0, False)
    assert early.notes

    before = report().as_json()
    filled.cases(1, 30)  # the week after
    filled.orders(1, 30, late=30)
    lake()
    after = report().as_json()
    assert {**before, "lake_refreshed_at": 0} == {**after, "lake_refreshed_at": 0}


def test_a_week_without_anything_says_so_and_names_the_last_one_with_data(filled):
    told = report("2018-W11")
    assert told.empty
    assert told.headline == "Nothing was due and no case was opened in 2018-W11. The last week with data is 2018-W09."


def test_an_empty_lake_is_no_error(shop, lake):
    assert report().headline == "There is nothing to report yet: no orders and no cases are known."


def test_without_a_week_it_is_the_last_one_that_is_over(filled):
    assert weekly_report(now=MONDAY + timedelta(days=8)).week == "2018-W09"


def test_a_history_that_has_just_begun_expects_nothing(shop, lake):
    shop.orders(0, 30, late=5)
    shop.cases(0, 9)
    lake()
    told = report()
    assert told.reasons[0].expected is None
    assert told.late_by[1].rows[0].expected is None
    assert "Too few weeks" in told.notes[0]


def test_one_source_only(filled, lake):
    other = Source.objects.create(slug="shop", name="Shop", time_zone="UTC")
    filled.orders(0, 5, source=other)
    lake()
    assert report(source="shop").orders_due == 5
    assert report().orders_due == 85
    with pytest.raises(SourceNotFound, match=r'no source "nope"\. There are: olist, shop\.'):
        report(source="nope")


def test_only_what_belongs_to_the_places_one_may_see(filled, lake):
    mine, theirs = filled.place("Mine"), filled.place("Theirs")
    filled.orders(0, 7, place=mine)
    filled.cases(0, 3, place=mine)
    filled.cases(0, 5, place=theirs)
    lake()
    told = report(places=[mine.pk])
    assert (told.orders_due, told.cases.cases) == (7, 3)
    assert report(places=[]).empty


def test_weeks_are_those_of_the_source(shop, lake):
    shop.source.time_zone = "America/Sao_Paulo"
    shop.source.save()
    shop.cases(-1, 1)
    lake()
    told = report("2018-W08")
    assert told.time_zone == "America/Sao_Paulo"
    assert told.starts.isoformat() == "2018-02-19T00:00:00-03:00"


def test_a_corrected_case_is_found_by_the_next_refresh(filled, lake):
    from makegood.recover.cases.models import Case, CaseEvent, Reason

    case = Case.objects.filter(reason__code="delivery.late", opened_at__gte=MONDAY).first()
    Case.objects.filter(pk=case.pk).update(reason=Reason.objects.get(code="product.faulty"))
    CaseEvent.objects.create(case=case, seq=2, kind="reason", at=case.opened_at)
    lake()
    assert [row.cases for row in report().reasons] == [39, 5]


def test_the_state_of_the_lake_changes_only_when_facts_do(filled, lake, monkeypatch):
    from makegood.engines.lake import export

    monkeypatch.setattr(export, "MARGIN", timedelta(0))
    lake()
    before = lake_state()
    lake(AFTER + timedelta(hours=1))
    after = lake_state()
    assert after.refreshed_at == before.refreshed_at + timedelta(hours=1)
    assert after.stamp == before.stamp
    assert after.rows == {"orders": 1040, "shipments": 1040, "exposures": 1040, "cases": 204}
    assert after.bytes > 10_000


@pytest.mark.parametrize(
    "text", ["2018-W60", "last tuesday", "2018-9", "2018-W00", "0001-W01", "9999-W52", "٢٠١٨-W09", "W09"]
)
def test_what_is_not_a_week_is_refused_in_a_sentence(text):
    with pytest.raises(BadWeek, match="is not a week"):
        Week.parse(text)


def test_week_53_exists_only_in_long_years():
    assert str(Week.parse("2020-W53").plus(1)) == "2021-W01"
    with pytest.raises(BadWeek):
        Week.parse("2021-W53")


def test_a_week_in_which_the_clock_is_moved_is_an_hour_short():
    from zoneinfo import ZoneInfo

    berlin, week = ZoneInfo("Europe/Berlin"), Week.parse("2026-W13")
    assert week.ends(berlin) - week.starts(berlin) == timedelta(hours=167)
    assert Week.of(datetime(2026, 3, 22, 23, 30, tzinfo=UTC), berlin) == week


def test_the_report_is_json_as_documented(filled):
    from pathlib import Path

    from django.core.serializers.json import DjangoJSONEncoder

    told = json.loads(json.dumps(report().as_json(), cls=DjangoJSONEncoder))
    page = Path(__file__).parents[3].joinpath("docs/reference/weekly-report.md").read_text()

    def names(value):
        if isinstance(value, dict):
            for name, inner in value.items():
                yield name
                yield from names(inner)
        elif isinstance(value, list) and value:
            yield from names(value[0])

    missing = {name for name in names(told) if f"`{name}`" not in page}
    assert not missing
