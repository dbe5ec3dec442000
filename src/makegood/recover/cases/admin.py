"""What administrators may edit of this room: queues and the reason tree. Cases are worked, not edited."""

from django import forms
from django.contrib import admin
from django.core.validators import RegexValidator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from makegood.ground.staff.admin import ByRole
from makegood.recover.cases.models import Queue, Reason

CODE = RegexValidator(r"^[a-z0-9_]+(\.[a-z0-9_]+)?$", _("Lower-case words, at most one dot: group or group.reason."))


@admin.register(Queue)
class QueueAdmin(ByRole):
    list_display = ("name", "slug", "position")
    list_editable = ("position",)
    ordering = ("position", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:  # noqa: ARG002
        return ("slug",) if obj else ()


class ReasonForm(forms.ModelForm):  # type: ignore[type-arg]
    """A reason stands below a group that exists."""

    class Meta:
        model = Reason
        fields = ("code", "name", "severity", "locus", "queue", "active")

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"])
        CODE(code)
        group = code.partition(".")[0]
        if group != code and not Reason.objects.filter(code=group).exists():
            raise forms.ValidationError(_("Add the group %(group)s first."), params={"group": group})
        return code


@admin.register(Reason)
class ReasonAdmin(ByRole):
    """Codes stay as they are (reports and rules speak of them); names, severity, queue and use may change."""

    form = ReasonForm
    list_display = ("code", "name", "severity", "locus", "queue", "active")
    list_editable = ("active",)
    list_filter = ("active", "queue", "severity")
    list_select_related = ("queue",)
    search_fields = ("code", "name")
    ordering = ("code",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:  # noqa: ARG002
        return ("code",) if obj else ()
