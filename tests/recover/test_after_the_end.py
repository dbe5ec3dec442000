"""What comes after a case was resolved: an answer reopens it, a late one follows it, a thank you does neither."""

from datetime import timedelta

import pytest

from makegood.recover.cases import services
from makegood.recover.cases.models import Case, CaseEvent, Contact
from makegood.recover.intake.services import receive
from tests.recover.cases.test_timeline import assert_replays


@pytest.fixture
def resolved(make_case, ana, noon):
    case = make_case()
    services.resolve_case(case_id=case.pk, outcome="recovered", cause="Lost in the depot", by=ana, now=noon)
    case.refresh_from_db()
    return case


def writes(case, body, at):
    return receive(
        channel="email", author="maria@example.com", subject=f"Re: [C-{case.number}]", body=body, at=at,
        source=case.customer.source,
    )  # fmt: skip


def test_an_answer_within_the_window_reopens(resolved, noon):
    receipt = writes(resolved, "It still has not arrived.", noon + timedelta(days=13))
    resolved.refresh_from_db()
    assert (receipt.case_id, receipt.opened, resolved.status, resolved.outcome) == (resolved.pk, False, "open", "")
    said, reopened = CaseEvent.objects.filter(case=resolved).order_by("-seq")[:2][::-1]
    assert (said.kind, reopened.kind) == ("contact", "reopened")
    assert reopened.why == "The customer wrote again. It was resolved 13 days ago; answers reopen it for 14 days."
    assert_replays(resolved.pk)


def test_a_later_answer_opens_a_case_that_follows(resolved, noon, settings):
    settings.MAKEGOOD_REOPEN_WITHIN_DAYS = 7
    receipt = writes(resolved, "It is broken again.", noon + timedelta(days=8))
    new = Case.objects.get(pk=receipt.case_id)
    assert (receipt.opened, new.follows) == (True, resolved)
    assert "resolved 8 days ago" in CaseEvent.objects.get(case=new, seq=1).why
    resolved.refresh_from_db()
    assert resolved.status == "resolved"
    assert_replays(new.pk)


def test_a_thank_you_neither_reopens_nor_moves_a_date(resolved, make_case, noon):
    open_one = make_case(reason="product.damaged")
    before = {case.pk: (case.status, case.due_at, case.rank_at, case.last_contact_at) for case in (resolved, open_one)}
    for case in (resolved, open_one):
        receipt = writes(case, "Thank you so much, all is well!", noon + timedelta(days=2))
        assert receipt.case_id == case.pk
        assert "only says thank you" in receipt.why
    after = {c.pk: (c.status, c.due_at, c.rank_at, c.last_contact_at) for c in Case.objects.all()}
    assert after == before
    assert Contact.objects.filter(body__startswith="Thank you").count() == 2
    assert_replays(resolved.pk)


def test_a_thank_you_that_names_no_case_goes_to_the_one_resolved_lately(resolved, order, noon):
    receipt = receive(
        channel="email", author="maria@example.com", body=f"Order {order.ref} came, thank you!",
        at=noon + timedelta(days=1), source=order.source,
    )  # fmt: skip
    assert (receipt.case_id, Case.objects.count()) == (resolved.pk, 1)


def test_where_a_case_about_the_same_is_open_the_answer_goes_there(resolved, make_case, noon):
    twin = make_case(at=noon + timedelta(days=1))
    receipt = writes(resolved, "Where is it?", noon + timedelta(days=2))
    assert receipt.case_id == twin.pk
    assert f"C-{twin.number} about the same matter is open" in receipt.why


def test_a_late_answer_about_what_another_open_case_is_about_goes_there(resolved, make_case, noon):
    other = make_case(reason="product.damaged", at=noon + timedelta(days=30))
    receipt = writes(resolved, "The lamp arrived damaged, it is broken.", noon + timedelta(days=31))
    assert (receipt.case_id, receipt.opened) == (other.pk, False)
    assert_replays(other.pk)


def test_answers_to_a_merged_case_arrive_at_the_survivor(make_case, ana, noon):
    first, second = make_case(), make_case(reason="product.damaged")
    services.merge_cases(duplicate_id=second.pk, survivor_id=first.pk, by=ana, now=noon)
    assert writes(second, "And the lamp?", noon + timedelta(hours=1)).case_id == first.pk
    services.resolve_case(case_id=first.pk, outcome="recovered", cause="", by=ana, now=noon + timedelta(hours=2))
    assert writes(second, "The lamp is still broken.", noon + timedelta(days=1)).case_id == first.pk
    first.refresh_from_db()
    assert first.status == "open"
    assert_replays(first.pk)
