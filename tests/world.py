"""A morning with something on every page of the desk, for whoever walks them all."""

from datetime import datetime, timedelta

from makegood.ground.api import webhooks
from makegood.ground.api.models import Event
from makegood.ground.messages import notices
from makegood.ground.retail.models import ImportRun, Reject
from makegood.ground.staff import keys
from makegood.prevent.incidents.models import Stakeholder
from makegood.prevent.incidents.services import Declared, declare, give_task
from makegood.prevent.slices import Predicate
from makegood.recover.cases import services
from makegood.recover.cases.models import AssignmentRule, Case, Macro, Outcome, SavedView
from makegood.recover.cases.services.links import link_for
from makegood.recover.commitments.services.making import promise
from makegood.recover.intake.models import Mail
from tests import factories


def fill(*, now: datetime) -> list[Case]:
    """Four cases (late, promised, silent, resolved) and one of everything else that has a page."""
    ana, mia, ada = (factories.colleague(name) for name in ("ana", "mia", "ada"))
    cases = []
    for n, reason in enumerate(("delivery.not_received", "product.faulty", "delivery.overdue", "payment.refund")):
        order = factories.OrderFactory(customer__name=f"Maria Silva {n}", total=45 + 260 * n)
        factories.OrderLineFactory(order=order)
        shipment = factories.ShipmentFactory(order=order)
        factories.TrackingEventFactory(shipment=shipment)
        body = "" if reason == "delivery.overdue" else "Please help."
        at = now - timedelta(hours=30 * n + 1)
        cases.append(factories.open_case(order=order, at=at, reason=reason, shipment_id=shipment.pk, body=body))
    for case, colleague in zip(cases, (ana, mia, None, ana), strict=True):
        if colleague:
            services.assign_case(case_id=case.pk, to=colleague, by=colleague, now=now)
    services.reply(case_id=cases[1].pk, body="We will call you by Friday at 3pm.", by=mia, now=now, wait=True)
    services.resolve_case(case_id=cases[3].pk, outcome=Outcome.RECOVERED, cause="Paid back.", by=ana, now=now)
    for hours, case in ((-2, cases[0]), (5, cases[0]), (30, cases[1])):
        promise(text="We call you", kind="call", due_at=now + timedelta(hours=hours), owner=ana, by=ana,
                now=now - timedelta(hours=9), case_id=case.pk)  # fmt: skip
    incident = declare(
        Declared(title="Lost parcels", commander=ada, case_ids=[case.pk for case in cases[:2]],
                 predicate=Predicate(any_of={"reason": ["delivery.not_received"]}, since=now - timedelta(days=30))),
        by=ada, now=now,
    )  # fmt: skip
    give_task(incident_id=incident.pk, text="Call them", due_at=now + timedelta(hours=9), owner=mia, by=ada, now=now)
    Stakeholder.objects.create(user=mia, dimension="reason", value="delivery.not_received")
    link_for(cases[0].pk, now=now)
    number = f"/cases/C-{cases[0].number}/"
    notices.notify(to=[ana, mia, ada], key="walk", text="Somebody needs you.", link=number, about="case", now=now)
    Macro.objects.create(name="Still looking", body="Dear {first_name}, we still look for {order}.")
    AssignmentRule.objects.create(name="All")
    SavedView.objects.create(owner=ana, name="Late ones", address="?status=open")
    Mail.objects.create(mailbox="support", uidvalidity=1, uid=1, came_at=now, size=12, status=Mail.Status.AUTOMATIC,
                        why="An automatic answer.", sender="maria@example.com", subject="Out of office")  # fmt: skip
    run = ImportRun.objects.create(source=factories.SourceFactory(), path="/feed", started_at=now, ended_at=now)
    Reject.objects.create(
        run=run, table="orders", file="orders.csv", line=7, reason="No total.", payload='{"ref": "A"}'
    )
    keys.make_key(name="Shop", role=ana.role, scopes=["cases.see"], by=ada, now=now)
    webhooks.add_endpoint(url="https://93.184.215.14/hook", events=[Event.OPENED], by=ada, now=now)
    return cases
