"""From affected orders to told customers: cases, messages, links, once each."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from makegood.ground.messages.models import Message
from makegood.ground.messages.services import deliver_due
from makegood.ground.messages.tokens import genuine
from makegood.prevent.incidents.models import IncidentCase, IncidentEvent, TakenOut
from makegood.prevent.outreach import services
from makegood.prevent.outreach.models import OptOut, Recipient
from makegood.recover.cases.models import Case, CaseEvent, Contact
from makegood.recover.cases.replay import columns_of, replay
from makegood.recover.cases.services import resolve_case
from tests.factories import NOON, OrderFactory, PaymentFactory, colleague, open_case
from tests.prevent.outreach.world import SILENT, URL, a_draft, affect, affect_many, an_incident, draw, started, states

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _reachable(settings):
    settings.MAKEGOOD_URL = URL


def deliver(now=NOON) -> None:
    deliver_due(now=now)
    services.settle(now=now)


def test_each_person_gets_one_message_about_all_their_orders_and_one_case():
    incident = an_incident()
    first = affect(incident, value=40, name="Maria Silva", email="maria@example.com")
    second = affect(incident, OrderFactory(customer=first.customer), value=90)
    affect(incident, email="tom@example.com")
    outreach = started(incident)
    assert services.send_due(now=NOON) == 2
    deliver()

    assert states(outreach) == {"sent": 2}
    assert len(mail.outbox) == 2
    maria = next(one for one in mail.outbox if one.to == ["maria@example.com"])
    assert f"{second.order.ref}, {first.order.ref}" in maria.body, "the one worth most comes first"
    assert "Dear Maria" in maria.body
    case = Case.objects.get(customer=first.customer)
    assert case.order == second.order
    assert (case.status, case.due_at, case.reason.code) == ("waiting_customer", None, "delivery.not_received")
    assert list(genuine(maria.reply_to[0])) == [f"C-{case.number}"], "an answer comes back to this case"
    assert IncidentCase.objects.filter(incident=incident).count() == 2
    assert columns_of(case) == replay(CaseEvent.objects.filter(case=case).order_by("seq"))


def test_the_accounts_of_one_person_get_one_message():
    incident = an_incident()
    affect(incident, person_ref="P-1", email="maria@example.com")
    affect(incident, person_ref="P-1", email="maria.old@example.com")
    outreach = started(incident)
    services.send_due(now=NOON)
    [only] = Recipient.objects.filter(outreach=outreach)
    assert len(only.orders) == len(only.accounts) == 2
    assert Message.objects.count() == 1


def test_who_is_left_out_and_why():
    incident = an_incident()
    affect(incident, email="")
    opted = affect(incident)
    OptOut.objects.create(customer=opted.customer, at=NOON)
    disputed = affect(incident)
    PaymentFactory(order=disputed.order, method="Chargeback")
    solved = affect(incident)
    case = open_case(order=solved.order)
    resolve_case(case_id=case.pk, outcome="recovered", cause="Sent again.", by=colleague("ana"), now=NOON)
    affect(incident, loyalty_tier="bronze")
    fine = affect(incident, loyalty_tier="gold")
    outreach = a_draft(incident, who={"tiers": ["Gold", ""]})
    assert draw(outreach) == {"left_out": 5, "waiting": 1}
    found = dict(Recipient.objects.filter(outreach=outreach).values_list("customer__email", "why"))
    assert sorted(why for why in found.values() if why) == [
        "dispute", "no_address", "no_segment", "opted_out", "solved",
    ]  # fmt: skip
    assert found[fine.customer.email] == ""


def test_another_outreach_of_the_same_incident_leaves_both_groups_of_the_first_alone():
    incident = an_incident()
    for _ in range(20):
        affect(incident)
    started(incident, holdout=50)
    second = a_draft(incident)
    assert draw(second) == {"left_out": 20}
    assert set(Recipient.objects.filter(outreach=second).values_list("why", flat=True)) == {"other_outreach"}


def test_an_order_put_right_is_not_offered_again_beside_one_that_is_not():
    incident = an_incident()
    solved = affect(incident, value=100)
    other = affect(incident, OrderFactory(customer=solved.customer), value=30)
    case = open_case(order=solved.order)
    resolve_case(case_id=case.pk, outcome="recovered", cause="Sent again.", by=colleague("ana"), now=NOON)
    outreach = a_draft(incident, amount=None, percent=50)
    draw(outreach)
    [person] = Recipient.objects.filter(outreach=outreach)
    assert (person.orders, person.value, person.amount) == ([other.order_id], Decimal(30), Decimal(15))


def test_whoever_opts_out_between_drawing_and_sending_gets_nothing():
    incident = an_incident()
    hit = affect(incident)
    outreach = started(incident)
    OptOut.objects.create(customer=hit.customer, at=NOON)
    services.send_due(now=NOON)
    assert states(outreach) == {"left_out": 1}
    assert not Message.objects.exists()
    assert Recipient.objects.get(outreach=outreach).arm == "told", "counted in the group that chance put them in"


def test_an_open_case_about_the_order_is_joined_and_whoever_waits_there_still_waits():
    incident = an_incident()
    hit = affect(incident)
    case = open_case(order=hit.order, at=NOON - timedelta(hours=1))
    before = columns_of(case)
    outreach = started(incident)
    services.send_due(now=NOON)
    [person] = Recipient.objects.filter(outreach=outreach)
    assert (person.case, person.opened) == (case, False)
    assert Case.objects.count() == 1
    case.refresh_from_db()
    assert columns_of(case) == before, "a message to many is no answer to what somebody asked"
    assert Contact.objects.filter(case=case, direction="out").count() == 1
    assert IncidentCase.objects.get(case=case).incident == incident


def test_a_case_taken_out_of_the_incident_by_hand_does_not_come_back():
    incident = an_incident()
    hit = affect(incident)
    case = open_case(order=hit.order)
    TakenOut.objects.create(incident=incident, case=case)
    started(incident)
    services.send_due(now=NOON)
    assert not IncidentCase.objects.exists()


def test_each_reads_the_language_they_are_known_to_read():
    incident = an_incident()
    affect(incident, language="pt-BR", email="joao@example.com", name="João Souza")
    affect(incident, language="de", email="jonas@example.com")
    started(incident)
    services.send_due(now=NOON)
    subjects = dict(Message.objects.values_list("recipient", "subject"))
    assert subjects["joao@example.com"].startswith("O seu pedido")
    assert subjects["jonas@example.com"].startswith("Your order")
    assert "Não quer receber mais" in Message.objects.get(recipient="joao@example.com").body


def test_no_more_leave_in_a_minute_than_was_said():
    incident = an_incident()
    for _ in range(5):
        affect(incident)
    outreach = a_draft(incident)
    services.change(outreach_id=outreach.pk, title="Lost", reason="delivery", holdout=0, per_minute=2)
    draw(outreach)
    services.start(outreach_id=outreach.pk, by=colleague("mia"), now=NOON)
    sent = [services.send_due(now=NOON + timedelta(seconds=20 * n)) for n in range(10)]
    assert sent == [2, 0, 0, 2, 0, 0, 1, 0, 0, 0]


def test_nobody_is_disturbed_in_the_quiet_hours_of_where_they_live():
    incident = an_incident()
    affect(incident, country="GB", email="maria@example.com")
    affect(incident, country="JP", email="wei@example.com")  # at noon UTC it is 21:00 there
    outreach = started(incident)
    services.send_due(now=NOON)
    assert list(Message.objects.values_list("recipient", flat=True)) == ["maria@example.com"]
    deliver()
    services.send_due(now=NOON + timedelta(hours=10))  # 7:00 there
    assert states(outreach) == {"sent": 1, "waiting": 1}
    services.send_due(now=NOON + timedelta(hours=11))
    assert Message.objects.count() == 2


def test_a_recall_reaches_those_who_opted_out_at_any_hour():
    incident = an_incident(kind="recall")
    hit = affect(incident)
    OptOut.objects.create(customer=hit.customer, at=NOON)
    outreach = started(incident, remedy="none", amount=None, texts=SILENT)
    services.send_due(now=NOON + timedelta(hours=12))
    assert states(outreach) == {"queued": 1}


def test_stopping_takes_back_what_has_not_left_and_says_how_many_had():
    incident = an_incident()
    for _ in range(4):
        affect(incident)
    outreach = a_draft(incident)
    services.change(outreach_id=outreach.pk, title="Lost", reason="delivery", holdout=0, per_minute=3)
    draw(outreach)
    services.start(outreach_id=outreach.pk, by=colleague("mia"), now=NOON)
    services.send_due(now=NOON)
    first = Message.objects.order_by("created_at", "pk").first()
    Message.objects.exclude(pk=first.pk).update(due_at=NOON + timedelta(hours=1))
    deliver()
    left = services.stop(outreach_id=outreach.pk, by=colleague("mia"), now=NOON)
    assert left == (1, 2, 0)
    assert states(outreach) == {"sent": 1, "waiting": 3}

    deliver(NOON + timedelta(hours=2))
    assert services.send_due(now=NOON + timedelta(minutes=5)) == 0
    assert len(mail.outbox) == 1, "nothing leaves after the stop"
    ids = set(Message.objects.values_list("message_id", flat=True))

    services.resume(outreach_id=outreach.pk, by=colleague("mia"), now=NOON + timedelta(minutes=6))
    services.send_due(now=NOON + timedelta(minutes=6))
    deliver(NOON + timedelta(minutes=6))
    assert states(outreach) == {"sent": 4}
    assert ids < set(Message.objects.values_list("message_id", flat=True)), "the same messages, not new ones"
    assert len({one.to[0] for one in mail.outbox}) == len(mail.outbox) == 4
    assert services.send_due(now=NOON + timedelta(minutes=7)) == 0
    outreach.refresh_from_db()
    assert outreach.state == "ended", "told everybody"
    did = [event.facts["did"] for event in IncidentEvent.objects.filter(incident=incident, kind="outreach")]
    assert did == ["started", "stopped", "resumed", "ended"]
    for case in Case.objects.all():
        assert columns_of(case) == replay(CaseEvent.objects.filter(case=case).order_by("seq"))


def test_ending_for_good_gives_cases_of_whom_nobody_told_to_people():
    incident = an_incident()
    affect(incident)
    outreach = started(incident)
    services.send_due(now=NOON)
    services.stop(outreach_id=outreach.pk, by=colleague("mia"), now=NOON)
    services.end(outreach_id=outreach.pk, by=colleague("mia"), now=NOON)
    assert states(outreach) == {"left_out": 1}
    assert Case.objects.get().status == "open"


def test_whom_no_message_reached_has_a_case_that_somebody_works():
    incident = an_incident()
    affect(incident)
    outreach = started(incident)
    services.send_due(now=NOON)
    Message.objects.update(status="failed")
    services.settle(now=NOON)
    assert states(outreach) == {"failed": 1}
    assert Case.objects.get().status == "open"
    Message.objects.update(status="sent", sent_at=NOON)  # somebody sent it again from the outbox
    services.settle(now=NOON)
    assert states(outreach) == {"sent": 1}


def test_a_batch_costs_the_same_statements_however_many_people():
    counts = []
    for people in (3, 60):
        incident = an_incident()
        for _ in range(people):
            affect(incident)
        outreach = started(incident, remedy="none", amount=None, texts=SILENT)
        with CaptureQueriesContext(connection) as asked:
            services.send_due(now=NOON)
        counts.append(len(asked))
        services.end(outreach_id=outreach.pk, by=colleague("mia"), now=NOON)
    assert counts[0] == counts[1]


def test_drawing_costs_the_same_statements_however_many_people(django_assert_num_queries):
    incident = an_incident()
    affect_many(incident, 300)
    outreach = a_draft(incident, holdout=10)
    with django_assert_num_queries(8):  # two of them are the ends of the transaction
        services.draw(outreach_id=outreach.pk, now=NOON)
    assert states(outreach) == {"waiting": 270, "holdout": 30}
