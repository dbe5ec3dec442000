"""What people may type on the case page. Malformed input is refused field by field."""

import uuid
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from makegood.ids import read_uuid
from makegood.recover.cases.macros.using import Chosen
from makegood.recover.cases.models import Channel, Locus, Outcome, Status, Tier
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
        if kind and not self.errors and not given.get(kind, "").strip() and not self.macros:
            self.add_error(kind, _("Write something first."))
        return given

    @property
    def macros(self) -> list[Chosen]:
        """The macros that were taken into it, as id:version; what is none is left out."""
        posted = self.data.getlist("macro") if isinstance(self.data, QueryDict) else []
        parts = [text.partition(":") for text in posted[:10]]
        return [
            Chosen(pk, int(version)) for text, _colon, version in parts
            if (pk := read_uuid(text)) and version.isascii() and version.isdigit() and len(version) < 10  # noqa: PLR2004  an int4
        ]  # fmt: skip

    @property
    def attached(self) -> list[Given]:
        return [Given(file.name or "file", file.read()) for file in self.cleaned_data["uploads"]]

    @property
    def body(self) -> str:
        return str(self.cleaned_data[self.cleaned_data["kind"]])


class AskForm(OnCase):
    whom = forms.RegexField(r"^(user|queue):", error_messages={"required": _("Choose whom to ask.")})
    body = forms.CharField(max_length=5000, error_messages={"required": _("Write your question.")})


class AnswerForm(OnCase):
    body = forms.CharField(max_length=5000)


class WatchForm(OnCase):
    to = forms.CharField(max_length=150)


class MoveForm(OnCase):
    queue = forms.CharField(max_length=50, error_messages={"required": _("Choose a queue.")})
    why = forms.CharField(max_length=500, error_messages={"required": _("Say why, for whoever gets it.")})


class ReasonForm(OnCase):
    reason = forms.CharField(max_length=60, error_messages={"required": _("Choose a reason.")})


class AssignForm(OnCase):
    to = forms.CharField(max_length=150, required=False)  # empty: back to the queue


class StatusForm(OnCase):
    status = forms.ChoiceField(
        choices=[(s.value, s.label) for s in (Status.OPEN, Status.WAITING_CUSTOMER, Status.WAITING_PARTNER)],
        error_messages={"required": _("Choose one.")},
    )


# A duplicate is merged, so that it is known of which case it is one.
OUTCOMES = [choice for choice in Outcome.choices if choice[0] != Outcome.DUPLICATE]


class EndForm(forms.Form):
    """How a case ended, why it failed, and what would have prevented it."""

    outcome = forms.ChoiceField(choices=OUTCOMES, error_messages={"required": _("Say how it ended.")})
    cause = forms.CharField(max_length=500, required=False)
    unknown = forms.BooleanField(required=False)
    locus = forms.ChoiceField(choices=Locus.choices, required=False)
    prevention = forms.CharField(max_length=500, required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not given.get("cause") and not given.get("unknown"):
            self.add_error("cause", _("Say why it failed, or that nobody knows yet."))
        return given


class ResolveForm(EndForm, OnCase):
    pass


class HandOverForm(forms.Form):
    """To whom a case goes, and what they must know."""

    tier = forms.ChoiceField(choices=[("", ""), *Tier.choices], required=False)
    queue = forms.CharField(max_length=50, required=False)
    happened = forms.CharField(max_length=5000, error_messages={"required": _("Say what happened so far.")})
    promised = forms.CharField(
        max_length=5000, error_messages={"required": _("Say what was promised; “nothing” will do.")}
    )
    needed = forms.CharField(max_length=5000, error_messages={"required": _("Say what is needed now.")})

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not given.get("tier") and not given.get("queue"):
            self.add_error("tier", _("Choose a higher tier, another queue, or both."))
        return given


class MergeForm(OnCase):
    other = forms.IntegerField(
        min_value=1, max_value=2**63 - 1, error_messages={"required": _("Choose the other case.")}
    )
    way = forms.ChoiceField(choices=[("into", ""), ("here", "")])


class ParentForm(forms.Form):
    other = forms.IntegerField(
        min_value=1, max_value=2**63 - 1, error_messages={"required": _("Choose the case behind them.")}
    )


class LinkForm(ParentForm, OnCase):
    pass


class AnswerManyForm(forms.Form):
    body = forms.CharField(max_length=LONGEST, error_messages={"required": _("Write something first.")})
    wait = forms.BooleanField(required=False)


class SplitForm(OnCase):
    contact = forms.TypedMultipleChoiceField(coerce=uuid.UUID, error_messages={"required": _("Choose at least one.")})
    reason = forms.CharField(max_length=60)
    subject = forms.CharField(max_length=200, required=False)


class Later(forms.Form):
    """Until when something is put off, and why."""

    until = forms.DateTimeField(
        error_messages={"required": _("Say until when."), "invalid": _("Choose a day and a time.")}
    )
    why = forms.CharField(max_length=500, error_messages={"required": _("Say why, for whoever looks for it.")})


class SnoozeForm(Later, OnCase):
    pass


class EscalateForm(HandOverForm, OnCase):
    to = forms.CharField(max_length=150, required=False)  # empty: whoever takes it there


class ReopenForm(OnCase):
    why = forms.CharField(max_length=500, error_messages={"required": _("Say why, for whoever reads it next.")})


class OpenForm(forms.Form):
    """A case opened by hand."""

    reason = forms.CharField(max_length=60, error_messages={"required": _("Choose a reason.")})
    subject = forms.CharField(max_length=200, error_messages={"required": _("Say in a few words what went wrong.")})
    body = forms.CharField(max_length=LONGEST, required=False)
    channel = forms.ChoiceField(choices=[("", ""), *Channel.choices], required=False)
