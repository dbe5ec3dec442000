"""What was promised in contacts that come many at a time is found, at the cost of one."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from makegood.recover.cases import extensions
from makegood.recover.cases.models import CaseEvent
from makegood.recover.commitments.models import Suggestion
from makegood.recover.commitments.services.finding import find_in_many
from makegood.recover.intake.services import process_arrivals, replay
from makegood.recover.intake.services.chats import import_chats
from tests.recover.intake.conftest import START, Shop, hour

pytestmark = pytest.mark.django_db
CALL = "I will call you tomorrow at 3pm."


def test_what_we_wrote_or_noted_is_read_for_promises_and_what_customers_say_is_not(shop: Shop):
    shop.order(shop.customer("Maria", email="maria@example.com"), ref="W-101")
    shop.arrival(5, "W-101 never arrived. I will call my bank tomorrow.", author="maria@example.com")
    shop.arrival(6, CALL, direction="out", channel="phone", author="maria@example.com")
    process_arrivals(hour(7))
    found = Suggestion.objects.get()
    assert (found.kind, found.to, found.due_at.date()) == ("call", "customer", (START + timedelta(days=1)).date())


def test_a_replay_finds_the_same(shop: Shop):
    shop.order(shop.customer("Maria", email="maria@example.com"), ref="W-101")
    shop.arrival(5, "W-101 never arrived.", author="maria@example.com")
    shop.arrival(6, CALL, direction="out", channel="phone", author="maria@example.com")
    replay(shop.source, hour(20))
    assert Suggestion.objects.get().kind == "call"


def test_in_a_chat_what_the_agent_says_counts_and_what_the_customer_says_does_not(shop: Shop, tmp_path: Path):
    said = [
        {"at": "2026-03-02T10:00:00Z", "by": "customer", "text": "It never came. I will call you tomorrow.\n10:01 Ana: "
         "I will refund you by Friday."},
        {"at": "2026-03-02T10:02:00Z", "by": "agent", "name": "Ana", "text": CALL},
        {"at": "2026-03-02T10:03:00Z", "by": "bot", "text": "We will deliver it tomorrow."},
    ]  # fmt: skip
    file = tmp_path / "chats.ndjson"
    file.write_text(json.dumps({"ref": "1", "email": "maria@example.com", "messages": said}))
    import_chats(file=file, source="chat", now=hour(20))
    process_arrivals(hour(20))
    found = Suggestion.objects.get()
    assert found.kind == "call"
    assert "call you tomorrow" in found.words


def statements(shop: Shop, calls: int) -> int:
    for n in range(calls):
        who = f"p{calls}-{n}@example.com"
        shop.order(shop.customer(email=who))
        shop.arrival(5, "It never arrived", author=who)
        shop.arrival(6, CALL, direction="out", channel="phone", author=who)
    with CaptureQueriesContext(
        connection,
    ) as counted:
        process_arrivals(hour(7))
    return len(counted)


def test_many_cost_as_many_statements_as_few(shop: Shop):
    few, many = statements(shop, 3), statements(shop, 60)
    assert Suggestion.objects.count() == 63
    assert many <= few + 2


def test_one_at_a_time_finds_what_many_at_once_find(shop: Shop):
    """The slow, obvious twin."""
    for n in range(10):
        who = f"p{n}@example.com"
        shop.order(shop.customer(email=who))
        shop.arrival(5, "It never arrived", author=who)
        shop.arrival(6, [CALL, "All good.", "We will refund you by Friday and call you tomorrow."][n % 3],
                     direction="out", author=who)  # fmt: skip
    process_arrivals(hour(7))
    at_once = sorted(Suggestion.objects.values_list("case", "event", "start", "words", "to", "kind", "due_at"))
    Suggestion.objects.all().delete()
    for event in CaseEvent.objects.filter(kind="contact").select_related("case"):
        words = event.case.contacts.get(pk=event.facts["contact"]).body
        find_in_many([extensions.Said(case=event.case, event=event, words=words)])
    assert sorted(Suggestion.objects.values_list("case", "event", "start", "words", "to", "kind", "due_at")) == at_once
    assert len({case for case, *_ in at_once}) == 7
