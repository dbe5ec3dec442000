"""From a cause to proof that it is gone, in a browser."""

from datetime import date, timedelta

import numpy as np
import pytest
from django.utils import timezone
from playwright.sync_api import expect

from makegood.prevent.improvements import services
from makegood.prevent.improvements.effects import Counted
from makegood.prevent.improvements.models import Improvement
from makegood.recover.cases.services import plant_defaults
from tests.factories import colleague
from tests.journeys.conftest import SIZES

pytestmark = pytest.mark.journey
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def weeks(started: date, n: int) -> Counted:
    """Sixty weeks before, and so many with half as many cases; what later weeks of the shop would have shown."""
    rng = np.random.default_rng(3)
    level = np.concatenate([np.ones(60), np.full(n, 0.5)])
    first = started - timedelta(weeks=60)
    return Counted(first=first, cases=rng.poisson(20 * level).astype(float), orders=np.full(60 + n, 1000.0))


def test_planned_hoped_begun_and_shown_to_have_worked(visit, axe, transactional_db):
    plant_defaults()
    now = timezone.now()
    began = now.date() - timedelta(days=now.weekday() + 70)
    colleague("dev")
    page = visit("/improvements/", who="mia")
    expect(page.get_by_text("Nothing is being improved")).to_be_visible()
    page.keyboard.press("n")
    page.get_by_label("What is to be changed?").fill("Scan every parcel at hand-over")
    page.get_by_label("Cause in a few words").fill("no scan")
    axe(page)
    page.get_by_role("button", name="Plan it").click()

    page.get_by_label("Which cases should become fewer?").fill("reason: delivery.not_received")
    page.get_by_label("By how many percent?").fill("40")
    axe(page)
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("Not looked at yet")).to_be_visible()
    page.get_by_label("First day with the change").fill(began.isoformat())
    page.get_by_role("button", name="The change is there").click()
    expect(page.get_by_text("Under way")).to_be_visible()

    it = Improvement.objects.get()
    for n in (2, 9):
        services.look(improvement_id=it.pk, now=now + timedelta(weeks=n), counted=weeks(began, n))
    page.reload()
    expect(page.locator(".chart-reading")).to_contain_text("Worked:")
    expect(page.locator(".chart-canvas svg, .chart-canvas canvas").first).to_be_visible()
    expect(page.get_by_role("heading", name="Looks so far")).to_be_visible()
    for scheme, size in (("light", "wide"), ("dark", "phone")):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(SIZES[size])
        axe(page)
        assert page.evaluate(FITS)
    page.goto("/improvements/?show=all&verdict=worked")
    expect(page.locator("[data-row]")).to_have_count(1)
    assert page.evaluate(FITS)
    axe(page)
