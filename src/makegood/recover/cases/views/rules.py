"""Who is given which cases: the table of rules, for those who direct the work."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.recover.cases.models import AssignmentRule, Queue, Reason
from makegood.recover.cases.services.assigning import candidates


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A rule: what it is about, what people need, who of them is given the case."""

    class Meta:
        model = AssignmentRule
        fields = ("name", "position", "reason", "queue", "language", "skill", "method", "active")
        labels = {
            "name": gettext_lazy("Name"), "position": gettext_lazy("Order"), "reason": gettext_lazy("Reason"),
            "queue": gettext_lazy("Queue"), "language": gettext_lazy("Language of the customer"),
            "skill": gettext_lazy("Skill that people need"), "method": gettext_lazy("Who is given it"),
            "active": gettext_lazy("In use"),
        }  # fmt: skip
        help_texts = {
            "name": gettext_lazy("Stands on the timeline of every case that it gives to somebody."),
            "position": gettext_lazy("The first rule that fits decides."),
            "reason": gettext_lazy("With all reasons below it. Empty: any."),
        }


@require_safe
@needs("cases.direct")
def rules(request: StaffRequest) -> HttpResponse:
    """All rules in their order, with how many people qualify. Two SQL statements of its own."""
    people = candidates()
    shown = [
        (rule, [one for one in people if not rule.skill or rule.skill.strip().lower() in one.skills])
        for rule in AssignmentRule.objects.select_related("reason", "queue")
    ]
    return render(request, "cases/rules.html", {"rules": shown, "people": people})


@needs("cases.direct")
def rule(request: StaffRequest, rule_id: int | None = None) -> HttpResponse:
    """Write a rule, change it, or delete it."""
    shown = get_object_or_404(AssignmentRule, pk=rule_id) if rule_id else None
    if shown and "delete" in request.POST:
        shown.delete()
        messages.success(request, _("Rule deleted. Cases stay with those who have them."))
        return redirect("cases:rules")
    form = RuleForm(request.POST or None, instance=shown, initial={"position": AssignmentRule.objects.count()})
    form.fields["reason"].queryset = Reason.objects.filter(active=True)  # type: ignore[attr-defined]
    form.fields["reason"].empty_label = form.fields["queue"].empty_label = _("Any")  # type: ignore[attr-defined]
    form.fields["queue"].queryset = Queue.objects.all()  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved. It holds for cases that open or are put back from now on."))
        return redirect("cases:rules")
    return render(request, "cases/rule.html", {"form": form, "rule": shown}, status=422 if form.is_bound else 200)
