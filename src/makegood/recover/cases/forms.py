"""What people may type on the case page. Malformed input is refused field by field."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from makegood.recover.cases.models import Channel, Locus, Outcome, Status
from makegood.recover.cases.services.attachments import Given

LONGEST = 50_000
SAID = (("reply", _("Reply")), ("note", _("Note")), ("call", _("Call")))


class Files(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=Files(), required=False, max_length=200, **options)

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[Any]]":
        return [super(FilesField, self).clean(one, initial) for one in data or ()]


class OnCase(forms.Form):
    """Carries the version of the case that its writer saw."""

    seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)


class SayForm(OnCase):
    """The composer: a reply, a note or a call, each with a text of its own, so that a note is never sent by mistake."""

    kind = forms.ChoiceField(choices=SAID)
    reply = forms.CharField(required=False, max_length=LONGEST)
    note = forms.CharField(required=False, max_length=LONGEST)
    call = forms.CharField(required=False, max_length=LONGEST)
    channel = forms.ChoiceField(choices=[(Channel.PHONE, ""), (Channel.STORE, "")], required=False)
    wait = forms.BooleanField(required=False)
    uploads = FilesField(allow_empty_file=True)
    sure = forms.BooleanField(required=False)  # the doubts were read

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        kind = given.get("kind", "")
        if kind and not self.errors and not given.get(kind, "").strip():
            self.add_error(kind, _("Write something first."))
        return given

    @property
    def attached(self) -> list[Given]:
        return [Given(file.name or "file", file.read()) for file in self.cleaned_data["uploads"]]

    @property
    def body(self) -> str:
        return str(self.cleaned_data[self.cleaned_data["kind"]])


class ReasonForm(OnCase):
    reason = forms.CharField(max_length=60, error_messages={"required": _("Choose a reason.")})


class AssignForm(OnCase):
    to = forms.CharField(max_length=150, required=False)  # empty: back to the queue


class StatusForm(OnCase):
    status = forms.ChoiceField(
        choices=[(s.value, s.label) for s in (Status.OPEN, Status.WAITING_CUSTOMER, Status.WAITING_PARTNER)],
        error_messages={"required": _("Choose one.")},
    )


class ResolveForm(OnCase):
    outcome = forms.ChoiceField(choices=Outcome.choices, error_messages={"required": _("Say how it ended.")})
    cause = forms.CharField(max_length=500, required=False)
    locus = forms.ChoiceField(choices=Locus.choices, required=False)


class ReopenForm(OnCase):
    why = forms.CharField(max_length=500, error_messages={"required": _("Say why, for whoever reads it next.")})


class OpenForm(forms.Form):
    """A case opened by hand."""

    reason = forms.CharField(max_length=60, error_messages={"required": _("Choose a reason.")})
    subject = forms.CharField(max_length=200, error_messages={"required": _("Say in a few words what went wrong.")})
    body = forms.CharField(max_length=LONGEST, required=False)
    channel = forms.ChoiceField(choices=[("", ""), *Channel.choices], required=False)
