"""An analyst says what failed purchases have in common, sees who that would be, and has them listed."""

import os
import random
from pathlib import Path

import pytest
from django.utils import timezone

from makegood.ground.retail.models import Customer
from makegood.prevent.incidents.models import Incident
from makegood.prevent.incidents.services import affecting
from makegood.prevent.incidents.services.timeline import record_first
from makegood.prevent.lake import refresh_lake
from tests.factories import colleague
from tests.prevent.purchases import Retailer

pytestmark = [
    pytest.mark.journey,
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),  # ibis 12 with duckdb 2
]
SHOTS = os.environ.get("MAKEGOOD_SHOTS", "")


@pytest.fixture
def incident(tmp_path, settings):
    settings.MAKEGOOD_LAKE = str(tmp_path / "lake")
    shop = Retailer(random.Random(6), people=30)
    for n, customer in enumerate(Customer.objects.order_by("ref")):
        Customer.objects.filter(pk=customer.pk).update(name=f"Customer {n}", loyalty_tier=["", "gold"][n % 2])
    shop.buy(90)
    shop.complain(12)
    mia, now = colleague("mia"), timezone.now()
    incident = Incident.objects.create(
        title="Kettles that leak", severity=2, commander=mia, declared_at=now, version=1,
        any_of={"reason": ["product.faulty"]},
    )  # fmt: skip
    record_first(incident, at=now, by=mia, why="", facts={})
    refresh_lake(now=now)
    return incident


def shot(page, name):
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def test_from_what_is_meant_to_everybody_whom_it_touched(visit, incident, axe):
    path = f"/incidents/I-{incident.number}/affected/"
    page = visit(path, who="mia")
    assert page.get_by_text("Nobody has looked yet").is_visible()
    axe(page)
    page.get_by_role("link", name="What is meant").click()
    page.wait_for_load_state("networkidle")
    assert page.get_by_text("Nobody yet").is_visible()

    product = page.locator("details", has=page.locator("[name=words-product]"))
    product.locator("summary").click()
    product.locator("[name=words-product]").fill("kett")
    product.get_by_label("Kettle").check()
    page.locator("#preview .tile").first.wait_for()
    page.wait_for_load_state("networkidle")
    seen = page.locator("#preview .tile-figure").first.inner_text()
    axe(page)
    shot(page, "cut-light")
    page.get_by_role("button", name="Save and count").click()
    page.get_by_text("This list follows by itself").wait_for()

    affecting.write_down(incident_id=incident.pk, now=timezone.now())
    page.get_by_text(f"{seen} orders of").wait_for()  # the list follows by itself
    axe(page)
    shot(page, "affected-light")
    page.locator(".affected-filters").get_by_text("Silent").click()
    page.wait_for_load_state("networkidle")
    assert page.get_by_text("wrote C-").count() == 0
    page.locator(".affected-filters [aria-current]").get_by_text("Silent").wait_for()


@pytest.mark.parametrize(("theme", "size"), [("dark", "wide"), ("light", "phone")])
def test_it_reads_in_the_dark_and_on_a_phone(visit, incident, axe, theme, size):
    incident.any_of = {"category": ["Kitchen"]}
    incident.save()
    affecting.look(incident, by=None, now=timezone.now())
    affecting.write_down(incident_id=incident.pk, now=timezone.now())
    for name in ("", "cut"):
        page = visit(f"/incidents/I-{incident.number}/affected/{name}", who="mia", theme=theme, size=size)
        axe(page)
        shot(page, f"affected{name}-{theme}-{size}")
    page = visit(f"/incidents/I-{incident.number}/", who="mia", theme=theme, size=size)
    shot(page, f"incident-{theme}-{size}")
