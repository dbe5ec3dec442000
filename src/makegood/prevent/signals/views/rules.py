"""Fixed rules, and what each of them would have cost."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.web.formats import rounded
from makegood.prevent.signals.errors import RuleNotClear, RuleNotFound
from makegood.prevent.signals.models import Rule
from makegood.prevent.signals.services import ruling
from makegood.prevent.slices import DIMENSIONS
from makegood.prevent.slices_in_words import Names
from makegood.recover.cases.models import Reason

MONTH = 365.25 / 12


class RuleForm(forms.Form):
    """So many cases, within so long, that have these things in common."""

    name = forms.CharField(max_length=80, label=gettext_lazy("Name"))
    count = forms.IntegerField(min_value=2, max_value=10_000, initial=3, label=gettext_lazy("So many cases"))
    hours = forms.IntegerField(min_value=1, max_value=24 * 92, initial=24, label=gettext_lazy("Within so many hours"))
    alike = forms.MultipleChoiceField(
        choices=[(name, dimension.label) for name, dimension in DIMENSIONS.items()], initial=["reason"],
        widget=forms.CheckboxSelectMultiple, label=gettext_lazy("That agree in"), required=False,
    )  # fmt: skip
    reason = forms.ModelChoiceField(
        Reason.objects.filter(active=True), to_field_name="code", required=False, empty_label=gettext_lazy("Any"),
        label=gettext_lazy("Only of this reason"),
    )  # fmt: skip
    active = forms.BooleanField(required=False, initial=True, label=gettext_lazy("In use"))


@require_safe
@needs("signals.see")
def rules(request: StaffRequest) -> HttpResponse:
    """All rules, each with what it would have cost over the past year. Three SQL queries: who asks, rules, names."""
    found = list(Rule.objects.all())
    names = Names.of(rule.only for rule in found)
    facts = {"rules": [(rule, _what(rule, names), _cost(rule)) for rule in found]}
    return render(request, "signals/rules.html", facts)


@needs("signals.judge")
def rule(request: StaffRequest, rule_id: uuid.UUID | None = None) -> HttpResponse:
    """Write a rule or change it; what it would have cost is measured as it is saved."""
    kept = Rule.objects.filter(pk=rule_id).first() if rule_id else None
    if rule_id and kept is None:
        raise RuleNotFound
    form = RuleForm(request.POST or None, initial=_as_given(kept) if kept else None)
    problem = ""
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        only = dict(kept.only) if kept else {}
        only.pop("reason", None)
        if given["reason"]:
            only["reason"] = given["reason"].code
        try:
            saved = ruling.save_rule(
                rule_id=rule_id, name=given["name"], only=only, alike=given["alike"], count=given["count"],
                hours=given["hours"], active=given["active"], now=timezone.now(),
            )  # fmt: skip
        except RuleNotClear as why:
            problem = str(why)
        else:
            messages.success(request, _("Saved. %(cost)s") % {"cost": _cost(saved)})
            return redirect("signals:rules")
    facts = {"form": form, "rule": kept, "problem": problem}
    return render(request, "signals/rule.html", facts, status=422 if form.is_bound else 200)


@require_POST
@needs("signals.judge")
def remove(request: StaffRequest, rule_id: uuid.UUID) -> HttpResponse:
    """Take a rule away."""
    ruling.remove_rule(rule_id=rule_id, now=timezone.now())
    messages.success(request, _("Rule removed. What it called stays in the list, as closed."))
    return redirect("signals:rules")


def _as_given(rule: Rule) -> dict[str, Any]:
    return {"name": rule.name, "count": rule.count, "hours": rule.hours, "alike": rule.alike, "active": rule.active,
            "reason": rule.only.get("reason")}  # fmt: skip


def _what(rule: Rule, names: Names) -> str:
    alike = ", ".join(str(DIMENSIONS[name].label) for name in rule.alike)
    only = names.of_slice(rule.only) if rule.only else _("Cases")
    if not alike:
        return only
    return _("%(only)s with the same %(alike)s") % {"only": only, "alike": alike}


def _cost(rule: Rule) -> str:
    """How often it would have called a month, and how often for nothing that detection found."""
    if not rule.measured or not rule.measured["days"]:
        return _("Not measured: no cases have been judged yet.")
    months = max(rule.measured["days"] / MONTH, 1.0)
    fired, alone = rule.measured["fired"] / months, rule.measured["unshared"] / months
    values = {"fired": rounded(fired), "alone": rounded(alone), "days": rule.measured["days"]}
    return _(
        "Would have called %(fired)s times a month over the past %(days)s days, %(alone)s of them for nothing that "
        "detection found."
    ) % values  # fmt: skip
