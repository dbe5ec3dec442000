"""A series from elsewhere: a CSV of periods with their cases and exposure, with or without a comparison."""

import csv
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from makegood.engines.statistics import Series
from makegood.prevent.improvements.errors import SeriesFileBad

COLUMNS: Final = ("period", "cases", "exposure")
TREATED, COMPARED = ("treated", ""), ("comparison", "control")
DAY, WEEK = 1, 7
LONGEST: Final = 3660  # days, of a file


class Told(NamedTuple):
    """What a file tells; `days` is the length of a period."""

    series: Series
    comparison: Series | None
    start: int
    days: int


def read_series(path: Path, *, start: date) -> Told:
    """Read `period,cases,exposure[,group]`: periods are first days, all a day or all a week apart, in any order.

    Raises
    ------
    SeriesFileBad
        No such file, columns missing, or rows that cannot be read: each named with its line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            head = [name.strip().lower() for name in reader.fieldnames or []]
            if missing := [name for name in COLUMNS if name not in head]:
                raise SeriesFileBad(str(path), [f"line 1: no column {name}" for name in missing])
            reader.fieldnames = head
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as why:
        raise SeriesFileBad(str(path), [getattr(why, "strerror", None) or "it is no CSV in UTF-8"]) from None
    groups: tuple[dict[date, tuple[float, float]], ...] = ({}, {})
    bad = [f"line {line}: {said}" for line, row in rows if (said := _take(row, groups))]
    if bad:
        raise SeriesFileBad(str(path), bad)
    return _put_together(str(path), groups, start)


def _take(  # noqa: PLR0911  a row is wrong in many ways
    row: dict[str, str], groups: tuple[dict[date, tuple[float, float]], ...]
) -> str:
    """Take a row in; what is wrong with it, else empty."""
    told = {name: (value or "").strip() for name, value in row.items() if isinstance(value, str | None) and name}
    group = told.get("group", "").lower()
    if group not in TREATED + COMPARED:
        return f"group {group!r}: write treated or comparison"
    try:
        period = date.fromisoformat(told["period"])
    except ValueError:
        return f"period {told['period']!r} is no day such as 2026-03-02"
    numbers = []
    for name in ("cases", "exposure"):
        try:
            number = float(told[name])
        except ValueError:
            return f"{name} {told[name]!r} is no number"
        if not 0 <= number < 1e15:  # noqa: PLR2004  beyond it sums lose whole cases
            return f"{name} {told[name]} is negative or not finite"
        numbers.append(number)
    if numbers[0] != int(numbers[0]):
        return f"cases {told['cases']} is no whole number"
    if numbers[0] and not numbers[1]:
        return "cases without exposure"
    mine = groups[group in COMPARED]
    if period in mine:
        return f"period {period} stands twice"
    mine[period] = (numbers[0], numbers[1])
    return ""


def _put_together(path: str, groups: tuple[dict[date, tuple[float, float]], ...], start: date) -> Told:
    days = sorted(groups[0])
    if len(days) < 2:  # noqa: PLR2004  to have a distance
        raise SeriesFileBad(path, ["it needs two periods at least"])
    step = min((later - earlier).days for earlier, later in pairwise(days))
    if step not in (DAY, WEEK):
        raise SeriesFileBad(path, [f"periods are {step} days apart: give days or weeks"])
    n = (days[-1] - days[0]).days // step + 1
    if n * step > LONGEST:
        raise SeriesFileBad(path, ["it spans more than ten years"])
    if odd := [day for group in groups for day in group if not 0 <= (day - days[0]).days < n * step]:
        raise SeriesFileBad(path, [f"period {min(odd)} of the comparison lies outside those treated"])
    if odd := [day for group in groups for day in group if (day - days[0]).days % step]:
        raise SeriesFileBad(path, [f"period {min(odd)} is not a whole number of weeks after {days[0]}"])
    since = (start - days[0]).days
    made = []
    for group in groups:
        cases, exposure = [0.0] * n, [0.0] * n
        for day, (y, e) in group.items():
            cases[(day - days[0]).days // step], exposure[(day - days[0]).days // step] = y, e
        if since % step and 0 < since < n * step:  # the week in which the change began says nothing
            cases[since // step] = exposure[since // step] = 0.0
        made.append(Series.of(cases, exposure))
    return Told(made[0], made[1] if groups[1] else None, -(-since // step), step)
