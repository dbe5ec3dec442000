"""Working out who is told: one statement, the same as one person after the other, whatever dies on the way."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from makegood.ground.retail.models import Customer, Order
from makegood.prevent.incidents.models import AffectedOrder
from makegood.prevent.outreach import errors, services
from makegood.prevent.outreach.models import Outreach, Recipient
from tests.factories import NOON, CustomerFactory, OrderFactory, colleague
from tests.prevent.outreach.twin import Affected, offered, segment_for
from tests.prevent.outreach.world import TEXTS, URL, a_draft, affect, affect_many, an_incident, states
from tests.worker import work


@pytest.fixture(autouse=True)
def _reachable(settings):
    settings.MAKEGOOD_URL = URL


TIERS, CHANNELS, LANGUAGES = ("", "gold", "Silver"), ("online", "store"), ("", "en", "pt")


def a_filter(dice: random.Random) -> dict:
    every = {
        "tiers": dice.sample(["GOLD", "silver"], 1), "channels": dice.sample(CHANNELS, 1),
        "languages": dice.sample(["en", "pt"], 1), "wrote": dice.choice(["wrote", "silent"]),
        "value_from": str(dice.randrange(1, 60)), "value_below": str(dice.randrange(20, 99)),
    }  # fmt: skip
    return {name: every[name] for name in dice.sample(sorted(every), dice.randrange(3))}


def an_offer(dice: random.Random) -> dict:
    remedy = dice.choice(["none", "replacement", "credit", "refund"])
    texts = TEXTS if remedy != "none" else {"en": {"subject": "Sorry", "body": "It is late."}}
    offer = {"remedy": remedy, "texts": texts, "amount": None, "percent": None, "cap": None}
    if remedy in ("credit", "refund"):
        if dice.random() < 0.5:
            return offer | {"amount": Decimal(dice.randrange(1, 9000)) / 100}
        return offer | {"percent": dice.randrange(1, 101), "cap": dice.choice([None, Decimal(dice.randrange(1, 50))])}
    return offer


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(8))
def test_each_gets_the_segment_and_the_offer_that_a_plain_loop_gives(seed):
    dice, incident = random.Random(seed), an_incident()
    for _ in range(40):
        customer = CustomerFactory(loyalty_tier=dice.choice(TIERS), language=dice.choice(LANGUAGES))
        for _ in range(dice.choice((1, 1, 2))):
            order = OrderFactory(
                customer=customer, channel=dice.choice(CHANNELS), currency=dice.choice(["GBP", "GBP", "EUR"])
            )
            affect(incident, order, value=Decimal(dice.randrange(1, 9900)) / 100)
    outreach = a_draft(incident, who=a_filter(dice), **an_offer(dice))
    for n in range(dice.randrange(3)):
        given = {"name": f"Segment {n}", "who": a_filter(dice), **an_offer(dice)}
        services.save_segment(outreach_id=outreach.pk, given=given)
    services.draw(outreach_id=outreach.pk, now=NOON)

    segments = list(outreach.segments.all())
    drawn = list(Recipient.objects.filter(outreach=outreach).select_related("customer"))
    assert len(drawn) == Customer.objects.filter(pk__in=AffectedOrder.objects.values("customer")).count()
    for it in drawn:
        hit = AffectedOrder.objects.filter(customer=it.customer)
        currencies = {one.currency for one in hit}
        person = Affected(
            value=sum(one.value for one in hit), currency=currencies.pop() if len(currencies) == 1 else "",
            tier=it.customer.loyalty_tier, channel=Order.objects.get(pk=it.orders[0]).channel,
            language=it.customer.language, wrote=False,
        )  # fmt: skip
        segment = segment_for(segments, person)
        why = "" if segment else "no_segment"
        if segment and segment.remedy != "none" and person.currency != outreach.currency:
            why = "currency"
        wanted = (segment, person.value, person.currency, why, offered(segment, person.value) if not why else 0)
        assert (it.segment, it.value, it.currency, it.why, it.amount) == wanted


@pytest.mark.django_db
def test_what_the_incident_means_no_longer_is_written_to_nobody():
    incident = an_incident()
    affect(incident)
    gone = affect(incident)
    AffectedOrder.objects.filter(pk=gone.pk).update(left_at=NOON)
    outreach = a_draft(incident)
    services.draw(outreach_id=outreach.pk, now=NOON)
    assert gone.customer_id not in Recipient.objects.values_list("customer", flat=True)
    AffectedOrder.objects.update(left_at=NOON)
    with pytest.raises(errors.NobodyAffected):
        services.ask_to_draw(outreach_id=outreach.pk, now=NOON)


def drawn(outreach: Outreach) -> set:
    return set(Recipient.objects.filter(outreach=outreach).values_list("person", "arm", "state", "amount"))


@pytest.mark.django_db(transaction=True)
def test_a_job_that_dies_half_way_and_runs_twice_ends_in_the_same_draw():
    incident = an_incident()
    affect_many(incident, 120)
    outreach = a_draft(incident, holdout=10)
    services.ask_to_draw(outreach_id=outreach.pk, now=NOON)
    with pytest.raises(errors.NotWorkedOut):
        services.start(outreach_id=outreach.pk, by=colleague("mia"), now=NOON)

    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        services.draw_what_was_asked(outreach_id=outreach.pk, now=NOON)
        died = drawn(outreach)
        raise KeyboardInterrupt
    assert states(outreach) == {}

    assert services.draw_what_was_asked(outreach_id=outreach.pk, now=NOON)
    assert drawn(outreach) == died
    assert not services.draw_what_was_asked(outreach_id=outreach.pk, now=NOON + timedelta(minutes=9))
    outreach.refresh_from_db()
    assert (outreach.drawn_at, outreach.draw_asked_at) == (NOON, None)
    assert states(outreach) == {"waiting": 108, "holdout": 12}


@pytest.mark.django_db(transaction=True)
def test_what_a_killed_worker_left_is_taken_up():
    incident = an_incident()
    affect(incident)
    outreach = a_draft(incident)
    services.ask_to_draw(outreach_id=outreach.pk, now=NOON)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")  # the job went with its worker
    assert services.take_up_draws(now=NOON + timedelta(minutes=1)) == 0
    assert services.take_up_draws(now=NOON + timedelta(minutes=3)) == 1
    work()
    assert states(outreach) == {"waiting": 1}
    assert services.take_up_draws(now=NOON + timedelta(minutes=9)) == 0
