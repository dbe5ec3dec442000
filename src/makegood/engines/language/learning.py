"""A reason classifier that learns from what a retailer's own people confirmed, and knows when it does not know.

Linear on purpose: it trains in seconds on one core, judges thousands of texts a second, and can say which words and
facts decided, because a score is a sum over them. Its probabilities are calibrated on cases it had not seen, later and
earlier ones, and below a threshold chosen for a stated precision it does not answer.
"""

import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize_scalar
from scipy.special import betaincinv

from makegood.engines.language.features import (
    Told,
    Word,
    fact_column,
    facts_of,
    matrix,
    weighted,
    word_columns,
    words_of,
)
from makegood.engines.language.phrasebook import readable

Floats = NDArray[Any]

FORMAT = 1
PRECISION = 0.85
OF_A_REASON, OF_ALL = 8, 60  # fewer examples are nothing to learn from
NEVER = 2.0  # a threshold that no probability reaches
RATHER = 0.5  # what is rather wrong than right is no answer, however precise the others are
_FOLDS = 5
_CONFIDENCE = 0.95
_STRETCH_FROM = 30  # fewer answers of a stretch of time say nothing about it
_SOFTNESS = 0.2  # C of the support vector machine, by macro-F1 over folds of time
_SEEN_IN = 2  # a column filled by one text alone teaches nothing
_STEPS_FROM = 300  # fewer answers make a staircase of chance
_EDGE = 0.005  # nothing is certain
_AT_ONCE = 4096
_WORDS_SHOWN, _FACTS_SHOWN, _CHOICES = 3, 2, 3
_WEIGHTY = 0.25  # of the weightiest word, or fact; what is lighter is not named


class TooFewExamples(ValueError):
    """There is not enough to learn from."""

    def __init__(self, examples: int, reasons: int) -> None:
        self.examples, self.reasons = examples, reasons
        super().__init__(
            f"{examples} examples of {reasons} reasons (each with {OF_A_REASON} or more) are too few to learn from: "
            f"{OF_ALL} examples and two reasons are needed."
        )


class Judged(NamedTuple):
    """A reason with its probability, whether that is enough to answer, and why."""

    reason: str
    probability: float
    sure: bool
    choices: tuple[tuple[str, float], ...]  # the likeliest reasons, this one first
    words: tuple[str, ...]  # of the text, as written, the weightiest first
    facts: tuple[tuple[str, str], ...]  # name and value


@dataclass(frozen=True)
class ReasonModel:
    """What was learned. Immutable; safe to share between threads.

    Attributes
    ----------
    reasons : tuple of str
        The codes it knows, sorted.
    threshold : float
        From this probability on, at least `RATHER`, it answers; `NEVER` where no threshold reached `precision`.
    against : float
        From this probability on it also contradicts the phrasebook; `NEVER` where that did no good.
    figures : mapping
        How it was trained and how it fared, as JSON values.

    """

    reasons: tuple[str, ...]
    columns: NDArray[np.int32]
    rarity: NDArray[np.float32]
    weights: NDArray[np.float32]  # (columns, reasons)
    offsets: NDArray[np.float32]
    sharpness: float
    steps_at: Floats
    steps_to: Floats
    threshold: float
    against: float
    precision: float
    figures: Mapping[str, Any] = field(default_factory=dict)

    def probabilities(self, tellings: Sequence[Told]) -> Floats:
        """Of every reason for every telling, shape (n, reasons); each row sums to 1."""
        rows = [self._probabilities(features) for _, features in self._parts(tellings)]
        return np.concatenate(rows) if rows else np.zeros((0, len(self.reasons)))

    def judge(self, tellings: Sequence[Told]) -> list[Judged]:
        """The likeliest reason of each telling, with the words and facts that weigh most for it."""
        return [
            self._judged(told, features.indices[start:end], features.data[start:end], row)
            for part, features in self._parts(tellings)
            for told, start, end, row in zip(
                part, features.indptr[:-1], features.indptr[1:], self._probabilities(features), strict=True
            )
        ]

    def answers(self, tellings: Sequence[Told]) -> list[str | None]:
        """The reason of each telling where it is sure, without saying why: some times faster than `judge`."""
        rows = self.probabilities(tellings)
        tops = zip(tellings, rows.argmax(axis=1), rows.max(axis=1), strict=True)
        return [self.reasons[n] if self._is_sure(told, self.reasons[n], p) else None for told, n, p in tops]

    def _is_sure(self, told: Told, reason: str, probability: float) -> bool:
        finding = told.finding
        if probability < self.threshold or finding is None or finding.reason == reason:
            return bool(probability >= self.threshold)
        # A reason that it has not learned it could only miss.
        return finding.reason in self.reasons and bool(probability >= self.against)

    def _judged(self, told: Told, columns: NDArray[Any], values: Floats, row: Floats) -> Judged:
        order = np.argsort(-row, kind="stable")[:_CHOICES]
        top = int(order[0])
        weigh = dict(zip(self.columns[columns].tolist(), (values * self.weights[columns, top]).tolist(), strict=True))
        words, facts = _because(told, weigh, self.reasons[top])
        return Judged(
            reason=self.reasons[top], probability=float(row[top]),
            sure=self._is_sure(told, self.reasons[top], float(row[top])),
            choices=tuple((self.reasons[n], float(row[n])) for n in order), words=words, facts=facts,
        )  # fmt: skip

    def _parts(self, tellings: Sequence[Told]) -> Iterator[tuple[Sequence[Told], sparse.csr_matrix]]:
        for n in range(0, len(tellings), _AT_ONCE):
            part = tellings[n : n + _AT_ONCE]
            yield part, weighted(matrix(part), self.columns, self.rarity)

    def _probabilities(self, features: sparse.csr_matrix) -> Floats:
        scores = np.asarray(features @ self.weights) + self.offsets
        return _stepped(_softmax(self.sharpness * scores), self.steps_at, self.steps_to)

    def to_bytes(self) -> bytes:
        """The model as a file: NumPy arrays and a JSON head, no pickle."""
        head = {"format": FORMAT, "reasons": self.reasons, "sharpness": self.sharpness, "threshold": self.threshold,
                "against": self.against, "precision": self.precision, "figures": dict(self.figures)}  # fmt: skip
        file = BytesIO()
        np.savez_compressed(
            file, head=np.frombuffer(json.dumps(head).encode(), np.uint8), columns=self.columns, rarity=self.rarity,
            weights=self.weights.astype(np.float16), offsets=self.offsets, steps_at=self.steps_at,
            steps_to=self.steps_to,
        )  # fmt: skip
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "ReasonModel":
        """Read what `to_bytes` wrote.

        Raises
        ------
        ValueError
            It is no such file, or one of another version.
        """
        try:
            with np.load(BytesIO(content), allow_pickle=False) as file:
                head = json.loads(file["head"].tobytes())
                if head["format"] != FORMAT:
                    raise ValueError(f"A model of format {head['format']}; this version reads {FORMAT}.")
                return cls(
                    reasons=tuple(head["reasons"]), columns=file["columns"], rarity=file["rarity"],
                    weights=file["weights"].astype(np.float32), offsets=file["offsets"],
                    sharpness=head["sharpness"], steps_at=file["steps_at"], steps_to=file["steps_to"],
                    threshold=head["threshold"], against=head["against"], precision=head["precision"],
                    figures=head["figures"],
                )  # fmt: skip
        except (KeyError, OSError, zipfile.BadZipFile, zlib.error, EOFError) as problem:
            raise ValueError("This file holds no reason model.") from problem


def learn(
    tellings: Sequence[Told], reasons: Sequence[str], *, precision: float = PRECISION, seed: int = 0
) -> ReasonModel:
    """Learn the reasons of texts that come in the order of time.

    A linear support vector machine, one reason against the rest, every reason given the same say however rare. Every
    example is judged once by a machine that saw only the other four fifths of the time; from these judgements come the
    sharpness (temperature) of the probabilities, the staircase (isotonic) from the highest one to what came true,
    where there are enough, the threshold: the lowest from which at least `precision` of the answers were right, with
    a confidence of 95 % and in every fifth of the time, and the one from which contradicting the phrasebook put more
    right than wrong.

    Parameters
    ----------
    tellings, reasons
        What was told, oldest first, and the reason of each. Reasons with fewer than `OF_A_REASON` examples are left
        out: they cannot be answered.
    precision
        The share of answers that should be right. Above 0, at most 1.
    seed
        The same examples and seed give the same model, bit for bit on the same machine.

    Raises
    ------
    TooFewExamples
        Fewer than `OF_ALL` examples or two reasons are left.

    References
    ----------
    Platt, J. (1999), Guo et al. (2017) for the temperature; Zadrozny, B. and Elkan, C. (2002). Transforming classifier
    scores into accurate multiclass probability estimates. KDD.
    """
    often = {reason for reason, n in Counter(reasons).items() if n >= OF_A_REASON}
    kept = [n for n, reason in enumerate(reasons) if reason in often]
    known = tuple(sorted(often))
    if len(kept) < OF_ALL or len(known) < 2:  # noqa: PLR2004  one reason is nothing to choose from
        raise TooFewExamples(len(kept), len(known))
    counts = matrix([tellings[n] for n in kept])
    truth = np.searchsorted(known, [reasons[n] for n in kept])
    columns = np.flatnonzero(np.bincount(counts.indices, minlength=counts.shape[1]) >= _SEEN_IN).astype(np.int32)
    present = np.bincount(counts[:, columns].indices, minlength=len(columns))
    rarity = (np.log((1 + len(kept)) / (1 + present)) + 1).astype(np.float32)
    features = weighted(counts, columns, rarity)

    unseen = np.full((len(kept), len(known)), -1.0)
    fold = np.arange(len(kept)) * _FOLDS // len(kept)
    for n in range(_FOLDS):
        weights, offsets = _fit(features[fold != n], truth[fold != n], len(known), seed)
        unseen[fold == n] = features[fold == n] @ weights + offsets
    sharpness = _sharpness(unseen, truth)
    soft = _softmax(sharpness * unseen)
    top, right = soft.max(axis=1), soft.argmax(axis=1) == truth
    steps_at, steps_to = _steps(top, right)
    sure = _stepped(soft, steps_at, steps_to)[np.arange(len(top)), soft.argmax(axis=1)]
    weights, offsets = _fit(features, truth, len(known), seed)
    return ReasonModel(
        reasons=known, columns=columns, rarity=rarity,
        weights=weights.astype(np.float16).astype(np.float32),  # as stored: what is measured is what is loaded
        offsets=offsets.astype(np.float32), sharpness=sharpness, steps_at=steps_at, steps_to=steps_to,
        threshold=_threshold(sure, right, precision), precision=precision,
        against=_against([tellings[n] for n in kept], soft.argmax(axis=1), truth, sure, known),
    )  # fmt: skip


def _fit(features: sparse.csr_matrix, truth: NDArray[Any], reasons: int, seed: int) -> tuple[Floats, Floats]:
    """Weights (columns, reasons) and offsets; a reason that does not occur is never chosen."""
    from sklearn.svm import LinearSVC  # noqa: PLC0415  training alone needs it, and it takes a second to load

    present = np.unique(truth)
    if len(present) == 1:  # a stretch of time in which only one thing went wrong
        offsets = np.full(reasons, -1.0)
        offsets[present] = 1.0
        return np.zeros((features.shape[1], reasons)), offsets
    machine = LinearSVC(C=_SOFTNESS, class_weight="balanced", random_state=seed, max_iter=3000).fit(features, truth)
    weights, offsets = np.zeros((features.shape[1], reasons)), np.full(reasons, -2.0)
    found, base = machine.coef_, machine.intercept_
    if len(present) == 2:  # noqa: PLR2004  scikit-learn keeps one score for two
        found, base = np.vstack([-found, found]), np.concatenate([-base, base])
    weights[:, present], offsets[present] = found.T, base
    return weights, offsets


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _sharpness(scores: Floats, truth: NDArray[Any]) -> float:
    """The factor on scores that makes what came true likeliest."""
    rows = np.arange(len(truth))

    def surprise(log: float) -> float:
        return float(-np.log(_softmax(np.exp(log) * scores)[rows, truth] + 1e-12).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-3, 4), method="bounded").x))


def _steps(top: Floats, right: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """From the highest probability to what came true: never falling; the identity where there is too little."""
    if len(top) < _STEPS_FROM:
        return np.array([0.0, 1.0]), np.array([0.0, 1.0])
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415  as above

    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(top, right)
    return np.asarray(fitted.X_thresholds_, float), np.asarray(fitted.y_thresholds_, float)


def _stepped(soft: Floats, steps_at: Floats, steps_to: Floats) -> Floats:
    """The highest probability of each row brought to what comes true; the others share what is left as before."""
    rows, top = np.arange(len(soft)), soft.argmax(axis=1)
    highest = soft[rows, top]
    rest = np.maximum(1 - highest, 1e-12)
    second = np.partition(soft, -2, axis=1)[:, -2]
    # Never below the second, or the order of the reasons would turn.
    least = second / (rest + second)
    brought = np.maximum(np.clip(np.interp(highest, steps_at, steps_to), _EDGE, 1 - _EDGE), least)
    found = soft * ((1 - brought) / rest)[:, None]
    found[rows, top] = brought
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _threshold(probability: Floats, right: NDArray[np.bool_], precision: float) -> float:
    """The lowest probability from which `precision` is promised: over all answers with a confidence of 95 % (Clopper
    and Pearson 1934), and as a plain share in every fifth of the time. Answers come in the order of time; what comes
    later is seldom like the average of what came before, sometimes like its worst stretch.
    """
    order = np.argsort(-probability, kind="stable")
    sorted_, came = probability[order], right[order]
    hits, answers = np.cumsum(came), np.arange(1, len(order) + 1)
    promised = betaincinv(np.maximum(hits, 1e-9), answers - hits + 1, 1 - _CONFIDENCE) >= precision
    stretch = order * _FOLDS // len(order)
    for n in range(_FOLDS):
        hits, answers = np.cumsum(came & (stretch == n)), np.cumsum(stretch == n)
        promised &= (hits >= precision * answers) | (answers < _STRETCH_FROM)
    # Of equal probabilities all or none are answered: a threshold lies where the next one is lower.
    ends = np.append(sorted_[1:] < sorted_[:-1], True)
    enough = np.flatnonzero(ends & promised)
    return max(RATHER, float(sorted_[enough[-1]])) if len(enough) else NEVER


def _because(
    told: Told, weigh: Mapping[int, float], reason: str
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """What weighs most, by the weight of each column: a word with all that it fills, of a pair its half.

    Where the phrasebook finds the same, what it found in the text comes first.
    """
    words = words_of(told.text)
    columns = word_columns(words)
    filled = Counter(column for column, _, _ in columns)
    by_word = [0.0] * len(words)
    for column, first, last in columns:
        if weight := weigh.get(column):
            by_word[first] += weight / filled[column] / 2
            by_word[last] += weight / filled[column] / 2
    facts = sorted(((weigh.get(fact_column(*fact), 0.0), fact) for fact in facts_of(told).items()), reverse=True)
    said = tuple(fact for weight, fact in facts[:_FACTS_SHOWN] if weight > 0 and weight >= _WEIGHTY * facts[0][0])
    found = told.finding.evidence if told.finding and told.finding.reason == reason else ()
    quoted = [one for one in _quoted(told.text, words, by_word) if not any(one in phrase for phrase in found)]
    return (*found, *quoted)[:_WORDS_SHOWN], said


def _against(
    tellings: Sequence[Told], top: NDArray[Any], truth: NDArray[Any], probability: Floats, reasons: Sequence[str]
) -> float:
    """The probability from which contradicting the phrasebook gained most; `NEVER` where it gained nothing."""
    number = {reason: n for n, reason in enumerate(reasons)}
    said = np.array([number.get(told.finding.reason, -1) if told.finding else -1 for told in tellings])
    apart = np.flatnonzero((said >= 0) & (said != top))
    apart = apart[np.argsort(-probability[apart], kind="stable")]
    gained = np.cumsum((top[apart] == truth[apart]).astype(int) - (said[apart] == truth[apart]))
    if not len(apart) or gained.max() <= 0:
        return NEVER
    return float(probability[apart[int(gained.argmax())]])


def _quoted(text: str, words: Sequence[Word], weights: Sequence[float]) -> tuple[str, ...]:
    """The weightiest words as written; those that stand side by side come as one."""
    heaviest = sorted(range(len(words)), key=lambda n: -weights[n])[:_WORDS_SHOWN]
    best = [n for n in heaviest if weights[n] > 0 and weights[n] >= _WEIGHTY * weights[heaviest[0]]]
    shown: list[list[int]] = []
    for n in sorted(best):
        if shown and shown[-1][-1] == n - 1:
            shown[-1].append(n)
        else:
            shown.append([n])
    shown.sort(key=lambda run: -max(weights[n] for n in run))
    read = readable(text)
    return tuple(dict.fromkeys(read[words[run[0]].start : words[run[-1]].end] for run in shown))
