"""Parts of the retailer's world as lines that people write: `carrier: Marlbeck, Northway`."""

from collections.abc import Mapping, Sequence

from django.db import connection

from makegood.prevent.improvements.errors import ImprovementSaysNothing
from makegood.prevent.slices import DIMENSIONS
from makegood.prevent.slices_in_words import Names

_NAMED = "SELECT id::text, name FROM retail_{} WHERE lower(name) = ANY(%(told)s) OR id::text = ANY(%(told)s)"
_KNOWN = {
    **{of: _NAMED.format(of) for of in ("vendor", "place", "product")},
    "reason": "SELECT code, name FROM cases_reason WHERE lower(name) = ANY(%(told)s) OR lower(code) = ANY(%(told)s)",
}


def read_part(text: str) -> dict[str, list[str]]:
    """What lines say: a dimension, a colon, names separated by commas. One SQL query a dimension.

    Raises
    ------
    ImprovementSaysNothing
        A line is not of that form, or names what there is not; the sentence says which.
    """
    found: dict[str, list[str]] = {}
    for line in filter(None, map(str.strip, text.replace("\0", "").splitlines())):
        said, colon, values = line.partition(":")
        name = said.strip().lower().replace(" ", "_")
        if not colon or name not in DIMENSIONS:
            raise ImprovementSaysNothing(
                f"Not understood: {line[:80]}. Write one of {', '.join(DIMENSIONS)}, a colon and names."
            )
        told = [value.strip() for value in values.split(",") if value.strip()]
        if not told:
            raise ImprovementSaysNothing(f"Say which {said.strip()}: {line[:80]}.")
        found.setdefault(name, []).extend(_known(name, told))
    return found


def _known(name: str, told: Sequence[str]) -> list[str]:
    sql = _KNOWN.get(DIMENSIONS[name].of)
    if sql is None:
        return list(told)
    with connection.cursor() as cursor:
        cursor.execute(sql, {"told": [value.lower() for value in told]})
        rows = cursor.fetchall()
    by_name: dict[str, list[str]] = {}
    for key, label in rows:
        by_name.setdefault(label.lower(), []).append(key)
        by_name[key.lower()] = [key]
    for value in told:
        if value.lower() not in by_name:
            raise ImprovementSaysNothing(f"There is no {DIMENSIONS[name].label} {value[:80]}.")
    return [key for value in told for key in by_name[value.lower()]]


def write_part(any_of: Mapping[str, Sequence[str]], names: Names) -> str:
    """The lines that `read_part` understands."""
    return "\n".join(
        f"{name}: {', '.join(names.value(name, value) if DIMENSIONS[name].of != 'reason' else value for value in of)}"
        for name, of in any_of.items()
    )
