"""What can be chosen in a dimension: values by their names, for whoever says what an incident cuts out."""

from collections.abc import Mapping, Sequence
from typing import Final

from django.db import connection

from makegood.ground.retail.models import Order
from makegood.prevent.lake import facts
from makegood.prevent.slices import DIMENSIONS

SHOWN: Final = 20
TIMES: Final = tuple(
    f"{day} {part}"
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    for part in ("early", "morning", "afternoon", "evening")
)
_TABLES: Final = {
    "vendor": "SELECT id::text, name FROM retail_vendor WHERE kind = %(kind)s",
    "place": "SELECT id::text, name FROM retail_place WHERE kind = %(kind)s",
    "product": "SELECT id::text, name FROM retail_product WHERE true",
    "reason": "SELECT code, name FROM cases_reason WHERE active",
}


def search(dimension: str, words: str, *, among: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """(value, name) of what contains these words, at most `SHOWN`. One SQL query, or one question to the lake.

    What has no table of its own comes from purchases, the commonest first; batches of the products that `among` names.
    """
    of = DIMENSIONS[dimension].of
    if of:
        with connection.cursor() as cursor:
            cursor.execute(
                f"{_TABLES[of]} AND name <> '' AND strpos(lower(name), lower(%(words)s)) > 0 "
                f"ORDER BY name, 1 LIMIT {SHOWN}",
                {"kind": dimension, "words": words},
            )
            return cursor.fetchall()
    if dimension in _FIXED:
        return [(value, name) for value, name in _FIXED[dimension] if words.lower() in name.lower()][:SHOWN]
    from makegood.engines.lake import affected as ask  # noqa: PLC0415  Ibis: most pages never ask

    with facts() as lake:
        purchases = lake["exposures"]
        if dimension == "batch" and among.get("product"):
            purchases = purchases.filter(purchases["product"].isin(list(among["product"])))
        found = lake.answer(ask.most_hit(purchases, dimension, limit=SHOWN, containing=words))
    return [(value, value) for value in found["value_of"].to_pylist()]


_FIXED: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "channel": Order.Channel.choices, "how": [(time, time) for time in TIMES],
}  # fmt: skip
