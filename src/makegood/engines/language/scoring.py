"""How good are answers, and are their probabilities true? The figures of the triage report and of its benchmark."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 15


class Score(NamedTuple):
    """Shares of 1. `accuracy` is of the texts that were answered; macro-F1 is over all, silence counts as a miss."""

    texts: int
    coverage: float
    accuracy: float
    macro_f1: float


class Bin(NamedTuple):
    """Answers of about the same probability: how many, their mean probability, the share that was right."""

    lower: float
    upper: float
    answers: int
    said: float
    right: float


def score(truth: Sequence[str], answers: Sequence[str | None]) -> Score:
    """Compare answers (None: none given) with what was right. F1 is averaged over the reasons that `truth` holds.

    Examples
    --------
    >>> score(["a", "a", "b", "b"], ["a", "a", "b", None])
    Score(texts=4, coverage=0.75, accuracy=1.0, macro_f1=0.8333333333333333)

    """
    right = Counter(t for t, a in zip(truth, answers, strict=True) if t == a)
    seen, given = Counter(truth), Counter(a for a in answers if a is not None)
    answered, hits = sum(given.values()), sum(right.values())
    f1 = [2 * right[reason] / (seen[reason] + given[reason]) for reason in seen]
    return Score(
        texts=len(truth),
        coverage=answered / len(truth) if truth else 0.0,
        accuracy=hits / answered if answered else 0.0,
        macro_f1=sum(f1) / len(f1) if f1 else 0.0,
    )


def reliability(probability: ArrayLike, right: ArrayLike, *, bins: int = BINS) -> list[Bin]:
    """Answers gathered into bins of equal width by their probability; empty bins are left out.

    Parameters
    ----------
    probability : array-like of shape (n_answers,)
        Of each answer, 0 to 1.
    right : array-like of shape (n_answers,), bool
        Was it right?

    """
    said: NDArray[Any] = np.asarray(probability, float)
    hit: NDArray[Any] = np.asarray(right, float)
    where = np.minimum((said * bins).astype(int), bins - 1)
    return [
        Bin(n / bins, (n + 1) / bins, int(mine.sum()), float(said[mine].mean()), float(hit[mine].mean()))
        for n in range(bins)
        if (mine := where == n).any()
    ]


def calibration_error(probability: ArrayLike, right: ArrayLike, *, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of what was said from what came true, 0 (true) to 1.

    References
    ----------
    Guo, C. et al. (2017). On calibration of modern neural networks. ICML, section 2.

    Examples
    --------
    >>> calibration_error([0.75, 0.75, 0.75, 0.75], [True, True, True, False])
    0.0

    """
    found = reliability(probability, right, bins=bins)
    answers = sum(one.answers for one in found)
    return sum(one.answers * abs(one.said - one.right) for one in found) / answers if answers else 0.0
