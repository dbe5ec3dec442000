"""Text columns into typed rows, or a reason in plain words per bad row: one SQL statement for DuckDB per table.

Each check is data of `feed.py` turned into a CASE; the first that applies names the field, the value and what is
expected.
"""

from collections.abc import Callable, Iterable
from typing import Final

from makegood.ground.retail.feed import Column, FeedTable
from makegood.ground.retail.loading.reading import JSON, LINE

LONGEST_TEXT: Final = 100_000  # characters of a text that has no limit of its own
SHOWN: Final = 60  # characters of a wrong value that a reason repeats
REASON: Final = "_reason"
KINDS: Final = {
    "timestamp": "a time such as 2026-03-05T14:00:00+01:00",
    "integer": "a whole number",
    "decimal": "a number such as 1234.50",
}


def quoted(name: str) -> str:
    """A name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def unpack_json(table: FeedTable) -> str:
    """Rows of JSON text into the columns of the table; what is no JSON object gets a reason."""
    paths = ", ".join(literal(f'$."{column.name}"') for column in table.columns)
    columns = ", ".join(f"f[{i}] AS {quoted(column.name)}" for i, column in enumerate(table.columns, 1))
    return f"""
        SELECT {LINE}, {columns},
               CASE WHEN f IS NULL THEN 'The row is not a JSON object.' END AS {REASON}
        FROM (SELECT {LINE}, CASE WHEN json_valid({JSON}) AND json_type({JSON}) = 'OBJECT'
                                  THEN json_extract_string({JSON}, [{paths}]) END AS f
              FROM raw)
    """


def check(table: FeedTable, present: Iterable[str], defaults: dict[str, str]) -> str:
    """A query over `raw` giving line, reason (null for a good row) and the columns of the table, typed.

    `defaults` are what the source says of absent values: its currency and its time zone.
    """
    names = set(present)
    given, typed, reasons = [], [], []
    if REASON in names:
        given.append(REASON)
        reasons.append(f"WHEN {REASON} IS NOT NULL THEN {REASON}")
    for column in table.columns:
        raw = f"raw.{quoted(column.name)}" if column.name in names else "NULL::VARCHAR"
        default = defaults.get(column.from_source, column.default)
        value, shown = f"v_{column.name}", f"t_{column.name}"
        given.append(f"{_typed(column, raw, default)} AS {quoted(value)}")
        if column.name in names and column.type != "text":
            given.append(f"nullif(CAST({raw} AS VARCHAR), '') AS {quoted(shown)}")
        if column.required or column.name in names:
            reasons.extend(_reasons(column, quoted(value), quoted(shown) if column.name in names else "NULL"))
        final = quoted(value)
        if column.type == "integer":
            final = f"TRY_CAST({final} AS BIGINT)"
        elif column.digits:
            final = f"TRY_CAST({final} AS DECIMAL({column.digits[0]}, {column.digits[1]}))"
        typed.append(f"CASE WHEN {REASON} IS NULL THEN {final} END AS {quoted(column.name)}")
    reason = f"left(CASE {' '.join(reasons)} END, 500)"
    without = f"EXCLUDE ({REASON})" if REASON in names else ""
    return f"""
        SELECT {LINE}, {REASON}, {", ".join(typed)}
        FROM (SELECT * {without}, {reason} AS {REASON} FROM (SELECT {LINE}, {", ".join(given)} FROM raw))
    """


def _typed(column: Column, raw: str, default: str | None) -> str:
    if column.type == "timestamp":
        return f"TRY_CAST({raw} AS TIMESTAMPTZ)"
    if column.type in ("integer", "decimal"):
        number = f"TRY_CAST({raw} AS DECIMAL(24, 6))"
        empty = f"nullif(CAST({raw} AS VARCHAR), '') IS NULL"
        return number if default is None else f"CASE WHEN {empty} THEN {default} ELSE {number} END"
    text = f"nullif(CAST({raw} AS VARCHAR), '')"
    if default is not None:
        return f"coalesce({text}, {literal(default)})"
    return text


def _reasons(column: Column, value: str, text: str) -> list[str]:
    """The WHENs of one column. `value` is what it was cast to (null: impossible), `text` what was given."""
    seen = f"left({value if column.type == 'text' else text}, {SHOWN})"

    def says(before: str, after: str) -> str:
        return f"{literal(f'{column.name} {before}')} || {seen} || {literal(after)}"

    missing = f"{value} IS NULL OR trim({value}) = ''" if column.type == "text" else f"{text} IS NULL"
    checks = [(missing, literal(f"{column.name} is missing."))] if column.required else []
    if column.type == "text":
        checks += _text_checks(column, value, says)
    else:
        kind = KINDS[column.type]
        checks.append((f"{value} IS NULL AND {text} IS NOT NULL", says("is ", f", which is not {kind}.")))
    if column.type == "timestamp":
        within = "TIMESTAMPTZ '1970-01-02' AND TIMESTAMPTZ '2200-01-01'"
        checks.append((f"{value} NOT BETWEEN {within}", says("is ", ", which lies outside the years 1970 to 2199.")))
    if column.type == "integer":
        checks.append((f"{value} <> floor({value})", says("is ", f", which is not {KINDS['integer']}.")))
    if column.digits:
        digits, places = column.digits
        largest = f"1e{digits - places}::DECIMAL(24, 6)"
        checks.append(
            (f"{value} <> round({value}, {places})", says("is ", f", which has more than {places} decimals."))
        )
        checks.append((f"abs({value}) >= {largest}", literal(f"{column.name} is too large.")))
    if column.minimum is not None:
        wrong = "is negative: " if column.minimum == 0 else f"is below {column.minimum}: "
        checks.append((f"{value} < {column.minimum}", says(wrong, ".")))
    if column.maximum is not None:
        checks.append((f"{value} > {column.maximum}", says(f"is above {column.maximum}: ", ".")))
    return [f"WHEN {condition} THEN {sentence}" for condition, sentence in checks]


def _text_checks(column: Column, value: str, says: Callable[[str, str], str]) -> list[tuple[str, str]]:
    limit = column.max_length or LONGEST_TEXT
    checks = [
        # Bytes are counted faster than characters, and are never fewer.
        (f"strlen({value}) > {limit} AND length({value}) > {limit}",
         literal(f"{column.name} is longer than {limit:,} characters.")),
        (f"contains({value}, chr(0))", literal(f"{column.name} contains a NUL byte.")),
    ]  # fmt: skip
    if column.choices:
        allowed = ", ".join(map(literal, column.choices))
        words = column.choices_have_a_name or ", ".join(column.choices)
        checks.append((f"{value} NOT IN ({allowed})", says("is ", f", which is not one of {words}.")))
    if column.pattern:
        unlike = f"{value} <> '' AND NOT regexp_full_match({value}, {literal(column.pattern)})"
        checks.append((unlike, says("is ", f", which is not like {column.pattern}.")))
    return checks
