"""Which segment, how much, who is held out, and when: the rules by themselves."""

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
from tests.prevent.outreach.twin import Affected, fits, offered, segment_for
from tests.prevent.outreach.world import TEXTS, a_draft, affect, affect_many, an_incident, draw

MONEY = st.integers(1, 500_000).map(lambda pence: Decimal(pence) / 100)
PEOPLE = st.builds(
    Affected, value=MONEY, currency=st.just("GBP"), tier=st.sampled_from(["", "gold", "Silver"]),
    channel=st.sampled_from(["online", "store"]), language=st.sampled_from(["", "en", "pt"]), wrote=st.booleans(),
)  # fmt: skip
FILTERS = st.fixed_dictionaries({}, optional={
    "tiers": st.lists(st.sampled_from(["gold", "silver"]), max_size=2),
    "channels": st.lists(st.sampled_from(["online", "store"]), max_size=2),
    "languages": st.lists(st.sampled_from(["en", "pt"]), max_size=2),
    "wrote": st.sampled_from(["", "wrote", "silent"]),
    "value_from": MONEY.map(str), "value_below": MONEY.map(str),
})  # fmt: skip


def obvious(who: dict, person: Affected) -> bool:  # noqa: PLR0911  one a rule
    """The same filter, one rule after the other."""
    if who.get("tiers") and person.tier.lower() not in {tier.lower() for tier in who["tiers"]}:
        return False
    if who.get("channels") and person.channel not in who["channels"]:
        return False
    if who.get("languages") and person.language not in who["languages"]:
        return False
    if who.get("wrote") == "wrote" and not person.wrote:
        return False
    if who.get("wrote") == "silent" and person.wrote:
        return False
    if who.get("value_from") and person.value < Decimal(who["value_from"]):
        return False
    return not (who.get("value_below") and person.value >= Decimal(who["value_below"]))


@given(FILTERS, PEOPLE)
def test_a_filter_lets_in_whom_each_of_its_rules_lets_in(who: dict, person: Affected):
    assert fits(who, person) is obvious(who, person)


@given(st.lists(FILTERS, max_size=4), PEOPLE)
def test_the_first_segment_that_fits_counts(filters: list[dict], person: Affected):
    segments = [Segment(position=n, who=who) for n, who in enumerate(filters)]
    fitting = [segment for segment in segments if obvious(segment.who, person)]
    assert segment_for(segments, person) is (fitting[0] if fitting else None)


@given(value=MONEY, percent=st.integers(1, 100), cap=st.none() | MONEY, remedy=st.sampled_from(["credit", "refund"]))
def test_a_percentage_never_exceeds_its_cap_and_a_refund_never_what_was_hit(value, percent, cap, remedy):
    amount = offered(Segment(remedy=remedy, percent=percent, cap=cap), value)
    assert 0 <= amount <= value
    assert cap is None or amount <= cap
    assert cap is not None or abs(amount - value * percent / 100) <= Decimal("0.005")


@given(amount=MONEY, value=MONEY)
def test_a_fixed_refund_ends_at_what_was_hit_and_a_credit_does_not(amount, value):
    assert offered(Segment(remedy="refund", amount=amount), value) == min(amount, value)
    assert offered(Segment(remedy="credit", amount=amount), value) == amount
    assert offered(Segment(remedy="replacement"), value) == value
    assert offered(Segment(remedy="none"), value) == 0


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
