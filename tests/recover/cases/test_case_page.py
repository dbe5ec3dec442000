"""The page of a case, without a browser: what it costs, who sees it, what it refuses."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from tests.factories import (
    CustomerFactory,
    OrderFactory,
    OrderLineFactory,
    PaymentFactory,
    PlaceFactory,
    ShipmentFactory,
    TrackingEventFactory,
    colleague,
    open_case,
)

from makegood.ground.messages.models import Message
from makegood.ground.retail.models import Place
from makegood.recover.cases import services
from makegood.recover.cases.models import Case, CaseEvent, Channel, Outcome
from makegood.recover.cases.queries.case import timeline
from makegood.recover.cases.queries.glance import glance
from makegood.recover.cases.views.telling import shown

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def case(db) -> Case:
    order = OrderFactory(customer__name="Maria Silva", customer__loyalty_tier="gold")
    OrderLineFactory(order=order)
    PaymentFactory(order=order)
    shipment = ShipmentFactory(order=order)
    TrackingEventFactory.create_batch(8, shipment=shipment)
    return open_case(order=order, shipment_id=shipment.pk, at=timezone.now() - timedelta(hours=3))


@pytest.fixture
def as_ana(client):
    client.force_login(colleague("ana"))
    return client


def page(client, case, **extra):
    return client.get(f"/cases/C-{case.number}/", **extra)


def post(client, case, action, **data):
    return client.post(
        f"/cases/C-{case.number}/{action}", {"seen": Case.objects.get(pk=case.pk).version} | data, headers=HTMX
    )


def test_a_case_with_200_moments_costs_four_statements(as_ana, case, django_assert_num_queries):
    for n in range(100):
        services.receive_contact(
            case_id=case.pk, channel="email", author="Maria", body=f"Where is it? {n}", at=timezone.now()
        )
        services.add_note(case_id=case.pk, body=f"Note {n}", by=colleague("ben"), now=timezone.now())
    # who asks, the case, its timeline, and all the rest together
    with django_assert_num_queries(4):
        answer = page(as_ana, case)
    assert answer.status_code == 200
    assert answer.content.count(b'class="moment ') == 101  # a page of them and the way to the rest


def test_asking_whether_anything_changed_costs_one_statement_of_its_own(as_ana, case, django_assert_num_queries):
    mark = (
        re.search(rb'hx-get="(/cases/C-\d+/live[^"]+)"', page(as_ana, case).content)[1].decode().replace("&amp;", "&")
    )
    with django_assert_num_queries(2):  # who asks, the mark
        assert as_ana.get(mark, headers=HTMX).status_code == 204
    services.add_note(case_id=case.pk, body="Found it", by=colleague("ben"), now=timezone.now())
    answer = as_ana.get(mark, headers=HTMX)
    assert b"Found it" in answer.content
    assert b"Ben Okafor wrote a note" in answer.content
    assert b"<textarea" not in answer.content


def test_a_sent_message_counts_as_a_change_though_the_case_has_none(as_ana, case):
    services.reply(case_id=case.pk, body="On its way", by=colleague("ana"), now=timezone.now())
    mark = (
        re.search(rb'hx-get="(/cases/C-\d+/live[^"]+)"', page(as_ana, case).content)[1].decode().replace("&amp;", "&")
    )
    Message.objects.update(status="failed", last_error="Mailbox full")
    answer = as_ana.get(mark, headers=HTMX).content.decode()
    assert "Not sent" in answer
    assert "Mailbox full" in answer


def test_the_bare_number_leads_to_the_page(as_ana, case):
    assert as_ana.get(f"/cases/{case.number}/").headers["Location"] == f"/cases/C-{case.number}/"
    assert as_ana.get("/cases/C-99999999999999999999/").status_code == 404


def test_a_case_elsewhere_is_not_there_for_anybody_with_places(client, case):
    here, there = PlaceFactory(), PlaceFactory(kind=Place.Kind.DISTRICT)
    ben = colleague("ben")
    ben.places.set([here])
    client.force_login(ben)
    asks = ["resolution", "escalation", "merging", "snoozing", "splitting", "linking"]
    reads = ["", "live", "earlier", *asks]
    writes = ["say", "assignment", "reason", "status", "reopening", "waking", "merging/undo", "splitting/undo",
              "linking/undo", *asks]  # fmt: skip
    for path, method in [(path, "get") for path in reads] + [(path, "post") for path in writes]:
        answer = getattr(client, method)(
            f"/cases/C-{case.number}/{path}", {"kind": "note", "note": "x", "to": "me", "reason": "payment"}
        )
        assert answer.status_code == 404, path
    Case.objects.filter(pk=case.pk).update(place=there)
    assert page(client, case).status_code == 404
    here.parent = there
    here.save()
    ben.places.set([there])
    Case.objects.filter(pk=case.pk).update(place=here)
    assert page(client, case).status_code == 200
    assert CaseEvent.objects.filter(case=case).count() == 3


def test_an_analyst_reads_but_does_not_write(client, case):
    client.force_login(colleague("dev"))
    assert b"composer" not in page(client, case).content
    assert client.post(f"/cases/C-{case.number}/say", {"kind": "note", "note": "x"}).status_code == 403


EVIL = '<script>alert(1)</script>"\'><img src=x onerror=alert(2)>=HYPERLINK("http://evil")'


def test_nothing_that_people_wrote_comes_out_as_markup(as_ana, db):
    customer = CustomerFactory(
        name=EVIL, email="evil@example.com", phone=EVIL[:40], city=EVIL[:120], loyalty_tier=EVIL[:40], language="<i>"
    )
    order = OrderFactory(customer=customer, ref=EVIL)
    OrderLineFactory(order=order, product__name=EVIL, batch=EVIL[:80])
    shipment = ShipmentFactory(order=order, tracking_number=EVIL[:80], carrier__name=EVIL, from_state=EVIL)
    TrackingEventFactory(shipment=shipment, kind="exception", location=EVIL, description=EVIL)
    case = open_case(order=order, shipment_id=shipment.pk, subject=EVIL, failed=EVIL, why=EVIL, body=EVIL)
    ana = colleague("ana")
    services.add_note(case_id=case.pk, body=EVIL, by=ana, now=timezone.now())
    services.log_call(case_id=case.pk, body=EVIL, by=ana, now=timezone.now())
    services.resolve_case(case_id=case.pk, outcome=Outcome.LOST, cause=EVIL, by=ana, now=timezone.now())
    for path in (
        f"/cases/C-{case.number}/",
        f"/customers/{customer.pk}/",
        f"/orders/{order.pk}/",
        f"/cases/C-{case.number}/live?version=0",
    ):
        html = as_ana.get(path, headers=HTMX if "live" in path else {}).content.decode()
        assert "alert(1)" in html, path
        assert "<script>alert" not in html, path
        assert "<img" not in html, path


def test_html_of_a_mail_keeps_its_shape_and_loses_its_teeth():
    words, rest = shown(
        "<p>Any <b>news</b>?<script>x</script><img src='http://spy/1.gif'><a href='javascript:x' onclick='x'>a</a></p>"
    )
    assert str(words) == '<div class="html"><p>Any <b>news</b>?<a rel="noopener noreferrer nofollow">a</a></p></div>'
    assert rest == ""


def test_long_words_are_folded_and_none_is_lost():
    body = "\n".join(f"line {n}" for n in range(1000))
    words, rest = shown(body)
    assert len(words) < 2000
    assert f"{words}\n{rest}" == body


def test_a_reply_answers_the_parts_that_changed(as_ana, case):
    answer = post(as_ana, case, "say", kind="reply", reply="We found it.", wait="on")
    assert answer.status_code == 200
    assert answer.headers["HX-Reswap"] == "none"
    html = answer.content.decode()
    assert "We found it." in html
    assert "Waiting on the customer" in html
    assert Message.objects.get().body == "We found it."


def test_without_scripts_the_page_comes_back_with_what_was_typed(as_ana, case):
    answer = as_ana.post(f"/cases/C-{case.number}/say", {"kind": "reply", "reply": "Half a sentence", "seen": 1})
    assert answer.status_code == 409
    assert b"was changed while you looked at it" in answer.content
    assert b"Half a sentence</textarea>" in answer.content
    answer = as_ana.post(f"/cases/C-{case.number}/say", {"kind": "note", "note": "Done", "seen": 3})
    assert answer.headers["Location"] == f"/cases/C-{case.number}/"


def test_a_stale_write_says_what_is_new_and_writes_nothing(as_ana, case):
    seen = case.version
    services.receive_contact(case_id=case.pk, channel=Channel.EMAIL, author="Maria", body="It came!", at=timezone.now())
    before = CaseEvent.objects.count()
    writes = {
        "say": {"kind": "reply", "reply": "x"}, "assignment": {"to": "me"}, "reason": {"reason": "payment"},
        "status": {"status": "waiting_partner"}, "resolution": {"outcome": "lost", "unknown": "on"},
    }  # fmt: skip
    for action, data in writes.items():
        answer = as_ana.post(f"/cases/C-{case.number}/{action}", data | {"seen": seen}, headers=HTMX)
        assert answer.status_code == 409, action
        assert b"It came!" in answer.content
        assert b"was changed while you looked at it" in answer.content
    assert CaseEvent.objects.count() == before


def test_empty_and_malformed_words_are_refused_by_field(as_ana, case):
    assert post(as_ana, case, "say", kind="reply", reply="   ").status_code == 422
    assert post(as_ana, case, "say", kind="shout", reply="x").status_code == 422
    assert post(as_ana, case, "say", kind="note", note="a\0b").status_code == 422
    assert post(as_ana, case, "resolution").status_code == 422
    assert post(as_ana, case, "resolution", outcome="magic").status_code == 422
    assert post(as_ana, case, "reason", reason="no.such").status_code == 404
    assert post(as_ana, case, "assignment", to="nobody-by-that-name").status_code == 404
    assert post(as_ana, case, "status", status="resolved").status_code == 422
    assert Case.objects.get(pk=case.pk).version == case.version


def test_a_reply_without_an_address_is_refused_in_words(as_ana, db):
    case = open_case(customer=CustomerFactory(email=""))
    assert b"We have no e-mail address for this customer" in page(as_ana, case).content
    answer = post(as_ana, case, "say", kind="reply", reply="x")
    assert answer.status_code == 409
    assert b"Call them and log the call" in answer.content


def test_resolve_and_reopen(as_ana, case):
    answer = post(as_ana, case, "resolution", outcome="recovered", cause="Label unreadable", locus="carrier")
    assert b"Undo" in answer.content
    resolved = Case.objects.get(pk=case.pk)
    assert (resolved.outcome, resolved.cause, resolved.locus) == ("recovered", "Label unreadable", "carrier")
    assert post(as_ana, case, "reopening", why="").status_code == 422
    assert post(as_ana, case, "reopening", why="It broke again").status_code == 200
    assert Case.objects.get(pk=case.pk).status == "open"


def test_a_stuck_message_is_sent_again_by_who_may(client, case):
    services.reply(case_id=case.pk, body="x", by=colleague("ana"), now=timezone.now())
    message = Message.objects.get()
    Message.objects.update(status="failed")
    other = open_case()
    client.force_login(colleague("ana"))
    assert post(client, case, f"messages/{message.pk}").status_code == 403
    client.force_login(colleague("mia"))
    post(client, other, f"messages/{message.pk}")
    assert Message.objects.get().status == "failed"
    assert post(client, case, f"messages/{message.pk}").status_code == 200
    assert Message.objects.get().status == "waiting"


def test_the_chain_tells_the_failures_of_all_accounts_of_a_person(as_ana, db):
    now = timezone.now()
    first, second = CustomerFactory(person_ref="P-1"), CustomerFactory(person_ref="P-1", email="other@example.com")
    stranger = CustomerFactory(person_ref="")
    open_case(customer=stranger, at=now)
    old = open_case(customer=second, at=now - timedelta(days=400), reason="product")
    mid = open_case(customer=second, at=now - timedelta(days=100), reason="payment")
    services.resolve_case(case_id=mid.pk, outcome=Outcome.REFUSED, cause="", by=None, now=now - timedelta(days=99))
    this = open_case(customer=first, at=now)
    person = glance(first.pk, at=now, places=None)
    assert [link.number for link in person.cases] == [this.number, mid.number, old.number]
    assert (len(person.chain()[0]), person.total, person.hidden) == (2, 3, 0)
    assert [account.email for account in person.accounts] == ["other@example.com"]
    html = page(as_ana, this).content.decode()
    assert "Second failure in 12 months, over two accounts" in html
    assert "Refused by policy" in html

    nowhere = glance(first.pk, at=now, places=[PlaceFactory().pk])
    assert (nowhere.cases, len(nowhere.chain()[0]), nowhere.hidden) == ([], 2, 3)
    assert nowhere.links(nowhere.chain()[0]) == []


def test_the_timeline_pages_by_key(case):
    for n in range(5):
        services.add_note(case_id=case.pk, body=str(n), by=colleague("ana"), now=timezone.now())
    first = timeline(case.pk, limit=3)
    assert [moment.seq for moment in first] == [8, 7, 6]
    assert [moment.seq for moment in timeline(case.pk, before=6, limit=3)] == [5, 4, 3]
    assert [moment.seq for moment in timeline(case.pk, after=6)] == [8, 7]


def test_what_lies_elsewhere_is_neither_merged_nor_linked_nor_done_with_many(client, case):
    here, there = PlaceFactory(), PlaceFactory()
    Case.objects.filter(pk=case.pk).update(place=here)
    other = open_case(customer=case.customer, reason="product.damaged", place_id=there.pk)
    ben = colleague("ben")
    ben.places.set([here])
    client.force_login(ben)
    for action in ("merging", "linking"):
        assert (
            client.post(f"/cases/C-{case.number}/{action}", {"other": other.number, "way": "here"}).status_code == 404
        )
        assert f"C-{other.number}" not in client.get(f"/cases/C-{case.number}/{action}?q=parcel").content.decode()
    assert f"C-{other.number}" not in page(client, case).content.decode()
    client.post("/cases/many/resolve", {"case": [str(other.pk)], "outcome": "lost", "unknown": "on"})
    other.refresh_from_db()
    assert other.version == 3
