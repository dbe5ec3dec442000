"""Macros: the page where they are kept, and the list from which one is taken into the composer."""

import uuid

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from makegood.ground.retail.queries.orders import purchase
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.errors import MacroNotFound
from makegood.recover.cases.macros.fields import FIELDS, fill, unknown_fields
from makegood.recover.cases.models import Macro, Queue
from makegood.recover.cases.queries.case import the_case


class MacroForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when run
    audience = forms.ChoiceField(label=gettext_lazy("Who has it"))

    class Meta:
        model = Macro
        fields = ("name", "kind", "body", "wait")

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


@require_http_methods(["GET", "HEAD", "POST"])
@needs("cases.work")
def macros(request: StaffRequest, macro_id: uuid.UUID | None = None) -> HttpResponse:
    """All macros that this person may use, and a form for a new one or for `macro_id`."""
    mine = _of(request)
    macro = mine.filter(pk=macro_id).first() if macro_id else Macro()
    if macro is None:
        raise MacroNotFound
    form = MacroForm(request.POST if request.method == "POST" else None, instance=macro)
    if form.is_bound and form.is_valid():
        audience = form.cleaned_data["audience"]
        kept = form.save(commit=False)
        kept.owner = request.user if audience == "me" else None
        kept.queue = None if audience in ("me", "all") else Queue.objects.get(slug=audience)
        kept.save()
        messages.success(request, _("Saved."))
        return redirect("cases:macros")
    context = {"rows": mine.select_related("queue"), "form": form, "macro_id": macro_id, "known": FIELDS}
    return render(request, "cases/macros.html", context, status=422 if form.is_bound else 200)


@require_POST
@needs("cases.work")
def remove_macro(request: StaffRequest, macro_id: uuid.UUID) -> HttpResponse:
    """Remove a macro for all who have it."""
    if not _of(request).filter(pk=macro_id).delete()[0]:
        raise MacroNotFound
    messages.success(request, _("Removed."))
    return redirect("cases:macros")


@require_GET
@needs("cases.work")
def choose_macro(request: StaffRequest, number: int) -> HttpResponse:
    """The macros for a case, filled in: one is taken into the composer. Three SQL statements."""
    case = the_case(number, places=visible_places(request.user))
    order = purchase(case.order_id) if case.order_id else None
    for_case = _of(request).filter(Q(queue=None) | Q(queue__slug=case.queue_slug))
    filled = [(macro, fill(macro.body, case, order, request.user)) for macro in for_case]
    context = {"case": case, "filled": filled, "title": _("Macros"), "kinds": dict(Macro.Kind.choices)}
    return render(request, "cases/_choose_macro.html", context)


def _of(request: StaffRequest) -> QuerySet[Macro]:
    return Macro.objects.filter(Q(owner=None) | Q(owner=request.user))
