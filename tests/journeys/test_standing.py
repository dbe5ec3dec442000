"""The customer's own page in a browser: no sign-in, on a phone, with a box to answer."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from makegood.recover.cases import services

pytestmark = pytest.mark.journey


@pytest.mark.parametrize(("theme", "size"), [("light", "wide"), ("dark", "phone")])
def test_a_customer_reads_where_it_stands_and_answers(visit, some_cases, axe, theme, size):
    case = some_cases[1]
    page = visit(f"/standing/{services.link_for(case.pk, now=timezone.now())}", who=None, theme=theme, size=size)
    expect(page.get_by_text("We need an answer from you.")).to_be_visible()
    expect(page.get_by_text("Which colour was it?")).to_be_visible()
    axe(page)
    page.get_by_label("Write to us").fill("It was the blue one.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you. We have your message.")).to_be_visible()
    expect(page.get_by_text("It was the blue one.")).to_be_visible()
    axe(page)
