"""What changed between two periods: which slices differ from what the earlier one leads to expect."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from makegood.engines.lake.changed import Spans
from makegood.engines.statistics import Localised, localise, mix_of
from makegood.lead.scorecards import sentences
from makegood.lead.scorecards.changed import Example, Found, WhatChanged
from makegood.lead.scorecards.errors import NumberUnknown, PeriodsMeet
from makegood.lead.scorecards.metrics import CHANGED
from makegood.lead.scorecards.periods import bounds, last_week, read_span, the_one_before
from makegood.lead.scorecards.queries.changed import Counted, Figures, figures, last_moment
from makegood.lead.scorecards.services.weekly import time_zone
from makegood.prevent.slices import Slice
from makegood.prevent.slices_in_words import Names

AT_MOST: Final = 3  # things that a slice has in common
NO_PURCHASE: Final = "how"
MOST: Final = 12  # slices

# What all of a slice have in common is that nobody knows it.
UNKNOWN: Final = {
    "reason": gettext_lazy("for no known reason"), "carrier": gettext_lazy("with no known carrier"),
    "warehouse": gettext_lazy("from no known warehouse"), "from_state": gettext_lazy("from an unknown place"),
    "to_state": gettext_lazy("to an unknown place"), "category": gettext_lazy("of no known category"),
    "product": gettext_lazy("of no known product"), "batch": gettext_lazy("of no known batch"),
    "manufacturer": gettext_lazy("of no known manufacturer"), "seller": gettext_lazy("by no known seller"),
    "store": gettext_lazy("of no known store"), "district": gettext_lazy("in no known district"),
    "channel": gettext_lazy("through no known channel"), "how": gettext_lazy("at no known time of the week"),
}  # fmt: skip


def what_changed(
    *, of: str = "cases", period: str = "", against: str = "", now: datetime, source: str = "",
    places: Sequence[uuid.UUID] | None = None,
) -> WhatChanged:  # fmt: skip
    """Compare two periods on the lake as it is; `refresh_lake` brings that up to date first.

    What was to be expected: each failure of the earlier period, weighed by how much purchases of its carrier, seller,
    places and so on became more or fewer since. `docs/explanation/what-changed.md`
    says why. Two SQL queries at most.

    Parameters
    ----------
    of : str
        Slug of one of `metrics.CHANGED`.
    period, against : str
        "2018-02-26..2018-03-04", "2018-W09" or "2018-02". Without a period: the last week that is over; without one to
        compare with: the one before, equally long.
    now : datetime
        Nothing later is known.
    source : str
        Slug; empty: all sources.
    places : sequence of UUID or None
        Only what belongs to these places; None for the whole company.

    Raises
    ------
    BadPeriod, PeriodsMeet
        The periods cannot be read or compared.
    NumberUnknown, SourceNotFound
        There is no such number or source.
    """
    if of not in CHANGED:
        raise NumberUnknown(of, list(CHANGED))
    zone = time_zone(source)
    asked = read_span(period) if period else last_week(now, zone)
    earlier = read_span(against) if against else the_one_before(asked)
    if earlier.first <= asked.last and asked.first <= earlier.last:
        raise PeriodsMeet
    spans = Spans(against=bounds(earlier, zone), asked=bounds(asked, zone), as_of=now)
    with figures(of, spans, source=source, places=places) as told:
        found = _localised(told)
        slices = [{name: str(value) for name, value in cause.slice.items()} for cause in found.causes]
        names = Names.of(slices)
        causes = [
            Found(
                slice=slice_, words=words(slice_, names), new=_new(told.exposed, slice_),
                before=int(told.failed.before[cause.leaves].sum()), observed=round(cause.observed),
                expected=round(cause.expected, 1), excess=round(cause.excess, 1),
                share=None if np.isnan(cause.share) else round(cause.share, 4), score=round(cause.score, 1),
                examples=[Example(**row) for row in told.newest(slice_)],
            )
            for slice_, cause in zip(slices, found.causes, strict=True)
        ]  # fmt: skip
    metric = CHANGED[of]
    expected = found.expected
    observed, before = int(told.failed.after.sum()), int(told.failed.before.sum())
    exposed = [int(column.sum()) for column in (told.exposed.before, told.exposed.after)]
    empty = not (observed or before or sum(exposed))
    last = last_moment(as_of=now, source=source, places=places) if empty else None
    causes.sort(key=lambda one: -abs(one.excess))
    return WhatChanged(
        of=of, name=_(metric.name), period=asked, against=earlier, time_zone=zone.key, source=source,
        as_of=now.astimezone(zone), complete=now >= spans.asked[1], empty=empty,
        last_day_with_data=last.astimezone(zone).date() if last else None,
        reading=sentences.what_changed(metric.slug, observed=observed, expected=expected, causes=causes, empty=empty),
        notes=_notes(now >= spans.asked[1], exposed),
        before=before, observed=observed, expected=round(expected, 1), exposure_before=exposed[0], exposure=exposed[1],
        causes=causes, rest=round(observed - expected - sum(one.excess for one in causes), 1),
    )  # fmt: skip


def words(slice_: Slice, names: Names) -> str:
    """What a slice has in common, as in "Delivered late from SP to RJ"."""
    if not slice_:
        return _("Everything, in general")
    known = {name: value for name, value in slice_.items() if value}
    unknown = [name for name in slice_ if name not in known]
    if NO_PURCHASE in unknown:  # whatever was bought has that; who complains of a store may have bought nothing
        known = {"reason": _("Without a purchase"), **known}
        unknown.remove(NO_PURCHASE)
    said = ", ".join([names.of_slice(known)] * bool(known) + [str(UNKNOWN[name]) for name in unknown])
    return said[:1].upper() + said[1:]


def _localised(told: Figures) -> Localised:
    failed, exposed = told.failed, told.exposed
    if not exposed.before.sum():  # nothing was due then, so nothing can be expected
        observed = float(failed.after.sum())
        return Localised(causes=[], observed=observed, expected=0.0, residual=observed)
    mix = mix_of(exposed.before, exposed.after, exposed.columns)
    expected = _with_new(told, failed.before * mix.weights(failed.columns))
    columns = failed.columns | _districts(failed, exposed)
    several = {name: column for name, column in columns.items() if len(set(column.tolist())) > 1}
    history = float(exposed.before.sum() / max(1.0, exposed.after.sum()))
    return localise(
        failed.after, expected, several or columns, counts=True, history=history, dispersion=None,
        dimensions=AT_MOST, most=MOST,
    )  # fmt: skip


def _with_new(told: Figures, usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """What was to be expected, of what is new as well: a batch that nobody had bought before is taken to fail as all
    purchases did, reason by reason. The others are expected to fail so much less, as the mix had counted that to them.
    """
    failed = told.failed
    _reasons, kinds = np.unique(failed.columns.get("reason", np.full(usual.size, "")), return_inverse=True)
    rates = np.bincount(kinds, failed.before) / told.exposed.before.sum()
    new = np.zeros(usual.size)
    for name, by_value in told.by_value.items():
        due = {value: after for value, before, after in zip(by_value.columns[name], by_value.before, by_value.after,
               strict=True) if value and not before}  # fmt: skip
        column = failed.columns[name]
        rows = np.flatnonzero(np.isin(column, list(due)) & (failed.before == 0))
        if rows.size:
            # Shared among the rows of a value and reason as their failures are.
            _groups, groups = np.unique([f"{column[row]}\0{kinds[row]}" for row in rows], return_inverse=True)
            share = failed.after[rows] / np.bincount(groups, failed.after[rows])[groups]
            new[rows] = np.maximum(new[rows], [due[column[row]] * rates[kinds[row]] for row in rows] * share)
    left = max(0.0, 1 - new.sum() / usual.sum()) if usual.any() else 1.0
    return usual * left + new


def _districts(failed: Counted, exposed: Counted) -> dict[str, NDArray[Any]]:
    """The district of a complaint that names a store only, from the purchases there."""
    of = {store: district for store, district in zip(exposed.columns["store"], exposed.columns["district"], strict=True)
          if store and district}  # fmt: skip
    known = zip(failed.columns["store"], failed.columns["district"], strict=True)
    return {"district": np.array([district or of.get(store, "") for store, district in known], dtype=object)}


def _new(exposed: Counted, slice_: Slice) -> bool:
    """Whether there was nothing of a slice in the earlier period that could have failed."""
    inside = np.ones(exposed.before.size, dtype=bool)
    for name, value in slice_.items():
        if name in exposed.columns:
            inside &= exposed.columns[name] == value
    return bool(exposed.after[inside].sum() and not exposed.before[inside].sum())


def _notes(complete: bool, exposed: Sequence[int]) -> list[str]:
    told = []
    if not complete:
        told.append(_("The period is not over: only what is known by now is counted."))
    if not exposed[0] and exposed[1]:
        told.append(_("Nothing was due in the period compared with, so nothing could be expected."))
    return told
