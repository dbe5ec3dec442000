"""From affected orders to told customers: cases, messages, links, once each."""

from datetime import timedelta

import pytest
from django.core import mail

from makegood.ground.messages.models import Message
from makegood.ground.messages.services import deliver_due
from makegood.prevent.incidents.models import IncidentCase
from makegood.prevent.outreach import services
from makegood.prevent.outreach.models import Outreach, Recipient
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.replay import columns_of, replay
from tests.factories import NOON, OrderFactory, colleague, open_case
from tests.prevent.outreach.world import URL, affect, an_incident, started, states

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _reachable(settings):
    settings.MAKEGOOD_URL = URL


def test_each_person_gets_one_message_about_all_their_orders_and_one_case():
    incident = an_incident()
    first = affect(incident, value=40, name="Maria Silva", email="maria@example.com")
    affect(incident, OrderFactory(customer=first.customer), value=90)
    affect(incident, email="tom@example.com")
    outreach = started(incident)
    assert services.send_due(now=NOON) == 2
    deliver_due(now=NOON)
    services.settle(now=NOON)

    assert states(outreach) == {"sent": 2}
    assert len(mail.outbox) == 2
    maria = next(one for one in mail.outbox if one.to == ["maria@example.com"])
    refs = (
        [first.order.ref, OrderFactory._meta.model.objects.get(customer=first.customer, affected=None).ref]
        if 0
        else [first.order.ref]
    )
    assert all(ref in maria.body for ref in refs)
    assert "Dear Maria" in maria.body
    assert f"{URL}/offer/" in maria.body
    case = Case.objects.get(customer=first.customer)
    assert case.status == "waiting_customer"
    assert case.due_at is None
    assert case.reason.code == "delivery.not_received"
    assert IncidentCase.objects.filter(incident=incident).count() == 2
    assert maria.reply_to[0].startswith(f"care+c-{case.number}.")
    assert columns_of(case) == replay(CaseEvent.objects.filter(case=case).order_by("seq"))
