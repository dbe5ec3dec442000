"""A small shop whose files are written by each test."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from makegood.ground.retail.services.importing import Imported, import_feed

Rows = list[dict[str, Any]]


def customer(ref: str = "K1", **fields: Any) -> dict[str, Any]:
    return {"ref": ref, "name": f"Customer {ref}", "email": "", **fields}


def order(ref: str = "O1", **fields: Any) -> dict[str, Any]:
    return {
        "ref": ref,
        "customer": "K1",
        "status": "paid",
        "placed_at": "2026-03-01T10:00:00Z",
        "total": "20.00",
        **fields,
    }


def payment(ref: str = "Y1", **fields: Any) -> dict[str, Any]:
    return {"ref": ref, "order": "O1", "method": "card", "amount": "20.00", **fields}


def as_ndjson(rows: Rows) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_csv(rows: Rows) -> bytes:
    """The header of the first row; quotes around everything."""
    names = list(rows[0])
    cell = lambda value: '"' + str("" if value is None else value).replace('"', '""') + '"'  # noqa: E731
    lines = [",".join(names), *(",".join(cell(row.get(name)) for name in names) for row in rows)]
    return "\n".join(lines).encode() + b"\n"


@pytest.fixture
def deliver(tmp_path: Path, noon: datetime) -> Callable[..., Imported]:
    """`deliver({"orders.csv": bytes or rows})` imports these files, in a directory of their own each time."""
    times = 0

    def bring_in(files: Mapping[str, bytes | Rows], **options: Any) -> Imported:
        nonlocal times
        times += 1
        directory = tmp_path / str(times)
        directory.mkdir()
        for name, content in files.items():
            write = as_csv if name.endswith(".csv") else as_ndjson
            (directory / name).write_bytes(content if isinstance(content, bytes) else write(content))
        options = {"source": "shop", "now": noon, "currency": "GBP", **options}
        return import_feed(directory=directory, **options)

    return bring_in


def adds_up(imported: Imported) -> bool:
    return all(c.read == c.new + c.changed + c.same + c.rejected for c in imported.tables.values())
