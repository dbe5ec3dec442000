"""What is to be seen once the demo stands: cases by reason, what is open, what rose."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from makegood.lead.scorecards.report import WeeklyReport
from makegood.lead.scorecards.services.weekly import time_zone, weekly_report
from makegood.lead.scorecards.weeks import Week
from makegood.prevent.lake import refresh_lake


@dataclass(frozen=True)
class Open:
    """The open cases at a moment."""

    total: int
    overdue: int
    due_today: int  # within the next 24 hours
    unassigned: int


def cases_by_reason() -> list[dict[str, Any]]:
    """Every reason with its cases, all and open, most first. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.code, r.name, count(*), count(*) FILTER (WHERE c.resolved_at IS NULL)
            FROM cases_case c JOIN cases_reason r ON r.id = c.reason_id
            GROUP BY r.code, r.name ORDER BY count(*) DESC, r.code
            """
        )
        return [{"code": code, "reason": name, "cases": cases, "open": still} for code, name, cases, still in cursor]


def open_at(moment: datetime) -> Open:
    """Open cases, seen from a moment. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), count(*) FILTER (WHERE due_at < %(now)s::timestamptz),
                   count(*) FILTER (WHERE due_at >= %(now)s::timestamptz AND due_at < %(soon)s::timestamptz),
                   count(*) FILTER (WHERE assignee_id IS NULL)
            FROM cases_case WHERE resolved_at IS NULL
            """,
            {"now": moment, "soon": moment + timedelta(days=1)},
        )
        return Open(*cursor.fetchone())


def loudest_rises(end: datetime, *, weeks: int = 12, most: int = 6) -> list[dict[str, Any]]:
    """What rose furthest beyond chance in the last full weeks: reasons, and late deliveries by route. Each once.

    Brings the lake up to date first, from scratch: a demo that was wiped has left facts behind.
    """
    refresh_lake(now=timezone.now(), full=True)
    zone = time_zone()
    last = Week.of(end, zone).plus(-1)
    loudest: dict[str, tuple[float, dict[str, Any]]] = {}
    for back in range(weeks):
        for what, week, cases, expected in _rises(weekly_report(week=str(last.plus(-back)), now=end)):
            loud = (cases - expected) / max(expected, 1.0) ** 0.5
            if loud > loudest.get(what, (0.0, {}))[0]:
                loudest[what] = loud, {"what": what, "week": week, "cases": cases, "expected": round(expected, 1)}
    return [row for _, row in sorted(loudest.values(), key=lambda rise: -rise[0])[:most]]


def _rises(report: WeeklyReport) -> Iterator[tuple[str, str, int, float]]:
    """What lies above its limits in a week."""
    for count in report.reasons:
        if count.outside == "above" and count.expected is not None:
            yield count.name, report.week, count.cases, count.expected
    for ranking in report.late_by:
        if ranking.by == "routes":
            for row in ranking.rows:
                if row.outside and row.expected is not None:
                    yield f"Late: {row.name}", report.week, row.late, row.expected
