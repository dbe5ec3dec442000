"""Promises found in what is said, and promises that contradict each other. A finding waits until it is settled."""

import re
import uuid
from collections.abc import Sequence
from datetime import datetime, time
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.translation import gettext as _

from makegood.engines.language.promises import Promise, find_promises
from makegood.ground.retail.models import Vendor
from makegood.ground.staff.models import User
from makegood.ground.staff.names import name_of
from makegood.recover.cases.models import Case, CaseEvent, Contact
from makegood.recover.cases.queries.case import CaseDetail
from makegood.recover.commitments.errors import SuggestionNotFound, SuggestionSettled
from makegood.recover.commitments.models import REMEDIES, Commitment, Kind, Suggestion, To
from makegood.recover.commitments.nouns import NOUNS
from makegood.recover.commitments.services.making import promise, supersede
from makegood.recover.commitments.when import day, where_of

MOST: Final = 10
"""Of one text. More than that is a contract, not a reply."""


class Earlier(NamedTuple):
    """An open promise to the same customer."""

    id: uuid.UUID
    number: int
    kind: str
    due_at: datetime
    made_at: datetime
    owner: str
    case_id: uuid.UUID
    case_number: int


# -- what is said


def find_in_words(case: Case, event: CaseEvent, words: str) -> None:
    """Keep the promises found in a reply, a call log, a note or a partner's answer, for somebody to confirm.

    What stands in the register already (same case, same matter, same day) is not asked about again. At most four SQL
    queries, and none where nothing was promised.
    """
    where = where_of(case.pk) if _promises(words, event.at.astimezone(ZoneInfo("UTC"))) else None
    if where is None:
        return
    said_by = _who_promises(event)
    if said_by is None:
        return
    found = find_promises(words, now=event.at.astimezone(where.zone), holidays=where.holidays)
    known = earlier_promises(case.pk, None)
    suggestions = []
    for it in found[:MOST]:
        if any(_same(it, old, where.zone) for old in known):
            continue
        replaces = next(
            (old.id for old in known if said_by == To.CUSTOMER and _contradicts(it, old, case.pk, where.zone, words)),
            None,
        )
        suggestions.append(
            Suggestion(
                case_id=case.pk, event=event, start=it.start, words=it.words, to=said_by, kind=it.kind,
                said_as=it.when[:100], due_at=it.due, author_id=event.actor_id, found_at=event.at, replaces_id=replaces,
            )
        )  # fmt: skip
    Suggestion.objects.bulk_create(suggestions)


def _promises(words: str, at: datetime) -> bool:
    return bool(find_promises(words, now=at))


def _who_promises(event: CaseEvent) -> To | None:
    """We, to the customer, or a partner, to us; None: the customer spoke, whose promises we do not keep."""
    if event.facts.get("direction") != "in":
        return To.CUSTOMER
    author = Contact.objects.values_list("author", flat=True).get(pk=event.facts["contact"])
    address = author.rpartition("<")[2].rstrip("> ")
    return To.PARTNER if address and Vendor.objects.filter(email__iexact=address).exists() else None


# -- contradictions


def contradictions(case: CaseDetail, words: str, now: datetime) -> list[str]:
    """A sentence for each open promise to the same customer that these words contradict. At most two SQL queries."""
    if not _promises(words, now):
        return []
    where = where_of(case.id)
    zone = where.zone
    sentences = []
    known = earlier_promises(case.id, case.customer_id)
    for it in find_promises(words, now=now.astimezone(zone), holidays=where.holidays):
        old = next((old for old in known if _contradicts(it, old, case.id, zone, words)), None)
        if old is None:
            continue
        at = old.due_at.astimezone(zone)
        facts = {
            "what": NOUNS[old.kind], "at": f"{day(at)} {at:%H:%M}", "who": old.owner,
            "made": day(old.made_at.astimezone(zone)),
            "case": "" if old.case_id == case.id else f", C-{old.case_number}",
            "new": NOUNS[it.kind],
            "new_at": f"{day(it.due)} {it.due:%H:%M}" if it.due else "",
        }  # fmt: skip
        told = _("You promised %(what)s by %(at)s (%(who)s, %(made)s%(case)s).") % facts
        this = (
            _("This says %(new_at)s.") if it.kind == old.kind
            else _("This promises %(new)s by %(new_at)s.") if it.due
            else _("This promises %(new)s.")
        )  # fmt: skip
        sentences.append(f"{told} {this % facts}")
    return sentences


_EARLIER = f"""
SELECT p.id, p.number, p.kind, p.due_at, p.made_at,
       {name_of("u")}, p.case_id, c.number
FROM commitments_commitment p
JOIN cases_case c ON c.id = p.case_id
JOIN staff_user u ON u.id = p.owner_id
WHERE p.state = 'open' AND p."to" = 'customer'
  AND p.case_id = ANY(ARRAY(
      SELECT %(case)s::uuid UNION SELECT id FROM cases_case WHERE customer_id = %(customer)s::uuid))
ORDER BY p.due_at
"""


def earlier_promises(case_id: uuid.UUID, customer_id: uuid.UUID | None) -> Sequence[Earlier]:
    """Open promises to the customer of a case, on any case of theirs; without a customer on this one. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(_EARLIER, {"case": case_id, "customer": customer_id})
        return [Earlier(*row) for row in cursor.fetchall()]


def _same(it: Promise, old: Earlier, zone: ZoneInfo) -> bool:
    at = old.due_at.astimezone(zone)
    return it.kind == old.kind and (it.due is None or not _at_another_time(it, at))


# A gesture stands beside any other remedy unless it is said to replace it.
_INSTEAD: Final = re.compile(r"\b(?:instead|rather than|em vez|no lugar|ao inves)\b", re.IGNORECASE)
_HOUR: Final = re.compile(r"\d ?(?:[ap]m|h|:\d|o'clock)|\b(?:at|as|às) \d|noon|meio[ -]dia", re.IGNORECASE)
_END_OF_WORK: Final = time(18)  # of who named a day alone


def _contradicts(it: Promise, old: Earlier, case_id: uuid.UUID, zone: ZoneInfo, words: str) -> bool:
    """The same matter at another time; an answer put off by a call; or, on the same case, another remedy."""
    at = old.due_at.astimezone(zone)
    if it.kind == old.kind:
        return it.kind != Kind.OTHER and _at_another_time(it, at)
    if (old.kind, it.kind) == (Kind.ANSWER, Kind.CALL):
        return it.due is not None and it.due.date() > at.date()
    if old.case_id != case_id or it.kind not in REMEDIES or old.kind not in REMEDIES:
        return False
    return Kind.CREDIT not in (it.kind, old.kind) or bool(_INSTEAD.search(words))


def _at_another_time(it: Promise, at: datetime) -> bool:
    """On another day, or at another hour where both named one."""
    if it.due is None or it.due.date() != at.date():
        return it.due is not None
    return at.time() != _END_OF_WORK and it.due.time() != at.time() and bool(_HOUR.search(it.when))


# -- settling


@transaction.atomic
def confirm(
    *, suggestion_id: uuid.UUID, owner: User, by: User, now: datetime, due_at: datetime, text: str = "",
    kind: str = "", said_as: str = "", replace: bool = False,
) -> Commitment:  # fmt: skip
    """Make a promise of a finding; with `replace` it supersedes the one that it contradicts.

    The row lock decides between two who settle at once.

    Raises
    ------
    SuggestionNotFound, SuggestionSettled
        Nothing is written.
    Whatever `promise` and `supersede` raise
        Nothing is written.
    """
    found = _hold(suggestion_id)
    words = {"text": text or found.words, "kind": kind or found.kind, "said_as": said_as or found.said_as}
    if replace and found.replaces_id:
        made = supersede(commitment_id=found.replaces_id, due_at=due_at, by=by, now=now, **words)
    else:
        made = promise(case_id=found.case_id, due_at=due_at, owner=owner, by=by, now=now, to=found.to, **words)
    Suggestion.objects.filter(pk=found.pk).update(
        state=Suggestion.State.CONFIRMED, commitment=made, settled_at=now, settled_by=by
    )
    return made


@transaction.atomic
def dismiss(*, suggestion_id: uuid.UUID, by: User, now: datetime) -> Suggestion:
    """Say that a finding was no promise. It stays on file. Raises SuggestionNotFound, SuggestionSettled."""
    found = _hold(suggestion_id)
    Suggestion.objects.filter(pk=found.pk).update(state=Suggestion.State.DISMISSED, settled_at=now, settled_by=by)
    return found


def _hold(suggestion_id: uuid.UUID) -> Suggestion:
    # The case first, as everybody does who writes on it.
    case_id = Suggestion.objects.filter(pk=suggestion_id).values_list("case_id", flat=True).first()
    if case_id is None:
        raise SuggestionNotFound
    Case.objects.select_for_update(of=("self",)).only("pk").get(pk=case_id)
    found = Suggestion.objects.select_for_update(of=("self",)).get(pk=suggestion_id)
    if found.state != Suggestion.State.WAITING:
        raise SuggestionSettled
    return found
