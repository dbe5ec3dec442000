"""Tables in which the causes are known, drawn as two papers describe theirs (only the descriptions were used).

`S`, `L`: Kalander, M. (2022). RiskLoc: Localization of Multi-dimensional Root Causes by Weighted Risk. arXiv
2205.10004, section 5, with the parameters its authors publish. Values are Weibull (shape 0.5 to 1, scale 100), up to a
quarter of them zero; each is forecast with a relative error of one common size. S: five attributes of 10, 12, 10, 8 and
5 values; one to three anomalies, each of one to three elements of one cuboid of any layer; a severity of 0.2 to 1 above
the noise, with up to 0.1 of spread; noise 0 to 0.25. L: 10, 24, 10 and 15 values; one to five single leaves, severity
0.5 to 1, noise 0 to 0.1.

`B0`: Li, Z. et al. (2019). Generic and Robust Localization of Multi-Dimensional Root Causes. ISSRE. Theirs is real
traffic of 6, 36, 10 and 10 values that may not be had here; this one has its shape: volumes that are products of skewed
marginals, a third of the leaves empty, a relative residual of 0.8 % (their example instance: 0.82 %), and one to three
elements of one cuboid of layer one to three that change by one ratio. Elements with less than 0.1 % of the volume or
that a shorter description fits as well are not drawn. `B4`: the same with a residual of 12 %.

`counts` is ours: what a retailer sees. Failures of six dimensions, mostly 0 or 1 in a leaf, against as many expected
from four times the exposure before; one to three slices of one or two dimensions whose rate rose 1.5 to 6 times or fell
to 0 to 0.4.
"""

from collections.abc import Callable
from itertools import combinations
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Slice = frozenset[tuple[str, int]]
Numbers = NDArray[Any]
Random = np.random.Generator


class World(NamedTuple):
    observed: Numbers
    expected: Numbers
    attributes: dict[str, Numbers]  # the value of each leaf, as a number
    causes: frozenset[Slice]
    history: float | None = None  # counts: how many times the exposure of `observed` stands behind `expected`


def _leaves(sizes: tuple[int, ...]) -> dict[str, Numbers]:
    grid = np.indices(sizes).reshape(len(sizes), -1)
    return dict(zip("abcdefgh", grid, strict=False))


def within(attributes: dict[str, Numbers], one: Slice) -> NDArray[np.bool_]:
    """Which leaves are in a slice."""
    inside = np.ones(len(next(iter(attributes.values()))), dtype=bool)
    for name, value in one:
        inside &= attributes[name] == value
    return inside


def _riskloc(
    random: Random, sizes: tuple[int, ...], *, noise: float, severity: tuple[float, float], spread: float,
    anomalies: int, elements: int, last_layer: bool,
) -> World:  # fmt: skip
    attributes = _leaves(sizes)
    n = int(np.prod(sizes))
    level = random.uniform(0, noise)
    true = random.weibull(random.uniform(0.5, 1.0), n) * 100
    true *= random.uniform(size=n) > random.uniform(0, 0.25)
    wrong = true * (1 + random.normal(0, level, n))
    swap = random.random(n) < 0.5
    observed, expected = np.where(swap, wrong, true), np.where(swap, true, np.maximum(wrong, 0))
    drawn: list[tuple[tuple[str, ...], list[Slice], float, float]] = []
    for _ in range(random.integers(1, anomalies, endpoint=True)):
        layer = len(sizes) if last_layer else int(random.integers(1, len(sizes), endpoint=True))
        many = int(random.integers(1, elements, endpoint=True))
        size, deviation = random.uniform(*severity) + level, random.uniform(0, spread)
        names, slices = _elsewhere(random, attributes, sizes, layer, many, drawn, observed)
        drawn.append((names, slices, size, deviation))
    falls = observed.sum() <= expected.sum()
    for _names, slices, size, deviation in drawn:
        hit = np.logical_or.reduce([within(attributes, one) for one in slices])
        ratio = 1 - random.normal(size, deviation, int(hit.sum()))
        base = expected[hit] if falls else observed[hit]
        changed = np.maximum(base * ratio, 0)
        observed[hit], expected[hit] = (changed, base) if falls else (base, changed)
    return World(observed, expected, attributes, frozenset(one for drawing in drawn for one in drawing[1]))


def _elsewhere(
    random: Random, attributes: dict[str, Numbers], sizes: tuple[int, ...], layer: int, many: int,
    drawn: list[tuple[tuple[str, ...], list[Slice], float, float]], observed: Numbers,
) -> tuple[tuple[str, ...], list[Slice]]:  # fmt: skip
    """Elements of a cuboid that no anomaly before uses, none of whose values one before uses."""
    every = list(attributes)
    while True:
        names = tuple(sorted(random.choice(every, size=layer, replace=False)))
        if layer < len(sizes) and any(names == before[0] for before in drawn):
            continue
        free = []
        for name in names:
            used = {value for before in drawn for one in before[1] for other, value in one if other == name}
            free.append([value for value in range(sizes[every.index(name)]) if value not in used])
        if not all(free):
            continue
        columns = [random.choice(values, size=many) for values in free]
        slices = [frozenset(zip(names, map(int, row), strict=True)) for row in zip(*columns, strict=True)]
        if len(set(slices)) < many:
            continue
        if layer == len(sizes) and any(observed[within(attributes, one)].sum() == 0 for one in slices):
            continue
        return names, slices


def s(random: Random) -> World:
    """RiskLoc's setting S."""
    return _riskloc(random, (10, 12, 10, 8, 5), noise=0.25, severity=(0.2, 1.0), spread=0.1, anomalies=3, elements=3,
                    last_layer=False)  # fmt: skip


def l(random: Random) -> World:  # noqa: E743  its name
    """RiskLoc's setting L."""
    return _riskloc(random, (10, 24, 10, 15), noise=0.1, severity=(0.5, 1.0), spread=0.0, anomalies=5, elements=1,
                    last_layer=True)  # fmt: skip


def _squeeze(random: Random, residual: float) -> World:
    sizes = (6, 36, 10, 10)
    attributes = _leaves(sizes)
    n = int(np.prod(sizes))
    volume = np.ones(n)
    for name, size in zip(attributes, sizes, strict=True):
        volume *= np.exp(random.normal(0, 1.2, size))[attributes[name]]
    volume *= np.exp(random.normal(0, 0.3, n)) * 50 / np.median(volume)
    a, b, c, _d = attributes.values()
    empty = random.random((sizes[0], sizes[1])) < 0.15
    closed = random.random((sizes[1], sizes[2])) < 0.2
    volume[empty[a, b] | closed[b, c]] = 0
    expected = np.where(volume < 0.2, 0, volume)
    sigma = residual * np.sqrt(np.pi / 2)  # so that the mean absolute residual is `residual`
    observed = np.maximum(expected * (1 + random.normal(0, sigma, n)), 0)
    layer, many = int(random.integers(1, 4)), int(random.integers(1, 4))
    names = tuple(sorted(random.choice(list(attributes), size=layer, replace=False)))
    weights = expected / expected.sum()
    slices: set[Slice] = set()
    while len(slices) < many:
        one = frozenset((name, int(random.integers(sizes[list(attributes).index(name)]))) for name in names)
        inside = within(attributes, one)
        if weights[inside].sum() < 0.001 or not _shortest(attributes, expected, one, inside):
            continue
        slices.add(one)
    ratio = random.uniform(0.1, 0.9) if random.random() < 0.5 else 1 / random.uniform(0.1, 0.9)
    hit = np.logical_or.reduce([within(attributes, one) for one in slices])
    observed[hit] *= ratio
    return World(observed, expected, attributes, frozenset(slices))


def _shortest(attributes: dict[str, Numbers], expected: Numbers, one: Slice, inside: NDArray[np.bool_]) -> bool:
    filled = int((expected[inside] > 0).sum())
    return all(
        int((expected[within(attributes, one - {part})] > 0).sum()) > filled for part in one if len(one) > 1
    )  # fmt: skip


def b0(random: Random) -> World:
    """Squeeze's B0, its shape."""
    return _squeeze(random, 0.008)


def b4(random: Random) -> World:
    """The same with a residual of 12 %."""
    return _squeeze(random, 0.12)


def counts(random: Random) -> World:
    """Failures counted in two periods, as a retailer has them."""
    sizes, n, history = (8, 4, 12, 20, 6, 7), 60_000, 4.0
    shares = [random.dirichlet(np.full(size, 1.5)) for size in sizes]
    attributes = {
        name: random.choice(size, size=n, p=share)
        for name, size, share in zip("abcdef", sizes, shares, strict=False)
    }  # fmt: skip
    exposure = random.gamma(0.7, 1.0, n)
    rate = 0.05 * np.exp(sum(random.normal(0, 0.3, size)[attributes[name]]
                             for name, size in zip(attributes, sizes, strict=True)))  # fmt: skip
    usual = exposure * rate
    ratio = np.ones(n)
    slices: set[Slice] = set()
    many = int(random.integers(1, 4))
    pairs = [*combinations(attributes, 1), *combinations(attributes, 2)]
    while len(slices) < many:
        names = pairs[random.integers(len(pairs))]
        one = frozenset((name, int(random.integers(sizes[list(attributes).index(name)]))) for name in names)
        inside = within(attributes, one)
        if usual[inside].sum() < 15 or (ratio[inside] != 1).any():
            continue
        ratio[inside] = random.uniform(1.5, 6) if random.random() < 0.7 else random.uniform(0, 0.4)
        slices.add(one)
    expected = random.poisson(usual * history) / history
    return World(random.poisson(usual * ratio).astype(float), expected, attributes, frozenset(slices), history)


WORLDS: Final[dict[str, Callable[[Random], World]]] = {"S": s, "L": l, "B0": b0, "B4": b4, "counts": counts}
