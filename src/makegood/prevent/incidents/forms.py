"""What people type about incidents. Malformed input is refused field by field."""

import re
from datetime import datetime
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from makegood.prevent.incidents.models import Cause, Incident, Kind
from makegood.prevent.incidents.queries.one import going_on, leaders
from makegood.prevent.incidents.words import DISCIPLINES
from makegood.recover.cases.models import Locus, Severity

LONG: Final = forms.Textarea(attrs={"rows": 3})
CASES_AT_ONCE: Final = 500


def moment(label: Any, **more: Any) -> forms.DateTimeField:
    """A moment that somebody may type, of this century."""
    return forms.DateTimeField(
        required=False, label=label, validators=[_of_this_century],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"), **more,
    )  # fmt: skip


def _of_this_century(at: datetime) -> None:
    if not 2000 <= at.year < 2100:  # noqa: PLR2004
        raise forms.ValidationError(_("Write a day of this century."))


class OnIncident(forms.Form):
    """Carries the version of the incident that its writer saw. `incident` is the one it is about."""

    seen = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, incident: Incident, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.incident = incident
        for name in self.fields:
            if hasattr(incident, name) and name not in self.initial:
                self.initial[name] = getattr(incident, name)
        self.initial["seen"] = incident.version


class UpdateForm(OnIncident):
    words = forms.CharField(
        max_length=5000, widget=LONG, label=_("What is new?"), help_text=_("Everybody who hears of it is told.")
    )


class SeverityForm(OnIncident):
    severity = forms.TypedChoiceField(choices=Severity.choices, coerce=int, label=_("Severity"))
    severity_why = forms.CharField(max_length=300, required=False, label=_("Why"))


class CommanderForm(OnIncident):
    to = forms.ChoiceField(label=_("Who leads it now?"))

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["to"].choices = [(user.username, user.display_name) for user in leaders()]  # type: ignore[attr-defined]
        self.initial["to"] = self.incident.commander.username


class ChangeForm(OnIncident):
    title = forms.CharField(max_length=200, label=_("What fails, in a few words"))
    kind = forms.ChoiceField(choices=Kind.choices, label=_("Kind"))
    joins = forms.BooleanField(required=False, label=_("New cases that match join by themselves"))


class StatusForm(OnIncident):
    status_inside = forms.CharField(
        max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}), label=_("Where it stands, for us")
    )
    status_public = forms.CharField(
        max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        label=_("Where it stands, for customers"),
        help_text=_("Every customer of a linked case reads it on their page."),
    )  # fmt: skip
    answer = forms.CharField(
        max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 4}), label=_("Agreed answer"),
        help_text=_("Colleagues take it into a reply with one key."),
    )  # fmt: skip
    hazard = forms.CharField(max_length=500, required=False, label=_("Recall: what may happen"))
    what_to_do = forms.CharField(max_length=500, required=False, label=_("Recall: what customers should do"))


class ContainForm(OnIncident):
    how = forms.CharField(max_length=500, label=_("What stopped it, for now?"))
    at = moment(_("Since when? (empty: now)"))


class TaskForm(OnIncident):
    text = forms.CharField(max_length=300, label=_("What is to be done?"))
    owner = forms.ChoiceField(label=_("By whom?"))
    when = forms.CharField(
        max_length=100, label=_("Until when?"), help_text=_("Thursday 2pm, in two business days, tomorrow noon")
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["owner"].choices = [(user.username, user.display_name) for user in leaders()]  # type: ignore[attr-defined]


class CauseForm(OnIncident):
    cause_state = forms.ChoiceField(choices=Cause.choices, required=False, label=_("The cause"))
    cause = forms.CharField(
        max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        label=_("In words: the cause, or why it was not found"),
    )  # fmt: skip
    locus = forms.ChoiceField(choices=Locus.choices, required=False, label=_("Where it failed"))
    whys = forms.CharField(
        max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 5}), label=_("Five times why"),
        help_text=_("One answer a line: each says why the line above it happened."),
    )  # fmt: skip
    contributing = forms.CharField(
        max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        label=_("What made it likelier or worse"), help_text=_("One a line."),
    )  # fmt: skip

    def __init__(self, incident: Incident, *args: Any, **more: Any) -> None:
        super().__init__(incident, *args, **more)
        for name in ("whys", "contributing"):
            self.initial[name] = "\n".join(getattr(incident, name))


class ReviewForm(OnIncident):
    """The review; one that nobody has begun begins with what is on file."""

    def __init__(self, incident: Incident, *args: Any, **more: Any) -> None:
        super().__init__(incident, *args, **more)
        written = incident.review or {
            "d1": incident.commander.display_name, "d2": incident.title, "d3": incident.containment,
            "d4": "\n".join([incident.cause, *incident.whys]).strip(),
        }  # fmt: skip
        for name, (heading, hint) in DISCIPLINES.items():
            self.fields[name] = forms.CharField(
                max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}), label=_(heading),
                help_text=_(hint) if hint else "", initial=written.get(name, ""),
            )  # fmt: skip


class ResolveForm(OnIncident):
    cause_state = forms.ChoiceField(choices=Cause.choices, required=False, label=_("The cause"))
    cause = forms.CharField(
        max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        label=_("In words: the cause, or why it was not found"),
    )  # fmt: skip
    why = forms.CharField(max_length=500, required=False, label=_("Anything else to know"))


class ReopenForm(OnIncident):
    why = forms.CharField(max_length=500, label=_("Why is it open again?"))


class MergeForm(OnIncident):
    into = forms.TypedChoiceField(coerce=int, label=_("In which incident does it go on?"))

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["into"].choices = [  # type: ignore[attr-defined]
            (number, f"I-{number} {title}") for number, title in going_on(besides=self.incident.pk)
        ]
        self.fields["into"].help_text = _("Its cases move there. New ones join by what that incident says of itself.")


class LinkForm(OnIncident):
    cases = forms.CharField(
        max_length=10_000, widget=LONG, label=_("Which cases?"), help_text=_("Their numbers: C-12, C-15 ...")
    )

    def clean_cases(self) -> list[int]:
        numbers = [int(number) for number in re.findall(r"\d{1,18}", self.cleaned_data["cases"])]
        if not numbers or len(numbers) > CASES_AT_ONCE:
            raise forms.ValidationError(_("Write the numbers of at most 500 cases, for example C-12, C-15."))
        return numbers


class TakeOutForm(OnIncident):
    case = forms.TypedMultipleChoiceField(coerce=str, error_messages={"required": _("Choose the cases to take out.")})
    why = forms.CharField(max_length=500, required=False)


class DeclareForm(forms.Form):
    """What is declared by hand. `shared` holds what its cases have in common, as dimension=value."""

    title = forms.CharField(
        max_length=200, label=_("What fails, in a few words"), error_messages={"required": _("Say what fails.")}
    )
    kind = forms.ChoiceField(choices=Kind.choices, label=_("Kind"), required=False)
    severity = forms.TypedChoiceField(
        choices=[("", _("As proposed")), *Severity.choices], coerce=int, empty_value=None, required=False,
        label=_("Severity"),
    )  # fmt: skip
    commander = forms.ChoiceField(label=_("Who leads it?"))
    since = moment(_("Since when?"), help_text=_("Purchases before that are not meant."))
    why = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}), label=_("What is known so far")
    )
    hazard = forms.CharField(max_length=500, required=False, label=_("Recall: what may happen"))
    what_to_do = forms.CharField(max_length=500, required=False, label=_("Recall: what customers should do"))

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["commander"].choices = [(user.username, user.display_name) for user in leaders()]  # type: ignore[attr-defined]
