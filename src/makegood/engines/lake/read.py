"""The facts of a lake as Ibis tables. DuckDB reads the Parquet files where they lie; nothing is copied."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from makegood.engines.lake.export import FactTable
from makegood.engines.lake.store import Store


class Lake:
    """Facts by name, and somebody who answers expressions about them."""

    def __init__(self, engine: Any, tables: dict[str, ir.Table]) -> None:
        self._engine = engine
        self._tables = tables

    def __getitem__(self, fact: str) -> ir.Table:
        return self._tables[fact]

    def answer(self, expression: ir.Table) -> pa.Table:
        """The rows of an expression."""
        return self._engine.to_pyarrow(expression)

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """The same rows, computed once, for several questions. Gone when the lake is closed."""
        return self._engine.create_table(name, expression, temp=True)


@contextmanager
def open_lake(root: str, tables: Sequence[FactTable]) -> Iterator[Lake]:
    """Open the facts of a lake; a fact that was never copied is an empty table.

    The names of the files are looked up once, on entry: months written later are not seen.
    """
    store = Store(root)
    settings = {"temp_directory": tempfile.gettempdir()}
    if store.local:
        # Nothing is ever fetched; what DuckDB needs is built in. Remote lakes need its extension for their address.
        settings |= {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    engine = ibis.duckdb.connect(**settings)
    try:
        yield Lake(engine, {table.name: _fact(engine, store, table) for table in tables})
    finally:
        engine.disconnect()


def _fact(engine: Any, store: Store, table: FactTable) -> ir.Table:
    parts = [store.public_part(table.name, month) for month in store.parts(table.name)]
    return engine.read_parquet(parts, table_name=table.name) if parts else ibis.memtable(table.schema.empty_table())
