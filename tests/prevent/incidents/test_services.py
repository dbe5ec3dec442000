from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from makegood.ground.messages.models import Message, Notice
from makegood.ground.retail.models import Place
from makegood.prevent.incidents import errors, services
from makegood.prevent.incidents.cutting import predicate_of
from makegood.prevent.incidents.models import Incident, IncidentEvent, Stakeholder, State, TakenOut
from makegood.prevent.incidents.replay import columns_of, replay
from makegood.prevent.incidents.services import Declared, declare, joining, leading
from makegood.prevent.incidents.severity import TABLE, Toll, propose
from makegood.prevent.slices import Predicate
from makegood.recover.cases import services as cases
from makegood.recover.cases.models import CaseEvent, Severity
from makegood.recover.cases.replay import columns_of as columns_of_case
from makegood.recover.cases.replay import replay as replay_case
from makegood.recover.commitments.services import tell_what_is_due
from tests import factories
from tests.prevent.incidents.conftest import LOST, cases_of


def told(user):
    return list(
        Notice.objects.filter(to=user, about__startswith="incident:").order_by("id").values_list("text", flat=True)
    )


def kinds(incident):
    return list(IncidentEvent.objects.filter(incident=incident).order_by("seq").values_list("kind", flat=True))


# -- declaring


def test_what_a_signal_says_and_claims_is_what_the_incident_says_and_holds(signal, dev, noon):
    incident = declare(
        Declared(
            title="Lost", commander=dev, signal=signal,
            predicate=Predicate(any_of={"reason": [LOST]}, since=signal.since),
            case_ids=list(signal.claimed.values_list("case_id", flat=True)),
        ),
        by=dev, now=noon,
    )  # fmt: skip
    signal.refresh_from_db()
    assert signal.state == "declared"
    assert len(cases_of(incident)) == 2
    assert incident.since == signal.since


def test_a_signal_is_declared_once(signal, dev, noon):
    first = declare(Declared(title="Lost", commander=dev, signal=signal), by=dev, now=noon)
    with pytest.raises(errors.SignalDeclared, match=f"I-{first.number}"):
        declare(Declared(title="Lost again", commander=dev, signal=signal), by=dev, now=noon)
    assert Incident.objects.count() == 1


def test_only_those_who_may_lead_are_commanders(dev, ana, noon):
    with pytest.raises(errors.CannotLead, match="Ana Moreira"):
        declare(Declared(title="Lost", commander=ana), by=dev, now=noon)


@pytest.mark.parametrize("title", ["", "  \n "])
def test_an_incident_has_a_title(dev, noon, title):
    with pytest.raises(errors.SayHow):
        declare(Declared(title=title, commander=dev), by=dev, now=noon)


def test_an_unknown_dimension_is_refused_by_name(dev, noon):
    with pytest.raises(errors.UnknownDimension, match="colour"):
        declare(
            Declared(title="Lost", commander=dev, predicate=Predicate(any_of={"colour": ["red"]})), by=dev, now=noon
        )


def test_severity_is_proposed_from_its_cases_and_says_why(incident):
    assert incident.severity == propose(Toll(1, Severity.HIGH)).severity
    assert incident.severity_why == "1 customer so far (fewer than 10), harm to each: high."


def test_more_customers_or_more_harm_never_make_it_milder():
    for harm in Severity:
        row = [propose(Toll(customers, harm)).severity for customers in (0, 9, 10, 99, 100, 999, 1000, 10**6)]
        assert row == sorted(row, reverse=True)
    assert all(list(column) == sorted(column) for column in zip(*TABLE.values(), strict=True))


def test_a_recall_is_as_grave_as_harm_gets():
    assert propose(Toll(3, Severity.LOW), "recall").severity == propose(Toll(3, Severity.CRITICAL)).severity


def test_whoever_leads_an_incident_hands_over_before_their_account_is_closed(incident, dev, mia, noon):
    assert leading.what_is_led(dev) == f"Dev Patel still leads I-{incident.number}. Hand over first."
    services.hand_over(incident_id=incident.pk, to=mia, by=dev, now=noon)
    assert leading.what_is_led(dev) == ""


# -- history


def everything_done(incident, dev, mia, noon):
    """One of all that can be done with an incident."""
    of, now = {"incident_id": incident.pk, "by": dev}, noon + timedelta(hours=1)
    services.change(**of, now=now, title="Parcels lost", kind="recall", joins=False)
    services.cut_anew(**of, now=now, predicate=Predicate(any_of={"to_state": ["Devon"]}, until=now))
    services.set_severity(**of, now=now, severity=1, why="Two children were hurt.")
    services.hand_over(**of, now=now, to=mia)
    services.update(**of, now=now, words="The carrier looks into it.")
    services.say_status(**of, now=now, texts={"status_inside": "We wait.", "answer": "We are sorry."})
    services.contain(**of, now=now, how="Parcels go with Northway.", at=noon)
    services.give_task(**of, now=now, text="Call the carrier", due_at=now + timedelta(hours=4), owner=mia)
    services.say_cause(
        **of, now=now, state="found", cause="A torn belt.", locus="carrier", whys=["Parcels fell", " "], contributing=[]
    )
    services.say_review(**of, now=now, review={"d1": "Dev, Mia", "d9": "no such field"})
    services.resolve(**of, now=now)
    services.reopen(**of, now=now, why="Again.")


def test_the_columns_equal_what_the_events_give(incident, dev, mia, noon):
    everything_done(incident, dev, mia, noon)
    incident = Incident.objects.get(pk=incident.pk)
    assert columns_of(incident) == replay(incident.events.order_by("seq"))
    assert incident.version == incident.events.count() == 13
    assert incident.review == {"d1": "Dev, Mia"}
    assert incident.whys == ["Parcels fell"]


def test_what_happened_is_never_changed(incident):
    event = incident.events.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        IncidentEvent.objects.filter(pk=event.pk).update(why="otherwise")
    with pytest.raises(DatabaseError), transaction.atomic():
        event.delete()


def test_who_writes_on_an_older_version_is_told_so(incident, dev, noon):
    services.set_severity(incident_id=incident.pk, severity=1, why="", by=dev, now=noon, seen=1)
    with pytest.raises(errors.IncidentChanged):
        services.set_severity(incident_id=incident.pk, severity=4, why="", by=dev, now=noon, seen=1)


# -- the end


def test_it_ends_only_with_a_cause_or_the_word_that_none_was_found(incident, dev, noon):
    with pytest.raises(errors.SayTheCause):
        services.resolve(incident_id=incident.pk, by=dev, now=noon)
    with pytest.raises(errors.SayHow):
        services.resolve(incident_id=incident.pk, by=dev, now=noon, cause_state="not_found", cause=" ")
    done = services.resolve(
        incident_id=incident.pk, by=dev, now=noon, cause_state="not_found", cause="The carrier keeps no scans."
    )
    assert (done.state, done.resolved_at) == (State.RESOLVED, noon)


def test_the_database_refuses_an_end_without_a_cause(incident, noon):
    with pytest.raises(IntegrityError, match="incident_resolved_says_cause"), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(state="resolved", resolved_at=noon)


def test_what_is_over_is_not_led_any_more_but_can_be_learned_from(incident, dev, noon):
    of = {"incident_id": incident.pk, "by": dev, "now": noon}
    services.resolve(**of, cause_state="found", cause="A torn belt.")
    with pytest.raises(errors.IncidentIsOver):
        services.contain(**of, how="New belt", at=noon)
    services.update(**of, words="The belt was fitted wrongly.")
    with pytest.raises(errors.SayHow):
        services.say_cause(**of, state="", cause="", locus="", whys=[], contributing=[])
    with pytest.raises(errors.SayHow):
        services.reopen(**of, why="")
    assert services.reopen(**of, why="Again").state == State.OPEN
    with pytest.raises(errors.IncidentGoesOn):
        services.reopen(**of, why="Again")


def test_it_is_contained_by_something_and_not_in_the_future(incident, dev, noon):
    for how, at in (("", noon), ("New belt", noon + timedelta(minutes=1))):
        with pytest.raises(errors.SayHow):
            services.contain(incident_id=incident.pk, by=dev, now=noon, how=how, at=at)


# -- who hears of it


def test_whoever_answers_for_the_carrier_hears_of_it_once(predicate, marlbeck, dev, mia, ana, noon):
    Stakeholder.objects.create(user=ana, dimension="carrier", value=str(marlbeck.pk))
    Stakeholder.objects.create(user=mia, dimension="carrier", value=str(factories.VendorFactory().pk))
    incident = declare(Declared(title="Lost parcels", commander=dev, predicate=predicate), by=mia, now=noon)
    assert told(ana) == told(dev) == [f"Incident I-{incident.number} was declared: Lost parcels."]
    assert told(mia) == []


def test_whoever_hears_of_all_carriers_or_of_all_hears_of_it(incident, mia, ana, dev, noon):
    Stakeholder.objects.create(user=ana, dimension="carrier")
    Stakeholder.objects.create(user=mia)
    services.update(incident_id=incident.pk, words="Found.", by=dev, now=noon)
    assert told(ana) == told(mia) == [f"News of I-{incident.number}, Lost parcels: Found."]


def test_whoever_answers_for_a_district_hears_of_its_stores(ana, dev, noon):
    district = factories.PlaceFactory(kind=Place.Kind.DISTRICT)
    store = factories.PlaceFactory(parent=district)
    Stakeholder.objects.create(user=ana, dimension="district", value=str(district.pk))
    declare(
        Declared(title="Prices", commander=dev, predicate=Predicate(any_of={"store": [str(store.pk)]})),
        by=dev,
        now=noon,
    )
    assert len(told(ana)) == 1


def test_people_hear_of_what_is_graver_and_not_of_what_is_milder(incident, mia, dev, noon):
    of = {"incident_id": incident.pk, "by": mia, "now": noon, "why": "More of them."}
    services.set_severity(**of, severity=4)
    assert told(dev) == []
    services.set_severity(**of, severity=1)
    assert told(dev) == [f"I-{incident.number} is graver than thought: Lost parcels."]


def test_whoever_wants_mail_gets_it_through_the_outbox(incident, mia, dev, noon):
    dev.notices_by_mail = True
    dev.save()
    services.contain(incident_id=incident.pk, by=mia, now=noon, how="Other carrier.", at=noon)
    assert Message.objects.filter(recipient=dev.email).count() == 1


def test_a_task_is_noticed_when_it_comes_due(incident, mia, dev, noon):
    due = noon + timedelta(hours=3)
    task = services.give_task(incident_id=incident.pk, text="Call them", due_at=due, owner=mia, by=dev, now=noon)
    tell_what_is_due(now=due)
    assert Notice.objects.filter(to=mia, about=f"commitment:{task.pk}", text__startswith="Due now").exists()


# -- cases


def test_new_cases_that_match_join_by_themselves_and_others_do_not(incident, lost, noon):
    other = factories.VendorFactory(name="Northway")
    later, _, _ = lost(days=1), lost(carrier=other), lost(reason="payment.refund")
    assert services.join_matching(now=noon) == 1
    assert later.number in cases_of(incident)
    assert len(cases_of(incident)) == 2
    assert services.join_matching(now=noon) == 0
    assert kinds(incident) == ["declared", "joined"]


def test_a_case_whose_reason_is_corrected_joins_then(incident, lost, ana, noon):
    case = lost(reason="payment.refund")
    services.join_matching(now=noon)
    cases.change_reason(case_id=case.pk, reason=LOST, by=ana, now=noon)
    assert services.join_matching(now=noon) == 1
    assert case.number in cases_of(incident)


def test_what_is_outside_of_the_window_does_not_join(incident, lost, dev, predicate, noon):
    services.cut_anew(
        incident_id=incident.pk, by=dev, now=noon,
        predicate=Predicate(any_of=predicate.any_of, since=predicate.since, until=noon - timedelta(days=2)),
    )  # fmt: skip
    lost(days=3)
    assert services.join_matching(now=noon) == 0


def test_a_wider_slice_looks_at_older_cases_again(incident, lost, dev, predicate, noon):
    old = lost(reason="product.damaged")
    services.join_matching(now=noon)
    wider = {**predicate.any_of, "reason": [LOST, "product.damaged"]}
    services.cut_anew(
        incident_id=incident.pk, predicate=Predicate(any_of=wider, since=predicate.since), by=dev, now=noon
    )
    assert services.join_matching(now=noon) == 1
    assert old.number in cases_of(incident)


def test_what_was_taken_out_does_not_come_back_by_itself_but_by_hand(incident, lost, dev, noon):
    case = lost()
    services.join_matching(now=noon)
    services.take_out(incident_id=incident.pk, case_ids=[case.pk], by=dev, now=noon)
    services.cut_anew(incident_id=incident.pk, predicate=predicate_of(incident), by=dev, now=noon)
    assert services.join_matching(now=noon) == 0
    assert services.link_cases(incident_id=incident.pk, case_ids=[case.pk], by=dev, now=noon) == 1
    assert not TakenOut.objects.exists()


def test_a_case_is_of_one_incident_and_the_refusal_names_it(incident, dev, noon, lost):
    other = declare(Declared(title="Other", commander=dev), by=dev, now=noon)
    [theirs] = incident.linked.values_list("case_id", flat=True)
    mine = lost(reason="payment.refund")
    with pytest.raises(errors.CaseOfAnother, match=f"I-{incident.number}"):
        services.link_cases(incident_id=other.pk, case_ids=[mine.pk, theirs], by=dev, now=noon)
    assert not other.linked.exists()


def test_nothing_joins_what_is_over_or_closed_to_joining(incident, dev, lost, noon):
    services.change(incident_id=incident.pk, title="Lost", kind="failure", joins=False, by=dev, now=noon)
    lost()
    assert services.join_matching(now=noon) == 0
    services.change(incident_id=incident.pk, title="Lost", kind="failure", joins=True, by=dev, now=noon)
    services.resolve(incident_id=incident.pk, by=dev, now=noon, cause_state="found", cause="A belt.")
    assert services.join_matching(now=noon) == 0
    services.reopen(incident_id=incident.pk, by=dev, now=noon, why="Again")
    assert services.join_matching(now=noon) == 1


def test_a_case_that_goes_on_in_another_takes_it_along(incident, lost, ana, noon):
    case = Incident.objects.get(pk=incident.pk).linked.get().case
    survivor = factories.open_case(order=case.order, reason="payment.refund")
    cases.merge_cases(duplicate_id=case.pk, survivor_id=survivor.pk, by=ana, now=noon)
    assert survivor.number in cases_of(incident)


# -- merging


def test_what_is_merged_goes_on_and_comes_back_as_it_was(incident, lost, dev, predicate, noon):
    other = declare(
        Declared(title="Lost, too", commander=dev, case_ids=[lost(reason="payment.refund").pk]), by=dev, now=noon
    )
    services.contain(incident_id=other.pk, how="Stopped.", at=noon, by=dev, now=noon)
    was = columns_of(Incident.objects.get(pk=other.pk))
    theirs = cases_of(other)
    services.merge(duplicate_id=other.pk, survivor_id=incident.pk, by=dev, now=noon)
    other.refresh_from_db()
    assert (other.state, other.merged_into) == (State.RESOLVED, incident)
    assert theirs <= cases_of(incident)
    with pytest.raises(errors.IncidentIsOver, match=f"I-{incident.number}"):
        services.reopen(incident_id=other.pk, why="x", by=dev, now=noon)
    services.part(duplicate_id=other.pk, by=dev, now=noon)
    assert cases_of(other) == theirs
    assert not theirs & cases_of(incident)
    other = Incident.objects.get(pk=other.pk)
    assert columns_of(other) == was == replay(other.events.order_by("seq"))
    with pytest.raises(errors.CannotMerge):
        services.part(duplicate_id=other.pk, by=dev, now=noon)


def test_nothing_merges_with_itself_or_in_a_circle(incident, dev, noon):
    a, b = (declare(Declared(title=name, commander=dev), by=dev, now=noon) for name in "ab")
    with pytest.raises(errors.CannotMerge):
        services.merge(duplicate_id=a.pk, survivor_id=a.pk, by=dev, now=noon)
    services.merge(duplicate_id=a.pk, survivor_id=b.pk, by=dev, now=noon)
    with pytest.raises(errors.IncidentIsOver):
        services.merge(duplicate_id=b.pk, survivor_id=a.pk, by=dev, now=noon)
    with pytest.raises(errors.CannotMerge):
        services.merge(duplicate_id=b.pk, survivor_id=incident.pk, by=dev, now=noon)


def linked_on(case):
    """What the timeline of a case says of incidents."""
    events = CaseEvent.objects.filter(case=case, kind="linked").order_by("seq")
    return [(event.facts["did"], event.facts["incident"], event.actor and event.actor.username) for event in events]


def test_a_case_says_when_it_joined_and_when_it_left(incident, lost, dev, noon):
    case = lost(days=0.5)
    services.join_matching(now=noon)
    services.take_out(incident_id=incident.pk, case_ids=[case.pk], by=dev, now=noon, why="Was at the neighbour's.")
    services.take_out(incident_id=incident.pk, case_ids=[case.pk], by=dev, now=noon)
    services.link_cases(incident_id=incident.pk, case_ids=[case.pk], by=dev, now=noon)
    services.link_cases(incident_id=incident.pk, case_ids=[case.pk], by=dev, now=noon)
    number = incident.number
    assert linked_on(case) == [("joined", number, None), ("left", number, "dev"), ("joined", number, "dev")]
    assert CaseEvent.objects.get(case=case, facts__did="left").why == "Was at the neighbour's."
    case.refresh_from_db()
    assert case.version == CaseEvent.objects.filter(case=case).count()
    assert replay_case(CaseEvent.objects.filter(case=case).order_by("seq")) == columns_of_case(case)


def test_a_review_begins_with_what_is_on_file_and_then_is_what_was_written(client, incident, dev, noon):
    services.contain(incident_id=incident.pk, how="Another carrier takes them.", at=noon, by=dev, now=noon)
    services.say_cause(
        incident_id=incident.pk, state="found", cause="A torn belt.", locus="carrier", whys=["It was old."],
        contributing=[], by=dev, now=noon,
    )  # fmt: skip
    client.force_login(dev, backend="makegood.ground.messages.notices.StaffBackend")
    address = f"/incidents/I-{incident.number}/do/review"
    form = client.get(address).content.decode()
    assert "Another carrier takes them." in form
    assert "A torn belt.\nIt was old." in form

    services.say_review(incident_id=incident.pk, review={"d2": "Parcels were lost."}, by=dev, now=noon)
    form = client.get(address).content.decode()
    assert "Parcels were lost." in form
    assert "Another carrier takes them." not in form


def test_the_case_page_says_it_with_a_link(client, incident, lost, dev, noon):
    case = lost(days=0.5)
    services.join_matching(now=noon)
    services.take_out(incident_id=incident.pk, case_ids=[case.pk], by=dev, now=noon)
    client.force_login(dev, backend="makegood.ground.messages.notices.StaffBackend")
    page = client.get(f"/cases/C-{case.number}/").content.decode()
    link = f'<a class="in-text" href="/incidents/I-{incident.number}/">I-{incident.number}</a>'
    assert f"<strong>Joined incident</strong> {link}" in page
    assert f"took it out of incident {link}" in page


def test_after_a_merge_cases_join_by_either_predicate_until_somebody_changes_it(incident, lost, predicate, dev, noon):
    other = factories.VendorFactory()
    theirs = Predicate(any_of={"carrier": [str(other.pk)]}, since=predicate.since)
    moved = lost(carrier=other)
    duplicate = declare(Declared(title="Lost, too", commander=dev, predicate=theirs), by=dev, now=noon)
    services.join_matching(now=noon)
    services.merge(duplicate_id=duplicate.pk, survivor_id=incident.pk, by=dev, now=noon)
    assert linked_on(moved) == [("joined", duplicate.number, None), ("moved", incident.number, "dev")]
    late, ours, neither = lost(carrier=other, days=1), lost(days=1), lost(carrier=factories.VendorFactory(), days=1)
    services.join_matching(now=noon)
    assert {moved.number, late.number, ours.number} <= cases_of(incident)
    assert neither.number not in cases_of(incident)

    narrower = Predicate(any_of=predicate.any_of, since=predicate.since, until=noon + timedelta(days=30))
    leading.set_window(incident_id=incident.pk, predicate=narrower, by=dev, now=noon)
    after = lost(carrier=other, days=2)
    services.join_matching(now=noon)
    assert after.number not in cases_of(incident), "whoever changed it decided for all of it"

    services.part(duplicate_id=duplicate.pk, by=dev, now=noon)
    services.join_matching(now=noon)
    assert {moved.number, after.number} <= cases_of(duplicate)
    assert linked_on(moved)[-1] == ("moved", duplicate.number, "dev")
    assert linked_on(late)[-1] == ("joined", incident.number, None), "it joined the survivor by itself and stays"


def test_one_without_a_predicate_takes_in_what_went_into_it(predicate, lost, dev, noon):
    survivor, duplicate = (
        declare(Declared(title="Lost", commander=dev, predicate=cut), by=dev, now=noon)
        for cut in (Predicate(any_of={}), predicate)
    )
    services.merge(duplicate_id=duplicate.pk, survivor_id=survivor.pk, by=dev, now=noon)
    case = lost()
    assert services.join_matching(now=noon) == 1
    assert cases_of(survivor) == {case.number}


@pytest.mark.parametrize("of", ["duplicate", "survivor"])
def test_a_merge_while_cases_join_loses_none(monkeypatch, incident, lost, predicate, dev, noon, of):
    """The merge is through after the cases were looked for and before the row of the incident is held."""
    other = factories.VendorFactory()
    theirs = Predicate(any_of={"carrier": [str(other.pk)]}, since=predicate.since)
    duplicate = declare(Declared(title="Lost, too", commander=dev, predicate=theirs), by=dev, now=noon)
    cases = {lost(carrier=other, days=0.5).number, lost(days=0.5).number}
    looked = joining.matches

    def merge_meanwhile(asked, **among):
        found = looked(asked, **among)
        if asked == (theirs if of == "duplicate" else predicate) and not Incident.objects.filter(merged_into=incident):
            services.merge(duplicate_id=duplicate.pk, survivor_id=incident.pk, by=dev, now=noon)
        return found

    monkeypatch.setattr(joining, "matches", merge_meanwhile)
    services.join_matching(now=noon)
    services.join_matching(now=noon)
    assert cases <= cases_of(incident)
    assert not cases_of(duplicate)
