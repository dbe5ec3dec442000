"""The customer's own page: a signed link, nothing for guessers."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from makegood.ground.messages.models import Message
from makegood.ground.web.throttle import TooOften, forget, spend
from makegood.recover.cases import services
from makegood.recover.cases.errors import LinkGone
from makegood.recover.cases.models import Case, Contact, CustomerLink, Outcome
from makegood.recover.cases.services.links import open_link
from makegood.recover.commitments.services.ending import keep
from makegood.recover.commitments.services.making import promise
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    order = factories.OrderFactory(customer__name="Maria Silva", customer__email="maria@example.com")
    return factories.open_case(
        order=order, at=timezone.now() - timedelta(hours=2), reason="delivery.not_received", body="Where is it?"
    )


def page_of(case: Case) -> str:
    return f"/standing/{services.link_for(case.pk, now=timezone.now())}"


def test_customers_see_their_words_our_answers_and_the_end_but_no_notes(case: Case, client: Client):
    ana, now = factories.colleague("ana"), timezone.now()
    services.add_note(case_id=case.pk, body="Smells like fraud", by=ana, now=now)
    services.reply(case_id=case.pk, body="We look for it.", by=ana, now=now)
    services.log_call(case_id=case.pk, body="She was furious", by=ana, now=now)
    services.resolve_case(case_id=case.pk, outcome=Outcome.RECOVERED, cause="Carrier asleep", by=ana, now=now)
    answer = client.get(page_of(case))
    html = answer.content.decode()
    for known in ("Where is it?", "We look for it.", "We spoke with you.", "We have put it right."):
        assert known in html
    for hidden in ("fraud", "furious", "asleep"):
        assert hidden not in html
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Robots-Tag"] == "noindex"
    assert "no-store" in answer["Cache-Control"]


def test_an_answer_arrives_once_on_the_case_however_often_it_is_sent(case: Case, client: Client):
    page = page_of(case)
    sent = {"words": "It is still not here.", "once": str(uuid.uuid4())}
    assert client.post(page, sent).status_code == 302
    assert client.post(page, sent).status_code == 302
    contact = Contact.objects.get(body="It is still not here.")
    assert (contact.case_id, contact.channel, contact.direction) == (case.pk, "web", "in")
    assert "Thank you. We have your message." in client.get(page + "?said=1").content.decode()


def test_an_empty_answer_is_refused_in_words(case: Case, client: Client):
    answer = client.post(page_of(case), {"words": " ", "once": str(uuid.uuid4())})
    assert answer.status_code == 422
    assert "Write something first." in answer.content.decode()


def test_replies_carry_the_link_where_the_address_of_the_desk_is_known(case: Case, client: Client, settings):
    settings.MAKEGOOD_URL = "https://care.example.com/"
    services.reply(case_id=case.pk, body="We look for it.", by=factories.colleague("ana"), now=timezone.now())
    found = re.search(r"https://care\.example\.com(/standing/\S+)", Message.objects.get().body)
    assert found
    assert client.get(found[1]).status_code == 200


def test_forged_expired_and_revoked_links_are_refused_alike(case: Case, client: Client):
    now, ana = timezone.now(), factories.colleague("ana")
    token = services.link_for(case.pk, now=now)
    other = factories.open_case(customer=factories.CustomerFactory(), at=now, reason="product.faulty", body="Broken")
    grafted = services.link_for(other.pk, now=now).split(".")[0] + "." + token.split(".")[1]
    CustomerLink.objects.filter(case=other).update(expires_at=now)
    expired = services.link_for(other.pk, now=now - timedelta(days=99))
    services.revoke_link(case_id=case.pk, by=ana, now=now)
    bodies = set()
    for bad in (token, token[:-1] + "x", grafted, expired, "x", "." * 80, "é" * 9, "AAAA." + "A" * 43):
        answer = client.get(f"/standing/{bad}")
        assert answer.status_code == 404
        bodies.add(re.sub(rb"<!--.*?-->", b"", answer.content))
    assert len(bodies) == 1
    assert b"Maria" not in bodies.pop()
    fresh = services.link_for(case.pk, now=now)
    assert fresh != token
    assert open_link(fresh, now=now).case == case
    with pytest.raises(LinkGone):
        open_link(token, now=now)


def test_guessing_is_limited(client: Client):
    answers = [client.get(f"/standing/guess{n}").status_code for n in range(32)]
    assert answers == [404] * 30 + [429] * 2


def test_a_limit_holds_for_its_period_and_one_person():
    now, minute = timezone.now(), timedelta(minutes=1)
    for _ in range(2):
        spend("x", "ana", limit=2, per=minute, now=now)
    with pytest.raises(TooOften):
        spend("x", "ana", limit=2, per=minute, now=now + timedelta(seconds=59))
    spend("x", "ben", limit=2, per=minute, now=now)
    spend("x", "ana", limit=2, per=minute, now=now + minute)
    assert forget(now=now + 3 * minute) == 2


def test_colleagues_see_what_the_customer_sees_and_can_end_the_link(case: Case, client: Client):
    client.force_login(factories.colleague("ana"))
    opened = client.post(f"/cases/C-{case.number}/link")
    assert opened.status_code == 302
    assert Client().get(opened["Location"]).status_code == 200
    client.post(f"/cases/C-{case.number}/link/end", {"seen": "1"})
    assert Client().get(opened["Location"]).status_code == 404
    case.refresh_from_db()
    assert case.events.order_by("-seq")[0].why == "The customer's link was ended."


def test_promises_to_the_customer_are_shown_and_what_became_of_them(case: Case, client: Client):
    ana, now = factories.colleague("ana"), timezone.now()
    later = now + timedelta(days=1)
    told = {"case_id": case.pk, "owner": ana, "by": ana, "due_at": later, "now": now}
    call = promise(text="A call about your parcel", kind="call", **told)
    promise(text="Look into the warehouse", kind="other", to="colleague", **told)
    page = page_of(case)
    html = client.get(page).content.decode()
    assert "A call about your parcel" in html
    assert "Coming" in html
    assert "warehouse" not in html
    keep(commitment_id=call.pk, by=ana, now=now)
    assert "Kept" in client.get(page).content.decode()


def test_a_merged_case_leads_to_the_one_that_goes_on(case: Case, client: Client):
    ana, now = factories.colleague("ana"), timezone.now()
    page = page_of(case)
    other = factories.open_case(customer=case.customer, at=now, reason="product.faulty", body="It is broken too")
    services.merge_cases(duplicate_id=case.pk, survivor_id=other.pk, by=ana, now=now)
    html = client.get(page).content.decode()
    assert str(other) in html
    assert "Where is it?" in html
    assert "It is broken too" in html


def test_the_page_costs_seven_statements(case: Case, client: Client, django_assert_max_num_queries):
    page = page_of(case)
    with django_assert_max_num_queries(7):
        client.get(page)


# -- in their language and time


@pytest.mark.parametrize(
    ("told", "wrote", "browser", "says"),
    [
        ("pt-BR", "en", "en", "O que aconteceu até agora"),
        ("", "pt", "en", "O que aconteceu até agora"),
        ("", "de", "pt", "O que aconteceu até agora"),
        ("", "", "", "What happened so far"),
        ("en", "pt", "pt", "What happened so far"),
    ],
)
def test_the_page_speaks_the_customers_language(case: Case, client: Client, told, wrote, browser, says):
    case.customer.language = told
    case.customer.save()
    Contact.objects.filter(case=case).update(language=wrote)
    assert says in client.get(page_of(case), headers={"Accept-Language": browser}).content.decode()


def test_times_are_those_of_the_customer_with_hour_and_zone(case: Case, client: Client):
    ana, at = factories.colleague("ana"), datetime(2027, 7, 6, 12, 30, tzinfo=UTC)
    promise(case_id=case.pk, owner=ana, by=ana, text="A call", kind="call", due_at=at, now=timezone.now())
    shown = {}
    for country, told in (("GB", "en"), ("BR", "pt"), ("JP", "en")):
        case.customer.country, case.customer.language = country, told
        case.customer.save()
        shown[country] = client.get(page_of(case)).content.decode()
    assert "Tue 6 Jul 2027, 13:30 BST" in shown["GB"]
    assert "Ter 6 Jul 2027, 09:30 UTC-03" in shown["BR"]
    assert "Tue 6 Jul 2027, 21:30 JST" in shown["JP"]


def test_the_store_of_a_case_tells_the_time_there(case: Case, client: Client):
    place = factories.PlaceFactory(time_zone="America/New_York")
    Case.objects.filter(pk=case.pk).update(place=place)
    assert re.search(r"\d\d:\d\d E[SD]T", client.get(page_of(case)).content.decode())


def test_the_link_below_our_replies_is_named_in_the_customers_language(case: Case, settings):
    settings.MAKEGOOD_URL = "https://care.example.com/"
    case.customer.language = "pt"
    case.customer.save()
    services.reply(case_id=case.pk, body="Encontrámos.", by=factories.colleague("ana"), now=timezone.now())
    assert "O estado do seu caso, e onde pode responder: https://care" in Message.objects.get().body
