"""What is done with a case beyond answering it: escalate.

Forms and answers are those of the case page (`case.py`).
"""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.recover.cases import services
from makegood.recover.cases.errors import PersonNotFound
from makegood.recover.cases.forms import EscalateForm
from makegood.recover.cases.models import Tier
from makegood.recover.cases.queries.case import assignable, people_to_assign
from makegood.recover.cases.queries.handling import queues_to_choose
from makegood.recover.cases.views.case import Toast, _ask, _case, _do


@needs("cases.work")
def escalation(request: StaffRequest, number: int) -> HttpResponse:
    """Hand the case to more authority or other skills."""
    shown, form = _case(request, number), EscalateForm(request.POST or None)

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        return _ask(
            request, shown, form, "escalate", _("Escalate"), problem, status, people=people_to_assign(""),
            tiers=tiers_above(shown.tier), queues=[q for q in queues_to_choose() if q[0] != shown.queue_slug],
        )  # fmt: skip

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    given = form.cleaned_data
    return _do(
        request, shown, form,
        lambda: services.escalate_case(
            case_id=shown.id, tier=given["tier"], queue=given["queue"], to=somebody(given["to"]),
            hand_over=hand_over(given), by=request.user, now=timezone.now(), seen=given["seen"]),
        Toast(says=_("Escalated. Your hand-over stands on the timeline.")), lambda why: ask(str(why), why.status),
    )  # fmt: skip


def tiers_above(tier: str) -> list[tuple[str, str]]:
    """Tiers with more authority, as (value, label)."""
    return list(Tier.choices)[Tier.values.index(tier) + 1 :]


def hand_over(given: dict[str, Any]) -> services.HandOver:
    """What a form says of it."""
    return services.HandOver(happened=given["happened"], promised=given["promised"], needed=given["needed"])


def somebody(person: str) -> User | None:
    """Who is meant by an id or username; empty: nobody. Raises PersonNotFound."""
    if not person:
        return None
    found = assignable(person)
    if found is None:
        raise PersonNotFound(person)
    return found
