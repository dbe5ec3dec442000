"""The figures behind "what changed", from the lake. No judgement and no words yet."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from makegood.engines.lake import changed as ask
from makegood.engines.lake import weekly
from makegood.engines.lake.read import Lake
from makegood.prevent.lake import facts
from makegood.prevent.slices import DIMENSIONS, Slice

EXAMPLES: Final = 12


class Asked(Protocol):
    """Rows of what failed, or of what could have, in both spans."""

    def __call__(
        self, facts: Mapping[str, ir.Table], spans: ask.Spans, names: Sequence[str]
    ) -> tuple[ir.Table, ir.Table]: ...


def _cases(facts: Mapping[str, ir.Table], spans: ask.Spans, names: Sequence[str]) -> tuple[ir.Table, ir.Table]:
    return (
        ask.cases_opened(facts["cases"], facts["exposures"], spans, names),
        ask.orders_due(facts["orders"], facts["exposures"], spans, names),
    )


def _late(facts: Mapping[str, ir.Table], spans: ask.Spans, names: Sequence[str]) -> tuple[ir.Table, ir.Table]:
    due = ask.promises_due(facts["shipments"], facts["exposures"], spans, names)
    return due.filter(due.late == 1), due


def _called_off(facts: Mapping[str, ir.Table], spans: ask.Spans, names: Sequence[str]) -> tuple[ir.Table, ir.Table]:
    due = ask.orders_due(facts["orders"], facts["exposures"], spans, names)
    return due.filter(due.called_off == 1), due


NUMBERS: Final[Mapping[str, Asked]] = {"cases": _cases, "late": _late, "cancelled": _called_off}
_TOO_FINE: Final = ("product", "batch")


@dataclass(frozen=True)
class Counted:
    """Rows by what they have in common, in both spans."""

    columns: dict[str, NDArray[Any]]
    before: NDArray[np.float64]
    after: NDArray[np.float64]


class Figures:
    """The answers of an open lake about one number."""

    def __init__(self, lake: Lake, failed: ir.Table, exposed: ir.Table, names: Sequence[str]) -> None:
        self._lake = lake
        exposed = lake.keep("exposed", exposed)
        self._failed = lake.keep("failed", failed)  # counted once, and asked for examples of each slice
        self._names = names
        self.failed = self._counted(self._failed, names)
        known = [name for name in names if name != "reason"]
        # Products and batches are too many to count in every combination; each by itself tells which are new.
        self.exposed = self._counted(exposed, [name for name in known if name not in _TOO_FINE])
        self.by_value = {name: self._counted(exposed, [name]) for name in known}

    def _counted(self, table: ir.Table, names: Sequence[str]) -> Counted:
        rows = self._lake.answer(ask.counted(table, names))
        columns = {name: rows[name].to_numpy(zero_copy_only=False) for name in names}
        before, after = (rows[name].to_numpy().astype(np.float64) for name in ("before", "after"))
        return Counted(columns, before, after)

    def newest(self, slice_: Slice) -> list[dict[str, Any]]:
        """The latest of a slice in the span that is asked about."""
        rows: list[dict[str, Any]] = self._lake.answer(ask.newest(self._failed, slice_, most=EXAMPLES)).to_pylist()
        return rows


@contextmanager
def figures(
    of: str, spans: ask.Spans, *, source: str = "", places: Sequence[uuid.UUID] | None = None
) -> Iterator[Figures]:
    """Ask the lake for one of `NUMBERS`. No SQL in PostgreSQL.

    Parameters
    ----------
    of : str
        One of `NUMBERS`.
    source : str
        Slug of a source, or all.
    places : sequence of UUID or None
        Only what belongs to these places; None for the whole company.
    """
    wanted = None if places is None else [str(place) for place in places]
    names = [dimension.name for dimension in DIMENSIONS.values() if of == "cases" or not dimension.from_case]
    with facts() as lake:
        told = {name: weekly.in_places(weekly.of_source(lake[name], source), wanted)
                for name in ("orders", "shipments", "cases")}  # fmt: skip
        failed, exposed = NUMBERS[of](told | {"exposures": lake["exposures"]}, spans, names)
        yield Figures(lake, failed, exposed, names)


def last_moment(*, as_of: datetime, source: str, places: Sequence[uuid.UUID] | None) -> datetime | None:
    """When the last order was due or the last case opened. Nothing where there is nothing."""
    wanted = None if places is None else [str(place) for place in places]
    with facts() as lake:
        orders, cases = (weekly.in_places(weekly.of_source(lake[name], source), wanted) for name in ("orders", "cases"))
        rows = lake.answer(weekly.last_moments(orders, cases, as_of=as_of)).to_pylist()
    return max((row["moment"] for row in rows if row["moment"]), default=None)
