"""The inner loops of detection, compiled. What the arrays mean is said where `Detector` makes them."""

from math import exp, log

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

SPAN = 32  # bins of the time since exposure, in which mass waits to be reported
BINS = 50  # that a cell remembers: cohorts end later than the last of their bins
# Masses are whole numbers of 1 / UNIT cases, so that the order in which exposures of one minute come does not matter.
UNIT = 2.0**24
CELL = np.dtype(
    [
        ("total", "i8"),
        ("mass", "i8"),
        ("bin", "i4"),
        ("ring_at", "i4"),
        ("born", "i4"),
        ("grid", "i4"),
        ("of", "i4", 3),
    ],
    align=True,
)
WAITING = np.dtype([("bin", "i4"), ("mass", "f4")])
SLICE = np.dtype(
    [
        ("upto", "f8"), ("mass_last", "f8"), ("n_all", "f8"), ("e_all", "f8"), ("n_near", "f8"), ("e_near", "f8"),
        ("n_old", "f8"), ("e_old", "f8"), ("n_kept", "f8"), ("e_kept", "f8"),
        ("cell", "i4"), ("cuboid", "i4"), ("settled", "i4"), ("head", "i4"),
        ("near", "f4"), ("spread", "f4"), ("q", "f4"), ("usual", "f4"), ("teach", "i4"), ("evidence", "f4", 6),
        ("spare", "f4"),
    ],
    align=True,
)  # fmt: skip
ROW = np.dtype([("prev", "i4"), ("cohort", "i4"), ("n", "f4"), ("m", "f4"), ("upto", "f8")], align=True)
DONE, DAY_ENDED, CELLS_FULL, ALARM, SLICES_FULL = range(5)
RATIOS = np.array([1.5, 2.2, 3.5, 6.0, 12.0, 30.0])  # multiples of the usual rate that evidence is collected for
LOG_RATIOS = np.log(RATIOS)
MOST_SPARE = 20  # cases that are counted before a slice is weighed again


@njit(cache=True, inline="always")
def _mixed(x):
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


@njit(cache=True)
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
def _hashed(f, a, b, c, spec):
    """Key of the cell of three values in a grid that is no table; what the grid does not name counts for nothing."""
    key = np.uint64(f + 1)
    key = (key << np.uint64(18)) | np.uint64((a + 1) * (spec[f, 2] > 0))
    key = (key << np.uint64(18)) | np.uint64((b + 1) * (spec[f, 4] > 0))
    return (key << np.uint64(18)) | np.uint64((c + 1) * (spec[f, 6] > 0))


@njit(cache=True)
def cell(f, v, unknown, spec, dense, keys, values, used):
    """Number of the cell that values fall into in grid f, or -1 where one is not known or no exposure ever came."""
    if spec[f, 7] & unknown:
        return -1
    if spec[f, 0] >= 0:
        code = spec[f, 0] + v[spec[f, 1]] * spec[f, 2] + v[spec[f, 3]] * spec[f, 4] + v[spec[f, 5]] * spec[f, 6]
        return dense[code]
    return find(keys, values, _hashed(f, v[spec[f, 1]], v[spec[f, 3]], v[spec[f, 5]], spec), used, False)


@njit(cache=True)
def take_row(rows, i, v):
    """The values of a row into `v`; which of them are not known, as bits."""
    unknown = 0
    for d in range(rows.shape[1]):
        v[d] = rows[i, d]
        if v[d] < 0:
            unknown |= 1 << d
    return unknown


@njit(cache=True)
def reported(s, at, width, told, teach, cell_, ring):
    """Mass of a cell that could have been reported by hour `at`; `told[h]`: share reported h hours after a bin began."""
    top = told.shape[1] - 2
    waiting = 0.0
    b, mass = cell_[s].bin, float(cell_[s].mass)
    p = cell_[s].ring_at
    for _ in range(BINS + 1):
        if b < 0:
            break
        age = at - b * width
        if age >= top:
            break
        if age > 0.0:
            i = int(age)
            waiting += mass * (1.0 - told[teach, i] - (told[teach, i + 1] - told[teach, i]) * (age - i))
        else:
            waiting += mass
        b, mass = ring[s, p].bin, float(ring[s, p].mass)
        p -= 1
        if p < 0:
            p = BINS - 1
    return (cell_[s].total - waiting) / UNIT


@njit(cache=True)
def look_back(b, at, time, told, n_live, shares, cohorts):
    """For each row of `told` and each bin back from bin b: what share of it is reported by hour `at`, and its cohort.

    `cohorts` counts from the first of the n_live that end with the present one.
    """
    width = time[0]
    top = told.shape[1] - 2
    first = cohort(b, time) - n_live + 1
    for back in range(cohorts.shape[0]):
        cohorts[back] = max(cohort(max(b - back, 0), time) - first, -1)
        age = at - (b - back) * width
        for teach in range(len(told)):
            if age >= top:
                shares[teach, back] = 1.0
            else:
                i = int(age)
                shares[teach, back] = told[teach, i] + (told[teach, i + 1] - told[teach, i]) * (age - i)


@njit(cache=True)
def look(s, now, shares, cohorts, teach, cell_, ring, live, f):
    """Mass of a cell that could have been reported; how much mass the cohorts have that may still be reported of.

    What of each of these cohorts could have been reported goes into live[f, teach].
    """
    waiting = 0.0
    fresh = 0.0
    for h in range(live.shape[2]):
        live[f, teach, h] = 0.0
    back, mass = now - cell_[s].bin, cell_[s].mass / UNIT
    p = cell_[s].ring_at
    if cell_[s].bin < 0:
        return 0.0, 0.0
    while back < cohorts.shape[0] and cohorts[back] >= 0:
        part = mass * shares[teach, back]
        live[f, teach, cohorts[back]] += part
        waiting += mass - part
        fresh += mass
        if ring[s, p].bin < 0:
            break
        back, mass = now - ring[s, p].bin, ring[s, p].mass / UNIT
        p -= 1
        if p < 0:
            p = BINS - 1
    return cell_[s].total / UNIT - waiting, fresh


@njit(cache=True)
def cohort(b, time):
    """Which cohort of exposures a bin belongs to. No division: `look` asks for each bin."""
    return int(b * time[2] + 1e-9)


@njit(cache=True, inline="always")
def _cohort_of(case_of, i, told, teach):
    """The cohort of a case among reports that take as long as those of row `teach`."""
    return case_of[i, 0 if told[teach, 0] >= 1.0 else 1]


@njit(cache=True)
def _cohort_mass(s, which, cell_, ring, time):
    """Mass of a cell in one cohort, or -1 where that was forgotten."""
    found = 0.0
    b, mass = cell_[s].bin, float(cell_[s].mass) / UNIT
    p = cell_[s].ring_at
    for _ in range(BINS + 1):
        if b < 0:
            return found
        h = cohort(b, time)
        if h < which:
            return found
        if h == which:
            found += mass
        b, mass = ring[s, p].bin, float(ring[s, p].mass) / UNIT
        p -= 1
        if p < 0:
            p = BINS - 1
    return -1.0


@njit(cache=True)
def _case_key(cell_number, k, v, part_of, part_dims, part_n):
    key = (np.uint64(cell_number + 1) << np.uint64(6)) | np.uint64(part_of[k])
    for j in range(3):
        key = (key << np.uint64(10)) | np.uint64(v[part_dims[k, j]] + 1 if j < part_n[k] else 0)
    return key


@njit(cache=True)
def new_scratch(n_c, n_grids, n_told, n_live):
    return (
        np.full(n_c, -1, np.int64), np.zeros(n_c), np.ones(n_c), np.ones(n_c), np.ones(n_c), np.zeros(n_c), np.zeros(n_c),
        np.ones(n_c), np.zeros(n_c), np.full(n_grids, -1, np.int64), np.zeros((n_grids, n_told)), np.zeros(64, np.int64),
        np.zeros((n_grids, n_told, n_live)), np.zeros(n_grids), np.zeros((n_told, BINS + 1)), np.zeros(BINS + 1, np.int64),
    )  # fmt: skip


@njit(cache=True)
def describe(rows, i, t, time, told, told_of, grids, cells, cuboids, slices, rates, add, scratch):
    """The slices that a case falls into, and for each: mass so far, usual rate, share of what its rate depends on.

    How much more or less than exposures explain is usual in a slice is learned for single values; for pairs beyond
    their values; for triples beyond their pairs.
    """
    spec, dense, keys, values, used = grids
    cell_, ring = cells
    depth, grid_of, part_of, part_dims, part_n, singles, pairs, prior, teller, needs = cuboids
    s_keys, s_values, s_used, slice_ = slices
    strength, inverse_shape, shares, share_at, forget, unsure, level, disp1, disp2 = rates
    (
        sl,
        mass,
        theta,
        usual,
        q,
        shape,
        weight,
        ratio2,
        share,
        cell_of,
        now_mass,
        v,
        live,
        fresh,
        shares_now,
        cohorts_now,
    ) = scratch
    width, unit, of_unit = time
    now = int(t // width)
    look_back(now, t, time, told, live.shape[2], shares_now, cohorts_now)
    unknown = take_row(rows, i, v)
    for f in range(len(spec)):
        cell_of[f] = cell(f, v, unknown, spec, dense, keys, values, used)
        for k in range(len(told)):
            now_mass[f, k] = -1.0
    everything = float(max(cell_[cell_of[0]].total, 1)) if cell_of[0] >= 0 else 1.0
    for k in range(len(depth)):
        sl[k] = -1
        s = cell_of[grid_of[k]]
        if s < 0:
            continue
        if needs[k] & unknown:
            continue
        key = _case_key(s, k, v, part_of, part_dims, part_n)
        before = s_used[0]
        x = find(s_keys, s_values, key, s_used, add)
        if x < 0:
            continue
        sl[k] = x
        if x == before:
            slice_[x].cell = s
            slice_[x].cuboid = k
            slice_[x].settled = cohort(cell_[s].born, time) - 1
            slice_[x].head = -1
            slice_[x].near = 1.0
        qk = 1.0
        for j in range(part_n[k]):
            d = part_dims[k, j]
            qk *= shares[share_at[d] + v[d]]
        q[k] = qk
        g = grid_of[k]
        teach = 0
        if teller[k] >= 0:
            teach = told_of[share_at[teller[k]] + v[teller[k]]]
        if now_mass[g, teach] < 0.0:
            now_mass[g, teach], fresh[g] = look(s, now, shares_now, cohorts_now, teach, cell_, ring, live, g)
        mass[k] = now_mass[g, teach]
        share[k] = min(cell_[s].total / everything, 1.0) * qk
        weight[k] = prior[k] * share[k] * unit / 24.0
        slice_[x].q = qk
        slice_[x].teach = teach
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
    """Exponential, right to nine digits; beyond +-700 what it is there."""
    x = min(max(x, -700.0), 700.0)
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    r = x - (shifted - 6755399441055744.0) * 0.6931471805599453
    p = 1.0 + r * (
        1.0 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040 + r / 40320))))))
    )
    return p * _of_bits((_bits(shifted) + 1023) << 52)


@njit(cache=True, error_model="numpy", fastmath={"contract", "nnan", "ninf", "nsz", "arcp"})
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
        r[i] = (x + there[i] * weight[i]) * fast_exp((p[i] + n[i]) * z + n[i] * log_ratio + there[i] * log_forget)


@njit(cache=True, error_model="numpy", fastmath={"contract", "nnan", "ninf", "nsz", "arcp"})
def weigh_live(count, ratio, forget, n, m, p, weight, r, out):
    """Add evidence of a ratio, carried on over the cohorts that may still be reported of (n, m: cohorts x slices)."""
    log_ratio, log_forget = log(ratio), log(forget)
    for h in range(n.shape[0]):
        n_h, m_h = n[h], m[h]
        for i in range(count):
            z = fast_log((p[i] + m_h[i]) / (p[i] + ratio * m_h[i]))
            r[i] = (r[i] + weight[i]) * fast_exp((p[i] + n_h[i]) * z + n_h[i] * log_ratio + log_forget)
    for i in range(count):
        out[i] += r[i]


@njit(cache=True)
def settle(x, before, near, s, upto, slices, log_, cells, time, buffer, found):
    """Masses of the cohorts of a slice that nobody reports of any more, up to and with `before`.

    `buffer` gets the rows of those with cases, the first one first, `found` what one cohort without cases has.
    Returns how many rows there are.
    """
    s_keys, s_values, s_used, slice_ = slices
    log_rows, l_used = log_
    cell_, ring = cells
    last = slice_[x].settled
    gap = before - last
    whole = max(upto - slice_[x].upto, 0.0)
    y = slice_[x].head
    while y >= 0 and log_rows[y].cohort > before:
        y = log_rows[y].prev
    n = 0
    z = y
    while z >= 0 and log_rows[z].cohort > last:
        n += 1
        z = log_rows[z].prev
    for j in range(n - 1, -1, -1):
        buffer[j] = y
        y = log_rows[y].prev
    rest = whole
    for j in range(n):
        y = buffer[j]
        m = whole if gap == 1 else -1.0
        if m < 0.0 and log_rows[y].cohort > before - near:
            m = _cohort_mass(s, log_rows[y].cohort, cell_, ring, time)
        if m < 0.0:
            m = whole / gap
        m = min(m, rest)
        rest -= m
        log_rows[y].m = m
    quiet = rest / (gap - n) if gap > n else 0.0
    reached = slice_[x].upto
    for j in range(n):
        y = buffer[j]
        reached += (log_rows[y].cohort - last - 1) * quiet + log_rows[y].m
        log_rows[y].upto = reached
        last = log_rows[y].cohort
    slice_[x].settled = before
    slice_[x].upto = upto
    found[0] = quiet
    return n


@njit(cache=True)
def add_case(x, which, counts, slices, log_):
    """Count a case of a cohort in a slice."""
    s_keys, s_values, s_used, slice_ = slices
    log_rows, l_used = log_
    later = -1
    y = slice_[x].head
    while y >= 0 and log_rows[y].cohort > which:
        later = y
        y = log_rows[y].prev
    if y < 0 or log_rows[y].cohort < which:
        new = l_used[0]
        l_used[0] += 1
        log_rows[new].prev, log_rows[new].cohort, log_rows[new].n = y, which, 0.0
        log_rows[new].m, log_rows[new].upto = 0.0, 0.0
        if later < 0:
            slice_[x].head = new
        else:
            log_rows[later].prev = new
        y = new
    log_rows[y].n += counts


@njit(cache=True)
def _new_cell(f, code, v, spec, dense, keys, values, used):
    """Number for a combination that was not found in the dense table: a new one there, or what the hash table says."""
    if spec[f, 0] >= 0:
        dense[code] = used[0]
        used[0] += 1
        return dense[code]
    key = _hashed(f, v[spec[f, 1]], v[spec[f, 3]], v[spec[f, 5]], spec)
    return find(keys, values, key, used, True)


@njit(cache=True)
def feed(first, b, before, until, times, rows, weight, capacity, v, spec, dense, keys, values, used, cell_, ring):
    """Add exposures before one hour and not after another to their cells, in bin b. Index reached; cells ran out?"""
    e = first
    # Written out, not calling `cell`: handing arrays over costs ten times as much as the sum.
    while e < len(times) and times[e] < before and times[e] <= until:
        if used[0] + len(spec) >= capacity:
            return e, True
        w = weight[e]
        unknown = 0
        for d in range(rows.shape[1]):
            v[d] = rows[e, d]
            if v[d] < 0:
                unknown |= 1 << d
        for f in range(len(spec)):
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
                    cell_[s].bin = -1
                    cell_[s].ring_at = BINS - 1
                    for p in range(BINS):
                        ring[s, p].bin = -1
            if cell_[s].bin != b:
                if cell_[s].bin >= 0:
                    p = cell_[s].ring_at + 1
                    if p == BINS:
                        p = 0
                    ring[s, p].mass = cell_[s].mass
                    ring[s, p].bin = cell_[s].bin
                    cell_[s].ring_at = p
                else:
                    cell_[s].born = b
                cell_[s].bin = b
                cell_[s].mass = 0
            cell_[s].mass += w
            cell_[s].total += w
        e += 1
    return e, False


@njit(cache=True)
def advance(
    position, ex_t, ex_rows, ex_w, case_t, case_rows, case_of, until, time, told, told_of, grids, cells, capacity, cuboids,
    slices, n_live, log_, rates, totals, open_codes, open_weight, limit, fitted, claimed, out_slices, out_evidence,
):  # fmt: skip
    """Take exposures and cases in order of time until something is to be decided outside.

    Returns DONE, DAY_ENDED, CELLS_FULL, ALARM (position[1] is the case after the one that brought it) or SLICES_FULL.
    """
    spec, dense, keys, values, used = grids
    cell_, ring = cells
    depth, grid_of, part_of, part_dims, part_n, singles, pairs, prior, teller, needs = cuboids
    s_keys, s_values, s_used, slice_ = slices
    log_rows, l_used = log_
    strength, inverse_shape, shares, share_at, forget, unsure, level, disp1, disp2 = rates
    width, unit, of_unit = time
    n_c = len(depth)
    n_ex, n_ca = len(ex_t), len(case_t)
    scratch = new_scratch(n_c, len(spec), len(told), n_live)
    (
        sl,
        mass,
        theta,
        usual,
        q,
        shape,
        weight,
        ratio2,
        share,
        cell_of,
        now_mass,
        v,
        live,
        fresh,
        shares_now,
        cohorts_now,
    ) = scratch
    into = np.zeros(n_c, np.int64)
    lanes = np.zeros((7, n_c))
    sums = np.zeros((6, n_c))
    settled, rows, quiet = np.zeros(n_c, np.int64), np.zeros(n_c, np.int64), np.zeros(n_c)
    buffers = np.zeros((n_c, n_live + 2), np.int64)
    live_n, live_m = np.zeros((n_live, n_c)), np.zeros((n_live, n_c))
    one = np.zeros(1)
    e, i = position[0], position[1]
    b = position[2]
    day = position[3]
    while e < n_ex or i < n_ca:
        te = ex_t[e] if e < n_ex else np.inf
        tc = case_t[i] if i < n_ca else np.inf
        t = min(te, tc)
        if t >= until:
            break
        nb = int(t // width)
        if nb != b:
            b = nb
            position[2] = b
        if int(t // 24.0) != day:
            day = int(t // 24.0)
            position[0], position[1], position[3] = e, i, day
            return DAY_ENDED
        if te <= tc:
            before = min((b + 1) * width, (day + 1) * 24.0, until)
            e, full = feed(
                e, b, before, tc, ex_t, ex_rows, ex_w, capacity, v, spec, dense, keys, values, used, cell_, ring
            )
            if full:
                position[0], position[1] = e, i
                return CELLS_FULL
            continue
        # a case
        if s_used[0] + n_c >= len(slice_) or l_used[0] + n_c >= len(log_rows):
            position[0], position[1] = e, i
            return SLICES_FULL
        hit = -1
        for o in range(len(open_codes)):
            same = True
            for d in range(open_codes.shape[1]):
                if open_codes[o, d] >= 0 and open_codes[o, d] != case_rows[i, d]:
                    same = False
                    break
            if same:
                hit = o
                break
        counts = 1.0 if hit < 0 else open_weight[hit]
        claimed[i] = hit
        totals[0] += 1.0
        describe(case_rows, i, t, time, told, told_of, grids, cells, cuboids, slices, rates, True, scratch)
        first = cohort(b, time) - n_live + 1
        # What cohorts that nobody reports of any more make of the evidence: first what is to be weighed ...
        n_old = 0
        most = 0
        for k in range(n_c):
            x = sl[k]
            if x < 0:
                continue
            rise = q[k] * (mass[k] - slice_[x].mass_last)
            slice_[x].e_all += rise * usual[k]
            slice_[x].e_near += rise
            slice_[x].mass_last = mass[k]
            slice_[x].n_all += 1
            slice_[x].n_near += 1
            last = slice_[x].settled
            if last < first - 1:
                f = grid_of[k]
                s = np.int64(slice_[x].cell)
                upto = cell_[s].total / UNIT - fresh[f]
                n = settle(x, first - 1, n_live, s, upto, slices, log_, cells, time, buffers[n_old], one)
                if (
                    depth[k] == 1
                    and fitted
                    and first - 1 - last == 1
                    and q[k] * theta[k] * max(one[0], log_rows[buffers[n_old, 0]].m if n else 0.0) > 0.3
                ):
                    mm = q[k] * theta[k] * (log_rows[buffers[n_old, 0]].m if n else one[0])
                    seen = log_rows[buffers[n_old, 0]].n if n else 0.0
                    disp1[k] += min((seen - mm) ** 2, 16.0 * (mm + mm * mm * 0.1)) - mm
                    disp2[k] += mm * mm
                into[n_old], settled[n_old], rows[n_old], quiet[n_old] = k, last, n, one[0]
                most = max(most, n + 1)
                n_old += 1
            slice_[x].spare -= counts
            add_case(x, max(_cohort_of(case_of, i, told, slice_[x].teach), first), counts, slices, log_)
        # ... then all of it at once, which the processor does many times as fast
        for turn in range(most):
            for h in range(n_old):
                k = into[h]
                c = q[k] * theta[k]
                y = buffers[h, turn] if turn < rows[h] else -1
                end = log_rows[y].cohort if y >= 0 else first
                lanes[0, h] = log_rows[y].n if y >= 0 else 0.0
                lanes[1, h] = c * log_rows[y].m if y >= 0 else 0.0
                lanes[2, h] = end - settled[h] - 1
                lanes[3, h] = c * quiet[h]
                lanes[4, h] = shape[k]
                lanes[5, h] = weight[k]
                lanes[6, h] = 1.0 if y >= 0 else 0.0
                settled[h] = end if y >= 0 else first - 1
                for j in range(6):
                    sums[j, h] = slice_[sl[k]].evidence[j]
            for j in range(6):
                carry(n_old, RATIOS[j], forget[j], lanes, sums, j)
            for h in range(n_old):
                for j in range(6):
                    slice_[sl[into[h]]].evidence[j] = sums[j, h]
        best = 0.0
        n_now = 0
        if hit < 0 and fitted:
            for k in range(n_c):
                out_evidence[k] = 0.0
                x = sl[k]
                if x < 0:
                    continue
                if slice_[x].spare >= 0.0:
                    continue
                c = q[k] * theta[k]
                for h in range(n_live):
                    live_n[h, n_now] = 0.0
                    live_m[h, n_now] = c * live[grid_of[k], slice_[x].teach, h]
                y = slice_[x].head
                while y >= 0 and log_rows[y].cohort >= first:
                    live_n[log_rows[y].cohort - first, n_now] = log_rows[y].n
                    y = log_rows[y].prev
                into[n_now] = k
                lanes[4, n_now] = shape[k]
                lanes[5, n_now] = weight[k]
                lanes[6, n_now] = 0.0
                for j in range(6):
                    sums[j, n_now] = slice_[x].evidence[j]
                n_now += 1
            for j in range(6):
                weigh_live(n_now, RATIOS[j], forget[j], live_n, live_m, lanes[4], lanes[5], sums[j], lanes[6])
            for h in range(n_now):
                k = into[h]
                out_evidence[k] = lanes[6, h] / 6.0
                best = max(best, out_evidence[k])
                # A case makes evidence of a ratio at most so many times as large: until then nobody need look.
                spare = 1.0
                for _ in range(MOST_SPARE):
                    bound = 0.0
                    for j in range(6):
                        bound += (sums[j, h] + (n_live + 1) * weight[k]) * exp(spare * LOG_RATIOS[j])
                    if bound >= 6.0 * limit:
                        break
                    spare += 1.0
                slice_[sl[k]].spare = spare - 1.0
        i += 1
        if best >= limit and fitted:
            for k in range(n_c):
                out_slices[k] = sl[k]
                if sl[k] < 0:
                    out_evidence[k] = 0.0
            position[0], position[1] = e, i
            return ALARM
    position[0], position[1] = e, i
    return DONE


@njit(cache=True)
def score(x, c, p, first, oldest, slices, log_, live, ratios, out):
    """Best log likelihood ratio of a lasting rise that began with a cohort of which a case came.

    `out` gets that cohort, the ratio, the cases since and how many of them were expected.
    """
    s_keys, s_values, s_used, slice_ = slices
    log_rows, l_used = log_
    best = -1e18
    for ratio in ratios:
        lr = log(ratio)
        ll = 0.0
        n_sum = 0.0
        m_sum = 0.0
        y = slice_[x].head
        for h in range(len(live) - 1, -1, -1):
            m = c * live[h]
            z = log((p + m) / (p + ratio * m))
            ll += p * z
            m_sum += m
            if y >= 0 and log_rows[y].cohort == first + h:
                ll += log_rows[y].n * (lr + z)
                n_sum += log_rows[y].n
                if ll > best and log_rows[y].n > 0.0:
                    best = ll
                    out[0], out[1], out[2], out[3] = first + h, ratio, n_sum, m_sum
                y = log_rows[y].prev
        last, upto = slice_[x].settled, slice_[x].upto
        while y >= 0 and log_rows[y].cohort >= oldest:
            gap = last - log_rows[y].cohort
            if gap > 0:
                m = c * max(upto - log_rows[y].upto, 0.0) / gap
                ll += gap * p * log((p + m) / (p + ratio * m))
                m_sum += gap * m
            m = c * log_rows[y].m
            z = log((p + m) / (p + ratio * m))
            ll += p * z + log_rows[y].n * (lr + z)
            n_sum += log_rows[y].n
            m_sum += m
            if ll > best and log_rows[y].n > 0.0:
                best = ll
                out[0], out[1], out[2], out[3] = log_rows[y].cohort, ratio, n_sum, m_sum
            last, upto = log_rows[y].cohort - 1, log_rows[y].upto - log_rows[y].m
            y = log_rows[y].prev
    return best


@njit(cache=True)
def score_case(rows, i, t, time, n_live, told, told_of, grids, cells, cuboids, slices, log_, rates, oldest, ratios, out):  # fmt: skip
    """For every cuboid: slice, score with the prior, log likelihood ratio, onset, ratio, cases, expected, usual rate."""
    spec, dense, keys, values, used = grids
    depth, grid_of, part_of, part_dims, part_n, singles, pairs, prior, teller, needs = cuboids
    s_keys, s_values, s_used, slice_ = slices
    cell_, ring = cells
    scratch = new_scratch(len(depth), len(spec), len(told), n_live)
    describe(rows, i, t, time, told, told_of, grids, cells, cuboids, slices, rates, False, scratch)
    (
        sl,
        mass,
        theta,
        usual,
        q,
        shape,
        weight,
        ratio2,
        share,
        cell_of,
        now_mass,
        v,
        live,
        fresh,
        shares_now,
        cohorts_now,
    ) = scratch
    first = cohort(int(t // time[0]), time) - n_live + 1
    found = np.zeros(4)
    for k in range(len(sl)):
        x = sl[k]
        out[k, 0] = x
        if x < 0:
            out[k, 1] = -1e18
            continue
        c = q[k] * theta[k]
        ll = score(x, c, shape[k], first, oldest, slices, log_, live[grid_of[k], slice_[x].teach], ratios, found)
        out[k, 1] = ll + log(max(weight[k], 1e-300))
        out[k, 2] = ll
        out[k, 3], out[k, 4], out[k, 5], out[k, 6] = found[0], found[1], found[2], found[3]
        out[k, 7] = c


@njit(cache=True)
def members(rows, case_of, taken, code, since):
    """Indices of cases in a slice, of a cohort or later, that no signal took. `code`: a value of each dimension, or -1."""
    out = np.empty(len(rows), np.int64)
    n = 0
    for i in range(len(rows)):
        if taken[i] >= 0 or case_of[i] < since:
            continue
        same = True
        for d in range(len(code)):
            if code[d] >= 0 and rows[i, d] != code[d]:
                same = False
                break
        if same:
            out[n] = i
            n += 1
    return out[:n]


@njit(cache=True)
def explain_away(rows, case_of, amount, t, time, n_live, told, told_of, grids, cells, cuboids, slices, log_, rates, oldest):  # fmt: skip
    """Take cases that a signal explains out of the evidence of all slices they fall into, but for the part 1 - amount."""
    spec, dense, keys, values, used = grids
    depth = cuboids[0]
    s_keys, s_values, s_used, slice_ = slices
    log_rows, l_used = log_
    forget = rates[4]
    scratch = new_scratch(len(depth), len(spec), len(told), n_live)
    (
        sl,
        mass,
        theta,
        usual,
        q,
        shape,
        weight,
        ratio2,
        share,
        cell_of,
        now_mass,
        v,
        live,
        fresh,
        shares_now,
        cohorts_now,
    ) = scratch
    lanes = np.zeros((7, 1))
    sums = np.zeros((6, 1))
    order = np.empty(1000, np.int64)
    for turn in range(2):
        for i in range(len(rows)):
            describe(rows, i, t, time, told, told_of, grids, cells, cuboids, slices, rates, False, scratch)
            for k in range(len(sl)):
                x = sl[k]
                if x < 0:
                    continue
                if turn == 0:
                    which = _cohort_of(case_of, i, told, slice_[x].teach)
                    y = slice_[x].head
                    while y >= 0 and log_rows[y].prev >= 0 and log_rows[log_rows[y].prev].cohort >= which:
                        y = log_rows[y].prev
                    if y >= 0 and log_rows[y].cohort >= which:
                        log_rows[y].n = max(log_rows[y].n - amount, 0.0)
                    continue
                n = 0
                y = slice_[x].head
                while y >= 0 and log_rows[y].cohort >= oldest and n < len(order):
                    if log_rows[y].cohort <= slice_[x].settled:
                        order[n] = y
                        n += 1
                    y = log_rows[y].prev
                c = q[k] * theta[k]
                sums[:] = 0.0
                lanes[4, 0], lanes[5, 0] = shape[k], weight[k]
                last, upto = -1, 0.0
                for h in range(n - 1, -2 if n else -1, -1):
                    y = order[max(h, 0)]
                    lanes[0, 0], lanes[1, 0] = log_rows[y].n, c * log_rows[y].m
                    end, start = log_rows[y].cohort, log_rows[y].upto - log_rows[y].m
                    lanes[6, 0] = 1.0
                    if h < 0:
                        lanes[0, 0] = lanes[1, 0] = lanes[6, 0] = 0.0
                        end, start = slice_[x].settled + 1, slice_[x].upto
                    gap = end - last - 1 if h < n - 1 else 0
                    lanes[2, 0] = gap
                    lanes[3, 0] = c * max(start - upto, 0.0) / max(gap, 1)
                    for j in range(6):
                        carry(1, RATIOS[j], forget[j], lanes, sums, j)
                    last, upto = end, log_rows[y].upto
                for j in range(6):
                    slice_[x].evidence[j] = sums[j, 0]


@njit(cache=True)
def catch_up(t, width, told, cells, slices):
    """Bring what was expected in every slice up to an hour, whether or not cases came."""
    cell_, ring = cells
    s_keys, s_values, s_used, slice_ = slices
    for x in range(s_used[0]):
        mass = reported(np.int64(slice_[x].cell), t, width, told, np.int64(slice_[x].teach), cell_, ring)
        rise = slice_[x].q * (mass - slice_[x].mass_last)
        slice_[x].e_all += rise * slice_[x].usual
        slice_[x].e_near += rise
        slice_[x].mass_last = mass


@njit(cache=True)
def fit_effects(rows, weight, counts, starts, shrink, rounds):
    """Multiplicative effects of the values of each dimension, by iterative proportional fitting, shrunk towards 1."""
    effects = np.ones(len(counts))
    expected = np.zeros(len(counts))
    mass = weight.copy()
    n, dims = rows.shape
    for _ in range(rounds):
        for d in range(dims):
            first, end = starts[d], starts[d + 1]
            expected[first:end] = 0.0
            for i in range(n):
                if rows[i, d] >= 0:
                    expected[first + rows[i, d]] += mass[i]
            for j in range(first, end):
                expected[j] = (counts[j] + shrink) / (expected[j] + shrink)
                effects[j] *= expected[j]
            for i in range(n):
                if rows[i, d] >= 0:
                    mass[i] *= expected[first + rows[i, d]]
    return effects


@njit(cache=True)
def hash_cells(numbers, cell_, spec, keys, values):
    """Enter cells whose grid has outgrown its table into the hash table; those that are there already stay."""
    mask = np.uint64(len(keys) - 1)
    for s in numbers:
        f = cell_[s].grid
        key = _hashed(f, cell_[s].of[0], cell_[s].of[1], cell_[s].of[2], spec)
        i = _mixed(key) & mask
        while keys[i] != np.uint64(0) and keys[i] != key:
            i = (i + np.uint64(1)) & mask
        keys[i] = key
        values[i] = s
