"""One thing done to many cases: those ticked in the queue, or the children of one."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases import services
from makegood.recover.cases.forms import OUTCOMES, AnswerManyForm, EndForm, HandOverForm, Later, ParentForm, ReasonForm
from makegood.recover.cases.models import Batch, Locus, Tier
from makegood.recover.cases.queries import queue
from makegood.recover.cases.queries.case import reasons_to_choose, the_case
from makegood.recover.cases.queries.handling import queues_to_choose
from makegood.recover.cases.queries.many import Progress, progress
from makegood.recover.cases.views.handling import laters

Action = Batch.Action


class Many(NamedTuple):
    """How one action is asked for."""

    title: Any
    form: type[forms.Form]
    choices: Callable[[datetime], dict[str, Any]]


NOTHING_YET = {"cause": "", "locus": "", "prevention": ""}
MANY: dict[str, Many] = {
    Action.REASON: Many(gettext_lazy("Change the reason"), ReasonForm, lambda _now: {"groups": reasons_to_choose()}),
    Action.ESCALATE: Many(
        gettext_lazy("Escalate"), HandOverForm,
        lambda _now: {"tiers": list(Tier.choices)[1:], "queues": queues_to_choose()},
    ),
    Action.LINK: Many(gettext_lazy("Link to one case behind them"), ParentForm, lambda _now: {}),
    Action.SNOOZE: Many(gettext_lazy("Put off"), Later, lambda now: {"laters": laters(now)}),
    Action.RESOLVE: Many(
        gettext_lazy("Resolve"), EndForm,
        lambda _now: {"outcomes": OUTCOMES, "loci": Locus.choices, "given": NOTHING_YET},
    ),
    Action.ANSWER: Many(gettext_lazy("Answer all"), AnswerManyForm, lambda _now: {}),
}  # fmt: skip


@needs("cases.work")
def many(request: StaffRequest, action: str) -> HttpResponse:
    """Ask how, then do it to each of the chosen cases; what cannot be done is said, the rest is done."""
    data = request.POST if request.method == "POST" else request.GET
    how = MANY.get(action)
    parent = _parent(request, data)
    chosen = _chosen(request, data, parent)
    back = _back(data.get("back", ""))
    if how is None or not chosen:
        return redirect(back)
    form = how.form(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        context = {
            "action": action, "title": how.title, "form": form, "number": len(chosen), "back": back, "parent": parent,
            "chosen": [] if parent else chosen, "now": timezone.now(), **how.choices(timezone.now()),
        }  # fmt: skip
        template = "cases/_many.html" if request.htmx else "cases/many.html"
        return render(request, template, context, status=422 if form.is_bound else 200)
    now = timezone.now()
    batch = services.start_batch(
        action=action, cases=chosen, asked=_asked(request, form), by=request.user, now=now,
        parent_id=parent.id if parent else None, in_the_background=parent is not None,
    )  # fmt: skip
    if parent:
        return redirect("cases:batch", batch.pk)
    services.run_batch(batch_id=batch.pk, now=now)
    return redirect(led_back(back, batch))


@require_safe
@needs("cases.work")
def batch(request: StaffRequest, batch_id: uuid.UUID) -> HttpResponse:
    """What became of each; while some wait it is asked again every second."""
    shown = progress(batch_id, of=request.user)
    context = {"batch": shown, "said": says(shown), "back": reverse("cases:batch", args=[batch_id])}
    return render(request, "cases/_batch.html" if request.htmx else "cases/batch.html", context)


@require_POST
@needs("cases.work")
def batch_undo(request: StaffRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Take it back where nobody has built on it."""
    services.undo_batch(batch_id=batch_id, by=request.user, now=timezone.now())
    back = _back(request.POST.get("back", ""))
    return redirect(back)


def says(batch: Progress) -> str:
    """What became of a batch, in a sentence."""
    number = batch.done
    told = {
        Action.ASSIGN: ngettext(
            "%(number)d case is now with %(name)s.", "%(number)d cases are now with %(name)s.", number
        ),
        Action.REASON: ngettext("Reason of %(number)d case changed.", "Reason of %(number)d cases changed.", number),
        Action.ESCALATE: ngettext("%(number)d case escalated.", "%(number)d cases escalated.", number),
        Action.LINK: ngettext("%(number)d case linked.", "%(number)d cases linked.", number),
        Action.SNOOZE: ngettext("%(number)d case put off.", "%(number)d cases put off.", number),
        Action.RESOLVE: ngettext("%(number)d case resolved.", "%(number)d cases resolved.", number),
        Action.ANSWER: ngettext("%(number)d answer on its way.", "%(number)d answers on their way.", number),
    }[Action(batch.action)]
    words = [str(told) % {"number": number, "name": batch.who or _("nobody")}] if number or not batch.undone else []
    if batch.undone:
        words.append(
            ngettext("%(number)d taken back.", "%(number)d taken back.", batch.undone) % {"number": batch.undone}
        )
    if batch.waiting:
        words.append(_("%(number)d still to come.") % {"number": batch.waiting})
    return " ".join(words)


def led_back(address: str, batch: Batch) -> str:
    """The address of the page that asked, which then says what became of the batch."""
    path, _mark, query = address.partition("?")
    asked = QueryDict(query, mutable=True)
    asked["batch"] = str(batch.pk)
    return f"{path}?{asked.urlencode()}"


def of_page(request: StaffRequest) -> dict[str, Any]:
    """The batch that a page of the queue was led back from, if any. Two SQL queries then."""
    try:
        batch_id = uuid.UUID(request.GET.get("batch", ""))
    except ValueError:
        return {}
    shown = progress(batch_id, of=request.user)
    return {"batch": shown, "said": says(shown), "back": request.get_full_path()}


def _parent(request: StaffRequest, data: QueryDict) -> Any:
    number = data.get("parent", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):  # noqa: PLR2004  a bigint
        return None
    return the_case(int(number), places=visible_places(request.user))


def _chosen(request: StaffRequest, data: QueryDict, parent: Any) -> list[uuid.UUID]:
    places = visible_places(request.user)
    if parent:
        return queue.visible(services.open_children(parent.id), places)
    return queue.visible(ids(data.getlist("case")), places)


def _asked(request: StaffRequest, form: forms.Form) -> dict[str, Any]:
    """What was asked for, as a batch keeps it."""
    asked = {name: value for name, value in form.cleaned_data.items() if name not in ("seen", "unknown", "other")}
    if "until" in asked:
        asked["until"] = asked["until"].isoformat()
    if "other" in form.cleaned_data:
        asked["parent"] = str(the_case(form.cleaned_data["other"], places=visible_places(request.user)).id)
    return asked


def _back(address: str) -> str:
    return address if url_has_allowed_host_and_scheme(address, None) else reverse("cases:queue")


def ids(said: list[str]) -> list[uuid.UUID]:
    """What is an identifier among it; at most a page of them."""
    found = []
    for text in said[: queue.PAGE]:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return found
