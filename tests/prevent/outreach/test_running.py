"""Who may start what, who approves, and what people do with their links."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client

from makegood.ground.asking import ask_all
from makegood.ground.messages.models import Message
from makegood.ground.messages.services import deliver_due
from makegood.prevent.incidents import services as incidents
from makegood.prevent.incidents.models import IncidentCase
from makegood.prevent.outreach import errors, panel, queries, services
from makegood.prevent.outreach.models import OptOut, Outreach, Recipient
from makegood.prevent.outreach.results import results_of
from makegood.prevent.outreach.services.answering import offer
from makegood.prevent.outreach.tokens import token_of
from makegood.recover.cases.errors import CommitmentStillOpen
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.replay import columns_of, replay
from makegood.recover.cases.services import receive_contact, resolve_case
from makegood.recover.commitments.models import Commitment
from tests.factories import NOON, OrderFactory, UserFactory, colleague
from tests.prevent.outreach.world import SILENT, URL, a_draft, affect, affect_many, an_incident, draw, started, states

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _reachable(settings):
    settings.MAKEGOOD_URL = URL
    settings.MAKEGOOD_LINK_DAYS = 10_000  # pages ask the clock of today


def told(language: str = "", **segment) -> Recipient:
    """Somebody who was told, with the offer in their hands."""
    incident = an_incident()
    affect(incident, language=language)
    outreach = started(incident, **segment)
    services.send_due(now=NOON)
    deliver_due(now=NOON)
    services.settle(now=NOON)
    return Recipient.objects.get(outreach=outreach, state="sent")


# -- limits


def test_within_the_limit_of_the_role_it_starts_at_once():
    incident = an_incident()
    affect(incident)
    outreach = a_draft(incident, amount=Decimal(50))
    draw(outreach)
    assert services.start(outreach_id=outreach.pk, by=colleague("mia"), now=NOON).state == "running"


def test_above_it_somebody_else_with_a_higher_limit_has_to_approve():
    incident = an_incident()
    affect(incident)
    outreach = a_draft(incident, amount=Decimal("50.01"))
    draw(outreach)
    mia, ada = colleague("mia"), colleague("ada")
    with pytest.raises(errors.AboveLimit):
        services.start(outreach_id=outreach.pk, by=mia, now=NOON)
    services.ask_approval(outreach_id=outreach.pk, by=mia, now=NOON, why="Many lost parcels.")
    with pytest.raises(errors.FourEyes):
        services.approve(outreach_id=outreach.pk, by=mia, now=NOON)
    with pytest.raises(errors.AboveLimit):
        services.approve(outreach_id=outreach.pk, by=UserFactory(role="manager"), now=NOON)
    with pytest.raises(errors.NotADraft):
        services.draw(outreach_id=outreach.pk, now=NOON)
    services.approve(outreach_id=outreach.pk, by=ada, now=NOON)
    outreach.refresh_from_db()
    assert (outreach.state, outreach.approved_by, outreach.asked_by) == ("running", ada, mia)
    assert [entry.kind for entry in outreach.entries.all()] == ["made", "asked", "approved", "started"]
    with pytest.raises(IntegrityError, match="outreach_four_eyes"), transaction.atomic():
        Outreach.objects.filter(pk=outreach.pk).update(approved_by=mia)


def test_the_total_counts_as_well_as_each():
    incident = an_incident()
    affect_many(incident, 300)
    outreach = a_draft(incident, amount=Decimal(50))
    draw(outreach)
    with pytest.raises(errors.AboveLimit) as refused:
        services.start(outreach_id=outreach.pk, by=colleague("mia"), now=NOON)
    assert (refused.value.total, refused.value.most_total) == (Decimal(15_000), Decimal(10_000))


def test_nobody_may_approve_more_than_anybody_may():
    incident = an_incident()
    affect(incident)
    outreach = a_draft(incident, amount=Decimal(501))
    draw(outreach)
    with pytest.raises(errors.AboveEveryLimit):
        services.ask_approval(outreach_id=outreach.pk, by=colleague("mia"), now=NOON)


def test_a_draft_that_was_sent_back_can_be_changed():
    incident = an_incident()
    affect(incident)
    outreach = a_draft(incident, amount=Decimal(100))
    draw(outreach)
    services.ask_approval(outreach_id=outreach.pk, by=colleague("mia"), now=NOON)
    services.send_back(outreach_id=outreach.pk, by=colleague("ada"), now=NOON, why="Too much.")
    [segment] = outreach.segments.all()
    services.save_segment(outreach_id=outreach.pk, segment_id=segment.pk, given={"amount": Decimal(20)})
    with pytest.raises(errors.NotWorkedOut):
        services.start(outreach_id=outreach.pk, by=colleague("mia"), now=NOON)


def test_a_recall_has_no_holdout():
    incident = an_incident(kind="recall")
    affect(incident)
    make = {"incident_number": incident.number, "title": "Recall", "by": colleague("mia"), "now": NOON}
    with pytest.raises(errors.NoHoldoutInRecall):
        services.make(**make, holdout=10)
    assert services.make(**make).holdout == 0
    with pytest.raises(IntegrityError, match="outreach_recall_without_holdout"), transaction.atomic():
        Outreach.objects.update(holdout=1)


def test_what_cannot_start_says_why(settings):
    incident = an_incident()
    with pytest.raises(errors.NobodyAffected):
        a_draft(incident)
    affect(incident, email="")
    outreach = a_draft(incident)
    draw(outreach)
    start = {"outreach_id": outreach.pk, "by": colleague("mia"), "now": NOON}
    with pytest.raises(errors.NobodyToTell):
        services.start(**start)
    settings.MAKEGOOD_URL = ""
    with pytest.raises(errors.NoAddressOfOurs):
        services.start(**start)
    with pytest.raises(errors.CannotGoThere):
        services.stop(**start)


# -- answers


def test_an_offer_is_accepted_once_and_is_said_on_the_case():
    person = told()
    token = token_of(person.pk)
    services.accept_or_decline(token=token, accept=True, now=NOON + timedelta(hours=1))
    again = services.accept_or_decline(token=token, accept=False, now=NOON + timedelta(hours=2))
    assert again.answer == "accepted"
    case = Case.objects.get(pk=person.case_id)
    assert case.status == "open", "somebody has to do what was accepted"
    [event] = CaseEvent.objects.filter(case=case, facts__answer="accepted")
    assert event.facts["amount"] == "5.00"
    assert columns_of(case) == replay(CaseEvent.objects.filter(case=case).order_by("seq"))


def test_what_was_accepted_is_promised_on_the_case():
    person = told()
    now = NOON + timedelta(hours=1)
    services.accept_or_decline(token=token_of(person.pk), accept=True, now=now)
    services.accept_or_decline(token=token_of(person.pk), accept=True, now=now)
    owed = Commitment.objects.get(case=person.case_id)
    assert (owed.kind, owed.to, owed.state, owed.owner) == ("credit", "customer", "open", colleague("mia"))
    assert owed.text.startswith("Credit of 5.00 GBP that the customer accepted")
    assert now + timedelta(days=1) < owed.due_at < now + timedelta(days=6)
    case = Case.objects.get(pk=person.case_id)
    assert columns_of(case) == replay(CaseEvent.objects.filter(case=case).order_by("seq"))
    with pytest.raises(CommitmentStillOpen), transaction.atomic():
        resolve_case(case_id=case.pk, outcome="recovered", cause="x", by=colleague("mia"), now=now)


@pytest.mark.parametrize(("accept", "remedy"), [(False, {}), (True, {"remedy": "voucher", "code": "SORRY5"})])
def test_what_was_declined_or_is_a_code_on_a_page_is_owed_by_nobody(accept, remedy):
    person = told(**remedy)
    services.accept_or_decline(token=token_of(person.pk), accept=accept, now=NOON)
    assert not Commitment.objects.exists()


def test_a_resolved_case_is_taken_up_again_for_what_was_accepted():
    person = told()
    resolve_case(case_id=person.case_id, outcome="no_answer", cause="No answer.", by=colleague("mia"), now=NOON)
    services.accept_or_decline(token=token_of(person.pk), accept=True, now=NOON + timedelta(hours=1))
    case = Case.objects.get(pk=person.case_id)
    assert (case.resolved_at, case.status) == (None, "open")
    assert Commitment.objects.get(case=case).state == "open"


def test_a_mail_program_that_opens_links_accepts_nothing(client: Client):
    person = told()
    page = client.get(f"/offer/{token_of(person.pk)}")
    assert page.status_code == 200
    assert page["X-Robots-Tag"] == "noindex"
    client.head(f"/offer/{token_of(person.pk)}")
    client.get(f"/offer/{token_of(person.pk)}/no-more")
    person.refresh_from_db()
    assert person.answer == ""
    assert not OptOut.objects.exists()
    assert client.post(f"/offer/{token_of(person.pk)}", {"answer": "accept"}).status_code == 302
    person.refresh_from_db()
    assert person.answer == "accepted"
    assert "you accepted" in client.get(f"/offer/{token_of(person.pk)}").content.decode()


def test_an_offer_speaks_the_language_of_its_message(client: Client):
    person = told(language="pt")
    assert "Sim, por favor" in client.get(f"/offer/{token_of(person.pk)}").content.decode()


@pytest.mark.parametrize("token", ["x", "AAAA.BBBB", "é"])
def test_links_that_are_none_of_ours_are_refused(client: Client, token: str):
    assert client.get(f"/offer/{token}").status_code == 404
    assert client.post(f"/offer/{token}/no-more").status_code == 404


def test_an_offer_runs_out_and_is_none_before_it_left_or_where_nothing_is_offered(settings):
    person = told()
    with pytest.raises(errors.OfferGone):
        offer(token_of(person.pk), now=NOON + timedelta(days=settings.MAKEGOOD_LINK_DAYS))
    silent = told(remedy="none", amount=None, texts=SILENT)
    with pytest.raises(errors.OfferGone):
        offer(token_of(silent.pk), now=NOON)
    incident = an_incident()
    affect(incident)
    outreach = started(incident)
    with pytest.raises(errors.OfferGone):
        offer(token_of(Recipient.objects.get(outreach=outreach).pk), now=NOON)


def test_asking_for_no_more_takes_back_what_is_on_its_way(client: Client):
    incident, second = an_incident(), an_incident(title="Another")
    hit = affect(incident)
    affect(second, OrderFactory(customer=hit.customer))
    for one in (incident, second):
        started(one)
    services.send_due(now=NOON)
    first = Recipient.objects.order_by("pk").first()
    Message.objects.filter(pk=first.message_id).update(status="sent", sent_at=NOON)
    assert "Done." in client.post(f"/offer/{token_of(first.pk)}/no-more").content.decode()
    client.post(f"/offer/{token_of(first.pk)}/no-more")
    assert OptOut.objects.count() == 1
    assert deliver_due(now=NOON) == 0
    assert not mail.outbox
    other = Recipient.objects.exclude(pk=first.pk).get()
    assert (other.state, other.why) == ("left_out", "opted_out")


@pytest.mark.django_db(transaction=True)
def test_many_clicks_at_once_are_one_answer():
    person = told()
    token = token_of(person.pk)

    def click(accept: bool) -> None:
        try:
            services.accept_or_decline(token=token, accept=accept, now=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(click, [True, False] * 8))
    assert CaseEvent.objects.filter(case=person.case_id, facts__has_key="answer").count() == 1


# -- what it brought


def test_results_compare_people_as_they_were_drawn():
    incident = an_incident()
    affect_many(incident, 60)
    outreach = started(incident, holdout=50, remedy="none", amount=None, texts=SILENT)
    services.send_due(now=NOON)
    later = NOON + timedelta(days=5)
    held = list(Recipient.objects.filter(outreach=outreach, arm="holdout").select_related("customer", "order"))
    sent = list(Recipient.objects.filter(outreach=outreach, arm="told").select_related("customer", "order", "case"))
    assert len(held) == len(sent) == 30
    from tests.factories import open_case

    for person in held[:15]:
        open_case(order=person.order, at=later)
    for person in sent[:3]:
        receive_contact(case_id=person.case_id, channel="email", author="x", body="Thank you", at=later)
    for person in sent[:10]:
        OrderFactory(customer=person.customer, placed_at=later)
    OrderFactory(customer=held[0].customer, placed_at=NOON + timedelta(days=45))
    found = results_of(outreach, now=NOON + timedelta(days=70))
    assert found is not None
    counts = {measure.name: (measure.told, measure.held_out) for measure in found.measures}
    assert counts == {"wrote": (3, 15), "wrote_elsewhere": (0, 15), "bought_30": (10, 0), "bought_60": (10, 1)}
    assert (found.told_n, found.held_out_n, found.replied) == (30, 30, 3)
    wrote = found.measures[0]
    assert wrote.good is True
    assert wrote.effect is not None
    assert found.avoided is not None
    assert found.avoided[0] == pytest.approx(12)
    assert found.avoided[1] < 12 < found.avoided[2]


def test_below_a_few_people_nothing_is_compared():
    outreach = told().outreach
    found = results_of(outreach, now=NOON + timedelta(days=1))
    assert found is not None
    assert found.measures[0].effect is None


# -- incidents that turn out to be one


def merged(one, other):
    return incidents.merge(duplicate_id=one.pk, survivor_id=other.pk, by=colleague("mia"), now=NOON)


def test_of_two_that_run_when_their_incidents_are_merged_nobody_is_told_by_both():
    one, other = an_incident(), an_incident()
    both = OrderFactory(customer__name="Both")
    for incident in (one, other):
        affect(incident, both)
    affect(one, name="One")
    affect(other, name="Other")
    first = started(one, now=NOON)
    second = started(other, now=NOON + timedelta(minutes=1))
    merged(one, other)
    services.send_due(now=NOON + timedelta(minutes=2))
    assert states(first) == {"queued": 2}
    assert states(second) == {"queued": 1, "left_out": 1}
    [left] = Recipient.objects.filter(outreach=second, state="left_out")
    assert (left.customer.name, left.why) == ("Both", "other_outreach")
    # Whatever case an outreach opened is of the incident that goes on, and goes back with the one that brought it.
    cases = IncidentCase.objects.filter(incident=other)
    assert cases.count() == 3
    assert cases.filter(came_with=one).count() == 2


def test_whom_the_later_one_told_before_the_merge_the_earlier_one_leaves_alone():
    one, other = an_incident(), an_incident()
    both = OrderFactory(customer__name="Both")
    for incident in (one, other):
        affect(incident, both)
    first = started(one, now=NOON)
    services.stop(outreach_id=first.pk, by=colleague("mia"), now=NOON)
    second = started(other, now=NOON + timedelta(minutes=1))
    services.send_due(now=NOON + timedelta(minutes=1))
    merged(one, other)
    services.resume(outreach_id=first.pk, by=colleague("mia"), now=NOON + timedelta(minutes=2))
    services.send_due(now=NOON + timedelta(minutes=2))
    assert (states(first), states(second)) == ({"left_out": 1}, {"queued": 1})


def test_the_incident_that_goes_on_shows_the_outreach_of_both_and_counts_people_once():
    one, other = an_incident(), an_incident()
    both = OrderFactory(customer__name="Both")
    for incident in (one, other):
        affect(incident, both)
        started(incident, now=NOON)
        services.send_due(now=NOON)
    affect(one, name="One")
    deliver_due(now=NOON)
    services.settle(now=NOON)
    merged(one, other)
    mia = colleague("mia")
    shown, figure = ask_all([panel.shown(other, mia, NOON), panel.contacted(other, mia, NOON)])
    numbers = list(Outreach.objects.order_by("-number").values_list("number", flat=True))
    assert [it["number"] for it in shown["outreaches"]] == numbers
    assert shown["outreaches"][1]["title"].endswith(f"(I-{one.number})")
    assert figure.figure == "1"
    assert [row.outreach.number for row in queries.outreaches(incident=other.number)] == numbers
    for outreach in Outreach.objects.filter(state="running"):
        services.end(outreach_id=outreach.pk, by=mia, now=NOON)
    told = other.events.filter(kind="outreach", facts__did="ended")
    assert {event.facts["outreach"] for event in told} == {f"O-{number}" for number in numbers}


def test_a_draft_leaves_out_whom_another_one_of_a_merged_incident_tells():
    one, other = an_incident(), an_incident()
    both = OrderFactory(customer__name="Both")
    for incident in (one, other):
        affect(incident, both)
    started(one, now=NOON)
    merged(one, other)
    assert draw(a_draft(other)) == {"left_out": 1}


# -- whoever is found later


def test_whoever_is_found_since_is_told_with_the_same_share_held_out_and_nobody_twice():
    incident = an_incident()
    affect_many(incident, 30)
    outreach = started(incident, holdout=20)
    services.send_due(now=NOON)
    deliver_due(now=NOON)
    services.send_due(now=NOON)
    outreach.refresh_from_db()
    assert (outreach.state, states(outreach)) == ("ended", {"sent": 24, "holdout": 6})
    known = Recipient.objects.filter(outreach=outreach).first()
    affect(incident, OrderFactory(customer=known.customer))  # another order of somebody who is in it
    for _person in range(10):
        affect(incident)
    assert queries.found_since(outreach) == 10
    later = NOON + timedelta(hours=1)
    assert services.add_found(outreach_id=outreach.pk, by=colleague("mia"), now=later) == 8
    assert queries.found_since(outreach) == 0
    services.send_due(now=later)
    assert states(outreach) == {"sent": 24, "holdout": 8, "queued": 8}
    assert services.add_found(outreach_id=outreach.pk, by=colleague("mia"), now=later) == 0
    assert outreach.entries.filter(kind="added").count() == 2


def test_more_people_than_a_limit_covers_are_added_by_somebody_with_a_higher_one():
    incident = an_incident()
    affect_many(incident, 190)
    outreach = started(incident, amount=Decimal(50))
    for _person in range(20):
        affect(incident)
    with pytest.raises(errors.AboveLimit), transaction.atomic():
        services.add_found(outreach_id=outreach.pk, by=colleague("mia"), now=NOON)
    assert states(outreach) == {"waiting": 190}
    assert services.add_found(outreach_id=outreach.pk, by=colleague("ada"), now=NOON) == 20


def test_a_draft_is_worked_out_again_instead():
    incident = an_incident()
    affect(incident)
    with pytest.raises(errors.CannotGoThere):
        services.add_found(outreach_id=a_draft(incident).pk, by=colleague("mia"), now=NOON)


def test_the_page_offers_those_found_since(client):
    incident = an_incident()
    affect(incident)
    outreach = started(incident)
    affect(incident)
    client.force_login(colleague("mia"))
    here = f"/outreach/O-{outreach.number}/"
    assert "1 more affected customer was found since." in client.get(here).content.decode()
    answer = client.post(f"{here}add", follow=True).content.decode()
    assert "1 person found since is told, too." in answer
    assert "found since." not in answer
