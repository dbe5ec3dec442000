"""What administrators may type about time. Malformed input is refused field by field, in words."""

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from makegood.engines import clocks
from makegood.ground.retail.models import Place
from makegood.recover.cases.models import Channel, Queue, Severity, Tier
from makegood.recover.cases.service_levels.models import MOST_MINUTES, SILENT, Calendar, Escalation, Target, compiled

CHANNELS = [("", gettext_lazy("Any channel")), (SILENT, gettext_lazy("Nobody wrote yet")), *Channel.choices]
_TIME = re.compile(r"(?:(\d{1,5})\s*h)?\s*(?:(\d{1,6})\s*(?:min|m))?")


def minutes_of(text: str) -> int:
    """Minutes of a time such as "4 h", "90 min" or "1 h 30 min". Raises ValueError."""
    match = _TIME.fullmatch(text.strip().lower())
    minutes = int(match[1] or 0) * 60 + int(match[2] or 0) if match else 0
    if not 1 <= minutes <= MOST_MINUTES:
        raise ValueError(text)
    return minutes


def spelled_minutes(minutes: int | None) -> str:
    """A time as `minutes_of` reads it; empty: none."""
    hours, rest = divmod(minutes or 0, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)


class TimeField(forms.Field):
    """A length of business time."""

    def to_python(self, value: Any) -> Any:
        if not value or not str(value).strip():
            return None
        try:
            return minutes_of(str(value))
        except ValueError as problem:
            raise forms.ValidationError(_("Write it as 4 h, 90 min or 1 h 30 min.")) from problem

    def prepare_value(self, value: Any) -> Any:
        return spelled_minutes(value) if isinstance(value, int) else value


class CalendarForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A calendar with its week and its exceptions as text."""

    hours = forms.CharField(
        label=gettext_lazy("Hours"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("Such as Mon-Fri 09:00-12:30, 13:15-17:00; Sat 10:00-14:00. Empty: around the clock."),
    )  # fmt: skip
    days = forms.CharField(
        label=gettext_lazy("Other dates"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One a line, 2026-12-24 09:00-12:00 or 2026-12-27 closed; they beat holidays."),
    )  # fmt: skip
    queues = forms.ModelMultipleChoiceField(
        Queue.objects.all(), label=gettext_lazy("Queues that keep these hours"), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    places = forms.CharField(
        label=gettext_lazy("Places that keep these hours"), required=False, max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Names, one a line; all below a district or region keep them, too."),
    )  # fmt: skip

    # Not a field of the model's: that another one is the default is no mistake (`setting.save_calendar`).
    default = forms.BooleanField(label=gettext_lazy("Wherever no other holds"), required=False)

    class Meta:
        model = Calendar
        fields = ("name", "time_zone", "country", "subdivision")
        labels = {
            "time_zone": gettext_lazy("Time zone"), "country": gettext_lazy("Closed on the holidays of"),
            "subdivision": gettext_lazy("Part of that country"),
        }  # fmt: skip
        help_texts = {
            "time_zone": gettext_lazy("Such as Europe/London. Empty: that of the place where the case belongs."),
            "country": gettext_lazy("Its code, such as GB. Empty: holidays are worked."),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        kept = self.instance
        if kept.pk:
            self.initial = {
                **self.initial,
                "default": kept.is_default,
                "hours": clocks.spelled_week(kept.week),
                "days": "\n".join(f"{day} {clocks.spelled(on) or 'closed'}" for day, on in kept.exceptions.items()),
                "queues": [use.queue_id for use in kept.uses.all() if use.queue_id],
                "places": "\n".join(use.place.name for use in kept.uses.select_related("place") if use.place),
            }  # fmt: skip

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()

    def clean_subdivision(self) -> str:
        return str(self.cleaned_data["subdivision"]).upper()

    def clean_hours(self) -> list[Any]:
        text = self.cleaned_data["hours"].strip()
        try:
            return [list(day) for day in clocks.weekly(text)] if text else []
        except clocks.NotACalendar as problem:
            raise forms.ValidationError(str(problem)) from problem

    def clean_days(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for line in filter(None, map(str.strip, self.cleaned_data["days"].splitlines())):
            day, _space, hours = line.partition(" ")
            try:
                date.fromisoformat(day)
                found[day] = [] if hours.strip().lower() == "closed" else list(clocks.windows(hours))
            except clocks.NotACalendar as problem:
                raise forms.ValidationError(str(problem)) from problem
            except ValueError as problem:
                raise forms.ValidationError(
                    _("“%(day)s” is no date. Write it as 2026-12-24.") % {"day": day}
                ) from problem
            if not found[day] and hours.strip().lower() != "closed":
                raise forms.ValidationError(_("Say the hours of %(day)s, or closed.") % {"day": day})
        return dict(sorted(found.items()))

    def clean_places(self) -> list[Place]:
        names = {line.strip() for line in self.cleaned_data["places"].splitlines() if line.strip()}
        found = list(Place.objects.filter(name__in=names)) if names else []
        for name in sorted(names - {place.name for place in found}):
            raise forms.ValidationError(_("There is no place called %(name)s.") % {"name": name})
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.errors:
            return given
        self.instance.week, self.instance.exceptions = given["hours"], given["days"]
        self.instance.is_default = given["default"]
        try:
            compiled(self.instance.__dict__ | {name: given[name] for name in self.Meta.fields}, "UTC")
        except clocks.NotACalendar as problem:
            wrong = "time_zone" if "time zone" in str(problem) else "country" if "holidays" in str(problem) else "hours"
            self.add_error(wrong, str(problem))
        return given


class TargetForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """For which cases, and how long."""

    severity = forms.TypedChoiceField(
        choices=[("", gettext_lazy("Any severity")), *Severity.choices], coerce=int, empty_value=None, required=False
    )
    tier = forms.ChoiceField(choices=[("", gettext_lazy("Any tier")), *Tier.choices], required=False)
    channel = forms.ChoiceField(choices=CHANNELS, required=False)
    queue = forms.ModelChoiceField(Queue.objects.all(), required=False, empty_label=gettext_lazy("Any queue"))
    first_minutes = TimeField(label=gettext_lazy("First answer within"), required=False)
    next_minutes = TimeField(label=gettext_lazy("Next answer within"), required=False)
    resolution_minutes = TimeField(label=gettext_lazy("Resolved within"), required=False)

    class Meta:
        model = Target
        fields = ("severity", "tier", "channel", "loyalty_tier", "queue", "first_minutes", "next_minutes",
                  "resolution_minutes", "warn_percent", "stops_for_partner")  # fmt: skip
        labels = {"loyalty_tier": gettext_lazy("Loyalty tier"), "warn_percent": gettext_lazy("Warn after, per cent")}

    def clean_warn_percent(self) -> int:
        percent = int(self.cleaned_data["warn_percent"])
        if not 1 <= percent <= 99:  # noqa: PLR2004
            raise forms.ValidationError(_("Between 1 and 99."))
        return percent

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors and not any(given.get(f"{clock}_minutes") for clock in clocks.Clock):
            self.add_error("first_minutes", _("Set at least one of the three times."))
        return given


class EscalationForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """When which clock does what, then what follows."""

    class Meta:
        model = Escalation
        fields = ("clock", "when", "deed", "queue")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        moves = given.get("deed") == Escalation.Deed.MOVE
        if moves and not given.get("queue"):
            self.add_error("queue", _("Say to which queue."))
        if not moves:
            given["queue"] = None
        return given


class TryForm(forms.Form):
    """What if: a start and a time in the hours of a calendar."""

    calendar = forms.ModelChoiceField(Calendar.objects.all(), label=gettext_lazy("Calendar"))
    start = forms.DateTimeField(
        label=gettext_lazy("From"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    time = TimeField(label=gettext_lazy("Takes"))

    def due(self, zone: str) -> tuple[datetime, timedelta, str]:
        """When it is due and how long that is on the wall, in the calendar's own zone or `zone`, which is returned too.

        Raises
        ------
        clocks.NotACalendar
            It does not open any more.
        """
        calendar: Calendar = self.cleaned_data["calendar"]
        there = calendar.time_zone or zone
        start = self.cleaned_data["start"].replace(tzinfo=ZoneInfo(there))
        due = compiled(calendar.__dict__, zone).add(start, timedelta(minutes=self.cleaned_data["time"]))
        return due.astimezone(ZoneInfo(there)), due - start, there
