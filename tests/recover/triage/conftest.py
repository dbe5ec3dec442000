"""A shop whose people have settled many cases in words of their own, which no phrasebook knows."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage

from makegood.ground.staff.models import Role, User
from makegood.recover.cases.models import Case, Outcome
from makegood.recover.cases.services import FirstContact, NewCase, open_cases, plant_defaults, resolve_case
from makegood.recover.triage.services import judging

SAYS = {
    "delivery.late": ["glacial pace", "slower than a snail", "tortoise express"],
    "product.damaged": ["in smithereens", "looks chewed", "flat as a pancake"],
    "payment.refund": ["wallet still empty", "pennies not home", "coins astray"],
}
FILLER = "hello the kettle please kindly yesterday once more from your shop".split()


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Files of their own, and no model left over from another test."""
    storage = FileSystemStorage(location=tmp_path)
    monkeypatch.setattr("makegood.recover.triage.services.training.default_storage", storage)
    monkeypatch.setattr("makegood.recover.triage.services.judging.default_storage", storage)
    judging._loaded = (0, None)
    yield
    judging._loaded = (0, None)


@pytest.fixture
def ana(db: None) -> User:
    return User.objects.create_user("ana", "ana@example.com", first_name="Ana", role=Role.SPECIALIST)


@pytest.fixture
def settle(db: None, ana: User, noon: datetime) -> Callable[..., list[Case]]:
    """Cases that opened an hour apart before noon, each resolved by Ana with the reason it truly had."""
    plant_defaults()

    def make(n: int = 150, *, seed: int = 1, plain: float = 1.0, before: timedelta = timedelta(0)) -> list[Case]:
        rng = random.Random(seed)
        new = []
        for hours in range(n, 0, -1):
            reason = rng.choice(sorted(SAYS))
            said = rng.choice(SAYS[reason if rng.random() < plain else rng.choice(sorted(SAYS))])
            body = " ".join([*rng.choices(FILLER, k=4), said, *rng.choices(FILLER, k=3)])
            new.append(
                NewCase(reason=reason, subject="Hello", why="Somebody wrote.",
                        at=noon - before - timedelta(hours=hours),
                        contact=FirstContact(channel="email", author="a@example.com", body=body, language="en"))
            )  # fmt: skip
        cases = open_cases(new)
        for case in cases:
            resolve_case(case_id=case.pk, outcome=Outcome.RECOVERED, cause="", by=ana, now=case.opened_at)
        return cases

    return make
