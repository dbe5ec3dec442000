"""Macros: the page where they are kept, and the list from which one is taken into the composer."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from makegood.errors import Conflict
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.ids import read_uuid, uuid7
from makegood.recover.cases.errors import MacroNotFound, NotYourMacro
from makegood.recover.cases.forms import FilesField
from makegood.recover.cases.macros import keeping
from makegood.recover.cases.macros.actions import Labels, known, says
from makegood.recover.cases.macros.fields import FIELDS, unknown_fields
from makegood.recover.cases.macros.using import offers, usable
from makegood.recover.cases.models import Macro, Queue
from makegood.recover.cases.queries.case import the_case
from makegood.recover.cases.services.attachments import Given


class MacroForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when run
    audience = forms.ChoiceField(label=gettext_lazy("Who has it"))
    uploads = FilesField(allow_empty_file=True)

    class Meta:
        model = Macro
        fields = ("name", "kind", "body", "wait")
        labels = {"body": gettext_lazy("Words")}

    def __init__(self, *args: object, **how: object) -> None:
        super().__init__(*args, **how)  # type: ignore[arg-type]
        queues = [(queue.slug, queue.name) for queue in Queue.objects.all()]
        audience = self.fields["audience"]
        assert isinstance(audience, forms.ChoiceField)
        audience.choices = [("me", _("Only me")), ("all", _("Everybody")), *queues]
        if self.instance.pk:
            queue = self.instance.queue
            audience.initial = "me" if self.instance.owner_id else queue.slug if queue else "all"

    def clean_body(self) -> str:
        body: str = self.cleaned_data["body"]
        if unknown := unknown_fields(body):
            raise forms.ValidationError(
                _("No case can fill %(fields)s.") % {"fields": ", ".join(f"{{{field}}}" for field in unknown)}
            )
        return body

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not given.get("body") and "action" not in self.data:
            self.add_error("body", _("Write something, or add what it does."))
        return given


@require_http_methods(["GET", "HEAD", "POST"])
@needs("cases.work")
def macros(request: StaffRequest, macro_id: uuid.UUID | None = None) -> HttpResponse:
    """All macros that this person may use, and a form for a new one or for `macro_id`."""
    mine = usable(request.user).select_related("queue").prefetch_related("files")
    macro = mine.filter(pk=macro_id).first() if macro_id else Macro(made_by=request.user)
    if macro is None:
        raise MacroNotFound
    if not keeping.may_edit(request.user, macro):
        raise NotYourMacro(macro.name)
    form = MacroForm(*((request.POST, request.FILES) if request.method == "POST" else ()), instance=macro)
    actions = _posted(request) if form.is_bound else macro.actions
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            keeping.keep_macro(
                by=request.user, macro_id=macro_id, actions=actions,
                files=[Given(file.name or "file", file.read()) for file in given["uploads"]],
                without=[pk for text in request.POST.getlist("without") if (pk := read_uuid(text))],
                **{name: given[name] for name in ("name", "kind", "body", "wait", "audience")},
            )  # fmt: skip
        except Conflict as why:
            form.add_error(None, str(why))
        else:
            messages.success(request, _("Saved."))
            return redirect("cases:macros")
    labels = Labels()
    rows = [(one, says(one.actions, labels), keeping.may_edit(request.user, one)) for one in mine]
    context = {"rows": rows, "form": form, "macro": macro, "macro_id": macro_id, "known": FIELDS,
               "actions": [_row(action) for action in actions if action.get("do") in known()],
               "table": known()}  # fmt: skip
    return render(request, "cases/macros.html", context, status=422 if form.is_bound else 200)


@require_GET
@needs("cases.work")
def new_action(request: StaffRequest) -> HttpResponse:
    """An empty row for one action, for the form of a macro; nothing for what is no action."""
    do = request.GET.get("do", "")
    if do not in known():
        return HttpResponse(status=204)
    return render(request, "cases/_macro_action.html", {"row": _row({"do": do}), "is_new": True})


@require_POST
@needs("cases.work")
def remove_macro(request: StaffRequest, macro_id: uuid.UUID) -> HttpResponse:
    """Remove a macro for all who have it."""
    keeping.remove_macro(macro_id=macro_id, by=request.user)
    messages.success(request, _("Removed."))
    return redirect("cases:macros")


@require_GET
@needs("cases.work")
def choose_macro(request: StaffRequest, number: int) -> HttpResponse:
    """The macros for a case, filled in, with what each does: one is taken into the composer."""
    case = the_case(number, places=visible_places(request.user))
    context = {"case": case, "offers": offers(case, request.user), "title": _("Macros"),
               "kinds": dict(Macro.Kind.choices)}  # fmt: skip
    return render(request, "cases/_choose_macro.html", context)


def _row(action: Mapping[str, Any]) -> dict[str, Any]:
    """An action as the form shows it: under a name of its own, with what it asks and what was said."""
    asked = known()[action["do"]]
    fields = [(one, list(one.choices()) if one.choices else None, action.get(one.name, "")) for one in asked.asked]
    return {"id": uuid7().hex[-8:], "do": action["do"], "label": asked.label, "icon": asked.icon, "fields": fields}


def _posted(request: StaffRequest) -> Sequence[dict[str, Any]]:
    """The actions of the form, in its order: `action` names each row, `row.field` what it says."""
    rows = request.POST.getlist("action")[:50]
    return [
        {name.removeprefix(f"{row}."): said for name, said in request.POST.items() if name.startswith(f"{row}.")}
        for row in rows
        if row
    ]
