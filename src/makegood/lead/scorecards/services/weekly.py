"""The analyst's weekly report: what went wrong, was it more than chance, and what changed."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from makegood.engines.statistics import Judged, binomial_limit, decompose_change, judge_periods, quantile, u_limits
from makegood.ground.retail.models import Source
from makegood.lead.scorecards import sentences
from makegood.lead.scorecards.errors import SourceNotFound
from makegood.lead.scorecards.metrics import CASES_PER_ORDER, FIRST_RESPONSE, LATE_RATE, RESOLUTION, WEEKLY, Metric
from makegood.lead.scorecards.queries.weekly import (
    BASELINE,
    REACH,
    THIS,
    WEEKS,
    Counts,
    Figures,
    Slice,
    largest_source,
    weekly_figures,
)  # fmt: skip
from makegood.lead.scorecards.report import Count, LateSlice, LongSlice, Part, Point, Ranking, Wait, WeeklyReport
from makegood.lead.scorecards.weeks import Week
from makegood.prevent.lake import lake_state
from makegood.recover.cases.models import Reason

SHOWN = 15  # rows of a ranking
OWN_HISTORY = 30  # shipments in the weeks it is judged by, from which on a slice's own rate is used
OUTSIDE = {-1: "below", 0: "", 1: "above"}


def weekly_report(
    *,
    week: str = "",
    now: datetime,
    as_of: datetime | None = None,
    source: str = "",
    places: Sequence[uuid.UUID] | None = None,
) -> WeeklyReport:
    """Build the report of one week from the lake as it is; `refresh_lake` brings that up to date first.

    Parameters
    ----------
    now : datetime
        Nothing later is known.
    week : str
        "2018-W09"; empty: the last week that is over.
    as_of : datetime
        What became known later does not count. At most `now`; without it, the end of the week or now.
    source : str
        Slug; empty: all sources, with weeks in the time zone of the source that has most orders.
    places : sequence of UUID or None
        Only what belongs to these places; None for the whole company.

    Raises
    ------
    BadWeek
        No such week.
    SourceNotFound
        No such source.
    """
    zone = time_zone(source)
    chosen = Week.parse(week) if week else Week.of(now, zone).plus(-1)
    known_until = min(now, as_of or chosen.ends(zone))
    bounds = [chosen.plus(step).starts(zone) for step in range(1 - WEEKS, 2)]
    figures = weekly_figures(bounds=bounds, as_of=known_until, source=source, places=places)
    return _report(figures, chosen, zone, known_until, source)


def time_zone(source: str = "") -> ZoneInfo:
    """In which weeks are cut: the source's; of several sources, that of the one with most orders. One SQL query.

    Raises
    ------
    SourceNotFound
        No such source.
    """
    zones = dict(Source.objects.order_by("slug").values_list("slug", "time_zone"))
    if source and source not in zones:
        raise SourceNotFound(source, list(zones))
    if not source and len(zones) > 1:
        source = largest_source()
    return ZoneInfo(zones.get(source) or (next(iter(zones.values())) if len(zones) == 1 else settings.TIME_ZONE))


def _report(figures: Figures, week: Week, zone: ZoneInfo, as_of: datetime, source: str) -> WeeklyReport:
    names = dict(Reason.objects.values_list("code", "name"))
    judged = _judge_cases(figures.all_cases, figures)
    cases_trend = _trend(week, figures.all_cases, figures.orders, judged)
    late_trend = _trend(week, figures.late, figures.due, figures.late_judged)
    total = _count("", _("All cases"), figures.all_cases, judged)
    reasons = [
        _count(code, names.get(code, code), counts, _judge_cases(counts, figures))
        for code, counts in figures.cases.items()
    ]
    whole, parts = _changed(figures, names)
    empty = not (total.cases or figures.orders[THIS] or figures.due[THIS])
    last = str(Week.of(figures.last_moment, zone)) if figures.last_moment else ""
    complete = as_of >= week.ends(zone)
    return WeeklyReport(
        week=str(week), starts=week.starts(zone).astimezone(zone), ends=week.ends(zone).astimezone(zone),
        time_zone=zone.key, as_of=as_of.astimezone(zone), complete=complete, source=source,
        lake_refreshed_at=lake_state().refreshed_at, empty=empty, last_week_with_data=last,
        headline=(
            sentences.nothing(week=str(week), last=last) if empty
            else sentences.headline(total=total, parts=parts, late=late_trend[-1])
        ),
        notes=sentences.notes(complete=complete, judged=not np.isnan(judged.expected[THIS]), empty=empty),
        orders_due=int(figures.orders[THIS]), orders_due_last_week=int(figures.orders[THIS - 1]), cases=total,
        reasons=sorted(filter(_worth_a_row, reasons), key=lambda row: (-row.cases, row.reason)),
        changed=whole, changed_by_reason=parts, late=late_trend[-1],
        late_by=[_ranking(by, slices, figures) for by, slices in figures.slices.items()],
        waits=[
            _wait(FIRST_RESPONSE, figures.waits["first_response_at"]), _wait(RESOLUTION, figures.waits["resolved_at"]),
        ],
        cases_trend=cases_trend, late_trend=late_trend, metrics=[metric.as_json() for metric in WEEKLY],
    )  # fmt: skip


def _worth_a_row(row: Count) -> bool:
    return bool(row.cases or row.last_week or row.mean)


# -- cases


def _judge_cases(counts: Counts, figures: Figures) -> Judged:
    least = CASES_PER_ORDER.minimum_n
    return judge_periods(counts, figures.orders, chart=u_limits, span=BASELINE, reach=REACH, least_count=least)


def _count(code: str, name: str, counts: Counts, judged: Judged) -> Count:
    return Count(
        reason=code, name=name, cases=int(counts[THIS]), last_week=int(counts[THIS - 1]),
        mean=round(float(counts[THIS - BASELINE : THIS].mean()), 1),
        expected=_number(judged.expected[THIS]), lower=_number(judged.lower[THIS]), upper=_number(judged.upper[THIS]),
        outside=OUTSIDE[int(judged.outside[THIS])],
    )  # fmt: skip


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 1)


def _trend(week: Week, counts: Counts, exposure: Counts, judged: Judged) -> list[Point]:
    return [
        Point(
            week=str(week.plus(i - THIS)), monday=week.plus(i - THIS).monday, exposure=int(exposure[i]),
            count=int(counts[i]), rate=round(float(counts[i] / exposure[i]), 4) if exposure[i] else None,
            expected=_number(judged.expected[i]), lower=_number(judged.lower[i]), upper=_number(judged.upper[i]),
            outside=OUTSIDE[int(judged.outside[i])],
        )
        for i in range(REACH, WEEKS)
    ]  # fmt: skip


def _changed(figures: Figures, names: dict[str, str]) -> tuple[Part, list[Part]]:
    """The change since last week by reason, largest first, and as a whole; the parts add up exactly."""
    codes = [code for code, counts in figures.cases.items() if counts[THIS] or counts[THIS - 1]]
    before = [int(figures.cases[code][THIS - 1]) for code in codes]
    after = [int(figures.cases[code][THIS]) for code in codes]
    start, end = int(figures.orders[THIS - 1]), int(figures.orders[THIS])
    split = decompose_change(start, before, end, after)

    def part(code: str, name: str, last_week: int, cases: int, volume: int, rate: int) -> Part:
        told = sentences.changed(
            name=name,
            last_week=last_week,
            cases=cases,
            volume=volume / 10,
            rate=rate / 10,
            comparable=bool(start and end),
        )
        return Part(reason=code, name=name, last_week=last_week, cases=cases, change=cases - last_week,
                    volume=volume / 10, rate=rate / 10, sentence=told)  # fmt: skip

    parts = [
        part(code, names.get(code, code), before[i], after[i], int(split.volume_tenths[i]), int(split.rate_tenths[i]))
        for i, code in enumerate(codes)
    ]
    whole = part(
        "", _("All cases"), sum(before), sum(after), int(split.volume_tenths.sum()), int(split.rate_tenths.sum())
    )
    return whole, sorted(parts, key=lambda row: (-abs(row.change), -abs(row.rate), row.reason))


# -- deliveries


def _ranking(by: str, slices: list[Slice], figures: Figures) -> Ranking:
    """Slices with enough shipments, by how many more were late than the weeks they are judged by explain."""
    least = LATE_RATE.minimum_n
    enough = [one for one in slices if one.due >= least]
    small = [one for one in slices if 0 < one.due < least]
    past = figures.late_judged.baseline[THIS]
    rows = _expect(enough, int(figures.due[past].sum()), int(figures.late[past].sum()))
    rows.sort(key=lambda row: (-(row.excess if row.excess is not None else row.late), -row.due, row.name))
    return Ranking(
        by=by, minimum_due=least, rows=rows[:SHOWN], shown_of=len(rows), too_few=len(small),
        too_few_due=sum(one.due for one in small), over_trend=_over_trend(slices, figures),
    )  # fmt: skip


def _expect(slices: list[Slice], due_before: int, late_before: int) -> list[LateSlice]:
    if not slices:
        return []
    of_all = late_before / due_before if due_before >= OWN_HISTORY else None
    origin = ["own" if one.due_before >= OWN_HISTORY else "all" if of_all is not None else "" for one in slices]
    rates = np.array(
        [
            one.late_before / one.due_before if told == "own" else of_all or 0.0
            for one, told in zip(slices, origin, strict=True)
        ]
    )
    limits = binomial_limit([one.due for one in slices], rates)
    return [
        LateSlice(
            name=one.name, due=one.due, late=one.late, rate=round(one.late / one.due, 4),
            expected=round(one.due * float(rate), 1) if told else None, expected_from=told,
            excess=round(one.late - one.due * float(rate), 1) if told else None,
            limit=int(limit) if told else None, outside=bool(told and one.late > limit),
        )
        for one, told, rate, limit in zip(slices, origin, rates, limits, strict=True)
    ]  # fmt: skip


def _over_trend(slices: list[Slice], figures: Figures) -> list[LongSlice]:
    """Which slices the late shipments of the whole trend come from, against the rate of all."""
    due, late = int(figures.due[REACH:].sum()), int(figures.late[REACH:].sum())
    rows = [
        LongSlice(
            name=one.name, due=one.due_long, late=one.late_long, rate=round(one.late_long / one.due_long, 4),
            excess=round(one.late_long - one.due_long * late / due, 1),
        )
        for one in slices
        if one.due_long >= LATE_RATE.minimum_n
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row.excess, row.name))[:SHOWN]


# -- how long customers waited


def _wait(metric: Metric, seconds: list[NDArray[np.float64]]) -> Wait:
    now, before = seconds[THIS], np.concatenate(seconds[THIS - BASELINE : THIS])
    enough = now.size >= metric.minimum_n
    median, p90 = (quantile(now, q) if enough else None for q in (0.5, 0.9))
    earlier = quantile(before, 0.5) if before.size >= metric.minimum_n else None
    return Wait(
        metric=metric.slug, name=metric.name, n=int(now.size), too_few=not enough, minimum_n=metric.minimum_n,
        median=median.value if median else None, median_low=median.low if median else None,
        median_high=median.high if median else None,
        p90=p90.value if p90 else None, p90_low=p90.low if p90 else None, p90_high=p90.high if p90 else None,
        before_n=int(before.size), before_median=earlier.value if earlier else None,
    )  # fmt: skip
