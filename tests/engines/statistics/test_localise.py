from collections.abc import Sequence
from itertools import combinations
from math import comb, inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makegood.engines.statistics import localise

PRICE, PER_ATTRIBUTE, CARRIED, TIE = 3.0, 0.5, 0.25, 1e-9


def plainly(  # noqa: C901, PLR0915  all rules in one place
    observed: Sequence[float],
    expected: Sequence[float],
    columns: dict[str, Sequence[int]],
    history: float,
    everything: bool = True,
    rows: Sequence[int] = (),
) -> list[dict[str, int]]:
    """The slices, found by asking every conjunction about every row, each time anew."""
    rows = rows or [i for i in range(len(observed)) if observed[i] or expected[i]]

    def times_log(count: float, ratio: float) -> float:
        return 0.0 if not count else count * log(ratio) if ratio else -inf

    def ratio_fits(some: list[int], like: list[int]) -> float:
        """Log likelihood of `some` at the ratio of `like`, against no change."""
        seen, due = sum(observed[i] for i in some), sum(expected[i] for i in some)
        now, usual = sum(observed[i] for i in like), sum(expected[i] for i in like)
        if history == inf:
            usual = max(usual, 1e-9)
            return times_log(seen, now / usual) - due * (now - usual) / usual
        both = max(now + history * usual, 1e-9) / (1 + history)
        return times_log(seen, now / both) + times_log(history * due, usual / both)

    def evidence(some: list[int]) -> float:
        return max(0.0, ratio_fits(some, some))

    def fits(row: int, one: dict[str, int]) -> bool:
        return all(columns[name][row] == value for name, value in one.items())

    def cost(names: Sequence[str]) -> float:
        there = {tuple(columns[name][i] for name in columns if name in names) for i in rows}
        return PRICE + log(comb(len(columns), len(names)) * len(there)) + PER_ATTRIBUTE * len(names)

    def split(one: dict[str, int], some: list[int], name: str) -> tuple[float, int]:
        values = sorted({columns[name][i] for i in some})
        parts = {value: [i for i in some if columns[name][i] == value] for value in values}
        changed = parts
        for _ in range(3):
            like = [i for part in changed.values() for i in part]
            misfit = {value: -ratio_fits(part, like) for value, part in parts.items()}
            changed = {value: part for value, part in parts.items() if misfit[value] <= TIE}
            if not changed:
                return 0.0, -1
        most = max(evidence(part) for part in changed.values())
        strongest = next(value for value, part in changed.items() if evidence(part) >= most - TIE)
        together = [i for part in changed.values() for i in part]
        if evidence(changed[strongest]) <= cost([*one, name]) or evidence(together) < CARRIED * evidence(some):
            return 0.0, -1
        gain = sum(value for value in misfit.values() if value > 0)
        return gain - (len(changed) - 1) * cost([*one, name]) - PER_ATTRIBUTE, strongest

    def narrowed(one: dict[str, int], some: list[int]) -> tuple[dict[str, int], list[int]]:
        best_gain, best = 0.0, None
        for name in [name for name in columns if name not in one]:
            gain, value = split(one, some, name)
            if gain > best_gain + TIE:
                best_gain, best = gain, (name, value)
        if best is None:
            return one, some
        name, value = best
        return narrowed(one | {name: value}, [i for i in some if columns[name][i] == value])

    def strongest(left: list[int]) -> dict[str, int] | None:
        best_worth, best = 0.0, None
        for depth in range(0 if everything else 1, len(columns) + 1):
            for names in combinations(columns, depth):
                for values in sorted({tuple(columns[name][i] for name in names) for i in left}):
                    one = dict(zip(names, values, strict=True))
                    worth = evidence([i for i in left if fits(i, one)]) - cost(names)
                    if worth > best_worth + TIE:
                        best_worth, best = worth, one
        return best

    left, found = list(rows), []
    while (best := strongest(left)) is not None:
        one, some = narrowed(best, [i for i in left if fits(i, best)])
        left = [i for i in left if i not in some]
        kept = []
        for before, theirs in found:
            apart = evidence(theirs) - ratio_fits(theirs, some)
            if one.items() < before.items() and apart < cost(list(before)):
                some = sorted([*some, *theirs])
            else:
                kept.append((before, theirs))
        found = [*kept, (one, some)]
    for one, some in found:
        if not one and any(expected[i] for i in some):
            ratio = sum(observed[i] for i in some) / sum(expected[i] for i in some)
            usual = [value * ratio for value in expected]
            return [{}, *plainly(observed, usual, columns, history, everything=False, rows=rows)]
    return [one for one, _some in found]


@st.composite
def tables(draw: st.DrawFn):
    """Small tables of counts, some slices of which changed strongly; quarters add up exactly."""
    sizes = draw(st.lists(st.integers(2, 4), min_size=1, max_size=3))
    grid = np.indices(sizes).reshape(len(sizes), -1)
    n = grid.shape[1]
    columns = {name: grid[i].tolist() for i, name in enumerate("abc"[: len(sizes)])}
    expected = np.array(draw(st.lists(st.integers(0, 120), min_size=n, max_size=n))) / 4
    observed = np.array(draw(st.lists(st.integers(0, 25), min_size=n, max_size=n)), dtype=float)
    if draw(st.booleans()):
        observed = np.round(expected)
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from(list(columns)))
        inside = np.array(columns[name]) == draw(st.integers(0, 1))
        observed[inside] = np.round(observed[inside] * draw(st.sampled_from([0, 0.25, 3, 8])))
    return observed.tolist(), expected.tolist(), columns


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from([inf, 1.0, 4.0]))
def test_it_finds_what_asking_every_slice_finds(table, history: float):
    observed, expected, columns = table
    found = localise(observed, expected, columns, counts=True, history=history, most=100)  # of 64 rows: all
    told = sorted(sorted(cause.slice.items()) for cause in found.causes)
    assert told == sorted(sorted(one.items()) for one in plainly(observed, expected, columns, history))


@settings(max_examples=60, deadline=None)
@given(tables(), st.booleans())
def test_causes_and_residual_add_up_and_no_row_is_told_twice(table, counts: bool):
    observed, expected, columns = table
    found = localise(observed, expected, columns, counts=counts)
    assert sum(cause.excess for cause in found.causes) + found.residual == pytest.approx(sum(observed) - sum(expected))
    claimed = [row for cause in found.causes if cause.slice for row in cause.leaves]
    assert len(claimed) == len(set(claimed))
    for cause in found.causes:
        assert cause.score > 0
        assert cause.slice or cause is found.causes[0]
        assert all(columns[name][row] == value for row in cause.leaves for name, value in cause.slice.items())


def world(seed: int, sizes: tuple[int, ...] = (6, 8, 5)):
    random = np.random.default_rng(seed)
    grid = np.indices(sizes).reshape(len(sizes), -1)
    return random, {name: np.array([f"{name}{value}" for value in grid[i]]) for i, name in enumerate("abc")}


@pytest.mark.parametrize("ratio", [0.0, 0.4, 1.8, 5.0])
@pytest.mark.parametrize(
    "planted", [{"a": "a1"}, {"b": "b3", "c": "c0"}, {"a": "a0", "b": "b0", "c": "c4"}], ids=["one", "two", "three"]
)
def test_a_planted_cause_is_named_exactly_as_values_and_as_counts(planted: dict[str, str], ratio: float):
    random, columns = world(7)
    expected = random.uniform(80, 180, 240)
    inside = np.logical_and.reduce([columns[name] == value for name, value in planted.items()])
    observed = expected * np.where(inside, ratio, 1)
    noisy = localise(observed * random.normal(1, 0.03, 240), expected, columns)
    counted = localise(random.poisson(observed), expected, columns, counts=True)
    assert [cause.slice for cause in noisy.causes] == [planted]
    assert [cause.slice for cause in counted.causes] == [planted]


def test_rises_and_falls_at_once_and_what_was_never_expected():
    random, columns = world(3)
    expected = np.full(240, 30.0)
    expected[columns["b"] == "b7"] = 0  # a shop that opened
    usual = np.where(columns["a"] == "a2", 0.3, np.where(columns["c"] == "c1", 2.0, 1.0)) * expected
    observed = random.poisson(np.where(columns["b"] == "b7", 25, usual))
    found = localise(observed, expected, columns, counts=True, history=2)
    slices = [cause.slice for cause in found.causes]
    assert all(one in slices for one in ({"b": "b7"}, {"a": "a2"}, {"c": "c1"}))
    assert [cause.excess > 0 for cause in found.causes if cause.slice in ({"b": "b7"}, {"a": "a2"}, {"c": "c1"})].count(
        False
    ) == 1


def test_where_everything_rose_that_is_the_cause():
    random, columns = world(5)
    expected = np.full(240, 20.0)
    found = localise(random.poisson(expected * 1.5), expected, columns, counts=True)
    assert [cause.slice for cause in found.causes] == [{}]
    assert found.causes[0].share == pytest.approx(1)
    assert found.residual == pytest.approx(0, abs=1e-6)


def test_what_a_slice_did_beyond_a_general_rise_is_told_too():
    random, columns = world(6)
    ratio = np.where(columns["b"] == "b3", 4.0, np.where(columns["a"] == "a5", 1.35, 1.6))
    found = localise(random.poisson(40.0 * ratio), np.full(240, 40.0), columns, counts=True)
    assert found.causes[0].slice == {}
    told = {next(iter(cause.slice.items())): cause.excess for cause in found.causes[1:]}
    assert told["b", "b3"] > 0 > told["a", "a5"]


@pytest.mark.parametrize("counts", [True, False])
def test_where_nothing_happened_hardly_ever_a_cause_is_named(counts: bool):
    named = 0
    for seed in range(200):
        random, columns = world(seed)
        expected = random.gamma(1.0, 20.0, 240)
        noise = random.poisson(expected) if counts else expected * random.normal(1, 0.1, 240)
        named += bool(localise(noise, expected, columns, counts=counts).causes)
    assert named <= 20, "of 200 quiet tables"


def test_counts_that_are_always_noisier_than_chance_name_nothing_where_that_is_learned():
    named = dict.fromkeys((1.0, None), 0)
    for seed in range(60):
        random, columns = world(seed, (12, 10, 8))
        expected = np.full(960, 8.0)
        noisy = random.poisson(expected * random.gamma(4, 1 / 4, 960))  # variance three times the mean
        for dispersion in named:
            named[dispersion] += bool(
                localise(noisy, expected, columns, counts=True, dispersion=dispersion, dimensions=2).causes
            )
    assert named[None] <= 12, "of 60; the noise is learned from thirty values"
    assert named[1.0] >= 30, "else the test tells nothing"


def test_what_is_expected_from_little_history_weighs_less():
    columns = {"store": ["Leeds", "York", "Hull", "Bath"]}
    told = [20, 8, 7, 9], [6, 8, 7, 9], columns
    assert [cause.slice for cause in localise(*told, counts=True).causes] == [{"store": "Leeds"}]
    assert localise(*told, counts=True, history=1).causes == []
    assert localise(*told, counts=True, dispersion=3).causes == []


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.permutations(range(240)), st.permutations("abc"))
def test_neither_the_order_of_rows_nor_of_attributes_nor_the_unit_matters(seed: int, order, names):
    random, columns = world(seed)
    expected = random.uniform(10, 90, 240)
    observed = expected * random.normal(1, 0.05, 240) * np.where(columns["b"] == "b2", 1.7, 1)
    shuffled = localise(observed[order] * 100, expected[order] * 100, {name: columns[name][order] for name in names})
    straight = localise(observed, expected, columns)
    assert [cause.slice for cause in shuffled.causes] == [cause.slice for cause in straight.causes]
    assert {"b": "b2"} in [cause.slice for cause in straight.causes]


def test_few_dimensions_and_few_causes_are_enough_where_somebody_says_so():
    random, columns = world(1)
    expected = np.full(240, 50.0)
    deep = (columns["a"] == "a0") & (columns["b"] == "b1")
    observed = random.poisson(expected * np.where(deep, 6, 1) * np.where(columns["c"] == "c4", 2, 1))
    assert all(
        len(cause.slice) == 1 for cause in localise(observed, expected, columns, counts=True, dimensions=1).causes
    )
    assert len(localise(observed, expected, columns, counts=True, most=1).causes) == 1


def test_nothing_at_all_has_no_cause():
    found = localise([0, 0], [0, 0], {"a": ["x", "y"]}, counts=True)
    assert (found.causes, found.residual) == ([], 0)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"observed": [1]}, "same length"),
        ({"observed": [1, float("nan")]}, "finite"),
        ({"expected": [1, -1]}, "not negative"),
        ({"observed": [1, -1]}, "not negative"),
        ({"attributes": {}}, "At least one attribute"),
        ({"attributes": {"a": ["x"]}}, "attribute a is not as long"),
        ({"history": 0}, "history"),
        ({"dispersion": 0.5}, "dispersion"),
        ({"most": 0}, "At least one cause"),
        ({"dimensions": 0}, "At least one cause"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(changed, said: str):
    told = {"observed": [1, 2], "expected": [1, 2], "attributes": {"a": ["x", "y"]}, "counts": True} | changed
    with pytest.raises(ValueError, match=said):
        localise(**told)
