"""What the detector remembers: cells of exposures, slices of cases, and the days of each slice. Arrays that grow."""

from collections.abc import Collection
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from makegood.engines.statistics.detection import kernels

DEPTH: Final = 3  # dimensions that a slice has at most
BY_DEPTH: Final = (0.3, 1.0, 1.5)  # prior weight of all slices of one, two, three dimensions together
DENSE: Final = 2**22  # a grid with fewer combinations is a table, else a hash table
MOST_VALUES: Final = 2**18 - 2  # of a dimension of exposures that are told apart
MOST_KINDS: Final = 2**10 - 2  # of a dimension that only cases know


class State:
    """Arrays of the kernels, in the order in which they take them.

    A *grid* is a combination of dimensions that exposures have, a *cell* one combination of their values. A *cuboid* is
    a combination of any dimensions, a *slice* one combination of their values: a cell and what only cases know.

    Attributes
    ----------
    cuboids, grids, cells, slices, rows : what kernels take.
    sizes : for how many values of each dimension there is room.
    parts : the dimensions of each cuboid; those of exposures come first. Never two that are `apart`: one of them
        says the other (a product its category), so that both together are no other slice than the one.
    """

    def __init__(self, exposed: int, dimensions: int, apart: Collection[tuple[int, int]] = ()) -> None:
        self.exposed = exposed
        self.parts = [
            part
            for depth in range(1, DEPTH + 1)
            for part in combinations(range(dimensions), depth)
            if not any(pair in apart for pair in combinations(part, 2))
        ]
        self.free = sorted(
            {tuple(d for d in part if d < exposed) for part in self.parts} | {()}, key=lambda part: (len(part), part)
        )
        self.cuboids = self._cuboids()
        self.sizes = np.full(dimensions, 4, np.int64)
        self.keys = (np.zeros(2**12, np.uint64), np.zeros(2**12, np.int32), np.zeros(1, np.int64))
        self.cells = kernels.Cells(np.zeros(2**10, kernels.CELL), np.zeros((2**10, kernels.BINS), np.float32))
        self.slices = kernels.Slices(
            np.zeros(2**12, np.uint64), np.zeros(2**12, np.int32), np.zeros(1, np.int64),
            np.zeros(2**10, kernels.SLICE),
        )  # fmt: skip
        self.rows = kernels.Rows(np.zeros(2**12, kernels.ROW), np.zeros(1, np.int64))
        self._lay_grids()

    def make_room_for_values(self, sizes: NDArray[np.int64]) -> None:
        """So many values of each dimension may come."""
        if (sizes > self.sizes).any():
            self.sizes = np.where(sizes > self.sizes, 2 ** np.ceil(np.log2(np.maximum(sizes, 1))), self.sizes).astype(
                np.int64
            )
            self._lay_grids()

    def make_room_for_cells(self) -> None:
        self.cells = kernels.Cells(_doubled(self.cells.cell), _doubled(self.cells.ring))
        keys, values, used = self.keys
        if len(keys) < 2 * len(self.cells.cell):
            self.keys = (*_rehashed(keys, values), used)
            self._lay_grids()

    def make_room(self, oldest: int) -> None:
        """For the slices of one more case, and for their cohorts; those before a cohort may be forgotten."""
        keys, values, used, slices = self.slices
        if used[0] + len(self.parts) >= len(slices):
            self.slices = kernels.Slices(*_rehashed(keys, values), used, _doubled(slices))
        if self.rows.used[0] + kernels.LIVE * len(self.parts) >= len(self.rows.row):
            self._drop_rows(oldest)

    def _drop_rows(self, before: int) -> None:
        """Forget the cohorts of slices before one, and double the room if little was won."""
        rows, used = self.rows
        old = rows[: used[0]]
        keep = old["cohort"] >= before
        place = np.where(keep, np.cumsum(keep) - 1, -1).astype(np.int32)
        kept = old[keep]
        kept["prev"] = np.where(kept["prev"] >= 0, place[kept["prev"]], -1)
        heads = self.slices.slice["head"][: self.slices.used[0]]
        heads[:] = np.where(heads >= 0, place[heads], -1)
        if len(kept) + kernels.LIVE * len(self.parts) > 0.6 * len(rows):
            rows = _doubled(rows)
        rows[: len(kept)] = kept
        used[0] = len(kept)
        self.rows = kernels.Rows(rows, used)

    def arrays(self, oldest_bin: int) -> dict[str, NDArray[Any]]:
        """All that is to be kept: without room that is not used, and without bins that are over."""
        cells, slices, rows = int(self.keys[2][0]), int(self.slices.used[0]), int(self.rows.used[0])
        ring, last = self.cells.ring[:cells], self.cells.cell["bin"][:cells, None]
        back = (last - np.arange(kernels.BINS) - 1) % kernels.BINS + 1  # bins before the last; BINS: long over
        waiting = np.nonzero(((ring > 0) & (back < kernels.BINS) & (last - back >= max(oldest_bin, 0))).ravel())[0]
        return {
            "sizes": self.sizes, "keys": self.keys[0], "values": self.keys[1], "cells": self.cells.cell[:cells],
            "waiting": waiting, "ring": ring.ravel()[waiting], "slice_keys": self.slices.keys,
            "slice_values": self.slices.values, "slices": self.slices.slice[:slices], "rows": self.rows.row[:rows],
        }  # fmt: skip

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        def roomy(rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
            room = max(2 ** int(np.ceil(np.log2(len(rows) + 1024))), 1024)
            wide = np.zeros((room, *rows.shape[1:]), rows.dtype)
            wide[: len(rows)] = rows
            return wide, np.array([len(rows)])

        self.sizes = arrays["sizes"]
        cells, used = roomy(arrays["cells"])
        ring = np.zeros((len(cells), kernels.BINS), np.float32)
        ring.reshape(-1)[arrays["waiting"]] = arrays["ring"]
        self.cells = kernels.Cells(cells, ring)
        self.keys = (arrays["keys"], arrays["values"], used)
        slices, used = roomy(arrays["slices"])
        self.slices = kernels.Slices(arrays["slice_keys"], arrays["slice_values"], used, slices)
        self.rows = kernels.Rows(*roomy(arrays["rows"]))
        self._lay_grids()

    def _lay_grids(self) -> None:
        """Where each grid is kept, and in the tables what was there already."""
        spec = np.zeros((len(self.free), 8), np.int64)
        end = 0
        for f, part in enumerate(self.free):
            room = 1
            for j, d in enumerate(part):
                spec[f, 1 + 2 * j : 3 + 2 * j] = d, room
                room *= int(self.sizes[d])
            spec[f, 7] = sum(1 << d for d in part)
            in_table = room <= DENSE or not part  # the whole world is looked up at once, always
            spec[f, 0] = end if in_table else -1
            end += room if in_table else 0
        dense = np.full(end, -1, np.int32)
        keys, values, used = self.keys
        cells = self.cells.cell[: used[0]]
        of = spec[cells["grid"]]
        at = of[:, 0] + sum(cells["of"][:, j] * of[:, 2 + 2 * j] for j in range(DEPTH))
        known = of[:, 0] >= 0
        dense[at[known]] = np.nonzero(known)[0]
        kernels.hash_cells(np.nonzero(~known)[0], self.cells.cell, spec, keys, values)
        self.grids = kernels.Grids(spec, dense, keys, values, used)

    def _cuboids(self) -> kernels.Cuboids:
        number = {part: k for k, part in enumerate(self.parts)}
        grid = {part: f for f, part in enumerate(self.free)}
        of_case = [tuple(d for d in part if d >= self.exposed) for part in self.parts]
        case_part = {part: p for p, part in enumerate(sorted(set(of_case)))}
        n = len(self.parts)
        depth = np.array([len(part) for part in self.parts])
        part_dims, singles, pairs = (np.zeros((n, DEPTH), np.int64) for _ in range(3))
        for k, part in enumerate(self.parts):
            part_dims[k, : len(of_case[k])] = of_case[k]
            singles[k, : len(part)] = [number[(d,)] for d in part]
            if len(part) == DEPTH:
                pairs[k] = [number[pair] for pair in combinations(part, 2)]
        prior = np.array(BY_DEPTH)[depth - 1] / np.bincount(depth)[depth]
        slow = np.array([int(self.exposed in part) for part in self.parts])  # reports of a kind take as long as it does
        return kernels.Cuboids(
            depth, np.array([grid[tuple(d for d in part if d < self.exposed)] for part in self.parts]),
            np.array([case_part[part] for part in of_case]), part_dims, np.array([len(part) for part in of_case]),
            singles, pairs, prior / prior.sum(), slow, np.array([sum(1 << d for d in part) for part in self.parts]),
        )  # fmt: skip


def _doubled(rows: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([rows, np.zeros_like(rows)])


def _rehashed(keys: NDArray[np.uint64], values: NDArray[np.int32]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    wider = np.zeros(2 * len(keys), np.uint64), np.zeros(2 * len(values), np.int32)
    kernels.rehash(keys, values, *wider)
    return wider
