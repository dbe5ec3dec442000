"""What the public may type."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from makegood.recover.cases.forms import FilesField
from makegood.recover.cases.services.attachments import Given

FILES_AT_MOST = 10


class ContactForm(forms.Form):
    """The web form. `website` is a trap: people do not see it, programs fill it in."""

    email = forms.EmailField(
        max_length=200, label=_("Your e-mail address"), help_text=_("We answer to this address."),
        error_messages={"required": _("Write your e-mail address, so that we can answer.")},
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )  # fmt: skip
    order = forms.CharField(
        max_length=60, required=False, label=_("Order number, if you have it"),
        help_text=_("It is in the confirmation we sent you."),
    )  # fmt: skip
    words = forms.CharField(
        max_length=20_000, label=_("What went wrong?"), help_text=_("Say it in your own words, and what would help."),
        error_messages={"required": _("Tell us what went wrong.")}, widget=forms.Textarea(attrs={"rows": 7}),
    )  # fmt: skip
    uploads = FilesField(label=_("Photos or papers"), help_text=_("If they help us see it. Up to ten."))
    website = forms.CharField(required=False)

    def clean_uploads(self) -> "list[UploadedFile[Any]]":
        uploads: list[UploadedFile[Any]] = self.cleaned_data["uploads"]
        if len(uploads) > FILES_AT_MOST:
            raise forms.ValidationError(_("That is more than ten files."))
        return uploads

    @property
    def attached(self) -> list[Given]:
        return [Given(file.name or "file", file.read()) for file in self.cleaned_data["uploads"]]

    @property
    def told(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {"author": given["email"].lower(), "body": given["words"].strip(), "order_ref": given["order"].strip()}
