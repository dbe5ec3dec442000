"""The dimensions that a failure can have in common, and parts of the retailer's world cut out by them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# What all cases of a pattern share, by dimension: {"carrier": "<id>", "reason": "delivery.not_received"}. Values are
# identifiers or codes as text; `label` is for people.
Slice: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Dimension:
    """One thing that failures can have in common.

    Attributes
    ----------
    name : the key of a slice, and the column of the fact `exposures` (or of a case).
    label : for people.
    of : the table whose identifiers the values are ("vendor", "place", "product"); empty: values speak for themselves.
    from_case : only the case knows it (its reason), the purchase does not.
    """

    name: str
    label: Promise
    of: str = ""
    from_case: bool = False


DIMENSIONS: Final[Mapping[str, Dimension]] = {
    dimension.name: dimension
    for dimension in (
        Dimension("reason", _("reason"), of="reason", from_case=True),
        Dimension("carrier", _("carrier"), of="vendor"),
        Dimension("warehouse", _("warehouse"), of="place"),
        Dimension("from_state", _("from")),
        Dimension("to_state", _("to")),
        Dimension("category", _("category")),
        Dimension("product", _("product"), of="product"),
        Dimension("batch", _("batch")),
        Dimension("manufacturer", _("manufacturer"), of="vendor"),
        Dimension("seller", _("seller"), of="vendor"),
        Dimension("store", _("store"), of="place"),
        Dimension("district", _("district"), of="place"),
        Dimension("channel", _("channel")),
        Dimension("how", _("time of the week")),
    )
}


@dataclass(frozen=True, kw_only=True)
class Predicate:
    """Which purchases something may have hit: any of the values in every dimension named, placed within a window.

    Attributes
    ----------
    any_of : for each dimension the values that count. Dimensions that only cases know cut no purchases.
    since, until : of `placed_at`; until none: it goes on. `since` counts, `until` does not.
    """

    any_of: Mapping[str, Sequence[str]]
    since: datetime | None = None
    until: datetime | None = None
