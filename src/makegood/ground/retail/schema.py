"""The feed described for others: a JSON Schema per table and the reference page, made from the tables themselves.

`makegood import schema docs/reference` writes them; a test fails when those in the repository are not current.
"""

import json
from pathlib import Path
from typing import Any

from makegood.ground.retail.feed import Column, FeedTable, all_tables

PAGE_HEAD = """# The feed

Your own history comes in as files, one or more per table, in one directory:

```
makegood import feed DIR --source shop --time-zone Europe/London --currency GBP
```

- **Files** are named after their table: `orders.csv`, `orders.ndjson` (or `.jsonl`), `orders.parquet`; CSV and NDJSON
  also with `.gz`. CSV has a header, is UTF-8, and is separated by comma, semicolon or tab. Tables you do not have are
  left out.
- **Rows** have a `ref` of their own, unique within table and source. Delivering a row again changes what differs;
  delivering the same again changes nothing. Of two rows with one `ref` in one delivery the first counts.
- **References** name the `ref` of a row of another table of the same source, delivered before or in the same
  directory (tables are read in the order of this page).
- **Times** are ISO 8601. Without an offset they are taken as of the time zone of the source.
- **Amounts** have a point and at most two decimals. An empty value means "not known"; a default is given where there is
  one.
- **A row is at most 1 MB**, a text without a limit of its own at most 100,000 characters.
- What cannot be read becomes a *reject* with file, row, reason and payload: see `makegood rejects list` and the page
  Rejects, where it can be corrected and submitted again. The row counts as read and rejected; a file that cannot be
  read at all counts as one. Columns that the feed does not know are named after the import and left out.
- An import that dies is resumed by running it again. Two imports of one source take turns.

A [JSON Schema](feed/) stands beside each table. In NDJSON numbers may be numbers or texts.
"""

OLIST = """
## Olist

`makegood import olist DIR` reads the nine tables of the Olist marketplace (plain or `.gz`) into the same tables:

| Olist | becomes |
|---|---|
| customers | customers: one per person (`customer_unique_id`), with the address of their first order |
| sellers | vendors of kind seller |
| products, category translation | products, named after their category as the data has no names |
| orders | orders (channel marketplace), one shipment each, tracking events for hand-over and delivery |
| items | order_lines |
| payments | payments, at the time the order was approved |
| reviews | reviews in Portuguese, at the time of the answer, else the day they were asked for; with neither, a reject |
| geolocation | left out |

The source is `olist`, the time zone America/Sao_Paulo, the currency BRL. Three things the data does not say. *When an
order was cancelled or found unavailable*: the end of the promised day is taken, when it was known at the latest, so
that a replay never knows it too early. *What the promise is*: the end of the estimated day. *What an order without
items is worth*: what was paid for it. Lifetime value stays empty: the sum over all orders would be knowledge of the
future in a replay.
"""


def documents() -> dict[str, str]:
    """Every file of the reference, by its path below `docs/reference`."""
    tables = all_tables()
    page = PAGE_HEAD + "".join(_section(table, tables) for table in tables) + OLIST
    schemas = {f"feed/{table.name}.json": json.dumps(json_schema(table), indent=2) + "\n" for table in tables}
    return {"feed.md": page, **schemas}


def json_schema(table: FeedTable) -> dict[str, Any]:
    """JSON Schema (2020-12) of one row."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": table.name,
        "description": table.doc,
        "type": "object",
        "properties": {column.name: _property(column) for column in table.columns},
        "required": [column.name for column in table.columns if column.required],
    }


def _property(column: Column) -> dict[str, Any]:
    kinds = {"text": ["string"], "timestamp": ["string"]}.get(column.type, ["number", "string"])
    given: dict[str, Any] = {"description": column.doc, "type": kinds if column.required else [*kinds, "null"]}
    if column.type == "timestamp":
        given["format"] = "date-time"
    if column.choices and not column.choices_have_a_name:
        given["enum"] = list(column.choices) if column.required else [*column.choices, "", None]
    elif column.type == "text":
        given |= {"maxLength": column.max_length} if column.max_length else {}
        given |= {"pattern": f"^({column.pattern})?$"} if column.pattern else {}
    if column.minimum is not None:
        given["minimum"] = column.minimum
    if column.maximum is not None:
        given["maximum"] = column.maximum
    if column.required and column.type == "text" and not column.choices:
        given["minLength"] = 1
    return given


def _section(table: FeedTable, tables: tuple[FeedTable, ...]) -> str:
    names = {one.model: one.name for one in tables}
    rows = [
        f"| `{column.name}` | {_kind(column, names)} | {'yes' if column.required else ''} | {_words(column)} |"
        for column in table.columns
    ]
    head = f"\n## {table.name}\n\n{table.doc} [JSON Schema](feed/{table.name}.json)\n\n"
    return head + "| field | type | required | meaning |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _kind(column: Column, names: dict[Any, str]) -> str:
    if column.references:
        return f"`ref` of [{names[column.references]}](#{names[column.references]})"
    return (
        f"text, at most {column.max_length:,}"
        if column.type == "text" and column.max_length and not column.choices
        else column.type
    )


def _words(column: Column) -> str:
    words = [column.doc]
    if column.choices:
        words.append(f"One of {column.choices_have_a_name or ', '.join(f'`{choice}`' for choice in column.choices)}.")
    if column.from_source:
        words.append(f"Default: the {column.from_source.replace('_', ' ')} of the source.")
    elif column.default:
        words.append(f"Default: `{column.default}`.")
    if column.type != "text" and column.minimum:
        words.append(f"At least {column.minimum}.")
    return " ".join(words)


def write_reference(directory: Path) -> list[Path]:
    """Write the page and the schemas; the files written."""
    (directory / "feed").mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in documents().items():
        (directory / name).write_text(content)
        written.append(directory / name)
    return written
