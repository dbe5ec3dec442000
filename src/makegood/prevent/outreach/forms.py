"""What people type about an outreach. Malformed input is refused field by field, in words."""

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from makegood.ground.retail.models import Order
from makegood.prevent.incidents.models import Incident, Kind
from makegood.prevent.outreach.models import Outreach, Remedy, Segment
from makegood.recover.cases.models import Reason

_MONEY: dict[str, Any] = {"max_digits": 12, "decimal_places": 2, "min_value": Decimal("0.01"), "required": False}


class OutreachForm(forms.Form):
    """What holds for the whole of it."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=200, help_text=gettext_lazy("For colleagues."))
    reason = forms.ChoiceField(label=gettext_lazy("Reason of the cases that it opens"))
    holdout = forms.IntegerField(
        label=gettext_lazy("Held out, percent"), min_value=0, max_value=50, initial=10,
        help_text=gettext_lazy("Left out by chance, to measure what telling people brings. A recall allows none."),
    )  # fmt: skip
    per_minute = forms.IntegerField(
        label=gettext_lazy("Messages a minute, at most"), min_value=1, max_value=60_000, initial=300
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reasons = Reason.objects.filter(active=True).values_list("code", "name")
        self.fields["reason"] = forms.ChoiceField(label=self.fields["reason"].label, choices=list(reasons))


class SegmentForm(forms.Form):
    """Whom a segment is for, what they read, and what they are offered."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, initial=gettext_lazy("Everybody"))
    tiers = forms.CharField(
        label=gettext_lazy("Loyalty tiers"), max_length=300, required=False,
        help_text=gettext_lazy("Separated by commas. Empty: any."),
    )  # fmt: skip
    wrote = forms.ChoiceField(
        label=gettext_lazy("Wrote to us already"), required=False,
        choices=[("", gettext_lazy("Whether or not")), ("wrote", gettext_lazy("Wrote")),
                 ("silent", gettext_lazy("Silent so far"))],
    )  # fmt: skip
    channels = forms.MultipleChoiceField(
        label=gettext_lazy("Bought through"), required=False, choices=Order.Channel.choices,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    languages = forms.CharField(
        label=gettext_lazy("Languages"), max_length=100, required=False,
        help_text=gettext_lazy("Such as en, pt. Empty: any."),
    )  # fmt: skip
    value_from = forms.DecimalField(label=gettext_lazy("Affected value from"), **_MONEY)
    value_below = forms.DecimalField(label=gettext_lazy("Affected value below"), **_MONEY)
    remedy = forms.ChoiceField(label=gettext_lazy("Offer"), choices=Remedy.choices)
    amount = forms.DecimalField(label=gettext_lazy("Amount"), **_MONEY)
    percent = forms.IntegerField(
        label=gettext_lazy("Or percent of the affected value"), min_value=1, max_value=100, required=False
    )
    cap = forms.DecimalField(label=gettext_lazy("Of that at most"), **_MONEY)
    code = forms.CharField(label=gettext_lazy("Code of the voucher"), max_length=60, required=False)

    def __init__(self, *args: Any, segment: Segment | None = None, **kwargs: Any) -> None:
        if segment is not None:
            who = segment.who
            kwargs["initial"] = {
                "name": segment.name, "tiers": ", ".join(who.get("tiers", [])), "wrote": who.get("wrote", ""),
                "channels": who.get("channels", []), "languages": ", ".join(who.get("languages", [])),
                "value_from": who.get("value_from"), "value_below": who.get("value_below"), "remedy": segment.remedy,
                "amount": segment.amount, "percent": segment.percent, "cap": segment.cap, "code": segment.code,
            } | {
                f"{part}_{code}": text.get(part, "") for code, text in segment.texts.items()
                for part in ("subject", "body")
            }  # fmt: skip
        super().__init__(*args, **kwargs)
        written = dict(settings.LANGUAGES) | {code: code for code in (segment.texts if segment else {})}
        self.codes = list(written)
        for code, name in written.items():
            self.fields[f"subject_{code}"] = forms.CharField(
                label=_("Subject, %(language)s") % {"language": name}, max_length=200, required=False
            )
            self.fields[f"body_{code}"] = forms.CharField(
                label=_("Message, %(language)s") % {"language": name}, max_length=20_000, required=False,
                widget=forms.Textarea(attrs={"rows": 8}),
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        remedy, amount, percent = given.get("remedy"), given.get("amount"), given.get("percent")
        if remedy in (Remedy.NONE, Remedy.REPLACEMENT):
            given |= {"amount": None, "percent": None, "cap": None}
        elif (amount is None) is (percent is None):
            self.add_error("amount", _("Give either an amount or a percentage."))
        if percent is None:
            given["cap"] = None
        if remedy == Remedy.VOUCHER and not given.get("code"):
            self.add_error("code", _("Give the code that they will use."))
        return given

    def columns(self) -> dict[str, Any]:
        """What was typed, as `services.save_segment` takes it."""
        given = self.cleaned_data
        who: dict[str, Any] = {
            "tiers": _split(given["tiers"]), "languages": [code.lower() for code in _split(given["languages"])],
            "channels": given["channels"], "wrote": given["wrote"],
            "value_from": str(given["value_from"]) if given["value_from"] else "",
            "value_below": str(given["value_below"]) if given["value_below"] else "",
        }  # fmt: skip
        texts = {
            code: {"subject": given[f"subject_{code}"], "body": given[f"body_{code}"].replace("\r\n", "\n")}
            for code in self.codes
            if given[f"subject_{code}"] or given[f"body_{code}"]
        }
        return {"name": given["name"], "who": {name: value for name, value in who.items() if value}, "texts": texts,
                **{name: given[name] for name in ("remedy", "amount", "percent", "cap", "code")}}  # fmt: skip


def first_of(outreach: Outreach) -> dict[str, Any]:
    """What a form about an outreach starts with."""
    return {"title": outreach.title, "reason": outreach.reason.code, "holdout": outreach.holdout,
            "per_minute": outreach.per_minute}  # fmt: skip


def first_for(incident: Incident) -> dict[str, Any]:
    """What a form about a new one starts with."""
    is_recall = incident.kind == Kind.RECALL
    return {"title": incident.title, "reason": next(iter(incident.any_of.get("reason", [])), ""),
            "holdout": 0 if is_recall else 10}  # fmt: skip


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
