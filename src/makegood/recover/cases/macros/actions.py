"""What macros can do: one table. Later rooms add to it through `extensions.actions`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from makegood.ground.staff.models import User
from makegood.recover.cases import services
from makegood.recover.cases.errors import ActionUnfit, PersonNotFound
from makegood.recover.cases.extensions import Action, Asked, Doing, actions
from makegood.recover.cases.models import Outcome, Queue, Reason, Severity, Status, Tier
from makegood.recover.cases.queries.case import assignable, roles_that_work_cases

Kept = Mapping[str, str]
LONGEST: Final = 2000
AT_MOST: Final = 12
WAITS: Final = (("customer", gettext_lazy("the customer")), ("partner", gettext_lazy("a partner")))
DAYS: Final = tuple((str(days), f"{days}") for days in (1, 2, 3, 5, 7, 14, 30))


def known() -> dict[str, Action]:
    """Every action by its name: ours and those of later rooms."""
    return OWN | actions


def checked(given: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Actions as a macro keeps them. Choices cost one SQL query each, and only those that are used.

    Raises
    ------
    ActionUnfit
        There is no such action, something that it has to know is missing, or is none of what can be chosen.
    """
    kept, table = [], known()
    for one in given:
        action = table.get(str(one.get("do", "")))
        if action is None:
            raise ActionUnfit(str(one.get("do", "")), _("there is no such action."))
        row = {"do": str(one["do"])}
        for asked in action.asked:
            said = str(one.get(asked.name) or "").strip()[:LONGEST]
            if not said and asked.required:
                raise ActionUnfit(str(action.label), _("“%(field)s” is missing.") % {"field": asked.label})
            if said and asked.choices and said not in dict(asked.choices()):
                raise ActionUnfit(str(action.label), _("“%(said)s” cannot be chosen.") % {"said": said})
            row[asked.name] = said
        kept.append(row)
    if len(kept) > AT_MOST:
        raise ActionUnfit(_("Too much"), _("a macro does at most %(number)s things.") % {"number": AT_MOST})
    return merged([kept])


def merged(lists: Iterable[Sequence[Kept]]) -> list[dict[str, str]]:
    """The actions of several macros as one list, in order.

    What is the same is done once; of two that set the same thing the later one counts; what ends the case comes last,
    as nothing can be done to it afterwards.
    """
    found: list[dict[str, str]] = []
    table = known()
    for row in (dict(one) for of_one in lists for one in of_one):
        action = table.get(row["do"])
        if row in found:
            continue
        if action is None or not action.several:
            found = [other for other in found if other["do"] != row["do"]]
        found.append(row)
    return sorted(found, key=lambda row: bool((action := table.get(row["do"])) and action.is_end))


def says(rows: Iterable[Kept], labels: "Labels | None" = None) -> list[tuple[str, str]]:
    """What actions will do, as (icon, words). Choices come from `labels`, which many macros in a row share."""
    labels, table = labels or Labels(), known()
    told = []
    for row in rows:
        action = table.get(row["do"])
        if action is None:
            told.append(("circle-alert", _("Something that is not known any more")))
            continue
        words = dict(row)
        for asked in action.asked:
            if said := row.get(asked.name):
                words[asked.name] = labels.of(asked, said)
        told.append((action.icon, action.says(words)))
    return told


class Labels:
    """What was chosen, in words. Each list of choices is asked for once: at most one SQL query."""

    def __init__(self) -> None:
        self._known: dict[Callable[[], Sequence[tuple[str, Any]]], dict[str, Any]] = {}

    def of(self, asked: Asked, said: str) -> str:
        """The label of a choice; what is typed, or cannot be chosen any more, as it is."""
        if asked.choices is None:
            return said
        if asked.choices not in self._known:
            self._known[asked.choices] = dict(asked.choices())
        return str(self._known[asked.choices].get(said, said))


# -- our own


def _people() -> list[tuple[str, Any]]:
    staff = User.objects.filter(is_active=True, is_integration=False, role__in=roles_that_work_cases())
    return [(user.username, user.display_name) for user in staff.order_by("first_name", "username")]


def _me_or_people() -> list[tuple[str, Any]]:
    return [("me", _("whoever uses it")), *_people()]


def _queues() -> list[tuple[str, Any]]:
    return list(Queue.objects.values_list("slug", "name"))


def _reasons() -> list[tuple[str, Any]]:
    return list(Reason.objects.filter(active=True).values_list("code", "name"))


def _assign(it: Doing, row: Kept) -> object:
    to = None if row["to"] == "nobody" else _person(it, row["to"])
    return services.assign_case(case_id=it.case_id, to=to, by=it.by, now=it.now)


def _person(it: Doing, said: str) -> User:
    found = it.by if said == "me" else assignable(said)
    if found is None:
        raise PersonNotFound(said)
    return found


def _move(it: Doing, row: Kept) -> object:
    return services.move_case(case_id=it.case_id, queue=row["queue"], why=it.fill(row["why"]), by=it.by, now=it.now)


def _wait(it: Doing, row: Kept) -> object:
    status = Status.WAITING_CUSTOMER if row["whom"] == "customer" else Status.WAITING_PARTNER
    return services.change_status(case_id=it.case_id, status=status, by=it.by, now=it.now)


def _snooze(it: Doing, row: Kept) -> object:
    morning = timezone.localtime(it.now + timedelta(days=int(row["days"]))).replace(hour=9, minute=0, second=0)
    return services.snooze_case(case_id=it.case_id, until=morning, why=it.fill(row["why"]), by=it.by, now=it.now)


def _escalate(it: Doing, row: Kept) -> object:
    hand_over = services.HandOver(**{part: it.fill(row[part]) for part in ("happened", "promised", "needed")})
    return services.escalate_case(
        case_id=it.case_id, hand_over=hand_over, tier=row["tier"], queue=row["queue"], by=it.by, now=it.now
    )


def _resolve(it: Doing, row: Kept) -> object:
    outcome, cause = Outcome(row["outcome"]), it.fill(row["cause"])
    return services.resolve_case(case_id=it.case_id, outcome=outcome, cause=cause, by=it.by, now=it.now)


WHY: Final = Asked(name="why", label=gettext_lazy("Why"))
OWN: Final[dict[str, Action]] = {
    "assign": Action(
        label=gettext_lazy("Give it to"), icon="user-check",
        asked=(Asked(name="to", label=gettext_lazy("Whom"),
                     choices=lambda: [("me", _("whoever uses it")), ("nobody", _("nobody, back to the queue")),
                                      *_people()]),),
        says=lambda row: _("Give it to %(to)s") % row, do=_assign,
    ),
    "move": Action(
        label=gettext_lazy("Move it to a queue"), icon="inbox",
        asked=(Asked(name="queue", label=gettext_lazy("Queue"), choices=_queues), WHY),
        says=lambda row: _("Move it to %(queue)s: %(why)s") % row, do=_move,
    ),
    "reason": Action(
        label=gettext_lazy("Set the reason"), icon="tag",
        asked=(Asked(name="reason", label=gettext_lazy("Reason"), choices=_reasons),),
        says=lambda row: _("Set the reason to %(reason)s") % row,
        do=lambda it, row: services.change_reason(case_id=it.case_id, reason=row["reason"], by=it.by, now=it.now),
    ),
    "severity": Action(
        label=gettext_lazy("Set the severity"), icon="signal",
        asked=(Asked(name="severity", label=gettext_lazy("Severity"),
                     choices=lambda: [(str(value), label) for value, label in Severity.choices]),),
        says=lambda row: _("Set the severity to %(severity)s") % row,
        do=lambda it, row: services.change_severity(
            case_id=it.case_id, severity=Severity(int(row["severity"])), by=it.by, now=it.now),
    ),
    "wait": Action(
        label=gettext_lazy("Wait for"), icon="hourglass",
        asked=(Asked(name="whom", label=gettext_lazy("Whom"), choices=lambda: WAITS),),
        says=lambda row: _("Wait for %(whom)s") % row, do=_wait,
    ),
    "snooze": Action(
        label=gettext_lazy("Put it off"), icon="alarm-clock",
        asked=(Asked(name="days", label=gettext_lazy("Days"), choices=lambda: DAYS), WHY),
        says=lambda row: _("Put it off for %(days)s days: %(why)s") % row, do=_snooze,
    ),
    "escalate": Action(
        label=gettext_lazy("Escalate"), icon="arrow-up-right",
        asked=(
            Asked(name="tier", label=gettext_lazy("More authority"), required=False,
                  choices=lambda: list(Tier.choices)[1:]),
            Asked(name="queue", label=gettext_lazy("Other skills"), required=False, choices=_queues),
            Asked(name="happened", label=gettext_lazy("What happened?")),
            Asked(name="promised", label=gettext_lazy("What was promised?")),
            Asked(name="needed", label=gettext_lazy("What is needed now?")),
        ),
        says=lambda row: _("Escalate to %(where)s: %(needed)s") % {
            "where": ", ".join(filter(None, (row["tier"], row["queue"]))), "needed": row["needed"]},
        do=_escalate,
    ),
    "watch": Action(
        label=gettext_lazy("Add a watcher"), icon="eye", several=True,
        asked=(Asked(name="who", label=gettext_lazy("Whom"), choices=_me_or_people),),
        says=lambda row: _("%(who)s watches it") % row,
        do=lambda it, row: services.watch_case(
            case_id=it.case_id, user=_person(it, row["who"]), by=it.by, now=it.now),
    ),
    "note": Action(
        label=gettext_lazy("Write a note"), icon="sticky-note", several=True,
        asked=(Asked(name="body", label=gettext_lazy("Note")),),
        says=lambda row: _("Note: %(body)s") % row,
        do=lambda it, row: services.add_note(case_id=it.case_id, body=it.fill(row["body"]), by=it.by, now=it.now),
    ),
    "resolve": Action(
        label=gettext_lazy("Resolve"), icon="circle-check", is_end=True,
        asked=(
            Asked(name="outcome", label=gettext_lazy("Outcome"),
                  choices=lambda: [one for one in Outcome.choices if one[0] != Outcome.DUPLICATE]),
            Asked(name="cause", label=gettext_lazy("Cause"), required=False, hint=gettext_lazy("Empty: not yet known")),
        ),
        says=lambda row: _("Resolve: %(outcome)s") % row, do=_resolve,
    ),
}  # fmt: skip
