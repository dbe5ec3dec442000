"""A pattern is told of, read, put aside, taken up again and accepted; as people see it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from makegood.engines.statistics.detection import Finding, Neighbour
from makegood.prevent.signals.models import Detection, JudgedCase, Rule, Signal, State
from makegood.prevent.signals.services.keeping import keep
from tests.factories import VendorFactory, colleague, open_case

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def signal(db) -> Signal:
    colleague("mia")
    now = timezone.now()
    slice_ = {"reason": "delivery.not_received", "carrier": str(VendorFactory(name="Marlbeck").pk), "to_state": "Leeds"}
    cases = [open_case(at=now - n * DAY / 2) for n in range(1, 9)]
    JudgedCase.objects.bulk_create(JudgedCase(case=it, at=it.opened_at, dimensions=slice_) for it in cases)
    detection = Detection.objects.create(
        dimensions=["reason", "carrier", "to_state"], one_false_alarm_in=30.0, since=now - 365 * DAY, until=now,
        seen=now, state="none", began_at=now, cases=1200,
    )  # fmt: skip
    beside = Neighbour(
        slice={"reason": "delivery.not_received"}, observed=30, expected=21.0, evidence=2.0, why="broader"
    )
    [it] = keep(
        [Finding(event="raised", signal=1, at=now - DAY, since=now - 4 * DAY, slice=slice_, observed=8, expected=1.3,
                 low=3.0, high=12.4, evidence=9.1, cases=tuple(str(it.pk) for it in cases), neighbours=(beside,))],
        detection=detection, now=now,
    )  # fmt: skip
    return it


def test_from_the_notice_to_a_judgement_and_back_by_keyboard(visit, axe, signal):
    page = visit("/notices/", who="mia")
    page.get_by_text(f"New signal S-{signal.number}").click()
    page.wait_for_selector(".chart svg, .chart canvas")
    assert "by Marlbeck to Leeds: 8 cases where 1.3 were expected" in page.inner_text("main")
    axe(page)

    page.keyboard.press("w")
    page.wait_for_selector("text=You watch it")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("h")
    page.get_by_label("Until its cases double").check()
    axe(page)
    page.get_by_role("dialog").get_by_role("button", name="Put aside").click()
    page.wait_for_selector("text=Put aside until it has more than 15 cases")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("z")
    page.wait_for_selector("text=Taken back")
    page.wait_for_load_state("networkidle")
    assert Signal.objects.get().state == State.WATCHED

    page.keyboard.press("i")
    page.get_by_label("Why is there nothing to do?").fill("Floods around Leeds until Friday")
    page.get_by_label("Known and accepted: what is found there later calls nobody").check()
    page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    page.wait_for_selector("text=Known and accepted: Floods around Leeds until Friday")
    page.goto("/signals/?show=dismissed")
    axe(page)
    page.get_by_role("button", name="End it").click()
    page.wait_for_selector("text=calls again")
    assert Signal.objects.get().state == State.NEW


@pytest.mark.parametrize(("theme", "size"), [("dark", "wide"), ("light", "phone"), ("dark", "phone")])
def test_pages_have_no_barriers(visit, axe, signal, theme, size):
    Rule.objects.create(name="Three a day", alike=["reason", "store"], count=3, hours=24,
                        measured={"fired": 40, "unshared": 31, "days": 365})  # fmt: skip
    page = visit("/signals/", who="mia", theme=theme, size=size)
    axe(page)
    for path in (f"/signals/S-{signal.number}/", "/signals/rules/", "/signals/rules/new", "/signals/?show=snoozed"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        axe(page)


def test_a_rule_says_what_it_would_have_cost_when_it_is_saved(visit, signal):
    page = visit("/signals/rules/new", who="mia")
    page.get_by_label("Name").fill("Three of a carrier")
    page.get_by_label("Within so many hours").fill("48")
    page.get_by_label("carrier", exact=True).check()
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("text=times a month over the past")
    assert Rule.objects.get().measured["fired"] >= 1
