"""The service levels that Makegood comes with: numbers in tables, to be read, argued about and changed."""

from datetime import timedelta

from django.db import transaction

from makegood.recover.cases.service_levels.models import SILENT, Calendar, Escalation, Target

# Until we answer, and until it is put right, by severity.
ANSWER_WITHIN = {1: timedelta(hours=1), 2: timedelta(hours=4), 3: timedelta(hours=24), 4: timedelta(hours=72)}
RESOLVE_WITHIN = {1: timedelta(days=1), 2: timedelta(days=2), 3: timedelta(days=5), 4: timedelta(days=10)}
# Nobody is waiting on the line when a failure was found before the customer spoke.
SILENT_FACTOR = 2
WARN_PERCENT = 75

OFFICE = [[[9 * 60, 17 * 60]]] * 5 + [[], []]


@transaction.atomic
def plant_levels() -> None:
    """Add the default calendars, targets and escalations to a database that has none. Three SQL queries, or six.

    What was edited or deleted stays so: each table is planted only while it is empty.
    """
    if not Calendar.objects.exists():
        Calendar.objects.bulk_create([
            Calendar(name="Around the clock", is_default=True), Calendar(name="Weekdays 9 to 17", week=OFFICE),
        ])  # fmt: skip
    if not Target.objects.exists():
        Target.objects.bulk_create([
            Target(
                severity=severity, first_minutes=_minutes(within), next_minutes=_minutes(within),
                resolution_minutes=_minutes(RESOLVE_WITHIN[severity]), warn_percent=WARN_PERCENT,
            )
            for severity, within in ANSWER_WITHIN.items()
        ] + [
            Target(severity=severity, channel=SILENT, first_minutes=_minutes(within * SILENT_FACTOR))
            for severity, within in ANSWER_WITHIN.items()
        ])  # fmt: skip
    if not Escalation.objects.exists():
        Escalation.objects.bulk_create([
            Escalation(when=Escalation.When.BREACH, clock=clock, deed=Escalation.Deed.TELL_LEAD)
            for clock in Escalation.Clock
        ])  # fmt: skip


def _minutes(time: timedelta) -> int:
    return time // timedelta(minutes=1)
