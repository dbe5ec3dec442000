"""A person in one glance: accounts, what failed, what they claimed, what they said. One SQL statement."""

import uuid
from datetime import datetime
from decimal import Decimal

import msgspec

from makegood.ground.asking import Question, ask
from makegood.recover.cases.chain import Failing, failing_in, kind_of
from makegood.recover.cases.indicators import CLAIMS, Usual
from makegood.recover.cases.queries.failings import AS_JSON, COUNTS_FOR, CTES, Ask, Row, read

Places = list[uuid.UUID] | None

CHAIN_LENGTH = 12
_SAID_AT_MOST = 12
_SAID_LENGTH = 2000
_REVIEWS = 3


class Account(msgspec.Struct, frozen=True):
    """An account of the same person."""

    id: uuid.UUID
    name: str
    ref: str
    email: str


class Earlier(msgspec.Struct, frozen=True):
    """A case of the person."""

    number: int
    subject: str
    reason: str
    reason_code: str
    status: str
    outcome: str
    opened_at: datetime
    customer_id: uuid.UUID
    order_id: uuid.UUID | None


class Opinion(msgspec.Struct, frozen=True):
    """A review or the answer to a survey, 1 to 5."""

    score: int
    title: str
    at: datetime


class Link(msgspec.Struct, frozen=True):
    """A link of the chain as a page shows it: a case, a failure without one, or both."""

    at: datetime
    failing: Failing | None
    case: Earlier | None


class Person(msgspec.Struct, frozen=True):
    """All that is known of one person: cases within the reader's places by name, the others as a number."""

    accounts: list[Account]
    cases: list[Earlier]
    total: int
    hidden: int
    rows: list[Row]
    orders: int  # in the year, over all accounts
    spent: Decimal
    claims: int
    claimed: Decimal
    chargebacks: int
    said: list[str]  # what they wrote in the year, the newest first
    opinions: list[Opinion]
    usual: Usual | None

    def chain(self, about: Earlier | None = None) -> tuple[list[Failing], Failing | None]:
        """What failed in the year, and which of it a case is about."""
        asked = None
        if about:
            asked = Ask(about.customer_id, about.opened_at, about.order_id, kind_of(about.reason_code), about.number)
        return read(self.rows, asked)

    def links(self, chain: list[Failing]) -> list[Link]:
        """Cases, and failures that nobody has a case about, the newest first."""
        cases = [
            Link(case.opened_at, failing_in(chain, kind=kind_of(case.reason_code), at=case.opened_at,
                                            order=case.order_id), case)
            for case in self.cases
        ]  # fmt: skip
        silent = [Link(it.at, it, None) for it in chain if it.case is None and not it.hidden]
        return sorted([*cases, *silent], key=lambda link: link.at, reverse=True)


NOBODY = Person([], [], 0, 0, [], 0, Decimal(0), 0, Decimal(0), 0, [], [], None)
_decode = msgspec.json.Decoder(Person).decode

_GLANCE = f"""
WITH asked AS (
    SELECT 1::bigint AS n, %(customer)s::uuid AS customer_id, %(at)s::timestamptz AS at, %(order)s::uuid AS order_id
), {CTES}, found AS MATERIALIZED (
    SELECT c.id, c.number, c.subject, r.name AS reason, r.code, c.status, c.outcome, c.opened_at, c.customer_id,
           c.order_id, c.channel, c.value,
           coalesce(%(places)s::uuid[] IS NULL OR c.place_id = ANY(%(places)s::uuid[]), false) AS visible
    FROM person JOIN cases_case c ON c.customer_id = person.id JOIN cases_reason r ON r.id = c.reason_id
    WHERE c.outcome <> 'duplicate'
), claimed AS MATERIALIZED (
    SELECT value FROM found WHERE channel > '' AND code = ANY(%(claims)s)
        AND opened_at <= %(at)s::timestamptz AND opened_at > %(at)s::timestamptz - interval '{COUNTS_FOR.days} days'
), ordered AS MATERIALIZED (
    SELECT o.id, o.total FROM person JOIN retail_order o ON o.customer_id = person.id
    WHERE o.placed_at <= %(at)s::timestamptz
        AND o.placed_at > %(at)s::timestamptz - interval '{COUNTS_FOR.days} days'
)
SELECT json_build_object(
    'accounts', coalesce((
        SELECT json_agg(json_build_object('id', k.id, 'name', k.name, 'ref', k.ref, 'email', k.email) ORDER BY k.id)
        FROM person JOIN retail_customer k ON k.id = person.id WHERE k.id <> %(customer)s::uuid), '[]'),
    'cases', coalesce((
        SELECT json_agg(json_build_object(
            'number', f.number, 'subject', f.subject, 'reason', f.reason, 'reason_code', f.code, 'status', f.status,
            'outcome', f.outcome, 'opened_at', f.opened_at, 'customer_id', f.customer_id, 'order_id', f.order_id)
            ORDER BY f.opened_at DESC)
        FROM (SELECT * FROM found WHERE visible ORDER BY opened_at DESC LIMIT %(most)s) f), '[]'),
    'total', (SELECT count(*) FROM found),
    'hidden', (SELECT count(*) FROM found WHERE NOT visible),
    'rows', {AS_JSON},
    'orders', (SELECT count(*) FROM ordered),
    'spent', (SELECT coalesce(sum(total), 0)::text FROM ordered),
    'claims', (SELECT count(*) FROM claimed),
    'claimed', (SELECT coalesce(sum(value), 0)::text FROM claimed),
    'chargebacks', (SELECT count(*) FROM ordered JOIN retail_payment p ON p.order_id = ordered.id
                    WHERE lower(p.method) = 'chargeback'),
    'said', coalesce((
        SELECT json_agg(left(t.body, {_SAID_LENGTH}) ORDER BY t.at DESC) FROM (
            SELECT t.body, t.at FROM (
                SELECT id FROM found WHERE visible
                    AND opened_at > %(at)s::timestamptz - interval '{COUNTS_FOR.days} days'
                ORDER BY opened_at DESC LIMIT {_SAID_AT_MOST}
            ) f JOIN cases_contact t ON t.case_id = f.id AND t.direction = 'in'
            ORDER BY t.at DESC LIMIT {_SAID_AT_MOST}) t), '[]'),
    'opinions', coalesce((
        SELECT json_agg(json_build_object('score', v.score, 'title', v.title, 'at', v.at) ORDER BY v.at DESC) FROM (
            SELECT v.score, v.title, v.at FROM person JOIN retail_review v ON v.customer_id = person.id
            WHERE %(places)s::uuid[] IS NULL OR v.place_id = ANY(%(places)s::uuid[])
            ORDER BY v.at DESC LIMIT {_REVIEWS}) v), '[]'),
    'usual', (SELECT json_build_object('valued_from', u.valued_from::text, 'claims', u.claims)
              FROM cases_usual u JOIN retail_customer k ON k.source_id = u.source_id
              WHERE k.id = %(customer)s::uuid)
)::text
"""


def glance(
    customer_id: uuid.UUID, *, at: datetime, places: Places, order_id: uuid.UUID | None = None,
    most: int = CHAIN_LENGTH,
) -> Person:  # fmt: skip
    """What is known of the person that an account belongs to, as of `at`. One SQL query.

    What lies outside `places` (None: nothing does) is counted, not told. `order_id` is the order in question.
    """
    return ask(glance_of(customer_id, at=at, places=places, order_id=order_id, most=most))


def glance_of(
    customer_id: uuid.UUID | None, *, at: datetime, places: Places, order_id: uuid.UUID | None = None,
    most: int = CHAIN_LENGTH,
) -> Question[Person]:  # fmt: skip
    """`glance`, to be asked with others; of nobody it is `NOBODY`."""
    values = {"customer": customer_id, "at": at, "places": places, "order": order_id, "most": most,
              "claims": sorted(CLAIMS)}  # fmt: skip
    return Question(_GLANCE if customer_id else "NULL", lambda found: _decode(found) if found else NOBODY, values)
