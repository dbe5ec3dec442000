"""Files into batches of text columns. Whatever the bytes are, each row comes out as a row or as a spoilt one.

The bytes are cut at row ends here and parsed a block at a time by Arrow. A block that Arrow cannot take is read again
row by row, slowly and by the same rules, to tell the good rows from the spoilt ones.
"""

import csv
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from pyarrow import parquet

BLOCK: Final = 3 * 1024 * 1024  # bytes parsed at once; about 25,000 orders
LONGEST_ROW: Final = 1024 * 1024
SHOWN: Final = 4000  # characters kept of a row that could not be split into fields
PARQUET_ROWS: Final = 32_768
SUFFIXES: Final = (".csv", ".ndjson", ".jsonl", ".parquet")
LINE, JSON = "_line", "_json"  # our own columns; no field of the feed begins with an underscore


class Spoilt(NamedTuple):
    """A row that could not be split into fields; without a line, the file as a whole."""

    line: int | None
    reason: str
    payload: str


@dataclass
class Batch:
    """Rows of one file: a text column for each field present (or whole JSON rows), and the row's number in the file."""

    rows: pa.Table
    spoilt: list[Spoilt] = field(default_factory=list)


class Unreadable(Exception):
    """The file cannot be read, or not further than so far. One sentence."""


def read(path: Path) -> Iterator[Batch]:
    """The rows of a CSV, NDJSON or Parquet file, plain or with .gz, in bounded memory.

    A damaged or cut archive gives the whole rows before the damage and one spoilt row where it happens.

    Raises
    ------
    Unreadable
        The file is not what its name says. Batches that came before are good.
    """
    if path.is_dir():
        raise Unreadable(f"{path.name} is a directory, not a file.")
    kind = path.suffixes[-2] if path.suffix == ".gz" and len(path.suffixes) > 1 else path.suffix
    try:
        if kind == ".parquet":
            yield from _read_parquet(path)
        elif kind == ".csv":
            yield from _Csv(_Bytes(path)).batches()
        else:
            yield from _read_ndjson(_Bytes(path))
    except OSError as problem:
        raise Unreadable(f"{path.name} cannot be read: {problem.strerror or problem}.") from problem


def read_arrow(reader: Iterable[pa.RecordBatch]) -> Iterator[Batch]:
    """Rows that were made, not read: typed columns are taken as they are. Rows count from 1."""
    line = 1
    for batch in reader:
        for start in range(0, batch.num_rows, PARQUET_ROWS):
            part = pa.Table.from_batches([batch.slice(start, PARQUET_ROWS)])
            yield Batch(_numbered(part, line))
            line += part.num_rows


def _numbered(table: pa.Table, first: int) -> pa.Table:
    return table.append_column(LINE, pa.array(range(first, first + table.num_rows), pa.int64()))


def _read_parquet(path: Path) -> Iterator[Batch]:
    if path.suffix == ".gz":
        raise Unreadable(f"{path.name}: Parquet is compressed inside; deliver it without .gz.")
    try:
        with parquet.ParquetFile(path) as file:
            yield from read_arrow(file.iter_batches(batch_size=PARQUET_ROWS))
    except pa.ArrowException as problem:
        raise Unreadable(f"{path.name} is not a Parquet file, or a damaged one.") from problem


class _Bytes:
    """The bytes of a file, unpacked, a block at a time. `damage` says what is wrong once it has come to that."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.damage = ""
        self.ended = False
        self._chunks = self._unpacked(path) if path.suffix == ".gz" else self._plain(path)

    def fill(self, start: bytes) -> bytes:
        """`start` and what follows, a block or more, or all that is left."""
        parts, size = [start], len(start)
        while size < BLOCK:
            chunk = next(self._chunks, b"")
            if not chunk:
                self.ended = True
                break
            parts.append(chunk)
            size += len(chunk)
        return b"".join(parts)

    def next_line(self) -> bytes:
        """Drop the rest of a line that has no end in sight; what follows it."""
        while True:
            block = self.fill(b"")
            end = block.find(b"\n") + 1
            if end or not block:
                return block[end:]

    def _plain(self, path: Path) -> Iterator[bytes]:
        with path.open("rb") as file:
            while chunk := file.read(min(BLOCK, 1 << 18)):
                yield chunk

    def _unpacked(self, path: Path) -> Iterator[bytes]:
        unzip = zlib.decompressobj(wbits=31)
        with path.open("rb") as file:
            try:
                while packed := file.read(1 << 20):
                    while packed:
                        if unzip.eof:  # archives may be several, one behind the other
                            unzip = zlib.decompressobj(wbits=31)
                        # At most so much at once: a small archive can hold a mountain.
                        if chunk := unzip.decompress(packed, 1 << 20):
                            yield chunk
                        packed = unzip.unused_data if unzip.eof else unzip.unconsumed_tail
                while chunk := unzip.decompress(b"", 1 << 20):
                    yield chunk
            except zlib.error:
                self.damage = "the archive is damaged, or not gzip at all"
                return
        if not unzip.eof:
            self.damage = "the archive ends too early"


class _Csv:
    """A CSV file. The header names the columns; comma, semicolon or tab between them, as the header has it."""

    def __init__(self, source: _Bytes) -> None:
        self.source = source
        self.header: list[str] = []
        self.delimiter = ","
        self.row = 1

    def batches(self) -> Iterator[Batch]:
        rest = self._read_header()
        while True:
            rest = self.source.fill(rest)
            if not rest:
                break
            end = len(rest) if self.source.ended and not self.source.damage else _last_row_end(rest)
            batch = self._parse(rest[:end]) if end > 0 else None
            if batch is not None:
                rest = rest[end:]
            else:
                batch, rest = self._parse_slowly(rest)
            if batch.rows.num_rows or batch.spoilt:
                yield batch
            if self.source.ended and (not rest or self.source.damage):
                break
        if self.source.damage:
            yield Batch(self._table([]), [_cut_off(self.source, self.row + 1, rest)])

    def _read_header(self) -> bytes:
        start = self.source.fill(b"").removeprefix(b"\xef\xbb\xbf")
        name, damage = self.source.name, self.source.damage
        if not start:
            raise Unreadable(f"{name} cannot be read: {damage}." if damage else f"{name} is empty.")
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise Unreadable(f"{name} is UTF-16 text. Save it as UTF-8.")
        line, _, rest = start.partition(b"\n")
        if b"\0" in line or len(line) > LONGEST_ROW:
            raise Unreadable(f"{name} is not a CSV file: its first line is not a line of text.")
        try:
            text = line.decode().rstrip("\r")
        except UnicodeDecodeError as problem:
            raise Unreadable(f"{name} is not a CSV file in UTF-8: its first line cannot be read.") from problem
        self.delimiter = max(",;\t", key=text.count)
        self.header = [column.strip() for column in next(csv.reader([text], delimiter=self.delimiter), [])]
        twice = {column for column in self.header if self.header.count(column) > 1}
        if twice:
            raise Unreadable(f"{name} has the column {_listed(twice)} twice.")
        return rest

    def _parse(self, block: bytes) -> Batch | None:
        """A block of whole rows at full speed; None when something in it is not right."""
        if block.isspace():
            return Batch(self._table([]))
        if b'"' in block and not _quotes_stand_right(block, self.delimiter):
            return None  # Arrow would take what stands behind a closing quote for part of the field
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(block),
                arrow_csv.ReadOptions(column_names=self.header, use_threads=False, block_size=len(block) + 1),
                arrow_csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=b'"' in block),
                arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(self.header, pa.string()),
                    null_values=[""], strings_can_be_null=True,
                ),
            )  # fmt: skip
        except pa.ArrowInvalid:
            return None
        first, self.row = self.row + 1, self.row + table.num_rows
        return Batch(_numbered(table, first))

    def _parse_slowly(self, block: bytes) -> tuple[Batch, bytes]:
        """Row by row: what can be split, what cannot, and the bytes of a last row that is not yet complete."""
        good: list[tuple[int, list[str]]] = []
        spoilt: list[Spoilt] = []
        lines = _Lines(block)
        final = self.source.ended and not self.source.damage
        while lines.start < len(block):
            fields, problem = lines.next_row(self.delimiter)
            whole = block[lines.end - 1 : lines.end] == b"\n"
            left = len(block) - lines.start
            if not final and left <= LONGEST_ROW and (lines.exhausted or not whole):
                break  # the rest of the row is still to come
            if not final and not whole and b"\n" not in block[lines.start :]:
                break  # a row without end, see below
            raw = lines.take(only_first=bool(problem))
            if fields == [] and not problem:
                continue  # an empty line
            self.row += 1
            if problem:
                spoilt.append(Spoilt(self.row, TOO_LONG if len(raw) > LONGEST_ROW else problem, shown(raw)))
            elif len(fields) != len(self.header):
                reason = f"The row has {len(fields)} fields, the header has {len(self.header)}."
                spoilt.append(Spoilt(self.row, reason, shown(raw)))
            elif lines.latin:
                payload = json.dumps(dict(zip(self.header, fields, strict=True)), ensure_ascii=False)
                spoilt.append(Spoilt(self.row, NOT_UTF8, payload))
            else:
                good.append((self.row, fields))
        rest = block[lines.start :]
        if len(rest) > LONGEST_ROW and not self.source.damage:
            self.row += 1
            spoilt.append(Spoilt(self.row, TOO_LONG, shown(rest)))
            rest = self.source.next_line()
        return Batch(self._table(good), spoilt), rest

    def _table(self, rows: list[tuple[int, list[str]]]) -> pa.Table:
        columns = {
            name: pa.array([fields[i] or None for _, fields in rows], pa.string()) for i, name in enumerate(self.header)
        }
        return pa.table({**columns, LINE: pa.array([row for row, _ in rows], pa.int64())})


NOT_UTF8: Final = "The row is not UTF-8 text. It is shown as if it were Latin-1: check the letters, then submit it."
TOO_LONG: Final = "The row is longer than 1 MB."
UNCLOSED: Final = "A quote is opened and not closed where the field ends."


class _TooLong(Exception):
    """A row has not ended within LONGEST_ROW bytes."""


class _Lines:
    """Lines of a block for `csv.reader`, which asks for one more while a quote is open."""

    def __init__(self, block: bytes) -> None:
        self.block = block
        self.start = self.end = self.first_end = 0
        self.latin = self.exhausted = False

    def next_row(self, delimiter: str) -> tuple[list[str], str]:
        """The fields of the row at `start`, or why there are none."""
        self.end = self.first_end = self.start
        self.latin = self.exhausted = False
        try:
            return next(csv.reader(self, delimiter=delimiter, strict=True), []), ""
        except _TooLong:
            return [], UNCLOSED
        except csv.Error as problem:
            return [], "A field is longer than 131,072 characters." if "limit" in str(problem) else UNCLOSED

    def take(self, *, only_first: bool) -> bytes:
        """The bytes of the row, or of its first line: behind an unclosed quote there are still rows."""
        stop = self.first_end if only_first else self.end
        raw, self.start = self.block[self.start : stop], stop
        return raw

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.end >= len(self.block):
            self.exhausted = True
            raise StopIteration
        stop = self.block.find(b"\n", self.end) + 1 or len(self.block)
        line, self.end = self.block[self.end : stop], stop
        if self.first_end == self.start:
            self.first_end = stop
        if self.end - self.start > LONGEST_ROW:
            raise _TooLong
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.latin = True
            return line.decode("latin-1")


def _quotes_stand_right(block: bytes, delimiter: str) -> bool:
    """Whether quotes open where fields begin and close where they end; in between they come in pairs."""
    text = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(text == ord('"'))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    around = np.frombuffer(f'{delimiter}\r\n"'.encode(), np.uint8)
    before = text[opening[opening > 0] - 1]
    after = text[closing[closing < len(text) - 1] + 1]
    return bool(np.isin(before, around).all() and np.isin(after, around).all())


def _last_row_end(block: bytes) -> int:
    """Where the last whole row ends: a line end with as many quotes before it as close one another; 0 if unsure."""
    end = block.rfind(b"\n") + 1
    quotes = block.count(b'"', 0, end)
    earliest = end - LONGEST_ROW
    while quotes % 2 and end > max(earliest, 0):
        previous = block.rfind(b"\n", 0, end - 1) + 1
        quotes -= block.count(b'"', previous, end)
        end = previous
    return 0 if quotes % 2 else end


def _read_ndjson(source: _Bytes) -> Iterator[Batch]:
    """One JSON object a line. They are taken apart where they are checked; here they are only told apart."""
    row, rest = 0, b""
    while rest or not source.ended:
        rest = source.fill(rest)
        if row == 0:
            rest = rest.removeprefix(b"\xef\xbb\xbf")
        final = source.ended and not source.damage
        end = len(rest) if final else rest.rfind(b"\n") + 1
        lines, rest = rest[:end].split(b"\n"), rest[end:]
        if lines and not lines[-1]:
            lines.pop()
        batch, row = _json_rows(lines, row), row + len(lines)
        if len(rest) > LONGEST_ROW and not source.damage:
            row += 1
            batch.spoilt.append(Spoilt(row, TOO_LONG, shown(rest)))
            rest = source.next_line()
        yield batch
        if source.damage:
            break
    if source.damage:
        batch = _json_rows([], row)
        batch.spoilt.append(_cut_off(source, row + 1, rest))
        yield batch


def _json_rows(lines: list[bytes], row: int) -> Batch:
    """Lines that follow row number `row`. Empty ones are numbered and left out."""
    numbers, texts, spoilt = [], [], []
    for number, line in enumerate(lines, row + 1):
        if len(line) > LONGEST_ROW:
            spoilt.append(Spoilt(number, TOO_LONG, shown(line)))
            continue
        try:
            text = line.decode()
        except UnicodeDecodeError:
            spoilt.append(Spoilt(number, NOT_UTF8, line[:LONGEST_ROW].decode("latin-1").replace("\0", "")))
            continue
        if text and not text.isspace():
            numbers.append(number)
            texts.append(text)
    return Batch(pa.table({JSON: pa.array(texts, pa.string()), LINE: pa.array(numbers, pa.int64())}), spoilt)


FIRST: Final = 2  # row of a file with a header


def _cut_off(source: _Bytes, row: int, rest: bytes) -> Spoilt:
    whole = "nothing could be read" if row <= FIRST else f"the rows before row {row:,} are in"
    return Spoilt(row, f"{source.name} cannot be read further: {source.damage}; {whole}.", shown(rest))


def shown(raw: bytes) -> str:
    """Bytes as text that can be kept and shown: shortened, without NUL."""
    return raw[: SHOWN * 4].decode("utf-8", "replace")[:SHOWN].replace("\0", "\N{SYMBOL FOR NULL}").rstrip("\r\n")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
