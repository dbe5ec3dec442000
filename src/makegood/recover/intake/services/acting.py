"""From what happened to cases: many happenings at once, with the same result as one after the other.

What happens to one customer can change what the next thing that happens to them leads to: a late arrival turns the
overdue case, a review joins it. What happens to different customers cannot. So happenings are taken in *rounds*, the
first of every customer, then the second, and each round is decided and written as a whole. The result does not depend
on how history is cut into pieces; a test says so.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from makegood.ground.retail.models import Review, Source
from makegood.ground.retail.queries.people import people_of
from makegood.recover.cases import extensions
from makegood.recover.cases.models import Case, CaseEvent, Channel, Contact, Direction, Reason
from makegood.recover.cases.services.bulk import Entry, lock_cases, write_entries
from makegood.recover.cases.services.chains import judge_chains_anew
from makegood.recover.cases.services.opening import NewCase, open_cases
from makegood.recover.intake import matching, opinions
from makegood.recover.intake.failures import Found
from makegood.recover.intake.knowledge import Ask, Known, known_at
from makegood.recover.intake.models import Arrival, Failure, Mail
from makegood.recover.intake.services import deciding, joining

# Cases decided and written at once; bounds memory, and how long a colleague waits for a case that is held.
AT_ONCE = 1000
# One reader at a time decides what becomes of failures; contacts are taken in together, but one by one per customer.
_LOCK, _CUSTOMER_LOCK = 7267324, 7267325
# What an importer of a source holds (retail.loading.writing.LOCK; said again because that drags in the whole importer).
SOURCE_LOCK = 7267321
# A colleague may give an open case, between our look and our writing, the very reason that we were to open.
_ATTEMPTS = 3


@dataclass(frozen=True)
class Happening:
    """A failure, a review or a contact, with all that is known about it when it is decided."""

    at: datetime
    rank: int
    origin: str
    customer_id: UUID | None
    order_id: UUID | None
    ref: str = ""  # at its source; says which of two at one moment comes first, whatever their identifiers here
    known: Known | None = None
    found: Found | None = None
    review: Review | None = None
    reading: matching.Reading | None = None
    arrival: Arrival | None = None
    match: matching.Match | None = None
    theirs: frozenset[UUID] = frozenset()  # all accounts of the person

    @property
    def whose(self) -> Hashable:
        """What two happenings share whose order matters."""
        if self.customer_id:
            return min(self.theirs)
        return self.arrival.author.lower() if self.arrival and self.arrival.author else self.origin


class Done(NamedTuple):
    """What became of a happening."""

    case: Case | None  # None: set aside
    contact_id: UUID | None
    opened: bool
    why: str
    turned: str = ""  # the reason that the case took


@dataclass
class Tally:
    """How many cases opened and why; how many happenings went to open cases and what they made of them."""

    opened: int = 0
    attached: int = 0
    set_aside: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)
    turned: Counter[str] = field(default_factory=Counter)
    reviews: int = 0
    reviews_with_words: int = 0
    reviews_understood: int = 0

    def __iadd__(self, other: Self) -> Self:
        self.opened += other.opened
        self.attached += other.attached
        self.set_aside += other.set_aside
        self.by_reason += other.by_reason
        self.turned += other.turned
        self.reviews += other.reviews
        self.reviews_with_words += other.reviews_with_words
        self.reviews_understood += other.reviews_understood
        return self


def hold_intake(*, alone: bool, people: Sequence[str] = ()) -> None:
    """Until the transaction ends, keep others from deciding: all, or those who decide for the same people, who are
    told apart by their account or, where they have none, by their address.
    """
    with connection.cursor() as cursor:
        if alone:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            return
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])
        for person in sorted(people):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_CUSTOMER_LOCK, person])


def hold_source(source: Source) -> None:
    """Until the transaction ends, keep imports of a source from writing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [SOURCE_LOCK, source.pk])


def gather(found: Sequence[Found], arrivals: Sequence[Arrival], matches: Sequence[matching.Match]) -> list[Happening]:
    """Everything that is needed to decide, in the order in which it happened. Three SQL queries, and
    what those cost who have an opinion.
    """
    ids = [one.review_id for one in found if one.review_id]
    reviews = Review.objects.in_bulk(ids) if ids else {}
    happenings = []
    for one in found:
        review = reviews.get(one.review_id) if one.review_id else None
        reading = matching.read(f"{review.title}\n{review.body}", review.language) if review else None
        rank = list(Failure.Kind).index(one.kind)
        happenings.append(
            Happening(one.at, rank, one.origin, one.customer_id, one.order_id, one.ref, found=one, review=review,
                      reading=reading)
        )  # fmt: skip
    for arrival, match in zip(arrivals, matches, strict=True):
        account = match.account.id if match.account else None
        happenings.append(
            Happening(arrival.at, len(Failure.Kind), f"arrival:{arrival.pk}", account, match.order, arrival.ref,
                      reading=match.reading, arrival=arrival, match=match)
        )  # fmt: skip
    asked = {
        h.origin: Ask(h.order_id, h.at, h.found.shipment_id if h.found else None) for h in happenings if h.order_id
    }
    known = dict(zip(asked, known_at(list(asked.values())), strict=True))
    people = people_of(h.customer_id for h in happenings if h.customer_id)
    for happening in happenings:
        object.__setattr__(happening, "known", known.get(happening.origin))
        if happening.customer_id:
            object.__setattr__(happening, "theirs", people[happening.customer_id])
    _form_opinions([h for h in happenings if h.reading and (h.arrival is None or h.arrival.direction == Direction.IN)])
    return sorted(happenings, key=lambda h: (h.at, h.rank, h.ref, h.origin))


def _form_opinions(happenings: Sequence[Happening]) -> None:
    """Let what was learned have its say on what customers wrote."""
    tellings = [opinions.telling(_words(h), h.reading, h.known, channel=_channel(h)) for h in happenings if h.reading]
    for happening, opinion in zip(happenings, opinions.ask(tellings), strict=True):
        if happening.reading and opinion:
            object.__setattr__(happening, "reading", replace(happening.reading, opinion=opinion))


def _words(happening: Happening) -> str:
    if happening.arrival:
        return opinions.words(happening.arrival.subject, happening.arrival.body)
    return opinions.words(happening.review.title, happening.review.body) if happening.review else ""


def _channel(happening: Happening) -> str:
    return happening.arrival.channel if happening.arrival else Channel.REVIEW


def act(happenings: Sequence[Happening]) -> tuple[Tally, dict[str, Done]]:
    """Open cases and write on open ones, for happenings in the order of their time; what became of each by origin.

    The caller holds intake. About 20 SQL queries a round, however many happenings.
    """
    reasons = {reason.code: reason for reason in Reason.objects.all()}
    done: dict[str, Done] = {}
    for batch in _rounds(happenings):
        pending = batch
        for _ in range(_ATTEMPTS):
            done |= _act_at_once(pending, reasons)
            pending = [h for h in pending if h.origin not in done]
            if not pending:
                break
        else:
            raise RuntimeError(f"{len(pending)} happenings led to no case after {_ATTEMPTS} attempts.")
    _remember([(h, done[h.origin]) for h in happenings if h.origin in done])
    return _count(happenings, done), done


def _rounds(happenings: Sequence[Happening]) -> Iterator[list[Happening]]:
    rounds: list[list[Happening]] = []
    seen: Counter[Hashable] = Counter()
    for happening in happenings:
        turn = seen[happening.whose]
        seen[happening.whose] += 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(happening)
    for batch in rounds:
        for start in range(0, len(batch), AT_ONCE):
            yield batch[start : start + AT_ONCE]


def _act_at_once(batch: Sequence[Happening], reasons: dict[str, Reason]) -> dict[str, Done]:
    strangers = _of_strangers(batch)
    cases = lock_cases(
        customers={c for h in batch for c in _accounts(h)},
        orders={h.order_id for h in batch if h.order_id},
        numbers={n for h in batch for n in _numbers(h)} | {n for found in strangers.values() for n in found},
    )
    desk = joining.Desk(cases, _authors(cases, batch), strangers)
    new: dict[UUID, tuple[Happening, NewCase]] = {}
    entries: list[Entry] = []
    done: dict[str, Done] = {}
    for happening in batch:
        decision = deciding.decide(happening, desk, reasons)
        if isinstance(decision, NewCase):
            new[decision.id] = (happening, decision)
        elif isinstance(decision, deciding.SetAside):
            done[happening.origin] = Done(None, None, False, decision.why)
        else:
            entries += decision
            first = decision[0]
            contact = first.contact.pk if first.contact else None
            turned = first.reason.code if first.reason else ""
            done[happening.origin] = Done(first.case, contact, False, first.why, turned)
    try:
        with transaction.atomic():
            write_entries(entries)
    except IntegrityError as problem:
        if "case_open_once" not in str(problem):
            raise
        return {}  # what was to be reopened has a twin since: look again
    for case in open_cases([one for _, one in new.values()]):
        happening, one = new[case.pk]
        done[happening.origin] = Done(case, one.contact.id if one.contact else None, True, one.why)
    _judge_anew(batch, cases, done)
    return done


def _judge_anew(batch: Sequence[Happening], cases: Sequence[Case], done: dict[str, Done]) -> None:
    """What failed now makes the other open cases of the same person worse, too."""
    failed_at = {
        account: happening.at
        for happening in batch
        if happening.origin in done and (happening.found or done[happening.origin].opened)
        for account in happening.theirs
    }
    open_now = [case for case in cases if case.resolved_at is None and case.customer_id in failed_at]
    judge_chains_anew({case: failed_at[case.customer_id] for case in open_now if case.customer_id})


def _accounts(happening: Happening) -> Iterator[UUID]:
    yield from happening.theirs
    if happening.match:
        yield from happening.match.others


def _numbers(happening: Happening) -> Iterator[int]:
    if happening.match:
        yield from happening.match.case_numbers
    if happening.arrival and happening.arrival.case_number:
        yield happening.arrival.case_number


def _of_strangers(batch: Sequence[Happening]) -> dict[str, set[int]]:
    """Open cases of unknown customers by who opened them by mail. At most one SQL query."""
    by_mail = [h for h in batch if h.arrival and h.arrival.channel == Channel.EMAIL and not h.customer_id]
    asked = {h.arrival.author.lower() for h in by_mail if h.arrival and h.arrival.author}
    found: dict[str, set[int]] = {}
    if asked:
        since = min(h.at for h in by_mail) - joining.GOES_ON_FOR
        mails = Mail.objects.filter(sender__in=asked, came_at__gt=since, contact__isnull=False)
        theirs = mails.filter(case__customer=None, case__resolved_at=None)
        for sender, number in theirs.values_list("sender", "case__number").distinct():
            found.setdefault(sender, set()).add(number)
    return found


def _authors(cases: Sequence[Case], batch: Sequence[Happening]) -> dict[UUID, set[str]]:
    """Who wrote in cases of unknown customers that somebody unknown quotes the number of. At most one SQL query."""
    quoted = {n for h in batch if h.match and h.match.account is None for n in h.match.case_numbers}
    wanted = [case.pk for case in cases if case.customer_id is None and case.number in quoted]
    authors: dict[UUID, set[str]] = {}
    if wanted:
        wrote = Contact.objects.filter(case_id__in=wanted, direction=Direction.IN, author__gt="")
        for case_id, author in wrote.values_list("case_id", "author"):
            authors.setdefault(case_id, set()).add(author.lower())
    return authors


def _remember(pairs: Sequence[tuple[Happening, Done]]) -> None:
    """So that none of this is acted on again. At most three SQL queries."""
    Failure.objects.bulk_create(
        [
            Failure(origin=h.origin, kind=h.found.kind, order_id=h.order_id, case=done.case,
                    happened_at=h.found.happened_at, visible_at=h.at)
            for h, done in pairs if h.found
        ],
        batch_size=1000,
    )  # fmt: skip
    arrived = [(h.arrival.pk, done) for h, done in pairs if h.arrival]
    if arrived:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE intake_arrival a SET contact_id = n.contact_id, set_aside = n.why
                FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS n (id, contact_id, why)
                WHERE a.id = n.id AND a.contact_id IS NULL
                """,
                [
                    [pk for pk, _ in arrived],
                    [done.contact_id for _, done in arrived],
                    ["" if done.case else done.why[:200] for _, done in arrived],
                ],
            )


def tell(happenings: Sequence[Happening], done: dict[str, Done]) -> None:
    """Tell those who listen what was said. One SQL query for all, and theirs."""
    heard = {
        d.contact_id: (h.arrival, d.case) for h in happenings if h.arrival and (d := done.get(h.origin)) and d.case
    }
    if not heard:
        return
    events = CaseEvent.objects.filter(
        case__in={case.pk for _, case in heard.values()}, kind=CaseEvent.Kind.CONTACT,
        facts__contact__in=[str(pk) for pk in heard],
    )  # fmt: skip
    said = []
    for event in events.order_by("at", "case", "seq"):
        arrival, case = heard[UUID(event.facts["contact"])]
        said.append(extensions.Said(case=case, event=event, words=arrival.body, ours=arrival.ours))
    extensions.tell_at_once(said)


def _count(happenings: Sequence[Happening], done: dict[str, Done]) -> Tally:
    tally = Tally()
    for happening in happenings:
        result = done.get(happening.origin)
        if result is None:
            continue
        if result.opened and result.case:
            tally.opened += 1
            tally.by_reason[result.case.reason.code] += 1
        elif result.case:
            tally.attached += 1
            if result.turned:
                tally.turned[result.turned] += 1
        else:
            tally.set_aside += 1
        if happening.review and happening.reading:
            tally.reviews += 1
            if happening.review.title.strip() or happening.review.body.strip():
                tally.reviews_with_words += 1
                tally.reviews_understood += happening.reading.finding is not None
    return tally
