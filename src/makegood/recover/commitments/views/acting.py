"""Promising from the case page, and saying how promises ended, on the case page and in the list.

As on the case page, an action is a link to a small form and a POST. A POST answers with the parts of the page that
changed, or with a redirect where there are no scripts.
"""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from makegood.engines.language.promises import what_about
from makegood.errors import Conflict
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.queries.case import CaseDetail, the_case
from makegood.recover.cases.views.case import written
from makegood.recover.commitments import services
from makegood.recover.commitments.errors import WhenNotUnderstood
from makegood.recover.commitments.forms import BreakForm, ConfirmForm, OnPage, PromiseForm, ReleaseForm
from makegood.recover.commitments.models import Commitment, Kind, State, Suggestion, To
from makegood.recover.commitments.panel import WORDS
from makegood.recover.commitments.queries.listing import commitment_row, find_commitment, find_suggestion
from makegood.recover.commitments.when import shown_back, understand, where_of


@needs("cases.work")
def promise(request: StaffRequest, number: int) -> HttpResponse:
    """Promise something on a case: two fields."""
    case = the_case(number, places=visible_places(request.user))
    form = PromiseForm(request.POST or None)
    ask = _asking(request, _("Promise"), reverse("commitments:promise", args=[number]), form, case, new=True)
    if request.method != "POST" or not form.is_valid():
        return ask("", 422 if form.is_bound else 200)
    given, now = form.cleaned_data, timezone.now()
    try:
        due = understand(given["when"], where=where_of(case.id), now=now)
        made = services.promise(
            text=given["text"], kind=given["kind"] or what_about(given["text"]) or Kind.OTHER, due_at=due.at,
            to=given["to"] or To.CUSTOMER, said_as=given["when"], case_id=case.id, owner=request.user, by=request.user,
            now=now,
        )  # fmt: skip
    except Conflict as why:
        return ask(str(why), why.status)
    return _answer(request, made, given["seen"], _says(made, now), undo=True)


@require_safe
@needs("cases.work")
def when(request: StaffRequest) -> HttpResponse:
    """What the words for a time mean, said back while they are typed. Two SQL queries where a case is named."""
    said, number = request.GET.get("when", "")[:100].replace("\0", ""), request.GET.get("case", "")
    case = the_case(int(number), places=visible_places(request.user)) if number.isascii() and number.isdigit() else None
    facts: dict[str, Any] = {"at": "", "problem": ""}
    if said.strip():
        where, now = where_of(case.id if case else None), timezone.now()
        try:
            due = understand(said, where=where, now=now)
            facts = {"at": shown_back(due.at, now=now), "zone": where.zone.key, "problem": ""}
        except WhenNotUnderstood as why:
            facts["problem"] = str(why)
    return render(request, "commitments/_when.html", facts)


@require_POST
@needs("cases.work")
def keep(request: StaffRequest, number: int) -> HttpResponse:
    """Kept, now."""
    return _end(
        request,
        number,
        lambda it, now: services.keep(commitment_id=it.pk, by=request.user, now=now),
        OnPage(request.POST),
    )


@require_POST
@needs("cases.work")
def undo(request: StaffRequest, number: int) -> HttpResponse:
    """Take the last thing back."""
    form = OnPage(request.POST)
    form.is_valid()
    it = find_commitment(number, user=request.user)
    open_again = services.undo(commitment_id=it.pk, by=request.user, now=timezone.now())
    says = _("Taken back: open again.") if open_again.state == State.OPEN else _("Taken back: nothing was promised.")
    return _answer(
        request, open_again, form.cleaned_data.get("seen"), says, also=it if it.pk != open_again.pk else None
    )


@needs("cases.work")
def change(request: StaffRequest, number: int) -> HttpResponse:
    """Everything that may become of a promise but being kept: another date, not kept, let off."""
    it = find_commitment(number, user=request.user)
    where, now = where_of(it.case_id), timezone.now()
    said = it.due_at.astimezone(where.zone)
    first = {"text": it.text, "when": f"{said:%Y-%m-%d %H:%M}", "kind": it.kind}
    form = PromiseForm(request.POST or None, initial=first)
    case = the_case(it.case.number, places=visible_places(request.user)) if it.case else None
    ask = _asking(request, f"P-{number}", reverse("commitments:change", args=[number]), form, case, commitment=it)
    if request.method != "POST" or not form.is_valid():
        return ask("", 422 if form.is_bound else 200)
    given = form.cleaned_data
    try:
        due = understand(given["when"], where=where, now=now)
        made = services.supersede(
            commitment_id=it.pk, text=given["text"], kind=given["kind"] or it.kind, due_at=due.at, by=request.user,
            now=now, said_as=given["when"],
        )  # fmt: skip
    except Conflict as why:
        return ask(str(why), why.status)
    return _answer(request, made, given["seen"], _says(made, now), undo=True, also=it)


@require_POST
@needs("cases.work")
def break_it(request: StaffRequest, number: int) -> HttpResponse:
    """It will not be kept."""
    form = BreakForm(request.POST)
    return _end(
        request, number,
        lambda it, now: services.break_commitment(
            commitment_id=it.pk, by=request.user, now=now, why=form.cleaned_data.get("why", "")),
        form,
    )  # fmt: skip


@require_POST
@needs("cases.work")
def release(request: StaffRequest, number: int) -> HttpResponse:
    """The other side agreed."""
    form = ReleaseForm(request.POST)
    return _end(
        request, number,
        lambda it, now: services.release(
            commitment_id=it.pk, by=request.user, now=now, agreed_by=form.cleaned_data.get("agreed_by", "")),
        form,
    )  # fmt: skip


# -- what was found in words


@needs("cases.work")
def confirm(request: StaffRequest, found_id: uuid.UUID) -> HttpResponse:
    """Yes, that was promised: with its date, or with the one that is typed."""
    found = find_suggestion(found_id, user=request.user)
    case, where = the_case(found.case.number, places=visible_places(request.user)), where_of(found.case_id)
    due_at = found.due_at.astimezone(where.zone) if found.due_at else None
    first = {"text": found.words, "when": f"{due_at:%Y-%m-%d %H:%M}" if due_at else "", "kind": found.kind}
    form = ConfirmForm(request.POST if request.method == "POST" else None, initial=first)
    ask = _asking(
        request, _("Was this promised?"), reverse("commitments:confirm", args=[found_id]), form, case, found=found,
        replaces=found.replaces if found.replaces and found.replaces.state == State.OPEN else None,
    )  # fmt: skip
    if request.method != "POST" or not form.is_valid():
        return ask("", 422 if form.is_bound else 200)
    given, now = form.cleaned_data, timezone.now()
    try:
        if given["when"] or found.due_at is None:
            found.due_at = understand(given["when"], where=where, now=now).at
        made = services.confirm(
            suggestion_id=found_id, owner=found.author or request.user, by=request.user, now=now, due_at=found.due_at,
            text=given["text"], kind=given["kind"], said_as=found.said_as or given["when"], replace=given["replace"],
        )  # fmt: skip
    except Conflict as why:
        return ask(str(why), why.status)
    return _answer(request, made, given["seen"], _says(made, now))


@require_POST
@needs("cases.work")
def dismiss(request: StaffRequest, found_id: uuid.UUID) -> HttpResponse:
    """No, that was no promise."""
    form = OnPage(request.POST)
    form.is_valid()
    found = find_suggestion(found_id, user=request.user)
    services.dismiss(suggestion_id=found_id, by=request.user, now=timezone.now())
    return _answer(request, found, form.cleaned_data.get("seen"), _("Not a promise."))


# -- how


def _end(
    request: StaffRequest, number: int, write: Callable[[Commitment, datetime], Commitment], form: OnPage
) -> HttpResponse:
    form.is_valid()
    it = write(find_commitment(number, user=request.user), timezone.now())
    says = _("P-%(number)s: %(state)s.") % {"number": number, "state": str(State(it.state).label).lower()}
    return _answer(request, it, form.cleaned_data.get("seen"), says, undo=True)


def _says(made: Commitment, now: datetime) -> str:
    at = shown_back(timezone.localtime(made.due_at), now=now)
    return _("P-%(number)s promised: %(at)s.") % {"number": made.number, "at": at}


def _asking(
    request: StaffRequest, title: str, address: str, form: PromiseForm, case: CaseDetail | None, **more: Any
) -> Callable[[str, int], HttpResponse]:
    """The form of an action: for the dialog, or as a page of its own."""

    def ask(problem: str, status: int) -> HttpResponse:
        seen = form.data.get("seen") or request.GET.get("seen") or (case.version if case else "")
        facts = {"title": title, "address": address, "form": form, "case": case, "problem": problem, "seen": seen,
                 "commitment": None, "found": None, "replaces": None, "new": False, "now": timezone.now()}  # fmt: skip
        template = "commitments/_act.html" if request.htmx else "commitments/act.html"
        return render(request, template, facts | dict(WORDS) | more, status=status)

    return ask


def _answer(
    request: StaffRequest, it: Commitment | Suggestion, seen: int | None, says: str, *, undo: bool = False,
    also: Commitment | None = None,
) -> HttpResponse:  # fmt: skip
    """What changed: the parts of the case page, or the rows of the list; without scripts, back to where one was."""
    take_back = reverse("commitments:undo", args=[it.number]) if undo and isinstance(it, Commitment) else ""
    if request.htmx:
        if it.case and urlsplit(request.htmx.current_url or "").path.startswith("/cases/"):
            return written(request, it.case.number, seen=seen, says=says, undo=take_back)
        rows = [commitment_row(one.pk) for one in (it, also) if isinstance(one, Commitment)]
        gone = it.pk if isinstance(it, Suggestion) else None
        facts = {"rows": rows, "gone": gone, "says": says, "undo": take_back, "now": timezone.now()} | dict(WORDS)
        response = render(request, "commitments/_changed.html", facts)
        response["HX-Reswap"] = "none"
        return response
    messages.success(request, says)
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, None):
        return HttpResponseRedirect(back)
    return HttpResponseRedirect(
        reverse("cases:case", args=[it.case.number]) if it.case else reverse("commitments:list")
    )
