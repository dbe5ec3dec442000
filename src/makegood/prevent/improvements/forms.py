"""What people type about improvements. Malformed input is refused field by field."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from makegood.prevent.improvements.models import Hypothesis
from makegood.recover.cases.models import Locus


class Day(forms.DateField):
    """A calendar day."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}), **rest)


class Text(forms.CharField):
    """Words of several lines."""

    def __init__(self, *, rows: int = 3, **rest: Any) -> None:
        super().__init__(max_length=4000, widget=forms.Textarea(attrs={"rows": rows}), **rest)


class PlanForm(forms.Form):
    """A new improvement."""

    title = forms.CharField(label=_("What is to be changed?"), max_length=200)
    what = Text(label=_("How, and where"), required=False)
    owner = forms.ChoiceField(label=_("Who answers for it"))
    due = Day(label=_("Done by"))
    incidents = forms.CharField(
        label=_("Incidents it answers"), required=False, max_length=200, help_text=_("Such as I-3, I-7. None will do.")
    )
    cause = Text(label=_("Cause"), required=False, rows=2)
    cause_key = forms.CharField(
        label=_("Cause in a few words"), required=False, max_length=80,
        help_text=_("The same words for the same cause: causes are counted by them."),
        widget=forms.TextInput(attrs={"list": "known-causes"}),
    )  # fmt: skip
    locus = forms.ChoiceField(label=_("Where it failed"), choices=Locus.choices, required=False)
    cost = forms.DecimalField(label=_("What it costs"), required=False, min_value=0, max_digits=12, decimal_places=2)
    currency = forms.RegexField(r"^[A-Z]{3}$", label=_("Currency"), required=False, help_text=_("Such as GBP."))

    def __init__(self, *given: Any, owners: list[tuple[str, str]], **rest: Any) -> None:
        super().__init__(*given, **rest)
        self.fields["owner"].choices = owners  # type: ignore[attr-defined]

    def clean_incidents(self) -> list[int]:
        """Numbers, with or without their I-."""
        text = self.cleaned_data["incidents"]
        found = re.findall(r"(?:[Ii]-)?(\d{1,9})\b", text)
        if re.sub(r"(?:[Ii]-)?\d{1,9}\b|[\s,;]", "", text):
            raise forms.ValidationError(_("Write the numbers of incidents, such as I-3, I-7."))
        return [int(number) for number in found]


class HypothesisForm(forms.Form):
    """Which number should move, by how much, by when."""

    part = Text(
        label=_("Which cases should become fewer?"),
        help_text=_("A line for each condition, all of which hold: reason: Not received. carrier: Marlbeck, Northway."),
    )
    percent = forms.IntegerField(label=_("By how many percent?"), min_value=1, max_value=99, initial=30)
    by_when = Day(label=_("By when? Then there is a verdict in any case."))
    within_days = forms.IntegerField(
        label=_("Days in which cases come in"), min_value=1, max_value=120, initial=28,
        help_text=_("Cases count so long after their purchase. A week is looked at once that time has passed."),
    )  # fmt: skip
    beside = forms.ChoiceField(
        label=_("Compared with"), choices=Hypothesis.Beside.choices, required=False,
        help_text=_("Besides the time before. What the others do too is not the effect of the change."),
    )  # fmt: skip
    beside_part = Text(label=_("Which other part?"), required=False, rows=2)


class DayForm(forms.Form):
    on = Day()


class WordsForm(forms.Form):
    words = forms.CharField(max_length=4000, required=False)
