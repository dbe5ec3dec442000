"""Slices and predicates in words that people use: "Parcel not received by Marlbeck from Swindon to North West"."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from django.db import connection
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext_noop

from makegood.ground.retail.models import Order
from makegood.ground.web.language import translated as _
from makegood.ids import read_uuid
from makegood.prevent.slices import DIMENSIONS

# A slice has one value in each dimension, a predicate several.
Cut: TypeAlias = Mapping[str, str | Sequence[str]]

# In the order in which they are said.
_PHRASES: Final = {
    "product": gettext_noop("of %s"), "batch": gettext_noop("batch %s"), "category": gettext_noop("in %s"),
    "manufacturer": gettext_noop("made by %s"), "seller": gettext_noop("sold by %s"), "carrier": gettext_noop("by %s"),
    "warehouse": gettext_noop("from %s"), "from_state": gettext_noop("from %s"), "to_state": gettext_noop("to %s"),
    "store": gettext_noop("at %s"), "district": gettext_noop("in the district %s"), "channel": gettext_noop("(%s)"),
    "how": gettext_noop("on %s"),
}  # fmt: skip
_OF_PARCELS: Final = ("carrier", "warehouse", "from_state", "to_state")
_CHANNELS: Final = dict(Order.Channel.choices)


class Names:
    """The names of what slices and predicates name by identifier."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    @classmethod
    def of(cls, cuts: Iterable[Cut]) -> "Names":
        """Of all that these name. One SQL query; none, where nothing is named."""
        wanted = {value for cut in cuts for name, values in cut.items() if _of(name) for value in _several(values)}
        if not wanted:
            return cls({})
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {NAMES_OF}", {"values": sorted(wanted), "ids": _ids(wanted)})
            return cls(json.loads(cursor.fetchone()[0] or "{}"))

    def value(self, dimension: str, value: str) -> str:
        """A value of a dimension as people call it; as it is, where nobody knows it."""
        if dimension == "channel":
            return str(_CHANNELS.get(value, value)).lower()
        return self._names.get(value, value) if _of(dimension) else value

    def values(self, dimension: str, values: str | Sequence[str]) -> str:
        """One value, or several: "Marlbeck or Northway"."""
        *rest, last = [self.value(dimension, value) for value in _several(values)] or [""]
        return _("%(some)s or %(last)s") % {"some": ", ".join(rest), "last": last} if rest else last

    def of_slice(self, cut: Cut, *, since: datetime | None = None, until: datetime | None = None) -> str:
        """What is cut out, and when, as a sentence without its full stop."""
        if "reason" in cut:
            what = self.values("reason", cut["reason"])
        else:
            what = _("Parcels") if any(name in cut for name in _OF_PARCELS) else _("Purchases") if cut else _("All")
        said = [what, *(_(phrase) % self.values(name, cut[name]) for name, phrase in _PHRASES.items() if name in cut)]
        if since and until:
            said.append(_("from %(since)s until %(until)s") % {"since": day(since), "until": day(until)})
        elif since:
            said.append(_("since %s") % day(since))
        elif until:
            said.append(_("until %s") % day(until))
        return " ".join(said)


def day(moment: datetime) -> str:
    """A day in the reader's zone: "3 March", with its year where that is another one."""
    local = timezone.localtime(moment)
    return date_format(local, "j F" if local.year == timezone.localtime().year else "j F Y")


def _of(name: str) -> str:
    known = DIMENSIONS.get(name)  # a slice on file may name what is no dimension any more
    return known.of if known else ""


def _several(values: str | Sequence[str]) -> Sequence[str]:
    return [values] if isinstance(values, str) else values


def _ids(values: Iterable[str]) -> list[uuid.UUID]:
    return [found for found in map(read_uuid, values) if found]


# Where a statement asks for it together with other things: named parameters `values` and `ids`.
NAMES_OF: Final = """(
    SELECT json_object_agg(told.key, told.name)::text FROM (
        SELECT id::text AS key, name FROM retail_vendor WHERE id = ANY(%(ids)s::uuid[])
        UNION ALL SELECT id::text, name FROM retail_place WHERE id = ANY(%(ids)s::uuid[])
        UNION ALL SELECT id::text, name FROM retail_product WHERE id = ANY(%(ids)s::uuid[])
        UNION ALL SELECT code, name FROM cases_reason WHERE code = ANY(%(values)s::text[])
    ) AS told WHERE told.name <> '')"""
