"""Promises found in what is said, and promises that contradict each other. A finding waits until it is settled."""

import re
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.translation import gettext as _

from makegood.engines.language.promises import Promise, find_promises
from makegood.ground.staff.models import User
from makegood.ground.staff.names import name_of
from makegood.recover.cases.extensions import Said
from makegood.recover.cases.models import Case, CaseEvent, Direction
from makegood.recover.cases.queries.case import CaseDetail
from makegood.recover.commitments.errors import SuggestionNotFound, SuggestionSettled
from makegood.recover.commitments.models import REMEDIES, Commitment, Kind, Suggestion, To
from makegood.recover.commitments.nouns import NOUNS
from makegood.recover.commitments.services.making import promise, supersede
from makegood.recover.commitments.when import Where, day, where_of, where_of_many

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
    queries, and none where we promised nothing.
    """
    find_in_many([Said(case=case, event=event, words=words)])


def find_in_many(said: Sequence[Said]) -> None:
    """The same for what was said to many cases at once: at most four SQL queries, however many."""
    promising = [(it, words, to) for it, words, to in _who_promises(said) if _promises(words, it.event.at)]
    if not promising:
        return
    cases = {it.case.pk for it, _, _ in promising}
    where, known = where_of_many(cases), earlier_of_many(cases)
    Suggestion.objects.bulk_create(
        [one for it, words, to in promising for one in _suggested(it, words, to, where[it.case.pk], known)],
        batch_size=1000,
    )


def _suggested(
    it: Said, words: str, to: To, where: Where, known: Mapping[uuid.UUID, Sequence[Earlier]]
) -> Iterator[Suggestion]:
    earlier = known.get(it.case.pk, ())
    for found in find_promises(words, now=it.event.at.astimezone(where.zone), holidays=where.holidays)[:MOST]:
        if any(_same(found, old, where.zone) for old in earlier):
            continue
        replaces = next(
            (
                old.id
                for old in earlier
                if to == To.CUSTOMER and _contradicts(found, old, it.case.pk, where.zone, words)
            ),
            None,
        )
        yield Suggestion(
            case_id=it.case.pk, event=it.event, start=found.start, words=found.words, to=to, kind=found.kind,
            said_as=found.when[:100], due_at=found.due, author_id=it.event.actor_id, found_at=it.event.at,
            replaces_id=replaces,
        )  # fmt: skip


def _promises(words: str, at: datetime) -> bool:
    return bool(find_promises(words, now=at.astimezone(UTC)))


def _who_promises(said: Sequence[Said]) -> Iterator[tuple[Said, str, To]]:
    """Whose words can be a promise that we keep an eye on: ours to the customer, or a partner's to us.

    What the customer says is none, except for what we said in it. One SQL query where what came in promises something.
    """
    inbound = [
        it.event.facts["contact"] for it in said
        if it.event.facts.get("direction") == Direction.IN and _promises(it.words, it.event.at)
    ]  # fmt: skip
    partners = _of_partners(inbound) if inbound else frozenset()
    for it in said:
        spoke = it.event.facts.get("direction")
        if spoke == Direction.PARTNER or (spoke == Direction.IN and str(it.event.facts["contact"]) in partners):
            yield it, it.words, To.PARTNER
        elif spoke == Direction.IN:
            yield it, it.ours, To.CUSTOMER
        else:
            yield it, it.words, To.CUSTOMER


def _of_partners(contacts: Sequence[str]) -> frozenset[str]:
    """Which contacts came from the address of a partner. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT t.id::text FROM cases_contact t JOIN retail_vendor v
               ON lower(split_part(v.email, '@', 2)) = lower(split_part(rtrim(t.author, '> '), '@', 2))
               AND lower(v.email) = lower(rtrim(regexp_replace(t.author, '^.*<', ''), '> '))
               WHERE v.email > '' AND t.author > '' AND t.id = ANY(%s::uuid[])""",
            [list(contacts)],
        )
        return frozenset(pk for (pk,) in cursor.fetchall())


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
SELECT asked.case_id, p.id, p.number, p.kind, p.due_at, p.made_at,
       {name_of("u")}, p.case_id, c.number
FROM {{asked}}
JOIN commitments_commitment p ON p.case_id = asked.of
JOIN cases_case c ON c.id = p.case_id
JOIN staff_user u ON u.id = p.owner_id
WHERE p.state = 'open' AND p."to" = 'customer'
ORDER BY p.due_at
"""
_OF_CUSTOMER = _EARLIER.format(
    asked="""(SELECT %(case)s::uuid AS case_id, of FROM (
        SELECT %(case)s::uuid UNION SELECT id FROM cases_case WHERE customer_id = %(customer)s::uuid) AS all_of (of)
    ) AS asked"""
)
_OF_CASES = _EARLIER.format(asked="(SELECT id AS case_id, id AS of FROM unnest(%(cases)s::uuid[]) AS id) AS asked")


def earlier_promises(case_id: uuid.UUID, customer_id: uuid.UUID | None) -> Sequence[Earlier]:
    """Open promises to the customer of a case, on any case of theirs; without a customer on this one. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_CUSTOMER, {"case": case_id, "customer": customer_id})
        return [Earlier(*row) for _, *row in cursor.fetchall()]


def earlier_of_many(cases: Collection[uuid.UUID]) -> dict[uuid.UUID, list[Earlier]]:
    """Open promises to the customer on each of some cases. One SQL query."""
    found: dict[uuid.UUID, list[Earlier]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_OF_CASES, {"cases": list(cases)})
        for case_id, *row in cursor.fetchall():
            found.setdefault(case_id, []).append(Earlier(*row))
    return found


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
