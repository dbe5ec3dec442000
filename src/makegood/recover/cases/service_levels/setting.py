"""Changing service levels. Clocks of open cases follow: a job enqueued with the change works them out anew."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from makegood.ground.retail.models import Place
from makegood.recover.cases.models import Queue
from makegood.recover.cases.service_levels.errors import CalendarIsDefault, LevelExists, LevelNotFound
from makegood.recover.cases.service_levels.models import Calendar, CalendarUse, Escalation, Target, compiled


@transaction.atomic
def save_calendar(calendar: Calendar, *, queues: Collection[Queue], places: Collection[Place]) -> Calendar:
    """Keep a calendar, new or edited, and where it holds; a queue or place that had another one leaves that.

    Raises
    ------
    clocks.NotACalendar
        It cannot be computed with. Nothing is written.
    LevelExists
        Another has this name. Nothing is written.
    CalendarIsDefault
        It is the default and would cease to be. Nothing is written.
    """
    compiled(calendar.__dict__, "UTC")
    # The row lock on the default decides between two who name another one at once.
    default = Calendar.objects.select_for_update().filter(is_default=True).first()
    if default and default.pk == calendar.pk and not calendar.is_default:
        raise CalendarIsDefault(calendar.name)
    if default and default.pk != calendar.pk and calendar.is_default:
        Calendar.objects.filter(pk=default.pk).update(is_default=False)
    with _once(f"There is a calendar called {calendar.name}."):
        calendar.save()
    CalendarUse.objects.filter(calendar=calendar).delete()
    CalendarUse.objects.filter(queue__in=queues).delete()
    CalendarUse.objects.filter(place__in=places).delete()
    CalendarUse.objects.bulk_create(
        [CalendarUse(calendar=calendar, queue=queue) for queue in queues]
        + [CalendarUse(calendar=calendar, place=place) for place in places]
    )
    _let_clocks_follow()
    return calendar


@transaction.atomic
def delete_calendar(calendar_id: int) -> None:
    """Take a calendar away; whoever kept its hours keeps those of the default.

    Raises
    ------
    LevelNotFound, CalendarIsDefault
        Nothing is deleted.
    """
    calendar = Calendar.objects.select_for_update().filter(pk=calendar_id).first()
    if calendar is None:
        raise LevelNotFound
    if calendar.is_default:
        raise CalendarIsDefault(calendar.name)
    calendar.delete()
    _let_clocks_follow()


@transaction.atomic
def save_target(target: Target) -> Target:
    """Keep a target, new or edited. Raises LevelExists where another one is about the same cases."""
    with _once("There is a target for these cases already."):
        target.save()
    _let_clocks_follow()
    return target


@transaction.atomic
def delete_target(target_id: int) -> None:
    """Take a target away. Raises LevelNotFound."""
    if not Target.objects.filter(pk=target_id).delete()[0]:
        raise LevelNotFound
    _let_clocks_follow()


@transaction.atomic
def save_escalation(rule: Escalation) -> Escalation:
    """Keep an escalation rule. Raises LevelExists where there is one that does the same at the same moment."""
    with _once("There is a rule that does this at this moment."):
        rule.save()
    return rule


def delete_escalation(rule_id: int) -> None:
    """Take an escalation rule away. Raises LevelNotFound."""
    if not Escalation.objects.filter(pk=rule_id).delete()[0]:
        raise LevelNotFound


@contextmanager
def _once(else_say: str) -> Iterator[None]:
    """Let the unique constraint decide."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as problem:
        raise LevelExists(else_say) from problem


def _let_clocks_follow() -> None:
    from makegood.recover.cases.tasks import retime  # noqa: PLC0415  tasks call this room's services

    retime.defer()
