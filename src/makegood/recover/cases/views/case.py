"""The case page: read it, act on it, see what others do on it.

Every action is a link to a small form (in a dialog, or a page of its own without scripts) and a POST. A POST answers
with the parts of the page that changed, or with a redirect where there are no scripts. Writes carry the version seen.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST, require_safe

from makegood.errors import Conflict, MakegoodError
from makegood.ground.asking import ask_all
from makegood.ground.messages.models import Message
from makegood.ground.messages.services import send_again
from makegood.ground.retail.journey import Journey, journey
from makegood.ground.retail.queries.orders import Parcel, Purchase, purchase_of
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.language import translated as _
from makegood.recover.cases import extensions, services
from makegood.recover.cases.errors import PersonNotFound
from makegood.recover.cases.forms import (
    OUTCOMES,
    SAID,
    AssignForm,
    OnCase,
    ReasonForm,
    ReopenForm,
    ResolveForm,
    SayForm,
    StatusForm,
)
from makegood.recover.cases.macros.actions import merged, says
from makegood.recover.cases.macros.using import chosen_by, say_and_do
from makegood.recover.cases.models import Channel, Locus, Macro, Outcome, Severity, Status, Tier
from makegood.recover.cases.next_step import NextStep, Situation, next_step
from makegood.recover.cases.queries.case import (
    MOMENTS_A_PAGE,
    CaseDetail,
    Mark,
    Moment,
    assignable,
    mark,
    people_to_assign,
    reasons_to_choose,
    the_case,
    timeline,
)
from makegood.recover.cases.queries.glance import glance_of
from makegood.recover.cases.service_levels.levels import levels_of
from makegood.recover.cases.service_levels.reading import Shown, clocks_by
from makegood.recover.cases.triage import why_ranked
from makegood.recover.cases.views.person import in_one_glance
from makegood.recover.cases.views.telling import happened, mail_of, tell_all


@dataclass(frozen=True, kw_only=True)
class Toast:
    """What is said at the edge of the page after an action; `undo` is the address that takes it back."""

    says: str
    level: str = "success"
    undo: str = ""
    href: str = ""  # where to see what is meant


# -- reading


@require_safe
@needs("cases.see")
def case(request: StaffRequest, number: int) -> HttpResponse:
    """A case with all that belongs to it, in four SQL statements: who asks, the case, its timeline, all the rest."""
    return _page(request, _case(request, number), before=_number(request.GET.get("before")))


@require_safe
@needs("cases.see")
def by_number(request: StaffRequest, number: int) -> HttpResponse:  # noqa: ARG001
    """Cases are called C-123; their bare number leads there too."""
    return redirect("cases:case", number, permanent=True)


@require_GET
@needs("cases.see")
def earlier(request: StaffRequest, number: int) -> HttpResponse:
    """Older items of the timeline."""
    shown = _case(request, number)
    moments, more = _moments(shown, _number(request.GET.get("before")))
    return render(request, "cases/_moments.html", {"case": shown, "moments": tell_all(moments), "more": more})


@require_GET
@needs("cases.see")
def live(request: StaffRequest, number: int) -> HttpResponse:
    """What changed since the page was shown: 204 where nothing did, at the price of one SQL statement."""
    doing = request.GET.get("doing", "")
    seen, now_is = _number(request.GET.get("version")) or 0, mark(
        number, me=request.user, doing=doing if doing in dict(SAID) else "", now=timezone.now(),
        places=visible_places(request.user),
    )  # fmt: skip
    if (now_is.version, now_is.mail) != (seen, request.GET.get("mail", "")):
        return _updated(request, number, after=seen, is_news=True, mark=now_is)
    if now_is.who == request.GET.get("who", ""):
        return HttpResponse(status=204)
    response = render(request, "cases/_present.html", {"case": now_is, "mark": now_is, "oob": True})
    response["HX-Reswap"] = "none"
    return response


# -- acting


@require_POST
@needs("cases.work")
def say(request: StaffRequest, number: int) -> HttpResponse:
    """Reply, note or call log."""
    shown, form = _case(request, number), SayForm(request.POST, request.FILES)
    if not form.is_valid():
        return _not_said(request, shown, form, " ".join(str(e) for errors in form.errors.values() for e in errors), 422)
    given, now = form.cleaned_data, timezone.now()
    kind, macros = given["kind"], list[Macro]()

    def write() -> None:
        if form.macros:
            macros.extend(chosen_by(request.user, form.macros))
            say_and_do(
                case=shown, macros=macros, kind=kind, body=form.body, by=request.user, now=now, wait=given["wait"],
                seen=given["seen"], files=form.attached, channel=Channel(given["channel"] or Channel.PHONE),
            )  # fmt: skip
        elif kind == "reply":
            services.reply(
                case_id=shown.id, body=form.body, by=request.user, now=now, wait=given["wait"], seen=given["seen"],
                files=form.attached,
            )  # fmt: skip
        elif kind == "call":
            services.log_call(
                case_id=shown.id, body=form.body, by=request.user, now=now, wait=given["wait"],
                channel=Channel(given["channel"] or Channel.PHONE),
            )  # fmt: skip
        else:
            services.add_note(case_id=shown.id, body=form.body, by=request.user, now=now)

    if kind == "reply" and form.body.strip() and not given["sure"]:
        doubts = [doubt for check in extensions.before_reply for doubt in check(shown, form.body, timezone.now())]
        if doubts:
            return _not_said(request, shown, form, " ".join(doubts), 422, can_insist=True)

    def toast() -> Toast:
        said = {"reply": _("Reply on its way."), "note": _("Note added."), "call": _("Call logged.")}[kind]
        done = [words for _icon, words in says(merged(macro.actions for macro in macros))]
        return Toast(says=" ".join([said if form.body.strip() else _("Done."), *(f"{words}." for words in done)]))

    return _do(request, shown, form, write, toast, lambda why: _not_said(request, shown, form, str(why), why.status))


@needs("cases.work")
def reason(request: StaffRequest, number: int) -> HttpResponse:
    """Say why the customer really came."""
    shown, form = _case(request, number), ReasonForm(request.POST or None)

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        return _ask(request, shown, form, "reason", _("Change the reason"), problem, status, groups=reasons_to_choose())

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    given = form.cleaned_data
    return _do(
        request, shown, form,
        lambda: services.change_reason(
            case_id=shown.id, reason=given["reason"], by=request.user, now=timezone.now(), seen=given["seen"]),
        Toast(says=_("Reason confirmed.") if given["reason"] == shown.reason_code
              else _("Reason changed. Queue, severity and due time follow it.")), lambda why: ask(str(why), why.status),
    )  # fmt: skip


@needs("cases.work")
def assignment(request: StaffRequest, number: int) -> HttpResponse:
    """Give the case to somebody, take it, or put it back into the queue."""
    shown, form = _case(request, number), AssignForm(request.POST or None)
    words = request.GET.get("q", "").replace("\0", "")[:100]

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        people = people_to_assign(words)
        return _ask(request, shown, form, "assign", _("Assign"), problem, status, people=people, words=words)

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    given, to = form.cleaned_data, None
    if given["to"]:
        to = request.user if given["to"] == "me" else assignable(given["to"])
        if to is None:
            raise PersonNotFound(given["to"])
    from_whom = shown.assignee if shown.assignee_id not in (None, request.user.pk) else ""
    says = (
        _("Back in the queue.")
        if to is None
        else _("It is yours now; %(who)s reads so on the timeline.") % {"who": from_whom}
        if to == request.user and from_whom
        else _("It is yours.")
        if to == request.user
        else _("Given to %(who)s.") % {"who": to.display_name}
    )
    return _do(
        request, shown, form,
        lambda: services.assign_case(case_id=shown.id, to=to, by=request.user, now=timezone.now(), seen=given["seen"]),
        Toast(says=says), lambda why: ask(str(why), why.status),
    )  # fmt: skip


@needs("cases.work")
def status(request: StaffRequest, number: int) -> HttpResponse:
    """Say whom the case waits for."""
    shown, form = _case(request, number), StatusForm(request.POST or None)

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        return _ask(request, shown, form, "status", _("Who has to act?"), problem, status)

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    given = form.cleaned_data
    return _do(
        request, shown, form,
        lambda: services.change_status(
            case_id=shown.id, status=Status(given["status"]), by=request.user, now=timezone.now(), seen=given["seen"]),
        Toast(says=str(Status(given["status"]).label) + "."), lambda why: ask(str(why), why.status),
    )  # fmt: skip


@needs("cases.work")
def resolution(request: StaffRequest, number: int) -> HttpResponse:
    """Bring the case to its end."""
    shown, form = _case(request, number), ResolveForm(request.POST or None)

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        return _ask(
            request, shown, form, "resolve", _("Resolve"), problem, status, outcomes=OUTCOMES, loci=Locus.choices
        )

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    given = form.cleaned_data
    undo = reverse("cases:reopening", args=[number])
    return _do(
        request, shown, form,
        lambda: services.resolve_case(
            case_id=shown.id, outcome=Outcome(given["outcome"]), cause=given["cause"], locus=given["locus"],
            prevention=given["prevention"],
            by=request.user, now=timezone.now(), seen=given["seen"]),
        Toast(says=_("Resolved: %(outcome)s.") % {"outcome": Outcome(given["outcome"]).label}, undo=undo),
        lambda why: ask(str(why), why.status),
    )  # fmt: skip


@needs("cases.work")
def reopening(request: StaffRequest, number: int) -> HttpResponse:
    """Take a resolved case up again."""
    shown, form = _case(request, number), ReopenForm(request.POST or None)

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        return _ask(request, shown, form, "reopen", _("Reopen"), problem, status)

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    given = form.cleaned_data
    return _do(
        request, shown, form,
        lambda: services.reopen_case(
            case_id=shown.id, why=given["why"], by=request.user, now=timezone.now(), seen=given["seen"]),
        Toast(says=_("Open again.")), lambda why: ask(str(why), why.status),
    )  # fmt: skip


@require_POST
@needs("messages.resend")
def send_once_more(request: StaffRequest, number: int, message_id: uuid.UUID) -> HttpResponse:
    """Send a reply again that failed for good or was perhaps sent."""
    shown, form = _case(request, number), OnCase(request.POST)
    form.is_valid()
    if Message.objects.filter(pk=message_id, about=f"case:{shown.id}").exists():
        send_again(message_id=message_id, now=timezone.now())
    return _answer(request, shown, form, Toast(says=_("On its way once more.")))


@require_POST
@needs("cases.work")
def link(request: StaffRequest, number: int) -> HttpResponse:
    """See what the customer sees."""
    return redirect("standing", services.link_for(_case(request, number).id, now=timezone.now()))


@require_POST
@needs("cases.work")
def end_link(request: StaffRequest, number: int) -> HttpResponse:
    """End the customer's link, for instance because it went to the wrong person."""
    shown, form = _case(request, number), OnCase(request.POST)
    form.is_valid()
    services.revoke_link(case_id=shown.id, by=request.user, now=timezone.now())
    return _answer(request, shown, form, Toast(says=_("The customer's link opens nothing any more.")))


# -- how


def _case(request: StaffRequest, number: int) -> CaseDetail:
    return the_case(number, places=visible_places(request.user))


def _number(text: str | None) -> int | None:
    """A number from the address; whatever else stands there counts as nothing."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004  an int4


def _moments(shown: CaseDetail, before: int | None) -> tuple[list[Moment], int]:
    """A page of the timeline, and the key of the next one (0: that was all)."""
    limit, older = MOMENTS_A_PAGE + 1, {"before": before} if before else {}
    found = [_by_name(shown, moment) for moment in timeline(shown.id, merged=shown.merged, limit=limit, **older)]
    return found[:MOMENTS_A_PAGE], found[MOMENTS_A_PAGE - 1].position if len(found) > MOMENTS_A_PAGE else 0


def _by_name(shown: CaseDetail, moment: Moment) -> Moment:
    """What the customer wrote bears their name instead of their address."""
    is_theirs = moment.author and shown.email and moment.author.lower() == shown.email.lower()
    return moment._replace(author=shown.customer) if is_theirs else moment


def _shown(
    request: StaffRequest, shown: CaseDetail, *, before: int | None = None
) -> tuple[list[Moment], dict[str, Any]]:
    """All that the page shows, and its timeline. Two SQL statements beside the case itself."""
    now = timezone.now()
    moments, more = _moments(shown, before)
    panels, asked = extensions.panels_of(shown, request.user, now)
    order, levels, person, *told = ask_all([
        purchase_of(shown.order_id), levels_of([shown.place_id]),
        glance_of(
            shown.customer_id, at=shown.opened_at, places=visible_places(request.user), order_id=shown.order_id
        ),
        *asked,
    ])  # fmt: skip
    for answer in told:
        panels |= answer
    words = _words(shown, order, moments, clocks_by(levels, shown, now), now)
    words |= in_one_glance(person, request.user, now, case=shown)
    return moments, words | panels | {"more": more, "before": before}


def _page(
    request: StaffRequest, shown: CaseDetail, *, before: int | None = None, typed: Mapping[str, Any] | None = None,
    problem: str = "", status: int = 200, can_insist: bool = False,
) -> HttpResponse:  # fmt: skip
    moments, context = _shown(request, shown, before=before)
    context |= {"moments": tell_all(moments), "typed": typed or {}, "problem": problem,
                "can_insist": can_insist}  # fmt: skip
    return render(request, "cases/case.html", context, status=status)


def _words(
    shown: CaseDetail, order: Purchase | None, moments: Sequence[Moment], clocks: list[Shown], now: datetime
) -> dict[str, Any]:
    parcel = _parcel(order, shown.shipment_id)
    way: Journey | None = journey(order, parcel, now) if order else None
    last_reply = next((m for m in moments if m.direction == "out" and m.message_id), None)
    step: NextStep = next_step(Situation(shown, order, parcel, last_reply, now))
    return {
        "case": shown, "order": order, "parcel": parcel, "way": way, "now": now, "step": step,
        "due_word": _due_word(shown), "clocks": clocks,
        "why_ranked": why_ranked(shown.severity, shown.loyalty_tier, shown.value) if shown.is_open else "",
        "severity": Severity(shown.severity).label, "tier": Tier(shown.tier).label,
        "status": Status(shown.status).label, "locus": dict(Locus.choices)[shown.locus],
        "outcome": Outcome(shown.outcome).label if shown.outcome else "",
        "outcomes": dict(Outcome.choices), "statuses": dict(Status.choices), "said": SAID,
        "channel": dict(Channel.choices).get(shown.channel, ""),
    }  # fmt: skip


def _parcel(order: Purchase | None, shipment_id: uuid.UUID | None) -> Parcel | None:
    if order is None or not order.parcels:
        return None
    return next((parcel for parcel in order.parcels if parcel.id == shipment_id), order.parcels[0])


def _due_word(shown: CaseDetail) -> str:
    if shown.due_at is None:
        return _("Paused")
    if shown.due_at != shown.answer_due_at:
        return _("Put right by")
    return _("Answer due") if shown.last_contact_by else _("First word due")


def _not_said(
    request: StaffRequest, shown: CaseDetail, form: SayForm, why: str, status: int, *, can_insist: bool = False
) -> HttpResponse:
    """The refusal (or the doubt: `can_insist`) beside the composer; what was typed stays."""
    if request.htmx:
        return render(request, "cases/_not_said.html", {"problem": why, "can_insist": can_insist}, status=status)
    shown = _case(request, shown.number)
    return _page(request, shown, typed=form.data, problem=why, status=status, can_insist=can_insist)


def _ask(
    request: StaffRequest,
    shown: CaseDetail,
    form: OnCase,
    name: str,
    title: str,
    problem: str,
    status: int,
    **more: Any,
) -> HttpResponse:
    """The form of an action: for the dialog, or as a page of its own."""
    seen = _number(request.GET.get("seen"))
    if form.is_bound and not problem:  # only fields are wrong: whoever corrects them has still seen what they saw
        seen = form.cleaned_data.get("seen")
    context = {"case": shown, "form": form, "action": name, "title": title, "problem": problem, "now": timezone.now(),
               "seen": shown.version if seen is None else seen, **more}  # fmt: skip
    template = "cases/_act.html" if request.htmx else "cases/act.html"
    return render(request, template, context, status=status)


def _do(
    request: StaffRequest, shown: CaseDetail, form: OnCase, write: Callable[[], object],
    toast: Toast | Callable[[], Toast],
    again: Callable[[MakegoodError], HttpResponse],
) -> HttpResponse:  # fmt: skip
    """Write, then answer; where it is refused say why and, beside it, what is new."""
    try:
        write()
    except Conflict as why:
        if request.htmx and why.status != 422:  # noqa: PLR2004
            return _updated(
                request, shown.number, after=form.cleaned_data["seen"] or shown.version, is_news=True,
                toast=Toast(says=str(why), level="error", href=getattr(why, "href", "")), status=why.status,
            )  # fmt: skip
        return again(why)
    return _answer(request, shown, form, toast if isinstance(toast, Toast) else toast())


def _answer(request: StaffRequest, shown: CaseDetail, form: OnCase, toast: Toast) -> HttpResponse:
    if request.htmx:
        seen = form.cleaned_data.get("seen")
        return _updated(request, shown.number, after=shown.version if seen is None else seen, toast=toast)
    messages.success(request, toast.says)
    return redirect("cases:case", shown.number)


def written(request: StaffRequest, number: int, *, seen: int | None, says: str, undo: str = "") -> HttpResponse:
    """What a later room answers after it wrote on a case: the parts of its page that are new since event `seen`."""
    toast = Toast(says=says, undo=undo)
    if request.htmx:
        return _updated(request, number, after=2_000_000_000 if seen is None else seen, toast=toast)
    messages.success(request, says)
    return redirect("cases:case", number)


def _updated(
    request: StaffRequest,
    number: int,
    *,
    after: int,
    toast: Toast | None = None,
    is_news: bool = False,
    status: int = 200,
    mark: Mark | None = None,
) -> HttpResponse:
    """The parts of the page that may have changed since event `after`; what is typed is no part of them."""
    shown = _case(request, number)
    moments, context = _shown(request, shown)
    fresh = [moment for moment in moments if moment.seq > after and not moment.of]
    others = [moment for moment in fresh if moment.actor_id != request.user.pk] if is_news else []
    context |= {
        "fresh": tell_all(fresh),
        # Merged or parted since: what stands in between changed too.
        "moments": tell_all(moments) if any(m.kind in ("merged", "split") for m in fresh) else [],
        "mails": [mail for moment in moments if (moment.of or moment.seq <= after) and (mail := mail_of(moment))],
        "news": happened(others[0]) if others else "", "news_at": others[0].at if others else None,
        "toast": toast, "mark": mark,
    }  # fmt: skip
    # Where a question was asked stands what has been said in it since.
    context["threads"] = {moment.thread.id: moment.thread for moment in reversed(fresh) if moment.thread}.values()
    response = render(request, "cases/_updated.html", context, status=status)
    response["HX-Reswap"] = "none"  # nothing but the parts named in the answer
    return response
