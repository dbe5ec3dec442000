"""What is done with a case beyond answering it: escalate, merge, split, link, put off.

Forms and answers are those of the case page (`case.py`).
"""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.formats import day_time
from makegood.ground.web.middleware import refusal
from makegood.recover.cases import services
from makegood.recover.cases.errors import PersonNotFound
from makegood.recover.cases.forms import EscalateForm, LinkForm, MergeForm, MoveForm, OnCase, SnoozeForm, SplitForm
from makegood.recover.cases.models import Case, Tier
from makegood.recover.cases.queries.case import assignable, people_to_assign, reasons_to_choose, the_case
from makegood.recover.cases.queries.handling import cases_to_choose, contacts_of, queues_to_choose
from makegood.recover.cases.views.case import Toast, _ask, _case, _do, _number


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
    given, escalated = form.cleaned_data, list[Case]()

    def write() -> None:
        escalated.append(services.escalate_case(
            case_id=shown.id, tier=given["tier"], queue=given["queue"], to=somebody(given["to"]),
            hand_over=hand_over(given), by=request.user, now=timezone.now(), seen=given["seen"]))  # fmt: skip

    return _do(
        request, shown, form, write, lambda: Toast(says=_("Escalated. %(who)s") % {"who": has_it(escalated[0])}),
        lambda why: ask(str(why), why.status),
    )  # fmt: skip


@needs("cases.work")
def moving(request: StaffRequest, number: int) -> HttpResponse:
    """Put the case into another queue, because it belongs to other people."""
    shown, form = _case(request, number), MoveForm(request.POST or None)

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        queues = [q for q in queues_to_choose() if q[0] != shown.queue_slug]
        return _ask(request, shown, form, "move", _("Move to another queue"), problem, status, queues=queues)

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    given, moved = form.cleaned_data, list[Case]()

    def write() -> None:
        moved.append(services.move_case(
            case_id=shown.id, queue=given["queue"], why=given["why"], by=request.user, now=timezone.now(),
            seen=given["seen"]))  # fmt: skip

    return _do(request, shown, form, write, lambda: Toast(says=_("Moved. %(who)s") % {"who": has_it(moved[0])}),
               lambda why: ask(str(why), why.status))  # fmt: skip


def has_it(case: Case) -> str:
    """Who has a case that changed hands. One SQL query where somebody has."""
    who = User.objects.filter(pk=case.assignee_id).first() if case.assignee_id else None
    return _("%(who)s has it now.") % {"who": who.display_name} if who else _("Nobody has it yet.")


@needs("cases.work")
def merging(request: StaffRequest, number: int) -> HttpResponse:
    """Say that this case and another one are about the same."""
    shown, form = _case(request, number), MergeForm(request.POST or None)
    words, places = request.GET.get("q", "").replace("\0", "")[:100], visible_places(request.user)

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        matches = cases_to_choose(shown, words, places=places)
        return _ask(request, shown, form, "merge", _("Merge"), problem, status, matches=matches, words=words)

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    given, other = form.cleaned_data, the_case(form.cleaned_data["other"], places=places)
    goes_into = given["way"] == "into"
    duplicate, survivor = (shown, other) if goes_into else (other, shown)
    says = _("%(duplicate)s goes on in %(survivor)s.") % {"duplicate": duplicate.label, "survivor": survivor.label}
    undo = reverse("cases:merge_undo", args=[number]) + ("" if goes_into else f"?of={other.number}")
    return _do(
        request, shown, form,
        lambda: services.merge_cases(
            duplicate_id=duplicate.id, survivor_id=survivor.id, by=request.user, now=timezone.now(),
            **{"seen_duplicate" if goes_into else "seen_survivor": given["seen"]}),
        Toast(says=says, undo=undo), lambda why: ask(str(why), why.status),
    )  # fmt: skip


@require_POST
@needs("cases.work")
def merge_undo(request: StaffRequest, number: int) -> HttpResponse:
    """Take a merge back: of this case, or (`?of=`) of a duplicate of it."""
    shown, form = _case(request, number), OnCase(request.POST)
    form.is_valid()
    of = _number(request.GET.get("of"))
    duplicate = the_case(of, places=visible_places(request.user)) if of else shown
    return _do(
        request, shown, form,
        lambda: services.undo_merge(case_id=duplicate.id, by=request.user, now=timezone.now()),
        Toast(says=_("Taken back: both are as before.")), lambda why: refusal(request, why),
    )  # fmt: skip


@needs("cases.work")
def snoozing(request: StaffRequest, number: int) -> HttpResponse:
    """Put the case off: out of the queue until a time."""
    shown, form = _case(request, number), SnoozeForm(request.POST or None)

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        return _ask(request, shown, form, "snooze", _("Put off"), problem, status, laters=laters(timezone.now()))

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    given = form.cleaned_data
    return _do(
        request, shown, form,
        lambda: services.snooze_case(
            case_id=shown.id, until=given["until"], why=given["why"], by=request.user, now=timezone.now(),
            seen=given["seen"]),
        Toast(says=_("Put off until %(when)s.") % {"when": day_time(given["until"])},
              undo=reverse("cases:waking", args=[number])),
        lambda why: ask(str(why), why.status),
    )  # fmt: skip


@require_POST
@needs("cases.work")
def waking(request: StaffRequest, number: int) -> HttpResponse:
    """Put the case back into the queue before its time."""
    shown, form = _case(request, number), OnCase(request.POST)
    form.is_valid()
    return _do(
        request, shown, form,
        lambda: services.wake_case(
            case_id=shown.id, by=request.user, now=timezone.now(), seen=form.cleaned_data.get("seen")),
        Toast(says=_("Back in the queue.")), lambda why: refusal(request, why),
    )  # fmt: skip


def laters(now: datetime) -> list[tuple[str, str, str]]:
    """Times that one puts a case off to, as (words, value of the field, time), in the reader's time zone."""
    here = timezone.localtime(now)
    morning = here.replace(hour=9, minute=0)
    soon = (here + timedelta(hours=3)).replace(minute=0)
    times = [
        (_("In three hours"), soon),
        (_("Tomorrow morning"), morning + timedelta(days=1)),
        (_("Next Monday"), morning + timedelta(days=7 - here.weekday())),
        (_("In a week"), morning + timedelta(days=7)),
    ]
    return [(words, at.strftime("%Y-%m-%dT%H:%M"), day_time(at, now=now)) for words, at in times]


@needs("cases.work")
def linking(request: StaffRequest, number: int) -> HttpResponse:
    """Say which one failure is behind this case and others."""
    shown, form = _case(request, number), LinkForm(request.POST or None)
    words, places = request.GET.get("q", "").replace("\0", "")[:100], visible_places(request.user)

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        matches = cases_to_choose(shown, words, places=places)
        title = _("Link to one case behind it")
        return _ask(request, shown, form, "link", title, problem, status, matches=matches, words=words)

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    given, parent = form.cleaned_data, the_case(form.cleaned_data["other"], places=places)
    return _do(
        request, shown, form,
        lambda: services.link_case(
            case_id=shown.id, parent_id=parent.id, by=request.user, now=timezone.now(), seen=given["seen"]),
        Toast(says=_("Linked to %(case)s.") % {"case": parent.label}, undo=reverse("cases:unlinking", args=[number])),
        lambda why: ask(str(why), why.status),
    )  # fmt: skip


@require_POST
@needs("cases.work")
def unlinking(request: StaffRequest, number: int) -> HttpResponse:
    """Say that the case is about something else than the one it is linked to."""
    shown, form = _case(request, number), OnCase(request.POST)
    form.is_valid()
    return _do(
        request, shown, form, lambda: services.unlink_case(case_id=shown.id, by=request.user, now=timezone.now()),
        Toast(says=_("Not linked any more.")), lambda why: refusal(request, why),
    )  # fmt: skip


@needs("cases.work")
def splitting(request: StaffRequest, number: int) -> HttpResponse:
    """Start a new case for words that are about something else."""
    shown, form = _case(request, number), SplitForm(request.POST or None)
    contacts = contacts_of(shown.id)
    form.fields["contact"].choices = [(said.id, "") for said in contacts]  # type: ignore[attr-defined]

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        return _ask(request, shown, form, "split", _("Split"), problem, status, contacts=contacts,
                    groups=reasons_to_choose())  # fmt: skip

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    given = form.cleaned_data
    return _do(
        request, shown, form,
        lambda: services.split_case(
            case_id=shown.id, contacts=given["contact"], reason=given["reason"], subject=given["subject"],
            by=request.user, now=timezone.now(), seen=given["seen"]),
        Toast(says=_("The new case is under Linked cases.")), lambda why: ask(str(why), why.status),
    )  # fmt: skip


@require_POST
@needs("cases.work")
def split_undo(request: StaffRequest, number: int) -> HttpResponse:
    """Put what was split off back where it was."""
    shown, form = _case(request, number), OnCase(request.POST)
    form.is_valid()
    return _do(
        request, shown, form, lambda: services.undo_split(case_id=shown.id, by=request.user, now=timezone.now()),
        Toast(says=_("Taken back: it goes on where it came from.")), lambda why: refusal(request, why),
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
