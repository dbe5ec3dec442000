"""What people type about promises. Malformed input is refused field by field."""

from django import forms
from django.utils.translation import gettext_lazy as _

from makegood.recover.commitments.models import Kind, To


class OnPage(forms.Form):
    """Carries the version of the case that its writer saw, so that the answer brings what is new since."""

    seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)


class PromiseForm(OnPage):
    """What and until when. The kind follows from the words unless it is chosen."""

    text = forms.CharField(max_length=300, error_messages={"required": _("Say what was promised.")})
    when = forms.CharField(max_length=100, error_messages={"required": _("Say until when, for example Thursday 2pm.")})
    kind = forms.ChoiceField(choices=[("", ""), *Kind.choices], required=False)
    to = forms.ChoiceField(choices=To.choices, required=False)
    replace = forms.BooleanField(required=False)


class ConfirmForm(PromiseForm):
    """A promise that was found: what is left empty is as it was found."""

    text = forms.CharField(max_length=300, required=False)
    when = forms.CharField(max_length=100, required=False)


class BreakForm(OnPage):
    why = forms.CharField(max_length=500, required=False)


class ReleaseForm(OnPage):
    agreed_by = forms.CharField(max_length=200, error_messages={"required": _("Say who agreed.")})
