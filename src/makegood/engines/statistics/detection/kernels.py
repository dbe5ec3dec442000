"""The inner loops of detection, compiled: cells of exposures, slices of cases, evidence, and what explains it.

All in one file, because what numba keeps of a compiled function is thrown away when the function's own file changes, not
when one does that it calls.
"""

from collections import namedtuple
from functools import partial
from math import log
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numba.np import arrayobj

SPAN = 32  # bins of the time since exposure, in which mass waits to be reported
BINS = 50  # that a cell remembers: cohorts end later than the last of their bins
LIVE = 16  # cohorts that a slice has room for while they may still be reported of: a power of two
# Masses are whole numbers of 1 / UNIT cases, so that the order in which exposures of one minute come does not matter.
UNIT = 2.0**24
CELL = np.dtype([("total", "i8"), ("mass", "i8"), ("bin", "i4"), ("born", "i4"), ("grid", "i4"), ("of", "i4", 3)],
                align=True)  # fmt: skip
SLICE = np.dtype(
    [
        ("n_all", "f8"), ("e_all", "f8"), ("n_near", "f8"), ("e_near", "f8"), ("mass_last", "f8"), ("upto", "f8"),
        ("near", "f4"), ("usual", "f4"), ("settled", "i4"), ("head", "i4"), ("cell", "i4"), ("cuboid", "i4"),
        ("spare", "f4"), ("today", "f4"), ("weighed", "i4"), ("evidence", "f4", 6), ("live", "f4", LIVE), ("q", "f4"), ("teach", "i4"), ("spread", "f4"),
        ("n_old", "f8"), ("e_old", "f8"), ("n_kept", "f8"), ("e_kept", "f8"),
    ],
    align=True,
)  # fmt: skip
ROW = np.dtype([("prev", "i4"), ("cohort", "i4"), ("n", "f4"), ("m", "f4"), ("upto", "f8")], align=True)
DONE, DAY_ENDED, CELLS_FULL, ALARM, SLICES_FULL = range(5)
RATIOS = np.array([1.5, 2.2, 3.5, 6.0, 12.0, 30.0])  # multiples of the usual rate that evidence is collected for
MOST = 1e30  # evidence: kept as a small float, which knows nothing greater than some 1e38
LINE = 64  # bytes of the cache that are fetched at once
LANES = 8  # that slices are weighed in: a multiple leaves none over to be weighed one by one

# What kernels take, in groups; what the arrays mean is said where they are made: `State`, `Rates`, `Detector`.
Clock = namedtuple("Clock", "width unit part live")  # hours of a bin, of a cohort; cohorts in a bin; cohorts at once
Grids = namedtuple("Grids", "spec dense keys values used")
Cells = namedtuple("Cells", "cell ring")  # ring[s, b % BINS]: mass of bin b, of the BINS - 1 before the cell's own
Cuboids = namedtuple("Cuboids", "depth grid part part_dims part_n singles pairs prior slow needs")
Slices = namedtuple("Slices", "keys values used slice")
Rows = namedtuple("Rows", "row used")  # cohorts of slices that had cases and that nobody reports of any more
Usual = namedtuple(
    "Usual", "told told_of told_at exposed shares share_at strength inverse_shape forget unsure level disp1 disp2"
)
World = namedtuple("World", "clock grids cells cuboids slices rows usual")
Exposures = namedtuple("Exposures", "at values mass")
Cases = namedtuple(
    "Cases", "at values cohorts news taken"
)  # news: dimensions that a case told again tells anew, as bits
# Signals that are open: values; dimensions as bits; what a case counts; cases per mass as of late; the cohort of the onset.
Opened = namedtuple("Opened", "codes dims weight rate onset")
Seen = namedtuple(
    "Seen", "slice mass theta usual q shape weight ratio2 share cell_of now_mass fresh live v shares runs own teach"
)

# For what makes no arrays of its own: it need not count who holds those it is handed, which took a sixth of all time.
borrowing: Any = partial(njit, cache=True, _nrt=False)


@njit(cache=True, inline="always")
def _mixed(x):
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


@intrinsic
def _prefetch(typing_context, rows, i):
    """Fetch a row of an array into the cache: what will be needed of many rows is waited for once, not one by one."""

    def generate(context, builder, signature, arguments):
        kind = signature.args[0]
        array = arrayobj.make_array(kind)(context, builder, arguments[0])
        stride = builder.extract_value(array.strides, 0)
        byte = ir.IntType(8).as_pointer()
        base = builder.ptrtoint(array.data, stride.type)
        number = ir.IntType(32)
        fetch = builder.module.declare_intrinsic(
            "llvm.prefetch", (byte,), ir.FunctionType(ir.VoidType(), (byte, number, number, number))
        )
        at = builder.add(base, builder.mul(arguments[1], stride))
        size = kind.dtype.size if kind.ndim == 1 else BINS * kind.dtype.bitwidth // 8  # records, or rings
        for line in range(-(-size // LINE)):
            place = builder.inttoptr(builder.add(at, ir.Constant(stride.type, LINE * line)), byte)
            builder.call(fetch, (place, number(0), number(3), number(1)))
        return context.get_dummy_value()

    return types.void(rows, types.int64), generate


@borrowing
def find(keys, values, key, used, add):
    """Number kept under a key (never 0), or -1; with `add` a new key gets the next number, counted in `used[0]`."""
    mask = np.uint64(len(keys) - 1)
    i = _mixed(key) & mask
    while True:
        k = keys[i]
        if k == key:
            return values[i]
        if k == np.uint64(0):
            if not add:
                return -1
            keys[i] = key
            values[i] = used[0]
            used[0] += 1
            return values[i]
        i = (i + np.uint64(1)) & mask


@njit(cache=True)
def rehash(keys, values, wider_keys, wider_values):
    mask = np.uint64(len(wider_keys) - 1)
    for j in range(len(keys)):
        if keys[j] != np.uint64(0):
            i = _mixed(keys[j]) & mask
            while wider_keys[i] != np.uint64(0):
                i = (i + np.uint64(1)) & mask
            wider_keys[i] = keys[j]
            wider_values[i] = values[j]


@njit(cache=True)
def hash_cells(numbers, cell_, spec, keys, values):
    """Enter cells whose grid has outgrown its table into the hash table; those that are there already stay."""
    mask = np.uint64(len(keys) - 1)
    for s in numbers:
        key = _hashed(cell_[s].grid, cell_[s].of[0], cell_[s].of[1], cell_[s].of[2], spec)
        i = _mixed(key) & mask
        while keys[i] != np.uint64(0) and keys[i] != key:
            i = (i + np.uint64(1)) & mask
        keys[i] = key
        values[i] = s


# Cells: what exposures lead to


@njit(cache=True)
def _hashed(f, a, b, c, spec):
    """Key of the cell of three values in a grid that is no table; what the grid does not name counts for nothing."""
    key = np.uint64(f + 1)
    key = (key << np.uint64(18)) | np.uint64((a + 1) * (spec[f, 2] > 0))
    key = (key << np.uint64(18)) | np.uint64((b + 1) * (spec[f, 4] > 0))
    return (key << np.uint64(18)) | np.uint64((c + 1) * (spec[f, 6] > 0))


@borrowing
def cell(f, v, unknown, spec, dense, keys, values, used):
    """Number of the cell that values fall into in grid f, or -1 where one is not known or no exposure ever came."""
    if spec[f, 7] & unknown:
        return -1
    if spec[f, 0] >= 0:
        code = spec[f, 0] + v[spec[f, 1]] * spec[f, 2] + v[spec[f, 3]] * spec[f, 4] + v[spec[f, 5]] * spec[f, 6]
        return dense[code]
    return find(keys, values, _hashed(f, v[spec[f, 1]], v[spec[f, 3]], v[spec[f, 5]], spec), used, False)


@borrowing
def _new_cell(f, code, v, spec, dense, keys, values, used):
    """Number for a combination that was not found in the dense table: a new one there, or what the hash table says."""
    if spec[f, 0] >= 0:
        dense[code] = used[0]
        used[0] += 1
        return dense[code]
    key = _hashed(f, v[spec[f, 1]], v[spec[f, 3]], v[spec[f, 5]], spec)
    return find(keys, values, key, used, True)


@borrowing
def take_row(rows, i, v):
    """The values of a row into `v`; which of them are not known, as bits."""
    unknown = 0
    for d in range(rows.shape[1]):
        v[d] = rows[i, d]
        if v[d] < 0:
            unknown |= 1 << d
    return unknown


@njit(cache=True, inline="always")
def _turn_to(b, s, cell_, ring):
    """Begin a new bin of a cell."""
    last = cell_[s].bin
    if last != b:
        ring[s, last % BINS] = cell_[s].mass
        for quiet in range(max(last + 1, b - BINS), b):
            ring[s, quiet % BINS] = 0.0
        cell_[s].bin = b
        cell_[s].mass = 0


@borrowing
def feed(first, b, before, until, exposures, grids, cells, v, numbers):
    """Add exposures before one hour and not after another to their cells, in bin b. Index reached; cells ran out?

    `v`, `numbers`: room for the values of one, and for its cells.
    """
    times, rows, weight = exposures.at, exposures.values, exposures.mass
    spec, dense, keys, values, used = grids
    cell_, ring = cells
    e = first
    # Written out, not calling `cell`: handing arrays over costs ten times as much as the sum.
    while e < len(times) and times[e] < before and times[e] <= until:
        if used[0] + len(spec) >= len(cell_):
            return e, True
        w = weight[e]
        unknown = 0
        for d in range(rows.shape[1]):
            v[d] = rows[e, d]
            if v[d] < 0:
                unknown |= 1 << d
        for f in range(len(spec)):
            numbers[f] = -1
            if spec[f, 7] & unknown:
                continue
            code = spec[f, 0] + v[spec[f, 1]] * spec[f, 2] + v[spec[f, 3]] * spec[f, 4] + v[spec[f, 5]] * spec[f, 6]
            s = np.int64(dense[code]) if spec[f, 0] >= 0 else np.int64(-1)
            if s < 0:
                before_it = used[0]
                s = np.int64(_new_cell(f, code, v, spec, dense, keys, values, used))
                if s == before_it:
                    cell_[s].grid = f
                    cell_[s].of[0], cell_[s].of[1], cell_[s].of[2] = v[spec[f, 1]], v[spec[f, 3]], v[spec[f, 5]]
                    cell_[s].bin = b
                    cell_[s].born = b
            numbers[f] = s
            _prefetch(cell_, s)
        for s in numbers:
            if s >= 0:
                _turn_to(b, s, cell_, ring)
                cell_[s].mass += w
                cell_[s].total += w
        e += 1
    return e, False


@borrowing
def _share(told, age):
    """Share reported at an age (hours since a bin began) by a row of `told`."""
    if age >= len(told) - 2:
        return 1.0
    if age <= 0.0:
        return 0.0
    i = int(age)
    return told[i] + (told[i + 1] - told[i]) * (age - i)


@borrowing
def reported(s, at, width, told, cells):
    """Mass of a cell that could have been reported by hour `at`; `told[h]`: share reported h hours after a bin began."""
    cell_, ring = cells
    last = cell_[s].bin
    waiting = cell_[s].mass * (1.0 - _share(told, at - last * width))
    for b in range(last - 1, max(last - BINS, -1), -1):
        if at - b * width >= len(told) - 2:
            break
        waiting += ring[s, b % BINS] * (1.0 - _share(told, at - b * width))
    return (cell_[s].total - waiting) / UNIT


@borrowing
def cohort(b, part):
    """Which cohort of exposures a bin belongs to. No division: this is asked for each bin."""
    return int(b * part + 1e-9)


@borrowing
def cohort_mass(s, which, cells, part):
    """Mass of a cell in one cohort, or -1 where that was forgotten."""
    cell_, ring = cells
    last = cell_[s].bin
    found = 0.0
    for b in range(last, max(last - BINS, -1), -1):
        h = cohort(b, part)
        if h < which:
            return found
        if h == which:
            found += (cell_[s].mass if b == last else ring[s, b % BINS]) / UNIT
    return found if last < BINS else -1.0


# Slices: what cases say


@borrowing
def _case_key(cell_number, k, v, part, part_dims, part_n):
    key = (np.uint64(cell_number + 1) << np.uint64(6)) | np.uint64(part[k])
    for j in range(3):
        key = (key << np.uint64(10)) | np.uint64(v[part_dims[k, j]] + 1 if j < part_n[k] else 0)
    return key


@njit(cache=True)
def new_seen(w):
    n, grids, live = len(w.cuboids.depth), len(w.grids.spec), w.clock.live
    return Seen(
        np.full(n, -1, np.int64), np.zeros(n), np.ones(n), np.ones(n), np.ones(n), np.zeros(n), np.zeros(n), np.ones(n),
        np.zeros(n), np.full(grids, -1, np.int64), np.zeros((grids, 2)), np.zeros(grids), np.zeros((grids, 2, live)),
        np.zeros(64, np.int64), np.zeros((2 + 64, BINS)), np.zeros((2 * LIVE, 3), np.int64), np.zeros(64, np.int64),
        np.zeros(grids, np.int64),
    )  # fmt: skip


@borrowing(fastmath={"reassoc", "contract", "nsz"})
def _look(w, unknown, kind, t, seen):
    """The cells that values fall into: mass that could have been reported by now, by any reports and by those of a kind.

    They take as long as those of the value or kind that is most unlike others, where one is. Also of each cohort that
    may still be reported of (`live`), and how much mass these have (`fresh`).
    """
    width, part, n_live = w.clock.width, w.clock.part, w.clock.live
    spec, dense, keys, values, used = w.grids
    cell_, ring = w.cells
    shares, runs, cell_of, now_mass, fresh, live, v, own, teach = (
        seen.shares, seen.runs, seen.cell_of, seen.now_mass, seen.fresh, seen.live, seen.v, seen.own, seen.teach
    )  # fmt: skip
    now = int(t / width)
    first = cohort(now, part) - n_live + 1
    told, told_kind = w.usual.told[0], w.usual.told[kind]
    told_of, told_at = w.usual.told_of, w.usual.told_at
    exposed = w.usual.exposed
    for d in range(exposed):
        own[d] = told_of[told_at[d] + v[d]] if v[d] >= 0 else 0
    # Where in the rings the cohorts lie, as runs of places: the same in all of them.
    n_runs = 0
    for back in range(min(BINS, now + 1)):
        h, p = cohort(now - back, part) - first, (now - back) % BINS
        if h < 0:
            break
        if not n_runs or runs[n_runs - 1, 0] != h or p == BINS - 1:
            runs[n_runs, 0], runs[n_runs, 2] = h, p + 1
            n_runs += 1
        runs[n_runs - 1, 1] = p
        shares[0, p] = _share(told, t - (now - back) * width)
        shares[1, p] = _share(told_kind, t - (now - back) * width)
        for d in range(exposed):
            if own[d]:
                shares[2 + d, p] = _share(w.usual.told[own[d]], t - (now - back) * width)
    for f in range(len(spec)):
        cell_of[f] = cell(f, v, unknown, spec, dense, keys, values, used)
        if cell_of[f] >= 0:
            _prefetch(cell_, cell_of[f])
            _prefetch(ring, cell_of[f])
    for f in range(len(spec)):
        s = cell_of[f]
        if s < 0:
            continue
        _turn_to(now, s, cell_, ring)
        ring[s, now % BINS] = cell_[s].mass
        any_, teach[f] = 0, 0
        for j in range(1, 7, 2):
            d = spec[f, j]
            if spec[f, j + 1] > 0 and own[d] > teach[f]:
                any_, teach[f] = 2 + d, own[d]
        of_kind = 1 if kind > teach[f] else any_
        for h in range(n_live):
            live[f, 0, h] = 0.0
            live[f, 1, h] = 0.0
        told_all, told_of_kind, all_ = 0.0, 0.0, 0.0
        for g in range(n_runs):
            by_now, by_now_of_kind = 0.0, 0.0
            for place in range(runs[g, 1], runs[g, 2]):
                p = np.uint64(place)  # counted from the front, which can be done for several at once
                mass = np.float64(ring[s, p])
                by_now += mass * shares[any_, p]
                by_now_of_kind += mass * shares[of_kind, p]
                all_ += mass
            live[f, 0, runs[g, 0]] += by_now / UNIT
            live[f, 1, runs[g, 0]] += by_now_of_kind / UNIT
            told_all += by_now
            told_of_kind += by_now_of_kind
        fresh[f] = all_ / UNIT
        now_mass[f, 0] = (cell_[s].total - all_ + told_all) / UNIT
        now_mass[f, 1] = (cell_[s].total - all_ + told_of_kind) / UNIT


@borrowing
def describe(w, cases, i, t, add, seen):
    """The slices that a case falls into, and for each: mass so far, usual rate, share of what its rate depends on.

    How much more or less than exposures explain is usual in a slice is learned for single values; for pairs beyond
    their values; for triples beyond their pairs.
    """
    depth, grid_of, part_of, part_dims, part_n, singles, pairs, prior, slow, needs = w.cuboids
    keys, values, used, slice_ = w.slices
    shares, share_at, told_of, told_at = w.usual.shares, w.usual.share_at, w.usual.told_of, w.usual.told_at
    strength, inverse_shape, unsure, level = w.usual.strength, w.usual.inverse_shape, w.usual.unsure, w.usual.level
    sl, mass, theta, usual, q, shape, weight, ratio2, share = (
        seen.slice, seen.mass, seen.theta, seen.usual, seen.q, seen.shape, seen.weight, seen.ratio2, seen.share
    )  # fmt: skip
    v, cell_of, now_mass, cell_ = seen.v, seen.cell_of, seen.now_mass, w.cells.cell
    days, part = w.clock.unit / 24.0, w.clock.part
    unknown = take_row(cases.values, i, v)
    news = cases.news[i]
    d = w.usual.exposed
    kind = told_of[told_at[d] + v[d]] if d < len(told_at) - 1 and v[d] >= 0 else 0
    _look(w, unknown, kind, t, seen)
    everything = float(max(cell_[cell_of[0]].total, 1)) if cell_of[0] >= 0 else 1.0
    for k in range(len(depth)):
        sl[k] = -1
        s = cell_of[grid_of[k]]
        if s < 0 or needs[k] & unknown:
            continue
        before = used[0]
        x = np.int64(find(keys, values, _case_key(s, k, v, part_of, part_dims, part_n), used, add))
        if x < 0:
            continue
        sl[k] = x
        if x == before:
            slice_[x].cell = s
            slice_[x].cuboid = k
            slice_[x].settled = cohort(cell_[s].born, part) - 1
            slice_[x].head = -1
            slice_[x].near = 1.0
        _prefetch(slice_, x)
    for k in range(len(depth)):
        x = sl[k]
        if x < 0:
            continue
        g = grid_of[k]
        s = cell_of[g]
        qk = 1.0
        for j in range(part_n[k]):
            d = part_dims[k, j]
            qk *= shares[share_at[d] + v[d]]
        if not needs[k] & news:
            sl[k] = -1  # of a case told again, slices of what it said before have had it: they only lend their rates
        q[k] = qk
        mass[k] = now_mass[g, slow[k]]
        share[k] = min(cell_[s].total / everything, 1.0) * qk
        weight[k] = prior[k] * share[k] * days
        slice_[x].q = qk
        slice_[x].teach = max(kind, seen.teach[g]) if slow[k] else seen.teach[g]
        if depth[k] == 1:
            theta[k] = slice_[x].near
            usual[k] = 1.0
            slice_[x].usual = 1.0
            shape[k] = 1.0 / inverse_shape[k]
            continue
        left, right = singles[k, 0], singles[k, 1]
        usual[k] = theta[left] * theta[right] / level
        spread = (1.0 - min(share[left], 0.95)) * (1.0 - min(share[right], 0.95))
        if depth[k] == 2:
            ratio2[k] = (strength[k] + slice_[x].n_old) / (strength[k] + slice_[x].e_old)
            theta[k] = usual[k] * ratio2[k]
        else:
            third = singles[k, 2]
            usual[k] *= theta[third] / level
            spread *= 1.0 - min(share[third], 0.95)
            one, two, three = ratio2[pairs[k, 0]], ratio2[pairs[k, 1]], ratio2[pairs[k, 2]]
            # Pairs that overlap say the same thing more than once: their product is no further from 1 than one of them.
            known = min(max(one * two * three, min(one, two, three)), max(one, two, three))
            theta[k] = usual[k] * known * (strength[k] + slice_[x].n_old) / (strength[k] + slice_[x].e_old * known)
        shape[k] = 1.0 / (inverse_shape[k] + unsure / (strength[k] + slice_[x].e_old))
        slice_[x].spread = spread
        slice_[x].usual = usual[k]


@borrowing
def settle(x, before, upto, slice_, row, used, cells, clock, buffer, found):
    """Masses of the cohorts of a slice that nobody reports of any more, up to and with `before`; `upto`: of all of them.

    `buffer` gets the rows of those with cases, the first one first, `found` what one cohort without cases has.
    Returns how many rows there are.
    """
    last, reached = slice_[x].settled, slice_[x].upto
    gap = before - last
    rest = whole = max(upto - reached, 0.0)
    n = 0
    for c in range(last + 1, min(before, last + LIVE) + 1):
        cases = slice_[x].live[c & (LIVE - 1)]
        if cases == 0.0:
            continue
        slice_[x].live[c & (LIVE - 1)] = 0.0
        m = whole if gap == 1 else -1.0
        if m < 0.0 and c > before - clock.live:
            m = cohort_mass(slice_[x].cell, c, cells, clock.part)
        if m < 0.0:
            m = whole / gap
        y = used[0]
        used[0] += 1
        row[y].prev, row[y].cohort, row[y].n, row[y].m = slice_[x].head, c, cases, min(m, rest)
        rest -= row[y].m
        slice_[x].head = y
        buffer[n] = y
        n += 1
    quiet = rest / (gap - n) if gap > n else 0.0
    for j in range(n):
        y = buffer[j]
        reached += (row[y].cohort - last - 1) * quiet + row[y].m
        row[y].upto = reached
        last = row[y].cohort
    slice_[x].settled = before
    slice_[x].upto = upto
    found[0] = quiet
    return n


@njit(cache=True)
def catch_up(t, w):
    """Bring what was expected in every slice up to an hour, whether or not cases came."""
    slice_ = w.slices.slice
    for x in range(w.slices.used[0]):
        mass = reported(np.int64(slice_[x].cell), t, w.clock.width, w.usual.told[slice_[x].teach], w.cells)
        rise = slice_[x].q * (mass - slice_[x].mass_last)
        slice_[x].e_all += rise * slice_[x].usual
        slice_[x].e_near += rise
        slice_[x].mass_last = mass


# Evidence


@intrinsic
def _bits(typing_context, x):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _of_bits(typing_context, x):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@njit(cache=True, inline="always")
def fast_log(x):
    """Natural logarithm of a positive normal number, right to nine digits; a loop over it becomes vector code."""
    bits = _bits(x)
    exponent = (bits - 0x3FE6A09E667F3BCD) >> 52  # what is left lies between the square roots of 1/2 and 2
    m = _of_bits(bits - (exponent << 52))
    s = (m - 1.0) / (m + 1.0)
    s2 = s * s
    # An integer in the low bits of 1.5 * 2^52 is that integer as a float: there is no vector instruction for it else.
    whole = _of_bits(exponent + 0x4338000000000000) - 6755399441055744.0
    return whole * 0.6931471805599453 + 2.0 * s * (
        1.0 + s2 * (1 / 3 + s2 * (1 / 5 + s2 * (1 / 7 + s2 * (1 / 9 + s2 / 11))))
    )


@njit(cache=True, inline="always")
def fast_exp(x):
    """Exponential, right to nine digits; beyond +-600 what it is there."""
    x = min(max(x, -600.0), 600.0)
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    r = x - (shifted - 6755399441055744.0) * 0.6931471805599453
    p = 1.0 + r * (
        1.0 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040 + r / 40320))))))
    )
    return p * _of_bits((_bits(shifted) + 1023) << 52)


@borrowing(error_model="numpy", fastmath={"contract", "nnan", "ninf", "nsz", "arcp"})
def carry(count, ratio, forget, lanes, sums, j):
    """Evidence of a ratio (row j of `sums`) carried over cohorts without cases, then one with cases, for many slices.

    Lanes: cases, how many were expected, quiet cohorts, how many were expected in each, shape, weight of a new start,
    1 if there is a cohort with cases, else 0.
    """
    log_ratio, log_forget = log(ratio), log(forget)
    n, m, gap, quiet, p, weight, there, r = (
        lanes[0], lanes[1], lanes[2], lanes[3], lanes[4], lanes[5], lanes[6], sums[j]
    )  # fmt: skip
    for i in range(count):
        each = p[i] * fast_log((p[i] + quiet[i]) / (p[i] + ratio * quiet[i])) + log_forget
        one, all_ = fast_exp(each), fast_exp(gap[i] * each)
        x = r[i] * all_ + weight[i] * one * (1.0 - all_) / (1.0 - one)
        z = fast_log((p[i] + m[i]) / (p[i] + ratio * m[i]))
        x = (x + there[i] * weight[i]) * fast_exp((p[i] + n[i]) * z + n[i] * log_ratio + there[i] * log_forget)
        r[i] = min(x, MOST)


@borrowing(error_model="numpy", fastmath={"contract", "nnan", "ninf", "nsz", "arcp"})
def weigh_live(count, ratio, forget, n, m, lanes, sums, j, limit):
    """Evidence of a ratio (row j of `sums`), carried on over the cohorts that may still be reported of.

    n, m: cohorts x slices. Lanes: the first two get how many more cases the limit takes at least, today and on a later
    day, the last the evidence of all ratios; shape and weight as `carry` has them.
    """
    log_ratio, log_forget, log_limit = log(ratio), log(forget), log(limit)
    today, spare, p, weight, out, r = lanes[0], lanes[1], lanes[4], lanes[5], lanes[6], sums[j]
    for h in range(n.shape[0]):
        n_h, m_h = n[h], m[h]
        for i in range(count):
            z = fast_log((p[i] + m_h[i]) / (p[i] + ratio * m_h[i]))
            r[i] = min((r[i] + weight[i]) * fast_exp((p[i] + n_h[i]) * z + n_h[i] * log_ratio + log_forget), MOST)
    for i in range(count):
        out[i] += r[i]
        # A case makes evidence of a ratio at most so many times as large. Rises that begin on a later day come on top.
        today_too = max(r[i], 1e-30)
        later_too = today_too + (n.shape[0] + 1) * weight[i]
        today[i] = min(today[i], (log_limit - fast_log(today_too)) / log_ratio)
        spare[i] = min(spare[i], (log_limit - fast_log(later_too)) / log_ratio)


@borrowing(inline="always")
def _cohort_of(cases, i, told, teach):
    """The cohort of a case among reports that take as long as those of row `teach`."""
    return cases.cohorts[i, 0 if told[teach, 0] >= 1.0 else 1]


@borrowing
def _lift(o, opened, needs, seen):
    """How many times what is thought usual in the slice of a signal its rate is now, and so in all slices within."""
    for k in range(len(needs)):
        if needs[k] == opened.dims[o]:
            return max(opened.rate[o] / (seen.q[k] * seen.theta[k]), 1.0)
    return 1.0


@njit(cache=True)
def advance(w, exposures, cases, position, until, opened, limit, fitted, today, claimed, out_evidence):
    """Take exposures and cases in order of time until something is to be decided outside.

    Returns DONE, DAY_ENDED, CELLS_FULL, ALARM (position[1] is the case after the one that brought it) or SLICES_FULL.
    """
    told, cell_ = w.usual.told, w.cells.cell
    depth, grid_of, slow, needs = w.cuboids.depth, w.cuboids.grid, w.cuboids.slow, w.cuboids.needs
    slice_, slices_used = w.slices.slice, w.slices.used
    row, rows_used = w.rows.row, w.rows.used
    forget, disp1, disp2 = w.usual.forget, w.usual.disp1, w.usual.disp2
    width, n_live, part = w.clock.width, w.clock.live, w.clock.part
    news, values, codes, dims = cases.news, cases.values, opened.codes, opened.dims
    n_c = len(depth)
    inside = np.zeros(n_c, np.bool_)  # slices within the signal that takes a case
    n_ex, n_ca = len(exposures.at), len(cases.at)
    seen = new_seen(w)
    sl, mass, theta, usual, q, shape, weight = (
        seen.slice, seen.mass, seen.theta, seen.usual, seen.q, seen.shape, seen.weight
    )  # fmt: skip
    live, fresh = seen.live, seen.fresh
    into = np.zeros(n_c, np.int64)
    lanes = np.ones((7, n_c + LANES))
    sums = np.zeros((6, n_c + LANES))
    settled, rows, quiet = np.zeros(n_c, np.int64), np.zeros(n_c, np.int64), np.zeros(n_c)
    buffers = np.zeros((n_c, LIVE), np.int64)
    live_n, live_m = np.zeros((n_live, n_c + LANES)), np.zeros((n_live, n_c + LANES))
    one = np.zeros(1)
    e, i, day = position[0], position[1], position[2]
    while e < n_ex or i < n_ca:
        te = exposures.at[e] if e < n_ex else np.inf
        tc = cases.at[i] if i < n_ca else np.inf
        t = min(te, tc)
        if t >= until:
            break
        b = int(t / width)
        if int(t / 24.0) != day:
            position[0], position[1], position[2] = e, i, int(t / 24.0)
            return DAY_ENDED
        if te <= tc:
            before = min((b + 1) * width, (day + 1) * 24.0, until)
            e, full = feed(e, b, before, tc, exposures, w.grids, w.cells, seen.v, seen.cell_of)
            if full:
                position[0], position[1] = e, i
                return CELLS_FULL
            continue
        # a case
        if slices_used[0] + n_c >= len(slice_) or rows_used[0] + LIVE * n_c >= len(row):
            position[0], position[1] = e, i
            return SLICES_FULL
        hit = -1
        for o in range(len(codes)):
            same = dims[o] & news[i] != 0
            for d in range(codes.shape[1]):
                if codes[o, d] >= 0 and codes[o, d] != values[i, d]:
                    same = False
                    break
            if same:
                hit = o
                break
        counts, lift, onset = 1.0, 1.0, 0
        if hit >= 0:
            counts, onset = opened.weight[hit], opened.onset[hit]
        claimed[i] = hit
        today[0] += news[i] == -1
        describe(w, cases, i, t, True, seen)
        newest = cohort(b, part)
        first = newest - n_live + 1
        if hit >= 0:
            lift = _lift(hit, opened, needs, seen)
        # What cohorts that nobody reports of any more make of the evidence: first what is to be weighed ...
        n_old = 0
        most = 0
        for k in range(n_c):
            x = sl[k]
            if x < 0:
                continue
            inside[k] = hit >= 0 and dims[hit] & ~needs[k] == 0
            rise = q[k] * (mass[k] - slice_[x].mass_last)
            slice_[x].e_all += rise * usual[k]
            slice_[x].e_near += rise
            slice_[x].mass_last = mass[k]
            slice_[x].n_all += 1
            slice_[x].n_near += 1
            last = slice_[x].settled
            if last < first - 1:
                upto = cell_[slice_[x].cell].total / UNIT - fresh[grid_of[k]]
                n = settle(
                    x, first - 1, upto, slice_, row, rows_used, w.cells, w.clock, buffers[n_old], one
                )  # fmt: skip
                if depth[k] == 1 and fitted and first - 1 - last == 1:
                    mm = q[k] * theta[k] * (row[buffers[n_old, 0]].m if n else one[0])
                    if mm > 0.3:
                        had = row[buffers[n_old, 0]].n if n else 0.0
                        disp1[k] += min((had - mm) ** 2, 16.0 * (mm + mm * mm * 0.1)) - mm
                        disp2[k] += mm * mm
                into[n_old], settled[n_old], rows[n_old], quiet[n_old] = k, last, n, one[0]
                most = max(most, n + 1)
                n_old += 1
            slice_[x].spare -= 1.0
            slice_[x].today -= 1.0
            which = max(_cohort_of(cases, i, told, slice_[x].teach), slice_[x].settled + 1)
            slice_[x].live[which & (LIVE - 1)] += counts
        # ... then all of it at once, which the processor does many times as fast
        for turn in range(most):
            for h in range(n_old):
                k = into[h]
                c = q[k] * theta[k]
                y = buffers[h, turn] if turn < rows[h] else -1
                end = row[y].cohort if y >= 0 else first
                # Within a signal cases count whole again, against the rate that it makes usual.
                lifted = inside[k] and settled[h] + 1 >= onset
                lanes[0, h] = (row[y].n / counts if lifted else row[y].n) if y >= 0 else 0.0
                lanes[1, h] = (c * lift * row[y].m if lifted else c * row[y].m) if y >= 0 else 0.0
                lanes[2, h] = end - settled[h] - 1
                lanes[3, h] = c * lift * quiet[h] if lifted else c * quiet[h]
                lanes[4, h] = shape[k]
                lanes[5, h] = weight[k]
                lanes[6, h] = 1.0 if y >= 0 else 0.0
                settled[h] = end if y >= 0 else first - 1
                for j in range(6):
                    sums[j, h] = slice_[sl[k]].evidence[j]
            for j in range(6):
                carry((n_old + LANES - 1) & -LANES, RATIOS[j], forget[j], lanes, sums, j)
            for h in range(n_old):
                for j in range(6):
                    slice_[sl[into[h]]].evidence[j] = sums[j, h]
        best = 0.0
        n_now = 0
        if fitted:
            for k in range(n_c):
                out_evidence[k] = 0.0
                x = sl[k]
                # Of a case that a signal explains only what is more special can say something new.
                if (
                    x < 0
                    or slice_[x].spare > 0.0
                    or (slice_[x].weighed == newest and slice_[x].today > 0.0)
                    or (hit >= 0 and needs[k] & ~dims[hit] == 0)
                ):
                    continue
                c = q[k] * theta[k]
                scale = 1.0
                if inside[k]:
                    c, scale = c * lift, 1.0 / counts
                for h in range(n_live):
                    live_n[h, n_now], live_m[h, n_now] = 0.0, 0.0
                    if not inside[k] or first + h >= onset:
                        live_n[h, n_now] = slice_[x].live[(first + h) & (LIVE - 1)] * scale
                        live_m[h, n_now] = c * live[grid_of[k], slow[k], h]
                into[n_now] = k
                lanes[0, n_now], lanes[1, n_now], lanes[6, n_now] = 1e6, 1e6, 0.0
                lanes[4, n_now] = shape[k]
                lanes[5, n_now] = weight[k]
                for j in range(6):
                    sums[j, n_now] = slice_[x].evidence[j]
                n_now += 1
            for j in range(6):
                weigh_live((n_now + LANES - 1) & -LANES, RATIOS[j], forget[j], live_n, live_m, lanes, sums, j, limit)
            for h in range(n_now):
                k = into[h]
                out_evidence[k] = lanes[6, h] / 6.0
                best = max(best, out_evidence[k])
                slice_[sl[k]].today, slice_[sl[k]].spare, slice_[sl[k]].weighed = lanes[0, h], lanes[1, h], newest
        i += 1
        if best >= limit:
            position[0], position[1] = e, i
            return ALARM
    position[0], position[1] = e, i
    return DONE


# What explains it


@njit(cache=True)
def _score(x, c, p, first, upto_now, oldest, scale, w, live, ratios, out):
    """Best log likelihood ratio of a lasting rise that began with a cohort of which a case came.

    `upto_now`: mass of the cohorts before the first that may still be reported of; `scale`: what each case counts here.
    `out` gets the cohort it began with, the ratio, the cases since and how many of them were expected.
    """
    slice_, row = w.slices.slice, w.rows.row
    settled = slice_[x].settled
    each = c * max(upto_now - slice_[x].upto, 0.0) / max(first - 1 - settled, 1)  # of cohorts not looked at since
    best = -1e18
    for ratio in ratios:
        lr = log(ratio)
        ll = 0.0
        n_sum = 0.0
        m_sum = 0.0
        for h in range(first + len(live) - 1, max(settled, oldest - 1), -1):
            n = slice_[x].live[h & (LIVE - 1)] * scale if h <= settled + LIVE else 0.0
            m = c * live[h - first] if h >= first else each
            z = log((p + m) / (p + ratio * m))
            ll += p * z + n * (lr + z)
            n_sum += n
            m_sum += m
            if ll > best and n > 0.0:
                best = ll
                out[0], out[1], out[2], out[3] = h, ratio, n_sum, m_sum
        y = slice_[x].head
        last, upto = settled, slice_[x].upto
        while y >= 0 and row[y].cohort >= oldest:
            gap = last - row[y].cohort
            if gap > 0:
                m = c * max(upto - row[y].upto, 0.0) / gap
                ll += gap * p * log((p + m) / (p + ratio * m))
                m_sum += gap * m
            m = c * row[y].m
            z = log((p + m) / (p + ratio * m))
            ll += p * z + row[y].n * scale * (lr + z)
            n_sum += row[y].n * scale
            m_sum += m
            if ll > best and row[y].n > 0.0:
                best = ll
                out[0], out[1], out[2], out[3] = row[y].cohort, ratio, n_sum, m_sum
            last, upto = row[y].cohort - 1, row[y].upto - row[y].m
            y = row[y].prev
    return best


@njit(cache=True)
def score_case(w, cases, i, t, oldest, opened, ratios, out):
    """For every cuboid: slice, score with the prior, log likelihood ratio, onset, ratio, cases, expected, usual rate.

    `opened`: the signal that took the case, or none. What lies within is held against the rate that it makes usual, what
    it lies within is not looked at.
    """
    seen = new_seen(w)
    describe(w, cases, i, t, False, seen)
    first = cohort(int(t / w.clock.width), w.clock.part) - w.clock.live + 1
    raised = _lift(0, opened, w.cuboids.needs, seen) if len(opened.dims) else 1.0
    found = np.zeros(4)
    for k in range(len(seen.slice)):
        x = seen.slice[k]
        out[k, 0] = x
        if x < 0 or (len(opened.dims) and w.cuboids.needs[k] & ~opened.dims[0] == 0):
            out[k, 1] = -1e18
            continue
        c, lift, scale, begin = seen.q[k] * seen.theta[k], 1.0, 1.0, oldest
        if len(opened.dims) and opened.dims[0] & ~w.cuboids.needs[k] == 0:
            lift, scale, begin = raised, 1.0 / opened.weight[0], max(oldest, opened.onset[0])
        g = w.cuboids.grid[k]
        upto = w.cells.cell[seen.cell_of[g]].total / UNIT - seen.fresh[g]
        live = seen.live[g, w.cuboids.slow[k]]
        ll = _score(x, c * lift, seen.shape[k], first, upto, begin, scale, w, live, ratios, found)
        out[k, 1] = ll + log(max(seen.weight[k], 1e-300))
        out[k, 2] = ll
        out[k, 3], out[k, 4], out[k, 5], out[k, 6] = found[0], found[1], found[2], found[3] / lift
        out[k, 7] = c


@njit(cache=True)
def members(cases, start, end, code, dims, since, column, of):
    """Indices from start up to end of cases in a slice, of a cohort or later, that no signal took but number `of`.

    `code`: a value of each dimension, or -1; `dims`: those that it names, as bits; `column`: of the cohorts.
    """
    out = np.empty(max(end - start, 0), np.int64)
    n = 0
    for i in range(start, end):
        if (
            (cases.taken[i] >= 0 and cases.taken[i] != of)
            or cases.cohorts[i, column] < since
            or not dims & cases.news[i]
        ):
            continue
        same = True
        for d in range(len(code)):
            if code[d] >= 0 and cases.values[i, d] != code[d]:
                same = False
                break
        if same:
            out[n] = i
            n += 1
    return out[:n]


@borrowing
def _uncount(x, h, amount, slice_, row):
    """Take so much of a case of cohort h out of a slice.

    What came after its cohort was settled was counted with the first one after that was not.
    """
    while h <= slice_[x].settled and amount > 1e-6:
        y, first = slice_[x].head, -1
        while y >= 0 and row[y].cohort >= h:
            if row[y].n > 0.0:
                first = y
            y = row[y].prev
        if first < 0:
            h = slice_[x].settled + 1
        else:
            taken = min(row[first].n, amount)
            row[first].n -= taken
            amount -= taken
    for c in range(h, slice_[x].settled + LIVE + 1):
        taken = min(slice_[x].live[c & (LIVE - 1)], amount)
        slice_[x].live[c & (LIVE - 1)] -= taken
        amount -= taken


@njit(cache=True)
def explain_away(w, cases, which, amount, t, oldest):
    """Take so much of each of these cases, which a signal explains, out of the evidence of all slices they fall into."""
    slice_, row = w.slices.slice, w.rows.row
    seen = new_seen(w)
    lanes = np.zeros((7, 1))
    sums = np.zeros((6, 1))
    order = np.empty(1000, np.int64)
    for turn in range(2):
        for a in range(len(which)):
            i = which[a]
            describe(w, cases, i, t, False, seen)
            for k in range(len(seen.slice)):
                x = seen.slice[k]
                if x < 0:
                    continue
                if turn == 0:
                    _uncount(x, _cohort_of(cases, i, w.usual.told, slice_[x].teach), amount[a], slice_, row)
                    continue
                n = 0
                y = slice_[x].head
                while y >= 0 and row[y].cohort >= oldest and n < len(order):
                    order[n] = y
                    n += 1
                    y = row[y].prev
                c = seen.q[k] * seen.theta[k]
                sums[:] = 0.0
                lanes[4, 0], lanes[5, 0] = seen.shape[k], seen.weight[k]
                last, upto = -1, 0.0
                for h in range(n - 1, -2 if n else -1, -1):
                    y = order[max(h, 0)]
                    lanes[0, 0], lanes[1, 0], lanes[6, 0] = row[y].n, c * row[y].m, 1.0
                    end, start = row[y].cohort, row[y].upto - row[y].m
                    if h < 0:
                        lanes[0, 0] = lanes[1, 0] = lanes[6, 0] = 0.0
                        end, start = slice_[x].settled + 1, slice_[x].upto
                    gap = end - last - 1 if h < n - 1 else 0
                    lanes[2, 0] = gap
                    lanes[3, 0] = c * max(start - upto, 0.0) / max(gap, 1)
                    for j in range(6):
                        carry(1, RATIOS[j], w.usual.forget[j], lanes, sums, j)
                    last, upto = end, row[y].upto
                for j in range(6):
                    slice_[x].evidence[j] = sums[j, 0]
                slice_[x].spare = slice_[x].today = 0.0
