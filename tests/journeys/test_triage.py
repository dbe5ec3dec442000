"""The page Triage in a browser: what was learned, whether it is true, and what people corrected."""

import random
from datetime import timedelta

import pytest
from django.core.files.storage import FileSystemStorage
from django.utils import timezone

from makegood.recover.cases.models import Outcome
from makegood.recover.cases.services import FirstContact, NewCase, open_cases, plant_defaults, resolve_case
from makegood.recover.triage.services import judging, train
from tests.factories import colleague
from tests.recover.triage.conftest import FILLER, SAYS

pytestmark = pytest.mark.journey


@pytest.fixture
def learned(transactional_db, tmp_path, monkeypatch):
    """A hundred and fifty cases settled, and what came of learning from them."""
    for room in ("training", "judging"):
        monkeypatch.setattr(f"makegood.recover.triage.services.{room}.default_storage", FileSystemStorage(tmp_path))
    monkeypatch.setattr(judging, "_loaded", (0, None))
    plant_defaults()
    now, rng, ana = timezone.now(), random.Random(1), colleague("ana")
    new = []
    for hours in range(150, 0, -1):
        reason = rng.choice(sorted(SAYS))
        body = " ".join([*rng.choices(FILLER, k=4), rng.choice(SAYS[reason])])
        contact = FirstContact(channel="email", author="a@example.com", body=body, language="en")
        new.append(NewCase(reason=reason, subject="Hello", why="", at=now - timedelta(hours=hours), contact=contact))
    for case in open_cases(new):
        resolve_case(case_id=case.pk, outcome=Outcome.RECOVERED, cause="", by=ana, now=case.opened_at)
    return train(now=now, by=ana).model


@pytest.mark.parametrize(("theme", "size"), [("light", "wide"), ("dark", "wide"), ("light", "phone")])
def test_the_page_is_readable_for_everybody(visit, axe, learned, theme, size, tmp_path):
    page = visit("/triage/", who="dev", theme=theme, size=size)
    assert page.get_by_text("In use now").first.is_visible()
    assert page.get_by_role("heading", name="Are the probabilities true?").is_visible()
    page.screenshot(path=str(tmp_path / f"triage-{theme}-{size}.png"), full_page=True)
    axe(page)
