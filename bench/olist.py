"""What detection finds in a real history, against what is known of it: Olist, 2016-10 to 2018-09.

    python -m bench.olist [--home DIR] [--all] [--json]

The history goes through intake as it happened (`makegood replay olist`), into a database of its own; then detection
runs over all of it, knowing nothing before its time (`makegood detect --since ... --until ...`). With --home the
database stays there and is used again.

A signal is *of* something known when a quarter of its cases since that began, and at least two, are late parcels among
the orders of its slice and window; what had been raised before is only said to be open. Customers are those whose
parcel of that slice and window was late or missed; *after*: those whom a message at detection would have reached first.
"""

import argparse
import atexit
import json
import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from makegood.engines.statistics.detection import Finding

ROOT = Path(__file__).resolve().parents[1]
SINCE, UNTIL = datetime(2016, 10, 1, tzinfo=UTC), datetime(2018, 9, 15, tzinfo=UTC)  # few orders lie beyond
LATE: Final = ["delivery.overdue", "delivery.late", "delivery.not_received"]


class Known(NamedTuple):
    """Something that happened: to orders of a slice (seller: how its reference begins), placed in a window."""

    what: str
    slice: dict[str, str]
    since: datetime
    until: datetime
    began: datetime


def _day(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T03:00+00:00")  # midnight there


def _known(what: str, slice_: dict[str, str], since: str, until: str, began: str = "") -> Known:
    return Known(what, slice_, _day(since), _day(until), _day(began or since))


KNOWN: Final = (
    _known("Black Friday week, SP > RJ", {"from_state": "SP", "to_state": "RJ"}, "2017-11-20", "2017-11-27"),
    _known("Black Friday week, SP > ES", {"from_state": "SP", "to_state": "ES"}, "2017-11-20", "2017-11-27"),
    _known("late on most routes", {}, "2018-02-15", "2018-03-16"),
    _known("seller 06a2c3af, week of 7 May", {"seller": "06a2c3af"}, "2018-05-07", "2018-05-14"),
    _known("seller 06a2c3af, week of 9 July", {"seller": "06a2c3af"}, "2018-07-09", "2018-07-16"),
    # What was on its way, or about to be.
    _known("carriers' strike", {}, "2018-05-07", "2018-05-28", began="2018-05-21"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("MAKEGOOD_SHARED_DATA") or ROOT.parent / "shared" / "data")
    parser.add_argument("--olist", type=Path, default=data / "olist")
    parser.add_argument("--home", type=Path, help="keep the database here")
    parser.add_argument("--all", action="store_true", help="also print every signal raised")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not given.olist.is_dir():
        print(f"No Olist data at {given.olist}: set MAKEGOOD_SHARED_DATA.", file=sys.stderr)
        return 1
    home = given.home or Path(tempfile.mkdtemp(prefix="makegood-bench-"))
    if not given.home:
        atexit.register(shutil.rmtree, home, ignore_errors=True)  # after the database has stopped: it registers later
    os.environ.update(MAKEGOOD_HOME=str(home), DJANGO_SETTINGS_MODULE="makegood.app.config.settings", DATABASE_URL="")
    from makegood.app.cli.start import set_up

    set_up()
    result = measure(given.olist)
    if given.json:
        print(json.dumps(result, indent=2, default=str))
        return 0
    _print(result, everything=given.all)
    return 0


def measure(olist: Path) -> dict[str, Any]:
    """Replay what was not yet, detect, hold it against what is known."""
    from makegood.ground.retail.models import Source
    from makegood.ground.retail.services.importing import import_olist
    from makegood.prevent.signals.services.detecting import in_the_past
    from makegood.recover.intake import services

    if not Source.objects.filter(slug="olist", imported_at__isnull=False).exists():
        import_olist(directory=olist, now=datetime.now(UTC))
    services.replay(Source.objects.get(slug="olist"), UNTIL)
    findings = list(in_the_past(since=SINCE, until=UNTIL))
    raised = [found for found in findings if found.event == "raised"]
    known, told = [], set()
    for one in KNOWN:
        hits = _hits(one)
        of_it = [found for found in findings if found.event != "closed" and _is_of(found, hits, one)]
        told |= {found.signal for found in of_it}
        known.append(_row(one, hits, of_it, {found.signal: found.at for found in raised}))
    return {
        "known": known,
        "signals": [
            {"at": found.at, "since": found.since, "slice": _named(found.slice), "cases": found.observed,
             "expected": found.expected, "known": found.signal in told}
            for found in raised
        ],
        "a_month": round(len(raised) / ((UNTIL - SINCE) / timedelta(days=30.4) - 2), 2),
    }  # fmt: skip


class Hit(NamedTuple):
    """An order of something known: its customer, and the first case about its being late."""

    customer: str
    case: str | None
    opened_at: datetime | None


def _hits(one: Known) -> list[Hit]:
    from django.db import connection

    from makegood.ground.retail.facts import EXPOSURES

    where = "".join(
        " AND seller = ANY(SELECT id::text FROM retail_vendor WHERE starts_with(ref, %(seller)s))" if name == "seller"
        else f" AND {name} = %({name})s"
        for name in one.slice
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT bought.customer_id, told.id::text, told.opened_at
            FROM (SELECT DISTINCT order_id, customer_id
                  FROM (SELECT {EXPOSURES.columns} FROM {EXPOSURES.source}
                        WHERE o.placed_at >= %(since)s AND o.placed_at < %(until)s) AS lines
                  WHERE true {where}) AS bought
            LEFT JOIN LATERAL (
                SELECT c.id, c.opened_at FROM cases_case c JOIN cases_reason r ON r.id = c.reason_id
                WHERE c.order_id = bought.order_id::uuid AND r.code = ANY(%(late)s) ORDER BY c.opened_at, c.id LIMIT 1
            ) AS told ON true
            ORDER BY told.opened_at
            """,
            {**one.slice, "since": one.since, "until": one.until, "late": LATE},
        )
        return [Hit(*row) for row in cursor]


def _is_of(found: "Finding", hits: list[Hit], one: Known) -> bool:
    from makegood.recover.cases.models import Case

    if found.at < one.began:
        return False
    lately = Case.objects.filter(pk__in=found.cases, opened_at__gte=one.since)
    claimed = {str(pk) for pk in lately.values_list("pk", flat=True)}
    return len(claimed & {hit.case for hit in hits}) >= max(2, 0.25 * len(claimed))


def _row(one: Known, hits: list[Hit], of_it: "list[Finding]", raised: dict[int, datetime]) -> dict[str, Any]:
    first: dict[str, datetime] = {}
    for hit in hits:
        if hit.opened_at:
            first.setdefault(hit.customer, hit.opened_at)
    new = [found for found in of_it if found.event == "raised"]
    row: dict[str, Any] = {
        "what": one.what, "began": one.began, "orders": len(hits), "customers": len(first),
        "first_case": min(first.values()), "signals": len(new), "found": None,
        "open_before": sorted({_named(it.slice) for it in of_it if raised[it.signal] < one.began}),
    }  # fmt: skip
    if new:
        row |= {
            "found": new[0].at, "days": (new[0].at - one.began) / timedelta(days=1), "slice": _named(new[0].slice),
            "cases": new[0].observed, "expected": new[0].expected,
            "before": sum(moment < new[0].at for moment in first.values()),
            "after": sum(moment >= new[0].at for moment in first.values()),
        }  # fmt: skip
    return row


def _named(slice_: Any) -> str:
    from makegood.prevent.slices_in_words import Names

    return Names.of([slice_]).of_slice(slice_)


def _print(result: dict[str, Any], *, everything: bool) -> None:
    print(
        "| known | began | orders | first late | found | days | first signal | cases (expected) | signals "
        "| customers hit before | after |\n|---|---|---:|---|---|---:|---|---:|---:|---:|---:|"
    )
    for row in result["known"]:
        cells = [row["what"], f"{row['began']:%Y-%m-%d}", f"{row['orders']:,}", f"{row['first_case']:%m-%d}"]
        if row["found"]:
            cells += [f"{row['found']:%Y-%m-%d}", f"{row['days']:.0f}", row["slice"]]
            cells += [f"{row['cases']} ({row['expected']:.1f})", row["signals"], row["before"], row["after"]]
        else:
            before = f"open before: {'; '.join(row['open_before'])}" if row["open_before"] else ""
            cells += ["no", "", before, "", 0, "", row["customers"]]
        print(f"| {' | '.join(map(str, cells))} |")
    signals = result["signals"]
    print(f"\n{len(signals)} signals, {result['a_month']} a month; {sum(it['known'] for it in signals)} of them known.")
    for it in signals if everything else ():
        print(f"{it['at']:%Y-%m-%d %H:%M}  since {it['since']:%Y-%m-%d}  {it['cases']:4d} ({it['expected']:6.1f})  "
              f"{'*' if it['known'] else ' '} {it['slice']}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
