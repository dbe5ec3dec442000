"""The register: planned, hoped, begun, done, judged once, and open again when the cause comes back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from makegood.ground.messages.models import Notice
from makegood.prevent.improvements import services
from makegood.prevent.improvements.effects import Counted
from makegood.prevent.improvements.errors import ImprovementMovedOn, ImprovementSaysNothing, NoHypothesis
from makegood.prevent.improvements.models import Event, Hypothesis, Improvement, Look
from makegood.prevent.improvements.queries import Filters, avoided_in_all, causes, one, page, standing
from makegood.prevent.incidents.models import Incident
from makegood.recover.commitments.models import Commitment
from tests.factories import colleague
from tests.prevent.improvements.conftest import FIRST, LOST, NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BEFORE = 60


def weeks(ratio, after, *, then=None, later=0, seed=3):
    rng = np.random.default_rng(seed)
    level = np.concatenate([np.ones(BEFORE), np.full(after, ratio), np.full(later, then or ratio)])
    return Counted(first=FIRST, cases=rng.poisson(20 * level).astype(float), orders=np.full(level.size, 1000.0))


STARTED = FIRST + timedelta(weeks=BEFORE)
BEGUN = NOW.replace(year=STARTED.year, month=STARTED.month, day=STARTED.day)


@pytest.fixture
def begun(planned, hoped, mia):
    """An improvement whose change began after 60 weeks of history."""

    def begin(**more):
        it = planned(now=BEGUN)
        hoped(it, now=BEGUN, **more)
        return services.begin(improvement_id=it.pk, on=STARTED, by=mia, now=BEGUN)

    return begin


def kinds(it):
    return [event.kind for event in it.events.order_by("at", "id")]


# -- work


def test_its_owner_promises_it_and_keeps_the_promise_by_finishing(begun, dev, mia):
    it = begun()
    promised = it.commitment
    assert (promised.owner, promised.to, promised.state, promised.text) == (dev, "colleague", "open", it.title)

    services.finish(improvement_id=it.pk, on=STARTED + 2 * DAY, by=dev, now=BEGUN + 3 * DAY)

    promised.refresh_from_db()
    assert promised.state == "kept"
    assert kinds(it) == ["planned", "hypothesis", "begun", "finished"]


def test_finishing_what_was_promised_for_earlier_keeps_it_late(begun, dev):
    it = begun()
    services.finish(improvement_id=it.pk, on=STARTED + 30 * DAY, by=dev, now=BEGUN + 30 * DAY)
    assert Commitment.objects.get(improvement=it).state == "kept_late"


def test_dropping_says_why_and_lets_go_of_the_promise(planned, mia):
    it = planned()
    with pytest.raises(ImprovementSaysNothing, match="why"):
        services.drop(improvement_id=it.pk, why=" ", by=mia, now=NOW + DAY)
    services.drop(improvement_id=it.pk, why="The carrier left us.", by=mia, now=NOW + DAY)
    assert Commitment.objects.get(improvement=it).state == "released"
    with pytest.raises(ImprovementMovedOn, match="dropped"):
        services.drop(improvement_id=it.pk, why="again", by=mia, now=NOW + DAY)


def test_a_plan_that_says_nothing_is_refused_and_nothing_is_written(planned):
    for bad in ({"title": "  "}, {"incidents": [4711]}, {"cost": Decimal(5)}, {"currency": "GBP"}):
        with pytest.raises(ImprovementSaysNothing), transaction.atomic():
            planned(**bad)
    assert not Improvement.objects.exists()
    assert not Commitment.objects.exists()


def test_it_begins_only_with_a_hypothesis_and_not_tomorrow(planned, hoped, mia):
    it = planned()
    with pytest.raises(NoHypothesis):
        services.begin(improvement_id=it.pk, on=NOW.date(), by=mia, now=NOW)
    hoped(it)
    with pytest.raises(ImprovementSaysNothing, match="today, or an earlier day"):
        services.begin(improvement_id=it.pk, on=NOW.date() + DAY, by=mia, now=NOW)
    services.begin(improvement_id=it.pk, on=NOW.date(), by=mia, now=NOW)
    with pytest.raises(ImprovementMovedOn):
        services.begin(improvement_id=it.pk, on=NOW.date(), by=mia, now=NOW)


def test_a_hypothesis_is_never_edited_and_a_new_version_says_whether_it_came_after_the_start(begun, hoped):
    it = begun()
    hoped(it, now=BEGUN + 9 * DAY, percent=20)
    assert [said.version for said in it.hypotheses.order_by("version")] == [1, 2]
    assert [event.facts["after_start"] for event in it.events.filter(kind="hypothesis").order_by("at")] == [False, True]
    with pytest.raises(DatabaseError, match="hypothesis_is_never_edited"), transaction.atomic():
        Hypothesis.objects.filter(improvement=it).update(percent=5)


@pytest.mark.parametrize(
    "bad",
    [
        {"any_of": {}}, {"any_of": {"colour": ["red"]}}, {"any_of": {"carrier": []}}, {"percent": 0},
        {"by_when": NOW.date()}, {"beside": "rest"}, {"beside": "slice"}, {"within_days": 400},
    ],
)  # fmt: skip
def test_a_hypothesis_that_cannot_be_measured_is_refused(planned, hoped, bad):
    it = planned()
    with pytest.raises(ImprovementSaysNothing):
        hoped(it, **bad)
    assert not it.hypotheses.exists()


def test_history_is_append_only(planned):
    it = planned()
    for change in (lambda: it.events.update(kind="dropped"), lambda: it.events.all().delete(), it.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


# -- verdicts


def test_a_look_is_kept_once_a_week_and_judges_and_tells_once(begun, dev):
    it = begun()
    for _ in range(3):
        services.look(improvement_id=it.pk, now=BEGUN + 90 * DAY, counted=weeks(0.4, 9))
    it.refresh_from_db()
    assert (it.verdict, Look.objects.count()) == ("worked", 1)
    assert kinds(it).count("judged") == 1
    assert [notice.to for notice in Notice.objects.filter(about=f"improvement:{it.pk}")] == [dev]
    [judged] = it.events.filter(kind="judged")
    assert judged.facts["why"] == "shown"


def test_as_long_as_it_is_not_known_it_is_looked_at_each_monday(begun):
    it = begun()
    services.look(improvement_id=it.pk, now=BEGUN + 37 * DAY, counted=weeks(0.8, 3))
    it.refresh_from_db()
    assert it.verdict == "unknown"
    assert it.next_look_at.weekday() == 0
    assert BEGUN + 37 * DAY < it.next_look_at <= BEGUN + 45 * DAY
    assert services.look_at_what_is_due(now=BEGUN + 37 * DAY) == 0


def test_what_did_not_work_is_looked_at_no_more_and_may_begin_anew(begun, mia):
    it = begun()
    services.look(improvement_id=it.pk, now=BEGUN + 300 * DAY, counted=weeks(1.0, 30))
    it.refresh_from_db()
    assert (it.verdict, it.next_look_at) == ("did_not", None)
    with pytest.raises(ImprovementMovedOn, match="did not work"):
        services.say_hypothesis(improvement_id=it.pk, any_of={"reason": [LOST]}, percent=5, by_when=date(2030, 1, 1),
                                by=mia, now=BEGUN + 301 * DAY)  # fmt: skip
    again = services.begin(improvement_id=it.pk, on=STARTED + 301 * DAY, by=mia, now=BEGUN + 301 * DAY)
    assert (again.verdict, again.state, again.judged_at) == ("unknown", "under_way", None)


def worked(it):
    services.look(improvement_id=it.pk, now=BEGUN + 100 * DAY, counted=weeks(0.4, 10))
    it.refresh_from_db()
    assert it.verdict == "worked"


def test_the_same_cause_coming_back_opens_it_and_tells_its_owner_once(begun, dev):
    it = begun()
    worked(it)
    for more in (6, 7, 8):
        services.look(improvement_id=it.pk, now=BEGUN + (100 + 7 * more) * DAY,
                      counted=weeks(0.4, 10, then=1.0, later=more))  # fmt: skip
    it.refresh_from_db()
    assert it.verdict == "came_back"
    assert kinds(it).count("came_back") == 1
    assert Notice.objects.filter(to=dev, text__contains="came back").count() == 1
    assert page(Filters(), me=dev, now=NOW)[0][0].is_open


def test_while_the_gain_holds_nothing_comes_back(begun):
    it = begun()
    worked(it)
    services.look(improvement_id=it.pk, now=BEGUN + 170 * DAY, counted=weeks(0.4, 10, later=10))
    it.refresh_from_db()
    assert it.verdict == "worked"
    assert it.next_look_at is not None


@pytest.mark.parametrize(("any_of", "back"), [({"reason": [LOST]}, True), ({"reason": ["product.faulty"]}, False)])
def test_a_new_incident_of_the_same_cause_opens_it_again(begun, mia, any_of, back):
    it = begun()
    worked(it)
    Incident.objects.create(title="Lost again", severity=2, commander=mia, any_of=any_of,
                            declared_at=BEGUN + 120 * DAY)  # fmt: skip
    services.look(improvement_id=it.pk, now=BEGUN + 121 * DAY, counted=weeks(0.4, 12))
    it.refresh_from_db()
    assert (it.verdict == "came_back") is back


def test_what_is_said_while_a_look_counts_wins(begun, hoped, monkeypatch):
    it = begun()
    counted = weeks(0.4, 10)

    def meanwhile(*given):
        hoped(it, now=BEGUN + 100 * DAY, percent=10)
        return counted

    monkeypatch.setattr(services, "read_weeks", meanwhile)
    assert services.look(improvement_id=it.pk, now=BEGUN + 100 * DAY) is None
    it.refresh_from_db()
    assert it.verdict == "unknown"


def test_a_plan_only_and_a_dropped_one_are_never_judged(planned, hoped, mia):
    it = planned()
    assert services.look(improvement_id=it.pk, now=NOW, counted=weeks(1, 0)) is None
    hoped(it)
    look = services.look(improvement_id=it.pk, now=NOW, counted=weeks(0.2, 10))
    assert (look.verdict, look.found["ratio"], look.started_on) == ("unknown", None, None)
    services.drop(improvement_id=it.pk, why="no", by=mia, now=NOW + DAY)
    assert services.look(improvement_id=it.pk, now=NOW + DAY, counted=weeks(0.2, 10)) is None


@pytest.mark.django_db(transaction=True)
def test_two_who_look_at_once_judge_and_tell_once(begun, dev):
    it, counted = begun(), weeks(0.4, 9)

    def look(_):
        try:
            services.look(improvement_id=it.pk, now=BEGUN + 90 * DAY, counted=counted)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look, range(4)))
    assert kinds(it).count("judged") == 1
    assert Look.objects.count() == 1
    assert Notice.objects.filter(to=dev, about=f"improvement:{it.pk}").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_tick_counts_weeks_from_orders_and_cases_and_judges(shop, lake, planned, hoped, mia):
    start = NOW.date() - timedelta(weeks=16)
    start -= timedelta(days=start.weekday())
    first = (start - FIRST).days // 7
    for week in range(first - 20, first + 16):
        shop.week(week, 40, 8 if week < first else 1)
        shop.week(week, 40, 8, carrier=1)
    lake()
    it = planned()
    hoped(it, any_of=shop.marlbeck, beside="rest")
    services.begin(improvement_id=it.pk, on=start, by=mia, now=NOW)

    assert services.look_at_what_is_due(now=NOW) == 1

    it.refresh_from_db()
    [look] = it.looks.all()
    assert it.verdict == "worked"
    assert look.found["ratio"][0] == pytest.approx(1 / 8, abs=0.05)
    assert look.found["beside_orders"][:2] == [40, 40]
    assert services.look_at_what_is_due(now=NOW) == 0


# -- reading


def test_lists_filter_and_page_by_number(planned, dev, mia):
    made = [planned(title=f"Number {n} 100%", now=NOW + n * DAY) for n in range(3)]
    services.drop(improvement_id=made[0].pk, why="no", by=mia, now=NOW + 9 * DAY)

    def titles(**asked):
        return [row.title[:8] for row in page(Filters(**asked), me=mia, now=NOW + 15.5 * DAY)[0]]

    assert titles() == ["Number 2", "Number 1"]
    assert titles(show="ended") == ["Number 0"]
    assert titles(show="overdue") == ["Number 1"]
    assert titles(show="all", q="0 100%") == ["Number 0"]
    assert titles(show="all", q="%_") == []
    assert titles(show="all", q=f"a-{made[2].number}") == ["Number 2"]
    assert titles(whose="me") == []
    assert titles(whose=dev.username) == ["Number 2", "Number 1"]
    rows, after = page(Filters(show="all"), me=mia, now=NOW, limit=2)
    assert len(rows) == 2
    assert [row.title[:8] for row in page(Filters(show="all"), me=mia, now=NOW, after=after)[0]] == ["Number 0"]


def test_figures_count_what_there_is(begun, planned, mia):
    it = begun()
    worked(it)
    planned(cause="Labels fall off", cause_key="")
    planned(cause="labels FALL  off!")
    assert standing(now=NOW + 30 * DAY)[:1] == (3,)
    assert standing(now=NOW + 30 * DAY).worked == 1
    assert [(cause.cause, cause.improvements) for cause in causes()] == [("labels fall off", 2)]
    [avoided] = avoided_in_all()
    assert avoided[1] < avoided[0] < avoided[2]
    assert one(it.number).improvement == it


@given(st.text(max_size=100))
def test_a_cause_key_is_stable_and_short(text):
    key = services.key_of(text)
    assert services.key_of(key) == key
    assert len(key) <= 80


def test_predicates_overlap_where_they_name_the_same_in_all_that_both_name():
    lost, faulty = {"reason": ["lost"], "carrier": ["m", "n"]}, {"reason": ["faulty"], "carrier": ["m"]}
    assert services.overlap(lost, {"carrier": ["n"]})
    assert services.overlap({"carrier": ["n"]}, lost)
    assert not services.overlap(lost, faulty)
    assert not services.overlap(lost, {"store": ["x"]})


def test_everybody_who_left_can_own_nothing(planned, dev):
    dev.is_active = False
    dev.save()
    with pytest.raises(Exception, match="does not work here"):
        planned()
    assert colleague("mia")
    assert not Event.objects.exists()
