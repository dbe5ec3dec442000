"""How soon a rise becomes a signal while cases open at ten a second: a real database, `makegood worker` as ever.

    python -m bench.detection.live [--a-second 10] [--minutes 12] [--json]

A retailer with 24 stores, 200 products and 90 days of history (8,000 purchases and 120 cases a day) suddenly has ten
cases a second, 7,200 times what is usual: everything rises at once, which is the most that detection can be given to
do. A third of the way on, three in twenty more are of one kind, from one district and in one category. Measured are the
seconds between the opening of the last case that a signal claims when it is first seen and that sight of it (looked
for four times a second), how long looks take (they hold a lock), and how many cases wait to be judged.
"""

import argparse
import atexit
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
DAYS, A_DAY, FAILING = 90, 8_000, 0.015
REASONS: Final = (
    "delivery.late",
    "delivery.not_received",
    "product.faulty",
    "product.damaged",
    "delivery.partial",
)
RISEN: Final = ("product.faulty", "D2", "category 3")
POLL: Final = 0.25
START_WITHIN: Final = 300

WORLD: Final = """
INSERT INTO retail_source (slug, name, time_zone, currency) VALUES ('bench', 'Bench', 'UTC', 'EUR');
INSERT INTO retail_place (id, source_id, ref, kind, name, parent_id, time_zone, city, state, country)
SELECT makegood_uuid7(), s.id, 'D' || d, 'district', 'District ' || d, NULL, 'UTC', '', '', 'DE'
FROM retail_source s, generate_series(0, 3) d;
INSERT INTO retail_place (id, source_id, ref, kind, name, parent_id, time_zone, city, state, country)
SELECT makegood_uuid7(), d.source_id, 'S' || n, 'store', 'Store ' || n, d.id, 'UTC', '', '', 'DE'
FROM generate_series(0, 23) n JOIN retail_place d ON d.ref = 'D' || n % 4;
INSERT INTO retail_vendor (id, source_id, ref, kind, name, email, city, state, country)
SELECT makegood_uuid7(), s.id, 'M' || n, 'manufacturer', 'Maker ' || n, '', '', '', ''
FROM retail_source s, generate_series(0, 19) n;
INSERT INTO retail_product (id, source_id, ref, name, category, manufacturer_id)
SELECT makegood_uuid7(), v.source_id, 'P' || n, 'Product ' || n, 'category ' || n % 10, v.id
FROM generate_series(0, 199) n JOIN retail_vendor v ON v.ref = 'M' || n % 20;
INSERT INTO retail_customer (id, source_id, ref, name, email, phone, language, loyalty_tier, person_ref, city, state,
                             postal_code, country)
SELECT makegood_uuid7(), s.id, 'K' || n, 'Person ' || n, 'k' || n || '@example.com', '', 'en', '', '', '', '', '', 'DE'
FROM retail_source s, generate_series(0, 99999) n;
CREATE TEMP TABLE bought AS
SELECT n, makegood_uuid7() AS id, now() - interval '1 day' * ({days} * (1 - (n + 0.5) / {orders})) AS at,
       floor(random() * 24)::int AS store, floor(200 * random() * random())::int AS product,
       floor(random() * 100000)::int AS customer
FROM generate_series(0, {orders} - 1) n;
INSERT INTO retail_order (id, source_id, ref, customer_id, place_id, channel, status, placed_at, total, currency)
SELECT b.id, s.source_id, 'O' || b.n, k.id, s.id, CASE WHEN b.n % 2 = 0 THEN 'store' ELSE 'pickup' END, 'delivered',
       b.at, 40, 'EUR'
FROM bought b JOIN retail_place s ON s.ref = 'S' || b.store JOIN retail_customer k ON k.ref = 'K' || b.customer;
INSERT INTO retail_orderline (id, source_id, ref, order_id, product_id, position, quantity, unit_price, freight, batch)
SELECT makegood_uuid7(), p.source_id, 'L' || b.n, b.id, p.id, 1, 1, 40, 0, ''
FROM bought b JOIN retail_product p ON p.ref = 'P' || b.product;
ANALYZE;
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--a-second", type=float, default=10)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="makegood-bench-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ.update(
        MAKEGOOD_HOME=str(home), DJANGO_SETTINGS_MODULE="makegood.app.config.settings", DATABASE_URL="",
        MAKEGOOD_LOG_LEVEL="ERROR",
    )  # fmt: skip
    from makegood.app.cli.start import set_up

    set_up()
    found = Bench(given.a_second, given.minutes).run()
    if given.json:
        print(json.dumps(found, indent=2, default=str))
        return
    for name, value in found.items():
        if name != "signals":
            print(f"{name.replace('_', ' '):40}{value:>14,.2f}")
    for signal in found["signals"]:
        print("{after_s:>9.1f} s: waited {waited_s:.1f} s, {cases} cases: {what}".format(**signal))


class Bench:
    """Orders that may still fail, and what was seen so far."""

    def __init__(self, a_second: float, minutes: float) -> None:
        self.pause, self.lasts, self.dice = 1 / a_second, minutes * 60, random.Random(1)
        self.waits: list[float] = []
        self.looks: list[float] = []
        self.backlog: list[int] = []
        self.late: list[float] = []
        self.signals: list[dict[str, Any]] = []

    def run(self) -> dict[str, Any]:
        from makegood.recover.cases.models import Case

        self._make()
        worker = subprocess.Popen(
            [sys.executable, "-m", "makegood", "worker"], env={**os.environ, "PYTHONPATH": str(ROOT / "src")}
        )
        try:
            began = time.perf_counter()
            self._wait_until_detecting(worker)
            history = time.perf_counter() - began
            before = Case.objects.count()
            self.known = self._signal_ids()
            opened = self._open_and_watch(worker, before)
        finally:
            worker.terminate()
            worker.wait(60)
        waited = [signal["waited_s"] for signal in self.signals]
        risen = [one for one in self.signals if one["is_risen"]]
        return {
            "load": os.getloadavg()[0], "history_cases": before, "seconds_until_history_was_read": history,
            "cases_opened": opened, "opened_late_s_longest": max(self.late),
            "looks": len(self.looks), "look_s_median": statistics.median(self.looks or [0]),
            "look_s_longest": max(self.looks, default=0), "unjudged_most": max(self.backlog),
            "unjudged_median": statistics.median(self.backlog), "new_signals": len(self.signals),
            "opened_to_signal_s_median": statistics.median(waited or [0]),
            "opened_to_signal_s_longest": max(waited, default=0),
            "rise_to_its_signal_s": risen[0]["after_s"] - self.lasts / 3 if risen else -1,
            "signals": self.signals,
        }  # fmt: skip

    # The history

    def _make(self) -> None:
        from django.db import connection

        from makegood.recover.cases.services import plant_defaults

        plant_defaults()
        numbers = {"days": DAYS, "orders": DAYS * A_DAY}
        with connection.cursor() as cursor:
            for statement in WORLD.split(";\n"):
                if statement.strip():
                    cursor.execute(statement.format(**numbers))
            cursor.execute(
                "SELECT o.id, o.customer_id, o.place_id, o.placed_at, d.ref, p.category FROM retail_order o"
                " JOIN retail_place s ON s.id = o.place_id JOIN retail_place d ON d.id = s.parent_id"
                " JOIN retail_orderline l ON l.order_id = o.id JOIN retail_product p ON p.id = l.product_id"
                " ORDER BY o.placed_at"
            )
            orders = cursor.fetchall()
        now, failed = orders[-1][3], []
        for order in orders:
            at = order[3] + timedelta(hours=self.dice.lognormvariate(3, 0.7))
            if self.dice.random() < FAILING and at < now:
                failed.append(self._case(order, self.dice.choice(REASONS), at))
        failed.sort(key=lambda case: case.at)
        for first in range(0, len(failed), 1000):
            self._open(failed[first : first + 1000])
        gone = {case.order_id for case in failed}
        recent = [order for order in orders[-4 * A_DAY :] if order[0] not in gone]
        self.dice.shuffle(recent)
        self.risen = [order for order in recent if order[4:] == RISEN[1:]]
        self.others = [order for order in recent if order[4:] != RISEN[1:]]
        time.sleep(3)  # what was written just now is not yet surely visible

    def _case(self, order: Sequence[Any], reason: str, at: Any) -> Any:
        from makegood.recover.cases.services import FirstContact, NewCase

        return NewCase(
            reason=reason, subject="It failed", why="They wrote.", at=at, customer_id=order[1], order_id=order[0],
            place_id=order[2], contact=FirstContact(channel="email", body="It failed."),
        )  # fmt: skip

    def _open(self, cases: Sequence[Any]) -> int:
        from makegood.recover.cases.services import open_cases

        return len(open_cases(cases))

    # The flood

    def _wait_until_detecting(self, worker: "subprocess.Popen[bytes]") -> None:
        from makegood.prevent.signals.models import Detection

        deadline = time.monotonic() + START_WITHIN
        while not Detection.objects.filter(ended_at=None).exists():
            if worker.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The worker did not begin to detect.")
            time.sleep(1)

    def _open_and_watch(self, worker: "subprocess.Popen[bytes]", before: int) -> int:
        from django.utils import timezone

        began, opened, next_look, held_since = time.perf_counter(), 0, 0.0, None
        while (at := time.perf_counter() - began) < self.lasts:
            due = opened * self.pause
            if at >= due:
                self.late.append(at - due)
                risen = at > self.lasts / 3 and self.dice.random() < 0.15 and self.risen
                order = (self.risen if risen else self.others).pop()
                reason = RISEN[0] if risen else self.dice.choice(REASONS)
                self._open([self._case(order, reason, timezone.now())])
                opened += 1
            elif at >= next_look:
                next_look = at + POLL
                held = self._watch(opened, before, at)
                if held and held_since is None:
                    held_since = at
                elif not held and held_since is not None:
                    self.looks.append(at - held_since)
                    held_since = None
            else:
                time.sleep(max(0.0, min(due, next_look) - at))
            if worker.poll() is not None:
                raise SystemExit("The worker stopped.")
        return opened

    def _watch(self, opened: int, before: int, at: float) -> bool:
        """Note what is new; whether somebody detects at this moment."""
        from django.db import connection
        from django.utils import timezone

        from makegood.prevent.signals.models import Signal
        from makegood.prevent.signals.services.detecting import LOCK
        from makegood.prevent.slices_in_words import Names

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted),"
                " (SELECT count(*) FROM signals_judgedcase)",
                [LOCK],
            )
            held, judged = cursor.fetchone()
            self.backlog.append(before + opened - judged)
            for pk in self._signal_ids() - self.known:
                self.known.add(pk)
                cursor.execute(
                    "SELECT count(*), max(c.opened_at) FROM signals_signalcase s JOIN cases_case c ON c.id = s.case_id"
                    " WHERE s.signal_id = %s",
                    [pk],
                )
                cases, last = cursor.fetchone()
                slice_ = dict(Signal.objects.get(pk=pk).slice)
                told = Names.of([slice_])
                words = {name: str(told.value(name, value)) for name, value in slice_.items()}
                waited = (timezone.now() - last).total_seconds() if last else 0.0
                self.signals.append({
                    "after_s": at, "waited_s": waited, "cases": cases, "what": words,
                    "is_risen": at > self.lasts / 3 and slice_.get("category", RISEN[2]) == RISEN[2]
                    and slice_.get("reason", RISEN[0]) == RISEN[0] and len(slice_) > 1,
                })  # fmt: skip
        return bool(held)

    def _signal_ids(self) -> set[Any]:
        from makegood.prevent.signals.models import Signal

        return set(Signal.objects.values_list("pk", flat=True))


if __name__ == "__main__":
    main()
