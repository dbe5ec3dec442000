"""The words, the quiet hours and chance: the rules by themselves."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from makegood.prevent.outreach import services
from makegood.prevent.outreach.deciding import is_quiet
from makegood.prevent.outreach.models import Recipient, Segment
from makegood.prevent.outreach.wording import Filling, problems_of, words_for
from tests.factories import NOON, OrderFactory
from tests.prevent.outreach.world import TEXTS, a_draft, affect, affect_many, an_incident, draw


@given(minutes=st.integers(0, 2 * 24 * 60), zone=st.sampled_from(["UTC", "Europe/London", "Asia/Tokyo"]))
def test_quiet_hours_over_midnight_are_those_of_the_wall_clock(minutes: int, zone: str):
    now = NOON + timedelta(minutes=minutes)
    hour = now.astimezone(ZoneInfo(zone)).hour
    assert is_quiet(now, zone, (time(20), time(8))) is (hour >= 20 or hour < 8)
    assert is_quiet(now, zone, (time(8), time(20))) is (8 <= hour < 20)
    assert not is_quiet(now, zone, None)


def test_quiet_hours_follow_the_change_to_summer_time():
    before, after = (datetime(2026, 3, day, 7, 30, tzinfo=ZoneInfo("UTC")) for day in (28, 30))
    assert is_quiet(before, "Europe/London", (time(20), time(8)))
    assert not is_quiet(after, "Europe/London", (time(20), time(8)))


# -- words


def filling(**given: object) -> Filling:
    known = {
        "customer": "Maria Silva",
        "orders": ["1001", "1002"],
        "item": "Kettle",
        "amount": Decimal(5),
        "currency": "GBP",
        "case": "C-7",
        "offer_url": "https://x/offer/t",
        "stop_url": "https://x/offer/t/no-more",
    }
    return Filling(**known | given)  # type: ignore[arg-type]


def test_words_are_filled_and_end_with_the_way_out():
    words = words_for(Segment(texts=TEXTS, remedy="credit"), "pt", filling())
    assert words.subject == "O seu pedido 1001, 1002"
    assert words.body.startswith("Olá Maria,")
    assert words.body.endswith("https://x/offer/t/no-more")


def test_what_a_customer_is_called_is_never_read_as_a_field():
    words = words_for(Segment(texts=TEXTS, remedy="credit"), "en", filling(customer="{code} {link}"))
    assert words.body.startswith("Dear {code},")


@pytest.mark.parametrize(("texts", "remedy", "says"), [
    ({}, "none", "one language"),
    ({"en": {"subject": "", "body": "x"}}, "none", "both needed"),
    ({"en": {"subject": "Hi", "body": "{nmae}"}}, "none", "{nmae}"),
    ({"en": {"subject": "Hi", "body": "A credit for you"}}, "credit", "{link} is missing"),
    ({"en": {"subject": "Hi", "body": "{link}"}}, "none", "nothing is offered"),
])  # fmt: skip
def test_words_that_could_not_be_sent_are_refused_in_words(texts, remedy, says):
    [problem] = problems_of(Segment(texts=texts, remedy=remedy))
    assert says in problem


# -- chance


@pytest.mark.django_db
def test_chance_holds_out_the_same_people_whenever_it_is_asked():
    incident = an_incident()
    affect_many(incident, 200)
    outreach = a_draft(incident, holdout=10)
    assert draw(outreach) == {"waiting": 180, "holdout": 20}
    held = Recipient.objects.filter(outreach=outreach, arm="holdout").values_list("person", flat=True)
    first = set(held)
    draw(outreach)
    assert set(held.all()) == first
    other = a_draft(incident, holdout=10)
    draw(other)
    assert set(Recipient.objects.filter(outreach=other, arm="holdout").values_list("person", flat=True)) != first


@pytest.mark.django_db
def test_of_each_segment_the_same_share_is_held_out():
    incident = an_incident()
    for tier, people in (("gold", 20), ("", 40)):
        for _ in range(people):
            affect(incident, loyalty_tier=tier)
    outreach = a_draft(incident, holdout=25, name="Gold", who={"tiers": ["gold"]})
    services.save_segment(
        outreach_id=outreach.pk, given={"name": "Rest", "texts": TEXTS, "remedy": "credit", "amount": 2}
    )
    draw(outreach)
    held = Recipient.objects.filter(outreach=outreach, arm="holdout")
    assert held.filter(segment__name="Gold").count() == 5
    assert held.filter(segment__name="Rest").count() == 10


@pytest.mark.django_db
def test_the_database_lets_nobody_tell_whom_chance_held_out():
    incident = an_incident()
    affect(incident)
    affect(incident, OrderFactory())
    outreach = a_draft(incident, holdout=50)
    draw(outreach)
    held = Recipient.objects.filter(outreach=outreach, arm="holdout")
    assert held.count() == 1
    with pytest.raises(IntegrityError, match="recipient_holdout_untouched"), transaction.atomic():
        held.update(state="waiting")
