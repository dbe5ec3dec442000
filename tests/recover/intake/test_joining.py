"""A second contact of the same person: the same trouble goes on in the same case, another one stays apart."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from makegood.engines.language import Finding
from makegood.recover.cases.models import Case, CaseEvent, Reason
from makegood.recover.cases.reasons import UNCLEAR
from makegood.recover.cases.services import resolve_case, undo_split
from makegood.recover.intake.matching import Account, Match, Reading
from makegood.recover.intake.models import Arrival, Mail
from makegood.recover.intake.services import process_arrivals
from makegood.recover.intake.services.joining import GOES_ON_FOR, LEADS_TO, Desk, alike, case_for, clearly_another
from makegood.recover.intake.services.mailing import Where, keep_mail, take_in_mail
from tests.recover.intake.conftest import START, Shop, hour, told

ATTACH, NEW, SUGGEST = "attach", "new", "suggest"  # suggest: a new case that names the one it may belong to
LATE = "Where is my parcel? It never arrived."
KETTLE = "The kettle arrived broken"
CHARGE = "You charged me twice for it"

# What Maria wrote first, what she writes next, and what becomes of it. `orders`: how many she has; W-101 is the latest.
# `after`: hours between. A `W-n` in the words is an order she names.
EXAMPLES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("asks again", {"body": LATE}, {"body": "Still nothing. Where is it?"}, ATTACH),
    ("asks without saying what", {"body": LATE}, {"body": "Any news?"}, ATTACH),
    ("asks in another language", {"body": LATE}, {"body": "Ainda não chegou nada."}, ATTACH),
    ("sends what was asked for", {"body": KETTLE}, {"body": "Attached the photo you need."}, ATTACH),
    ("wants the money back for it", {"body": LATE}, {"body": "I want my money back."}, ATTACH),
    ("wants to send it back", {"body": KETTLE}, {"body": "I want to return it."}, ATTACH),
    ("calls it off", {"body": LATE}, {"body": "Please cancel it."}, ATTACH),
    ("is angry that nobody answers", {"body": LATE}, {"body": "Nobody answers my e-mails."}, ATTACH),
    ("it came, in pieces", {"body": LATE}, {"body": "It finally arrived, and it is broken in pieces."}, ATTACH),
    ("names the order the second time", {"body": LATE}, {"body": "W-101 never arrived"}, ATTACH),
    ("names the order both times", {"body": "W-101 never arrived"}, {"body": "W-101: any news?"}, ATTACH),
    ("names it and wants the money", {"body": "W-101 never arrived"}, {"body": "Refund me W-101 please"}, ATTACH),
    ("names it after two months", {"body": "W-101 never arrived"},
     {"body": "W-101 never arrived!", "after": 24 * 60}, ATTACH),
    ("names the one of several orders", {"body": "W-102 never arrived", "orders": 3},
     {"body": "It is about W-102 again", "orders": 3}, ATTACH),
    ("an answer whose references were lost", {"body": LATE, "subject": "Parcel to Exeter"},
     {"body": "My address is 4 High St.", "subject": "AW: Re: Parcel to Exeter", "orders": 2}, ATTACH),
    ("the same subject, a word more", {"body": LATE, "subject": "Parcel to Exeter missing"},
     {"body": "Hello?", "subject": "Parcel to Exeter still missing"}, ATTACH),
    ("no order at all, the same trouble", {"body": CHARGE, "orders": 0}, {"body": "Charged me twice!!"}, ATTACH),
    ("another matter of the same order", {"body": "W-101 never arrived"},
     {"body": "W-101: you charged me twice"}, SUGGEST),
    ("another matter, nothing named", {"body": LATE}, {"body": CHARGE}, SUGGEST),
    ("another matter under the old subject", {"body": LATE, "subject": "My order again"},
     {"body": CHARGE, "subject": "Re: My order again"}, SUGGEST),
    ("another matter, no order", {"body": CHARGE, "orders": 0}, {"body": KETTLE}, SUGGEST),
    ("how the store treated her", {"body": LATE}, {"body": "Your staff was rude to me in the store."}, SUGGEST),
    ("names another order", {"body": "W-101 never arrived", "orders": 2}, {"body": "W-102 never arrived", "orders": 2},
     NEW),
    ("two months later, nothing named", {"body": LATE}, {"body": "Any news?", "after": 24 * 60}, NEW),
    ("after the end", {"body": LATE, "resolved": True}, {"body": "Where is my new parcel?"}, NEW),
    ("somebody else of the same words", {"body": LATE}, {"body": LATE, "author": "leo@example.com"}, NEW),
]  # fmt: skip


def take_in(shop: Shop, at: float, **fields: Any) -> Case:
    arrival = shop.arrival(at, **{"author": "maria@example.com"} | fields)
    process_arrivals(hour(at))
    arrival.refresh_from_db()
    assert arrival.contact_id
    return Case.objects.get(contacts=arrival.contact_id)


@pytest.mark.parametrize(
    ("first", "second", "becomes"), [row[1:] for row in EXAMPLES], ids=[row[0] for row in EXAMPLES]
)
def test_written_examples(shop: Shop, ana, first: dict[str, Any], second: dict[str, Any], becomes: str):
    maria = shop.customer("Maria Silva", email="maria@example.com")
    shop.customer("Leo Brandt", email="leo@example.com")
    first, second = dict(first), dict(second)
    orders = first.pop("orders", 1)
    for n in range(orders, 0, -1):
        shop.order(maria, orders - n, ref=f"W-10{n}")
    second.pop("orders", None)
    ends, after = first.pop("resolved", False), second.pop("after", 4)

    one = take_in(shop, 50, **first)
    if ends:
        resolve_case(case_id=one.pk, outcome="recovered", cause="", by=ana, now=hour(51))
    other = take_in(shop, 50 + after, **second)

    perhaps = CaseEvent.objects.get(case=other, seq=1).facts.get("perhaps")
    assert (other == one, perhaps is not None) == (becomes == ATTACH, becomes == SUGGEST)
    if becomes == ATTACH:
        event = CaseEvent.objects.filter(case=one, kind="contact").latest("seq")
        assert event.facts["guessed"]
        assert "open" in event.why or "same subject as" in event.why
    if becomes == SUGGEST:
        assert perhaps == one.number
        assert f"C-{one.number} (" in told(other)[0]


# -- the shape of the rule

BRANCHES = st.sampled_from([
    "delivery.not_received", "delivery.late", "product.damaged", "product.faulty", "order.cancelled", "payment.refund",
    "payment.charge", "return.handling", "store.conduct", "service.no_answer", "other.unclear",
])  # fmt: skip
TELLS = st.none() | st.builds(
    Finding, reason=BRANCHES, confidence=st.sampled_from([0.4, 0.59, 0.6, 0.8]), evidence=st.just(("x",)),
    language=st.just("en"),
)  # fmt: skip
PEOPLE, ORDERS = [UUID(int=n) for n in (1, 2)], [UUID(int=n) for n in (11, 12)]


@st.composite
def cases(draw: st.DrawFn) -> list[Any]:
    made = []
    for number in range(1, draw(st.integers(0, 4)) + 1):
        opened = START + timedelta(days=draw(st.integers(0, 60)))
        ends = draw(st.booleans()) and draw(st.booleans())
        made.append(
            Case(
                id=UUID(int=100 + number), number=number, customer_id=draw(st.sampled_from(PEOPLE)),
                order_id=draw(st.sampled_from([None, *ORDERS])), opened_at=opened, resolved_at=opened if ends else None,
                subject=draw(st.sampled_from(["My old kettle", "Hi"])),
                reason=Reason(id=1, code=draw(BRANCHES), name="A reason"),
            )
        )  # fmt: skip
    return made


@given(
    cases=cases(), tells=TELLS, order=st.sampled_from([None, *ORDERS]), sure=st.booleans(),
    subject=st.sampled_from(["", "Re: My old kettle", "Something else"]), days=st.integers(60, 120),
)  # fmt: skip
def test_what_attaches_is_open_of_the_same_person_and_not_clearly_something_else(
    cases: list[Any], tells: Finding | None, order: UUID | None, sure: bool, subject: str, days: int
):
    at = START + timedelta(days=days)
    joined = join(cases, tells, order, sure, subject, at)
    of_hers = [case for case in cases if case.customer_id == PEOPLE[0] and case.resolved_at is None]
    if joined.case is not None:
        assert joined.case in of_hers
        same_reason = joined.case.reason.code == (tells.reason if tells else UNCLEAR)
        assert same_reason or not clearly_another(joined.case.reason.code, tells)
        if sure and order:
            assert joined.case.order_id in (order, None)
        elif not same_reason:
            assert at - joined.case.opened_at <= GOES_ON_FOR
        assert joined.because
    else:
        # What stays apart though something is open says what is open, or is about another order or time.
        for case in of_hers:
            if order and sure and case.order_id == order:
                assert clearly_another(case.reason.code, tells)
                assert joined.perhaps is not None
    if joined.perhaps is not None:
        assert joined.perhaps in of_hers
        assert f"C-{joined.perhaps.number} " in joined.because


@given(cases=cases(), order=st.sampled_from(ORDERS), subject=st.sampled_from(["", "Re: My old kettle"]))
def test_words_that_tell_nothing_never_part_from_an_open_case_of_the_order_they_name(
    cases: list[Any], order: UUID, subject: str
):
    joined = join(cases, None, order, True, subject, START + timedelta(days=90))
    about_it = [c for c in cases if c.customer_id == PEOPLE[0] and c.resolved_at is None and c.order_id == order]
    assert not about_it or joined.case in about_it


def join(cases: list[Any], tells: Finding | None, order: UUID | None, sure: bool, subject: str, at: datetime) -> Any:
    account = Account(PEOPLE[0], 1, "K", "Maria", "maria@example.com", "")
    match = Match(Reading("en", tells, ()), account, frozenset(), order, sure, ())
    arrival = Arrival(channel="email", author=account.email, subject=subject, body="", at=at)
    reason = tells.reason if tells else UNCLEAR
    return case_for(arrival=arrival, match=match, reading=match.reading, reason=reason, at=at,
                    desk=Desk(cases, {}, {}))  # fmt: skip


def test_every_branch_that_leads_on_is_one_that_exists():
    from makegood.recover.cases.reasons import DEFAULT_REASONS

    codes = {reason.code for reason in DEFAULT_REASONS}
    assert {*LEADS_TO, *(code for codes in LEADS_TO.values() for code in codes)} <= codes


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        ("Re: [C-12] My old kettle", "my old kettle", True), ("WG: AW: Parcel to Exeter", "Parcel to Exeter", True),
        ("Help", "Help", False), ("", "", False), ("Order 1001 late", "Order 1002 broken", False),
        ("Pedido não chegou", "RES: Pedido não chegou", True), ("A new kettle", "My old kettle", False),
    ],
)  # fmt: skip
def test_subjects_alike(one: str, other: str, are: bool):
    assert alike(one, other) is are
    assert alike(other, one) is are


# -- taken out again


@pytest.fixture
def guessed(shop: Shop) -> Case:
    """A case that Maria opened, and a second contact of hers that was put to it."""
    shop.order(shop.customer("Maria Silva", email="maria@example.com"), ref="W-101")
    case = take_in(shop, 50, body=LATE)
    assert take_in(shop, 51, body="Any news?", subject="The other thing") == case
    return case


def test_one_press_takes_a_guess_out_of_the_case_and_one_takes_that_back(guessed: Case, ana, client: Client):
    client.force_login(ana, "django.contrib.auth.backends.ModelBackend")
    address = f"/cases/C-{guessed.number}/"
    contact = guessed.contacts.get(body="Any news?")
    html = client.get(address).content.decode()
    assert html.count("Take it out") == 1  # not of what opened the case
    assert client.post(f"{address}taking-out", {"contact": contact.pk}).status_code == 302

    contact.refresh_from_db()
    new = contact.case
    assert (new.subject, new.follows_id, new.reason.code) == ("The other thing", guessed.pk, UNCLEAR)
    assert "Take it out" not in client.get(address).content.decode()
    again = client.post(f"{address}taking-out", {"contact": contact.pk})
    assert again.status_code == 409
    assert "not in C-" in again.content.decode()

    undo_split(case_id=new.pk, by=ana, now=hour(60))
    contact.refresh_from_db()
    assert contact.case == guessed


def test_what_answers_a_mail_of_ours_or_names_the_case_is_no_guess(shop: Shop, guessed: Case, ana, client: Client):
    take_in(shop, 52, body=f"C-{guessed.number}: and now?")
    event = CaseEvent.objects.filter(case=guessed, kind="contact").latest("seq")
    assert "guessed" not in event.facts


@pytest.mark.django_db
def test_a_stranger_who_writes_again_by_mail_goes_on_in_their_case(tree, settings, tmp_path):
    settings.STORAGES = settings.STORAGES | {
        "attachments": {
            "BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path},
        }
    }  # fmt: skip

    def come(at: datetime, author: str, words: str) -> Case:
        raw = f"From: {author}\nTo: care@localhost\nSubject: Parcel to Exeter\nMessage-ID: <{at:%H%M}@x>\n\n{words}\n"
        keep_mail(raw=raw.encode(), where=Where("care", "", at))
        take_in_mail(at)
        return Mail.objects.latest("pk").case

    first = come(START, "who@example.com", LATE)
    assert first.customer is None
    assert come(START + timedelta(hours=1), "Who@Example.com", "Any news?") == first
    assert come(START + timedelta(hours=2), "other@example.com", "Any news?") != first
    assert come(START + timedelta(hours=3), "who@example.com", CHARGE) != first
    assert come(START + GOES_ON_FOR + timedelta(days=2), "who@example.com", "Any news?") != first
