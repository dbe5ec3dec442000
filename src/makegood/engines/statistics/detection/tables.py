"""Tables into numbers and back: values into codes, moments into hours."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from makegood.engines.statistics.detection.rates import Codes, Numbers
from makegood.engines.statistics.detection.state import MOST_KINDS, MOST_VALUES


class Reader:
    """What tables say, as the detector counts it.

    Parameters
    ----------
    dimensions : names; those that exposures have come first.
    exposed : how many these are.
    origin : from when hours count.
    """

    def __init__(self, dimensions: Sequence[str], exposed: int, origin: datetime) -> None:
        self.dimensions = tuple(dimensions)
        self.exposed = exposed
        self.origin = origin
        self.values: list[dict[str, int]] = [{} for _ in dimensions]
        self.hashes: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64) for _ in range(exposed)]

    @classmethod
    def of(cls, dimensions: Sequence[str], exposures: pa.Table, cases: pa.Table) -> "Reader | None":
        """For tables like these; None while nothing is there."""
        starts = [pc.min(column).as_py() for column in (exposures["at"], cases["reported_at"]) if len(column)]
        starts = [_aware(start) for start in starts if start is not None]
        if not starts:
            return None
        exposed = [name for name in dimensions if name in exposures.schema.names]
        alone = [name for name in dimensions if name not in exposed]
        return cls((*exposed, *alone), len(exposed), min(starts).replace(hour=0, minute=0, second=0, microsecond=0))

    def rows(self, table: pa.Table, dimensions: int) -> Codes:
        """The first so many dimensions of each row, -1 where not known; new values get the next numbers."""
        return np.stack([self._codes(d, table[name]) for d, name in enumerate(self.dimensions[:dimensions])], axis=1)

    def hours(self, moments: pa.ChunkedArray) -> Numbers:
        """Hours since the origin, in whole minutes."""
        microseconds = moments.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).to_numpy()
        start = int(self.origin.timestamp()) // 60
        return np.asarray((microseconds // 60_000_000 - start) / 60.0)

    def hour(self, moment: datetime) -> float:
        return float(self.hours(pa.chunked_array([pa.array([_aware(moment)], pa.timestamp("us", "UTC"))]))[0])

    def moment(self, hours: float) -> datetime:
        return self.origin + timedelta(minutes=round(hours * 60))

    def slice(self, code: Sequence[int], dimensions: Sequence[str]) -> dict[str, str]:
        """The values of a slice, in this order of the dimensions."""
        at = {name: d for d, name in enumerate(self.dimensions)}
        return {name: list(self.values[at[name]])[code[at[name]]] for name in dimensions if code[at[name]] >= 0}

    def news(self, corrected: pa.ChunkedArray) -> NDArray[np.int64]:
        """Dimensions that each case tells anew, as bits; all (-1) of those that are told for the first time."""
        bits = [
            -1 if names is None else sum(1 << self.dimensions.index(name) for name in names.split(",") if name)
            for names in corrected.to_pylist()
        ]
        return np.array(bits, np.int64)

    def name(self, values: Sequence[Sequence[str]]) -> None:
        """Take on values that were known before."""
        self.values = [{value: i for i, value in enumerate(known)} for known in values]
        self.hashes = [_hashes(d, self.values[d]) for d in range(self.exposed)]

    def _codes(self, d: int, column: pa.ChunkedArray) -> Codes:
        texts = pc.dictionary_encode(column.cast(pa.string())).combine_chunks()
        texts = texts.chunk(0) if isinstance(texts, pa.ChunkedArray) else texts
        known, most = self.values[d], MOST_VALUES if d < self.exposed else MOST_KINDS
        numbers = np.full(len(texts.dictionary) + 1, -1, np.int32)
        for i, value in enumerate(texts.dictionary.to_pylist()):
            if value not in known and len(known) < most:
                known[value] = len(known)
            numbers[i] = known.get(value, -1)
        if d < self.exposed:
            self.hashes[d] = np.concatenate([self.hashes[d], _hashes(d, list(known)[len(self.hashes[d]) :])])
        indices = texts.indices.fill_null(len(texts.dictionary)).to_numpy(zero_copy_only=False)
        return np.asarray(numbers[indices.astype(np.int64)])


def _aware(moment: datetime) -> datetime:
    return datetime.fromtimestamp((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(), UTC)


def _hashes(d: int, values: Sequence[str] | dict[str, int]) -> NDArray[np.uint64]:
    digests = (hashlib.blake2b(f"{d}\0{value}".encode(), digest_size=8).digest() for value in values)
    return np.array([int.from_bytes(digest, "little") for digest in digests], np.uint64)
