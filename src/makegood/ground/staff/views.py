"""The keys of other systems: who has one, what it may do, when it was last used."""

import uuid
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from makegood.ground.staff import keys
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import ApiKey, Role
from makegood.ground.staff.rules import PERMISSIONS

WORDS = {
    "cases.see": gettext_lazy("Read cases"), "cases.work": gettext_lazy("Open and work cases"),
    "cases.export": gettext_lazy("Export cases"), "cases.direct": gettext_lazy("Say who is given which cases"),
    "commitments.hand_over": gettext_lazy("Hand over anybody's promises"),
    "retail.see": gettext_lazy("Read customers and orders"),
    "retail.settle_rejects": gettext_lazy("Correct rejected rows"),
    "messages.see": gettext_lazy("Read mail and the outbox"), "messages.resend": gettext_lazy("Send messages again"),
    "scorecards.see": gettext_lazy("Read reports"), "triage.see": gettext_lazy("See what triage has learned"),
    "service_levels.see": gettext_lazy("Read service levels"), "service_levels.set": gettext_lazy("Set service levels"),
}  # fmt: skip
SCOPES = [(name, WORDS.get(name, name)) for name in PERMISSIONS if name not in keys.NOT_FOR_KEYS]


class KeyForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Which system"), max_length=100)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, initial=Role.SPECIALIST)
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"), choices=SCOPES, widget=forms.CheckboxSelectMultiple, initial=["cases.see"]
    )
    days = forms.IntegerField(
        label=gettext_lazy("Ends after days"), min_value=1, max_value=3650, required=False,
        help_text=gettext_lazy("Empty: works until it is revoked."),
    )  # fmt: skip


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@needs("staff.administer")
def api_keys(request: StaffRequest) -> HttpResponse:
    """All keys, and a form for a new one. The key itself is on the answer to that form and never again."""
    form = KeyForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        given, now = form.cleaned_data, timezone.now()
        try:
            key, secret = keys.make_key(
                name=given["name"], role=given["role"], scopes=given["scopes"], by=request.user, now=now,
                expires_at=now + timedelta(days=given["days"]) if given["days"] else None,
            )  # fmt: skip
        except keys.ScopeNotHeld as why:
            form.add_error("scopes", str(why))
        else:
            return _page(request, KeyForm(), secret=secret, name=key.user.first_name)
    return _page(request, form, status=422 if form.is_bound else 200)


@never_cache
@require_POST
@needs("staff.administer")
def rotate_api_key(request: StaffRequest, key_id: uuid.UUID) -> HttpResponse:
    """A new secret; the former one works for another day."""
    secret = keys.rotate_key(key_id=key_id, now=timezone.now())
    return _page(
        request, KeyForm(), secret=secret, name=ApiKey.objects.select_related("user").get(pk=key_id).user.first_name
    )


@require_POST
@needs("staff.administer")
def revoke_api_key(request: StaffRequest, key_id: uuid.UUID) -> HttpResponse:
    """End a key at once."""
    keys.revoke_key(key_id=key_id, now=timezone.now())
    messages.success(request, _("The key is revoked. Requests with it are refused from now on."))
    return redirect("api_keys")


def _page(request: StaffRequest, form: KeyForm, *, status: int = 200, **shown: Any) -> HttpResponse:
    rows = ApiKey.objects.select_related("user", "created_by").order_by("revoked_at", "-created_at")[:500]
    context = {
        "form": form,
        "rows": rows,
        "now": timezone.now(),
        "roles": dict(Role.choices),
        "words": dict(SCOPES),
        **shown,
    }
    return render(request, "staff/api_keys.html", context, status=status)
