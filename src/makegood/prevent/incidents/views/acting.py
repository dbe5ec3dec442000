"""What is done with an incident: each action is a link to a small form, and a POST."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.middleware import refusal
from makegood.ids import read_uuid
from makegood.prevent.incidents import forms, services
from makegood.prevent.incidents.errors import CannotMerge
from makegood.prevent.incidents.models import Incident
from makegood.prevent.incidents.queries.listing import find_incident
from makegood.prevent.incidents.severity import propose, toll_of_incident
from makegood.prevent.incidents.views.shared import asked, done
from makegood.recover.cases.errors import CaseNotFound
from makegood.recover.cases.models import Case
from makegood.recover.cases.queries.queue import visible
from makegood.recover.commitments.when import understand, where_of

Given = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Act:
    """One thing that can be done: its form, what it is called, and what is written."""

    form: type[forms.OnIncident]
    title: str
    button: str
    says: str
    do: Callable[[Incident, Given, User, datetime], object]
    icon: str = ""
    key: str = ""
    after_end: bool = False  # also when it is resolved
    note: Callable[[Incident], str] = lambda _incident: ""


def _of(incident: Incident, given: Given, by: User, now: datetime) -> dict[str, Any]:
    return {"incident_id": incident.pk, "by": by, "now": now, "seen": given["seen"]}


def _unseen(incident: Incident, _given: Given, by: User, now: datetime) -> dict[str, Any]:
    return {"incident_id": incident.pk, "by": by, "now": now}


def _commander(incident: Incident, given: Given, by: User, now: datetime) -> object:
    return services.hand_over(**_of(incident, given, by, now), to=User.objects.get(username=given["to"]))


def _task(incident: Incident, given: Given, by: User, now: datetime) -> object:
    due = understand(given["when"], where=where_of(None), now=now)
    return services.give_task(
        **_unseen(incident, given, by, now), text=given["text"], due_at=due.at, said_as=given["when"],
        owner=User.objects.get(username=given["owner"]),
    )  # fmt: skip


def _merge(incident: Incident, given: Given, by: User, now: datetime) -> object:
    survivor = find_incident(given["into"])
    return services.merge(duplicate_id=incident.pk, survivor_id=survivor.pk, by=by, now=now)


def _link(incident: Incident, given: Given, by: User, now: datetime) -> object:
    found = dict(Case.objects.filter(number__in=given["cases"]).values_list("number", "pk"))
    seen = set(visible(list(found.values()), visible_places(by)))
    for number in given["cases"]:
        if found.get(number) not in seen:
            raise CaseNotFound(f"C-{number}")
    return services.link_cases(**_unseen(incident, given, by, now), case_ids=list(found.values()))


def _proposal(incident: Incident) -> str:
    proposal = propose(toll_of_incident(incident.pk), incident.kind)
    return _("Proposed: %(severity)s. %(why)s") % {"severity": proposal.severity.label, "why": proposal.why}


ACTS: Final[Mapping[str, Act]] = {
    "update": Act(
        form=forms.UpdateForm, title=gettext_noop("Tell what is new"), button=gettext_noop("Tell"), icon="megaphone",
        says=gettext_noop("Told."), key="n", after_end=True,
        do=lambda it, given, by, now: services.update(**_unseen(it, given, by, now), words=given["words"]),
    ),
    "status": Act(
        form=forms.StatusForm, title=gettext_noop("Where it stands, and what we answer"), button=gettext_noop("Save"),
        says=gettext_noop("Saved. Colleagues read it on every linked case."), key="w",
        do=lambda it, given, by, now: services.say_status(**_of(it, given, by, now), texts=given),
    ),
    "contain": Act(
        form=forms.ContainForm, title=gettext_noop("Contained"), button=gettext_noop("Contained"), icon="shield-half",
        says=gettext_noop("Contained. Whoever hears of it is told."), key="c",
        do=lambda it, given, by, now: services.contain(
            **_unseen(it, given, by, now), how=given["how"], at=given["at"] or now),
    ),
    "task": Act(
        form=forms.TaskForm, title=gettext_noop("Give a task"), button=gettext_noop("Give it"), icon="list-checks",
        says=gettext_noop("Given. It is noticed when it comes due."), key="p", do=_task,
    ),
    "severity": Act(
        form=forms.SeverityForm, title=gettext_noop("Severity"), button=gettext_noop("Save"), key="v", note=_proposal,
        says=gettext_noop("Severity saved."),
        do=lambda it, given, by, now: services.set_severity(
            **_of(it, given, by, now), severity=given["severity"], why=given["severity_why"]),
    ),
    "commander": Act(
        form=forms.CommanderForm, title=gettext_noop("Hand over"), button=gettext_noop("Hand over"), key="a",
        says=gettext_noop("Handed over."), do=_commander,
    ),
    "change": Act(
        form=forms.ChangeForm, title=gettext_noop("Title and kind"), button=gettext_noop("Save"), key="e",
        says=gettext_noop("Saved."),
        do=lambda it, given, by, now: services.change(
            **_of(it, given, by, now), title=given["title"], kind=given["kind"], joins=given["joins"]),
    ),
    "link": Act(
        form=forms.LinkForm, title=gettext_noop("Link cases"), button=gettext_noop("Link"), icon="link", key="l",
        says=gettext_noop("Linked."), do=_link,
    ),
    "cause": Act(
        form=forms.CauseForm, title=gettext_noop("Why did it happen?"), button=gettext_noop("Save"), key="y",
        says=gettext_noop("Saved."), after_end=True,
        do=lambda it, given, by, now: services.say_cause(
            **_of(it, given, by, now), state=given["cause_state"], cause=given["cause"], locus=given["locus"],
            whys=given["whys"].splitlines(), contributing=given["contributing"].splitlines()),
    ),
    "review": Act(
        form=forms.ReviewForm, title=gettext_noop("Review (8D)"), button=gettext_noop("Save"), key="d",
        says=gettext_noop("Saved."), after_end=True,
        do=lambda it, given, by, now: services.say_review(**_of(it, given, by, now), review=given),
    ),
    "resolve": Act(
        form=forms.ResolveForm, title=gettext_noop("Resolve"), button=gettext_noop("Resolve"), icon="check", key="s",
        says=gettext_noop("Resolved. Whoever hears of it is told."),
        do=lambda it, given, by, now: services.resolve(
            **_of(it, given, by, now), cause_state=given["cause_state"], cause=given["cause"], why=given["why"]),
    ),
    "reopen": Act(
        form=forms.ReopenForm, title=gettext_noop("Open it again"), button=gettext_noop("Reopen"), icon="rotate-ccw",
        says=gettext_noop("Open again. Cases join it again."), key="o", after_end=True,
        do=lambda it, given, by, now: services.reopen(**_unseen(it, given, by, now), why=given["why"]),
    ),
    "merge": Act(
        form=forms.MergeForm, title=gettext_noop("Let it go on in another incident"), button=gettext_noop("Merge"),
        says=gettext_noop("Merged. This can be taken back."), key="u", do=_merge,
    ),
}  # fmt: skip


@needs("incidents.lead")
def act(request: StaffRequest, number: int, action: str) -> HttpResponse:
    """Ask for one of ACTS, or do it."""
    incident = find_incident(number)
    known = ACTS.get(action)
    if known is None:
        raise Http404
    form = known.form(incident, request.POST if request.method == "POST" else None)

    def ask(problem: str = "") -> HttpResponse:
        return asked(
            request, form, title=_(known.title), button=_(known.button), icon=known.icon, incident=incident,
            problem=problem, note=known.note(incident), address=reverse("incidents:act", args=[number, action]),
        )  # fmt: skip

    if not form.is_valid():
        return ask()
    given = form.cleaned_data
    return done(
        request, lambda: known.do(incident, given, request.user, timezone.now()), says=_(known.says), again=ask,
        to=reverse("incidents:incident", args=[number]),
    )  # fmt: skip


@require_POST
@needs("incidents.lead")
def part(request: StaffRequest, number: int) -> HttpResponse:
    """Take a merge back."""
    incident = find_incident(number)
    return done(
        request, lambda: services.part(duplicate_id=incident.pk, by=request.user, now=timezone.now()),
        says=_("Taken back: both are as before."), to=reverse("incidents:incident", args=[number]),
        again=lambda why: refusal(request, CannotMerge(why)),
    )  # fmt: skip


@require_POST
@needs("incidents.lead")
def take_out(request: StaffRequest, number: int) -> HttpResponse:
    """Say that the chosen cases are of something else."""
    from makegood.prevent.incidents.views.pages import cases_page  # noqa: PLC0415  pages name the acts of this module

    incident, me = find_incident(number), request.user
    form = forms.TakeOutForm(incident, request.POST)
    chosen = request.POST.getlist("case")[: forms.CASES_AT_ONCE]
    form.fields["case"].choices = [(one, one) for one in chosen]  # type: ignore[attr-defined]
    if not form.is_valid():
        return cases_page(
            request, incident, problem=" ".join(str(e) for errors in form.errors.values() for e in errors)
        )
    ids = visible([found for found in map(read_uuid, form.cleaned_data["case"]) if found], visible_places(me))
    return done(
        request, lambda: services.take_out(
            incident_id=incident.pk, case_ids=ids, by=me, now=timezone.now(), why=form.cleaned_data["why"]),
        says=_("Taken out. They do not join again by themselves."), to=reverse("incidents:cases", args=[number]),
        again=lambda why: cases_page(request, incident, problem=why),
    )  # fmt: skip


def acts_for(incident: Incident) -> list[tuple[str, Act]]:
    """What can be done with it now."""
    is_over = incident.state == "resolved"
    possible = {
        name: one for name, one in ACTS.items()
        if (one.after_end if is_over else name != "reopen") and not (incident.merged_into_id and name == "reopen")
    }  # fmt: skip
    return list(possible.items())
