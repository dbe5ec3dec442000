"""Who hears of what: people, and the incidents that touch a carrier, a store, a category, or all."""

import uuid

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.prevent.incidents.models import Stakeholder
from makegood.prevent.slices import DIMENSIONS
from makegood.prevent.slices_in_words import Names


class HearsForm(forms.Form):
    user = forms.ChoiceField(label=gettext_lazy("Who"))
    dimension = forms.ChoiceField(required=False, label=gettext_lazy("hears of incidents of"))
    value = forms.CharField(
        max_length=200, required=False, label=gettext_lazy("Which"),
        help_text=gettext_lazy("The name of a carrier, a store, a product ...; empty: whichever it is."),
    )  # fmt: skip

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]  # handed on as they come
        people = User.objects.filter(is_active=True, is_integration=False).order_by(
            "first_name", "last_name", "username"
        )
        self.fields["user"].choices = [(user.username, user.display_name) for user in people]  # type: ignore[attr-defined]
        dimensions = [(name, it.label) for name, it in DIMENSIONS.items()]
        self.fields["dimension"].choices = [("", gettext_lazy("every kind")), *dimensions]  # type: ignore[attr-defined]

    def clean(self) -> None:
        """Find what is meant by a name. Of all kinds there is nothing to choose from."""
        dimension, said = self.cleaned_data.get("dimension", ""), self.cleaned_data.get("value", "").strip()
        if not dimension or not said:
            self.cleaned_data["value"] = ""
            return
        found = Names.called(dimension, said)
        if found is None:
            self.add_error("value", _("There is no %(what)s called %(name)s.") % {
                "what": DIMENSIONS[dimension].label, "name": said})  # fmt: skip
        self.cleaned_data["value"] = found or ""


@needs("incidents.lead")
def hearing(request: StaffRequest) -> HttpResponse:
    """Everybody who hears of something, and a form for one more. Four SQL queries to show."""
    form = HearsForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given = form.cleaned_data
        user = User.objects.get(username=given["user"])
        Stakeholder.objects.get_or_create(user=user, dimension=given["dimension"], value=given["value"])
        messages.success(request, _("%(who)s hears of it from now on.") % {"who": user.display_name})
        return redirect("incidents:hearing")
    rows = Stakeholder.objects.select_related("user").order_by("user__first_name", "user__username", "dimension", "id")
    rows = rows.filter(user__is_active=True)
    names = Names.of({row.dimension: row.value} for row in rows if row.value)
    told = [
        (row, DIMENSIONS[row.dimension].label if row.dimension in DIMENSIONS else "",
         names.value(row.dimension, row.value) if row.value else "")
        for row in rows
    ]  # fmt: skip
    return render(request, "incidents/hearing.html", {"rows": told, "form": form}, status=422 if form.is_bound else 200)


@require_POST
@needs("incidents.lead")
def no_longer(request: StaffRequest, stakeholder_id: uuid.UUID) -> HttpResponse:
    """Somebody need not hear of it any more."""
    Stakeholder.objects.filter(pk=stakeholder_id).delete()
    messages.success(request, _("Taken off the list."))
    return redirect("incidents:hearing")
