"""A look at what is new: each case judged once, state and findings kept as one, whatever dies in between."""

import json
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.utils import timezone

from makegood.engines.statistics.detection import Finding
from makegood.ground.messages.models import Notice
from makegood.prevent.lake import dsn
from makegood.prevent.signals.errors import DetectionBusy
from makegood.prevent.signals.models import Detection, JudgedCase, Signal, State
from makegood.prevent.signals.queries import material
from makegood.prevent.signals.services import detecting, judging, keeping
from tests.factories import OrderFactory, PlaceFactory, ShipmentFactory, colleague, open_case

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


class Counting:
    """Calls for a reason with its third case and closes it when told of nothing for thirty days: what the detector
    promises, in as few lines as can be read. Knows how often it was given what.
    """

    def __init__(self, dimensions, *, one_false_alarm_in=30.0):
        self.kept = {"cases": {}, "seen": [], "exposures": [], "open": {}, "signals": 0, "until": None}

    def advance(self, exposures, cases, until):
        kept, found = self.kept, []
        kept["exposures"] += [at.isoformat() for at in exposures["at"].to_pylist()]
        for row in cases.to_pylist():
            kept["seen"].append(row["case_id"])
            assert kept["until"] is None or row["reported_at"].isoformat() >= kept["until"]
            of = kept["cases"].setdefault(row["reason"], [])
            of.append(row["case_id"])
            if len(of) >= 3:
                event = "updated" if row["reason"] in kept["open"] else "raised"
                kept["signals"] += event == "raised"
                number = kept["open"].setdefault(row["reason"], [kept["signals"], ""])
                number[1] = row["reported_at"].isoformat()
                found.append(self._say(event, number[0], row["reason"], row["reported_at"]))
        for reason, (number, at) in list(kept["open"].items()):
            if until - _moment(at) > 30 * DAY:
                found.append(self._say("closed", number, reason, _moment(at) + 30 * DAY))
                del kept["open"][reason], kept["cases"][reason]
        kept["until"] = until.isoformat()
        return found

    def _say(self, event, number, reason, at):
        cases = tuple(self.kept["cases"][reason])
        return Finding(event=event, signal=number, at=at, since=at - DAY, slice={"reason": reason}, observed=len(cases),
                       expected=1.0, low=0.5, high=4.0, evidence=5.0, cases=cases)  # fmt: skip

    def save(self, path):
        Path(path).write_text(json.dumps(self.kept))

    @classmethod
    def load(cls, path):
        again = cls([])
        again.kept = json.loads(Path(path).read_text())
        return again


def _moment(text):
    return timezone.datetime.fromisoformat(text)


@pytest.fixture(autouse=True)
def ground(settings, tmp_path, monkeypatch):
    settings.MAKEGOOD_LAKE, settings.MAKEGOOD_DETECTION = str(tmp_path / "lake"), tmp_path / "detection"
    monkeypatch.setattr(detecting, "Detector", Counting)
    monkeypatch.setattr(material, "MARGIN", timedelta(0))
    monkeypatch.setattr(detecting, "SAVE_EVERY", timedelta(0))
    detecting._WORKING.clear()
    yield
    detecting._WORKING.clear()


def tick(**more):
    time.sleep(0.01)  # identifiers know milliseconds: what was written just now lies before
    return detecting.tick(timezone.now(), **more)


def kept_by_detector():
    [path] = Path(detecting.settings.MAKEGOOD_DETECTION).glob("*.state")
    assert path.name == Detection.objects.get(ended_at=None).state
    return json.loads(path.read_text())


def complain(count, reason="delivery.not_received", *, ago=timedelta(0), order=None):
    return [
        open_case(order=order or OrderFactory(placed_at=timezone.now() - ago - 9 * DAY), reason=reason,
                  at=timezone.now() - ago)
        for _ in range(count)
    ]  # fmt: skip


def test_the_first_look_reads_the_past_year_and_tells_of_what_still_goes_on(db):
    colleague("mia")
    complain(3, "product.faulty", ago=90 * DAY)
    complain(4, ago=5 * DAY)
    complain(5, "store.price", ago=400 * DAY)

    ran = tick()

    assert (ran.began, ran.cases) == (True, 7)
    assert {tuple(it.slice.items()): it.closed_at is None for it in Signal.objects.all()} == {
        (("reason", "product.faulty"),): False, (("reason", "delivery.not_received"),): True,
    }  # fmt: skip
    assert [it.about for it in Notice.objects.filter(about__startswith="signal:")] == [
        f"signal:{Signal.objects.get(closed_at=None).pk}"
    ]
    assert JudgedCase.objects.count() == 7


def test_each_look_judges_what_is_new_and_nothing_twice(db):
    complain(2)
    tick()
    assert not Signal.objects.exists()
    for _ in range(3):
        complain(1)
        assert tick().cases == 1
    assert tick().cases == 0
    signal = Signal.objects.get()
    assert (signal.observed, signal.claimed.count()) == (5, 5)
    assert max(Counter(kept_by_detector()["seen"]).values()) == 1
    assert len(kept_by_detector()["seen"]) == 5


def test_purchases_count_once_in_history_or_when_they_are_sent(db):
    now = timezone.now()
    sent = ShipmentFactory(order=OrderFactory(placed_at=now - 3 * DAY)).order
    OrderFactory(placed_at=now - DAY, place=PlaceFactory())
    waiting = OrderFactory(placed_at=now - DAY / 2)
    assert tick().exposures == 2
    assert tick().exposures == 0
    ShipmentFactory(order=waiting)
    ShipmentFactory(order=sent)
    assert tick().exposures == 1
    assert max(kept_by_detector()["exposures"])[:19] == waiting.placed_at.isoformat()[:19]


def test_a_case_of_yesterday_that_comes_in_today_counts_today(db):
    tick()
    [case] = complain(1, ago=DAY)
    tick()
    assert JudgedCase.objects.get().at > case.opened_at + DAY / 2


@pytest.mark.parametrize("dies", ["keeping", "saving", "telling"])
def test_a_look_that_dies_changes_nothing_and_the_next_one_does_it(db, monkeypatch, dies):
    complain(2)
    tick()
    before = Detection.objects.values().get()
    complain(1)
    with monkeypatch.context() as broken:
        target = {"keeping": (keeping, "keep"), "saving": (Counting, "save"), "telling": (keeping, "tell_new")}[dies]
        broken.setattr(*target, lambda *args, **more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tick()
    assert Detection.objects.values().get() == before
    assert not Signal.objects.exists()
    assert JudgedCase.objects.count() == 2

    tick()

    assert Signal.objects.get().observed == 3
    assert max(Counter(kept_by_detector()["seen"]).values()) == 1


def test_a_worker_that_dies_after_keeping_leaves_nothing_to_do_twice(db):
    complain(3)
    tick()
    detecting._WORKING.clear()  # another process goes on
    (Path(detecting.settings.MAKEGOOD_DETECTION) / "left-over.state").write_text("half")
    complain(1)
    tick()
    assert Signal.objects.get().observed == 4
    assert len(kept_by_detector()["seen"]) == 4


def test_while_nothing_is_found_the_state_is_kept_now_and_then_and_nothing_is_lost(db, monkeypatch):
    monkeypatch.setattr(detecting, "SAVE_EVERY", DAY)
    tick()
    complain(1)
    assert tick().cases == 1
    complain(1)
    assert tick().cases == 1
    assert tick().cases == 0
    assert kept_by_detector()["seen"] == []
    assert JudgedCase.objects.count() == 2
    detecting._WORKING.clear()  # it dies: another process reads again what came since
    complain(1)
    assert tick().cases == 3
    assert Signal.objects.get().observed == 3
    assert len(kept_by_detector()["seen"]) == 3
    assert Detection.objects.get().cases == 3


def test_a_lost_state_begins_anew_and_keeps_what_people_made_of_signals(db):
    complain(3)
    tick()
    judging.watch(signal_id=Signal.objects.get().pk, by=colleague("mia"), now=timezone.now())
    for path in Path(detecting.settings.MAKEGOOD_DETECTION).glob("*.state"):
        path.unlink()
    detecting._WORKING.clear()
    assert tick().began
    signal = Signal.objects.get()
    assert (signal.state, signal.detection.ended_at) == (State.WATCHED, None)
    assert Detection.objects.count() == 2


def test_what_ended_is_found_again_in_the_history_and_stays_one(db):
    complain(3, "product.faulty", ago=90 * DAY)
    complain(3, ago=5 * DAY)
    tick()
    ended = Signal.objects.get(slice={"reason": "product.faulty"})
    judging.dismiss(signal_id=ended.pk, by=colleague("mia"), now=timezone.now(), why="A trial")
    told = list(Signal.objects.order_by("pk").values("pk", "state", "closed_at", "observed"))
    for path in Path(detecting.settings.MAKEGOOD_DETECTION).glob("*.state"):
        path.unlink()
    detecting._WORKING.clear()
    assert tick().began
    assert list(Signal.objects.order_by("pk").values("pk", "state", "closed_at", "observed")) == told
    assert not Signal.objects.exclude(detection__ended_at=None).exists()


def test_another_setting_begins_anew_and_closes_what_is_seen_no_more(db, settings):
    complain(3)
    tick()
    settings.MAKEGOOD_DETECT_BY = ["reason", "carrier"]
    Signal.objects.update(slice={"reason": "something else"})
    assert tick().began
    assert not tick().began
    assert Signal.objects.get(slice={"reason": "something else"}).closed_at is not None
    assert Signal.objects.filter(closed_at=None).count() == 1


def test_only_one_looks_at_a_time(db):
    with psycopg.connect(dsn(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [detecting.LOCK])
        with pytest.raises(DetectionBusy):
            tick()
    assert not Detection.objects.exists()
    assert tick().began


def test_a_state_of_another_version_begins_with_the_history(db):
    complain(3)
    tick()
    detecting._WORKING.clear()
    [path] = Path(detecting.settings.MAKEGOOD_DETECTION).glob("*.state")
    path.write_text("what an earlier version wrote")
    assert tick().began
    assert Signal.objects.filter(closed_at=None).count() == 1
    assert Detection.objects.filter(ended_at=None).count() == 1


def test_looking_back_keeps_nothing_and_tells_nobody(db):
    colleague("mia")
    cases = complain(4, ago=5 * DAY)
    now = timezone.now()
    found = list(detecting.in_the_past(since=now - 60 * DAY, until=now))
    assert [it.event for it in found] == ["raised", "updated"]
    assert found[-1].cases == tuple(str(case.pk) for case in cases)
    assert list(detecting.in_the_past(since=now - 60 * DAY, until=now - 20 * DAY)) == []
    assert not Signal.objects.exists()
    assert not Detection.objects.exists()
    assert not Notice.objects.filter(about__startswith="signal:").exists()
