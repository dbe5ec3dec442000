"""Rules that find failures nobody has told us of: each a row of a table, data and a little SQL.

A failure becomes *visible* when it has happened and we were told: the later of its own time and of the row's
`changed_at`. Live, a rule therefore looks at what happened since its last look and at what changed since; a replay
asks only for what happened, because history knows no other order. Either way a rule filters by what was known at that
moment: a delivery of tomorrow is no delivery.

Each look is an index scan of what is due or changed, never of what exists, and passes over what intake acted on before.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from makegood.recover.intake.models import Failure

Kind = Failure.Kind


@dataclass(frozen=True)
class Window:
    """What a look is about: (since, until], of one source or of all.

    `told_since` also lets in what had happened by `until`, not before `oldest`, and that we were told of after
    `told_since`; None, in a replay, takes every row as told when it happened.
    """

    since: datetime
    until: datetime
    told_since: datetime | None = None
    oldest: datetime | None = None
    source_id: int | None = None


class Found(NamedTuple):
    """A failure that a rule found."""

    kind: Kind
    origin: str
    source_id: int
    happened_at: datetime
    at: datetime  # when it became visible
    customer_id: UUID
    order_id: UUID | None
    shipment_id: UUID | None
    review_id: UUID | None
    ref: str  # the row's reference at its source


@dataclass(frozen=True)
class Rule:
    """How one kind of failure shows: at which moment of which row, and what else must be so.

    In SQL, `r` is the row, `o` its order, `c.at` the moment the failure becomes visible.
    """

    kind: Kind
    table: str
    moment: str
    when: str  # on the row alone; the same condition as the index that serves it
    known: str  # as known at c.at
    # A second way to learn of it, only while it happens: the row says so, but not when.
    undated: str = ""

    def sql(self, *, live: bool) -> str:
        """The statement. Its parameters: since, until, source and, live, told_since and oldest."""
        at = f"least(%(until)s::timestamptz, greatest({self.moment}, r.changed_at))" if live else self.moment
        arms = [
            f"""SELECT r.id, {self.moment} AS happened_at, {at} AS at FROM {self.table} r
                WHERE {self.moment} > %(since)s::timestamptz AND {self.moment} <= %(until)s::timestamptz
                  AND {self.when}"""
        ]
        if live:
            arms.append(
                f"""SELECT r.id, {self.moment}, {at} FROM {self.table} r
                WHERE r.changed_at > %(told_since)s::timestamptz AND r.changed_at <= %(until)s::timestamptz
                  AND {self.moment} > %(oldest)s::timestamptz AND {self.moment} <= %(until)s::timestamptz
                  AND {self.when}"""
            )
        if live and self.undated:
            arms.append(
                f"""SELECT r.id, r.changed_at, r.changed_at FROM {self.table} r
                WHERE r.changed_at > %(told_since)s::timestamptz AND r.changed_at <= %(until)s::timestamptz
                  AND {self.undated}"""
            )
        order = "r" if self.table == "retail_order" else "o"
        join = "" if order == "r" else "LEFT JOIN retail_order o ON o.id = r.order_id"
        return f"""
            WITH c AS MATERIALIZED ({" UNION ".join(arms)})
            SELECT c.id, r.source_id, c.happened_at, c.at,
                   {"r.customer_id" if self.table == "retail_review" else f"{order}.customer_id"}, {order}.id, r.ref
            FROM c JOIN {self.table} r ON r.id = c.id {join}
            WHERE {self.known.replace("o.", f"{order}.") if order == "r" else self.known}
              AND (%(source)s::smallint IS NULL OR r.source_id = %(source)s)
              AND NOT EXISTS (SELECT FROM intake_failure f WHERE f.origin = '{self.kind}:' || c.id)
        """


# What was called off is not waited for. Without a time, it was called off before anybody could look.
_STANDS = "(o.cancelled_at > c.at OR (o.cancelled_at IS NULL AND o.status NOT IN ('cancelled', 'unavailable')))"
_SCANNED = "EXISTS (SELECT FROM retail_trackingevent t WHERE t.shipment_id = r.id AND t.kind {} AND t.at <= c.at)"
# A status bears no time. What came later of any of its parcels shows that the order did not stand so yet.
_ARRIVED = """(o.status IN ('delivered', 'returned') AND NOT EXISTS (
    SELECT FROM retail_shipment s WHERE s.order_id = o.id AND s.delivered_at > c.at))"""
_READY = """(o.status IN ('ready', 'delivered', 'returned') AND NOT EXISTS (
    SELECT FROM retail_shipment s JOIN retail_trackingevent t ON t.shipment_id = s.id
    WHERE s.order_id = o.id AND t.kind = 'ready' AND t.at > c.at))"""
_PAID = """(o.paid_at <= c.at OR EXISTS (
    SELECT FROM retail_payment p
    WHERE p.order_id = o.id AND p.amount > 0 AND coalesce(p.paid_at, o.paid_at, o.placed_at) <= c.at))"""

RULES: tuple[Rule, ...] = (
    Rule(
        Kind.CANCELLED, "retail_order", "r.cancelled_at", "r.cancelled_at IS NOT NULL",
        f"o.placed_at <= c.at AND {_PAID}",
        undated="""r.cancelled_at IS NULL AND r.status IN ('cancelled', 'unavailable')
                  AND r.placed_at > %(oldest)s::timestamptz""",
    ),
    Rule(
        Kind.OVERDUE, "retail_shipment", "r.promised_at", "r.promised_at IS NOT NULL",
        # A delivery without a time counts as one in time.
        f"""o.placed_at <= c.at AND o.channel <> 'pickup' AND {_STANDS}
            AND (r.delivered_at > c.at OR (r.delivered_at IS NULL AND NOT {_ARRIVED}))
            AND NOT {_SCANNED.format("= 'delivered'")}""",
    ),
    Rule(
        Kind.UNSHIPPED, "retail_order", "r.promised_at", "r.status IN ('placed', 'paid', 'cancelled', 'unavailable')",
        f"""o.placed_at <= c.at AND o.channel <> 'store' AND {_STANDS}
            AND NOT EXISTS (SELECT FROM retail_shipment s WHERE s.order_id = o.id)""",
    ),
    Rule(
        Kind.PICKUP, "retail_shipment", "r.promised_at", "r.promised_at IS NOT NULL",
        # "Ready" is known from a scan; where the store sends none, from the status of the order.
        f"""o.placed_at <= c.at AND o.channel = 'pickup' AND {_STANDS}
            AND (r.delivered_at > c.at OR r.delivered_at IS NULL)
            AND NOT {_SCANNED.format("IN ('ready', 'delivered')")} AND NOT {_READY}""",
    ),
    Rule(
        Kind.LATE, "retail_shipment", "r.delivered_at", "r.delivered_at > r.promised_at",
        # Who fetches an order late chose to.
        "o.placed_at <= c.at AND o.channel <> 'pickup'",
    ),
    Rule(Kind.REVIEW, "retail_review", "r.at", "r.score <= 2", "true"),
)  # fmt: skip


def find(window: Window) -> list[Found]:
    """The failures that became visible in a window and that intake has not acted on. One SQL query per rule."""
    found = []
    live = window.told_since is not None
    parameters = {"since": window.since, "until": window.until, "source": window.source_id}
    if live:
        parameters |= {"told_since": window.told_since, "oldest": window.oldest or window.until - timedelta(days=36500)}
    with connection.cursor() as cursor:
        for rule in RULES:
            cursor.execute(rule.sql(live=live), parameters)
            for pk, source_id, happened_at, at, customer_id, order_id, ref in cursor.fetchall():
                found.append(
                    Found(
                        rule.kind, f"{rule.kind}:{pk}", source_id, happened_at, at, customer_id, order_id,
                        pk if rule.table == "retail_shipment" else None,
                        pk if rule.table == "retail_review" else None,
                        ref,
                    )
                )  # fmt: skip
    return found
