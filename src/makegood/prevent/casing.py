"""What a case has in common with others: dimensions, taken from its purchase; and the cases that fit a predicate."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from makegood.ground.retail.facts import EXPOSURES, time_of_week
from makegood.prevent.slices import DIMENSIONS, Predicate
from makegood.recover.cases.unasked import OURS

AT_ONCE: Final = 5_000

_OF_PURCHASE: Final = tuple(dimension.name for dimension in DIMENSIONS.values() if not dimension.from_case)
# A parcel that the case names knows its way even where no line is known to be in it.
_OF_PARCEL: Final = {
    "carrier": "parcel.carrier_id::text", "warehouse": "parcel.warehouse_id::text",
    "from_state": "parcel.from_state", "to_state": "parcel.to_state",
}  # fmt: skip
# What a case without a purchase knows by itself.
_OF_CASE: Final = {
    "store": "CASE place.kind WHEN 'store' THEN place.id::text END",
    "district": "CASE 'district' WHEN place.kind THEN place.id::text WHEN above.kind THEN above.id::text END",
    "channel": "c.channel",
    "how": time_of_week("c.opened_at", "place.time_zone"),
}


def _value(name: str) -> str:
    known = f"bought.{name}"
    if name in _OF_PARCEL:
        known = f"CASE WHEN parcel.id IS NULL THEN bought.{name} ELSE {_OF_PARCEL[name]} END"
    if name == "seller":
        known = "coalesce(nullif(bought.seller, ''), parcel.seller_id::text)"
    if name in _OF_CASE:
        known = f"CASE WHEN c.order_id IS NULL THEN {_OF_CASE[name]} ELSE {known} END"
    return f"nullif({known}, '') AS {name}"


_LINES = f"""
    SELECT of_order.*, max(nearness) OVER () AS nearest
    FROM (
        SELECT {EXPOSURES.columns},
               2 * coalesce(product.name > '' AND strpos(lower(words.all), lower(product.name)) > 0, false)::int
               + coalesce(sent.id = c.shipment_id, false)::int AS nearness
        FROM {EXPOSURES.source} WHERE o.id = c.order_id
    ) AS of_order
"""
_AGREED: Final = ", ".join(
    f"CASE WHEN min({name}) = max({name}) THEN min({name}) END AS {name}" for name in _OF_PURCHASE
)


def _told(reason: str, earlier: str, said: str) -> str:
    """Cases with their dimensions: how to join the reason of a case and of an earlier one, and which words count.

    The lines of the purchase that are nearest to the case: of products that the customer named, in the parcel it is
    about, else all. What they agree on is a dimension of the case. min = max over texts is "all the same, byte for
    byte".
    """
    return f"""
    SELECT c.id, c.number, c.opened_at, bought.at AS exposed_at, reason.code AS reason,
           {", ".join(_value(name) for name in _OF_PURCHASE)},
           {OURS.format("c")} OR EXISTS (
               SELECT FROM cases_case earlier {earlier}
               WHERE earlier.order_id = c.order_id AND (earlier.opened_at, earlier.id) < (c.opened_at, c.id)
                 AND NOT {OURS.format("earlier")}
                 AND split_part(its.code, '.', 1) = split_part(reason.code, '.', 1)
           ) AS again
    FROM cases_case c
    {reason}
    LEFT JOIN retail_shipment parcel ON parcel.id = c.shipment_id
    LEFT JOIN retail_place place ON place.id = c.place_id
    LEFT JOIN retail_place above ON above.id = place.parent_id
    LEFT JOIN LATERAL (
        SELECT concat_ws(' ', c.subject, string_agg(said.body, ' ')) AS all
        FROM cases_contact said WHERE said.case_id = c.id AND said.direction = 'in' {said}
    ) AS words ON c.order_id IS NOT NULL
    LEFT JOIN LATERAL (
        SELECT min(lines.at) AS at, {_AGREED} FROM ({_LINES}) AS lines WHERE nearness = nearest
    ) AS bought ON c.order_id IS NOT NULL
"""


def _first_reason(case: str, its: str) -> str:
    return f"""
    LEFT JOIN cases_caseevent {its}_first ON {its}_first.case_id = {case}.id AND {its}_first.seq = 1
    JOIN cases_reason {its} ON {its}.id = coalesce(({its}_first.changes->>'reason_id')::bigint, {case}.reason_id)
"""


SQL: Final = _told(
    "JOIN cases_reason reason ON reason.id = c.reason_id", "JOIN cases_reason its ON its.id = earlier.reason_id", ""
)
# The same as it was known when a case opened: before its reason was corrected and before the customer wrote again.
AS_OPENED: Final = _told(_first_reason("c", "reason"), _first_reason("earlier", "its"), "AND said.at <= c.opened_at")


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseInSlices:
    """A case and what is known of it.

    `dimensions` holds what is known only; `exposed_at` is when it was bought. `again`: this purchase had a case of this
    kind (the first part of its reason) before, or we wrote before anybody asked, so it is no further failure.
    """

    id: uuid.UUID
    number: int
    opened_at: datetime
    exposed_at: datetime | None
    dimensions: Mapping[str, str]
    again: bool


def of_cases(ids: Sequence[uuid.UUID]) -> list[CaseInSlices]:
    """These cases, by their number. One SQL query."""
    return _cases("WHERE c.id = ANY(%(ids)s) ORDER BY c.number", {"ids": list(ids)})


def opened(
    since: datetime, until: datetime, *, after: tuple[datetime, uuid.UUID] | None = None, limit: int = AT_ONCE,
    as_opened: bool = False,
) -> list[CaseInSlices]:  # fmt: skip
    """Cases opened from `since` on and before `until`, in that order; the next ones come after (opened_at, id) of the
    last. `as_opened`: as they were then. One SQL query, an index scan of `case_opened`.
    """
    # One row comparison would not be an index condition of (-opened_at, id).
    further = "AND c.opened_at >= %(at)s AND (c.opened_at > %(at)s OR c.id > %(id)s)" if after else ""
    at, last = after or (None, None)
    return _cases(
        f"WHERE c.opened_at >= %(since)s AND c.opened_at < %(until)s {further} "
        "ORDER BY c.opened_at, c.id LIMIT %(limit)s",
        {"since": since, "until": until, "at": at, "id": last, "limit": limit},
        sql=AS_OPENED if as_opened else SQL,
    )


def each_opened(
    since: datetime, until: datetime, *, at_once: int = AT_ONCE, as_opened: bool = False
) -> Iterator[CaseInSlices]:
    """All of `opened`, page after page. One SQL query per `at_once` cases."""
    after = None
    while page := opened(since, until, after=after, limit=at_once, as_opened=as_opened):
        yield from page
        after = page[-1].opened_at, page[-1].id


def corrected(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """Of these cases those whose reason a person changed after they opened, and when last. One SQL query.

    What follows by itself (an overdue parcel that is late in the end) is the same failure, told once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT case_id, max(at) FROM cases_caseevent
            WHERE case_id = ANY(%s) AND seq > 1 AND actor_id IS NOT NULL AND changes ? 'reason_id' GROUP BY case_id
            """,
            [list(ids)],
        )
        return dict(cursor.fetchall())


def matches(
    predicate: Predicate, *, opened_since: datetime | None = None, among: Sequence[uuid.UUID] | None = None
) -> list[uuid.UUID]:
    """Cases that fit: one of the values in every dimension named, their purchase placed within the window.

    What is unknown of a case fits nothing. A case without a purchase counts by when it was opened. A predicate that
    names nothing fits nothing: not everything is of one incident.

    Parameters
    ----------
    opened_since : look no further back. The start of the window is a bound in any case: nobody complains before buying.
    among : these cases only.

    One SQL query: an index scan of `case_opened` or of the primary key.
    """
    where, values = conditions(predicate)
    values |= {"opened_since": max(filter(None, (opened_since, predicate.since)), default=None), "among": among}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT id FROM ({SQL}) AS told
            WHERE {where} {"AND opened_at >= %(opened_since)s" if values["opened_since"] else ""}
              {"" if among is None else "AND id = ANY(%(among)s)"}
            ORDER BY number
            """,
            values,
        )
        return [row[0] for row in cursor]


def conditions(predicate: Predicate) -> tuple[str, dict[str, Any]]:
    """SQL over the columns of `SQL`, and its parameters.

    Raises
    ------
    ValueError
        The predicate names a dimension that there is not.
    """
    if unknown := set(predicate.any_of) - set(DIMENSIONS):
        raise ValueError(f"There is no dimension {min(unknown)!r}.")
    parts = [f"{name} = ANY(%(of_{name})s)" for name in predicate.any_of]
    values: dict[str, Any] = {f"of_{name}": list(any_of) for name, any_of in predicate.any_of.items()}
    for bound, compare in (("since", ">="), ("until", "<")):
        if moment := getattr(predicate, bound):
            parts.append(f"coalesce(exposed_at, opened_at) {compare} %({bound})s")
            values[bound] = moment
    return " AND ".join(parts) if predicate.any_of else "false", values


def _cases(where: str, values: dict[str, Any], *, sql: str = SQL) -> list[CaseInSlices]:
    names = ("reason", *_OF_PURCHASE)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} {where}", values)
        return [
            CaseInSlices(
                id=row[0], number=row[1], opened_at=row[2], exposed_at=row[3],
                dimensions={name: value for name, value in zip(names, row[4:-1], strict=True) if value},
                again=row[-1],
            )
            for row in cursor
        ]  # fmt: skip
