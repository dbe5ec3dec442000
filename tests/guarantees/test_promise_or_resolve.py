"""Who promises and who resolves at the same moment: one of them wins, the other is told, nothing is half done."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from makegood.errors import Conflict
from makegood.recover.cases.models import Case, Outcome
from makegood.recover.cases.services import resolve_case
from makegood.recover.commitments import services
from makegood.recover.commitments.models import Commitment, State
from tests.factories import colleague, open_case

ROUNDS = 12


def both(*acts) -> list[str]:
    """Do several things at once, each in a thread with a connection of its own; how each ended."""
    start = Barrier(len(acts))

    def run(act) -> str:
        try:
            start.wait(10)
            act()
        except Conflict as refusal:
            return refusal.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.django_db(transaction=True)
def test_a_promise_and_an_end_never_both_happen():
    ana, ben, now = colleague("ana"), colleague("ben"), timezone.now()
    ends = set()
    for _ in range(ROUNDS):
        case = open_case(at=now - timedelta(hours=1))
        promised, resolved = both(
            lambda: services.promise(text="Call", kind="call", due_at=now + timedelta(days=1), owner=ana, by=ana,
                                     now=now, case_id=case.pk),
            lambda: resolve_case(case_id=case.pk, outcome=Outcome.RECOVERED, cause="", by=ben, now=now),
        )  # fmt: skip
        ends.add((promised, resolved))
        is_open = Commitment.objects.filter(case=case, state=State.OPEN).exists()
        assert is_open is (promised == "done")
        assert (Case.objects.get(pk=case.pk).resolved_at is None) is (resolved != "done")
    assert ends <= {("done", "commitment_still_open"), ("commitment_on_resolved_case", "done")}


@pytest.mark.django_db(transaction=True)
def test_of_two_who_end_a_promise_one_is_told():
    ana, now = colleague("ana"), timezone.now()
    for _ in range(ROUNDS):
        case = open_case(at=now - timedelta(hours=1))
        made = services.promise(
            text="Call", kind="call", due_at=now + timedelta(days=1), owner=ana, by=ana, now=now, case_id=case.pk
        )
        told = both(
            lambda: services.keep(commitment_id=made.pk, by=ana, now=now),
            lambda: services.release(commitment_id=made.pk, by=ana, now=now, agreed_by="Maria"),
        )
        assert sorted(told) == ["commitment_ended", "done"]
        assert Case.objects.get(pk=case.pk).version == case.version + 2
