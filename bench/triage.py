"""How well triage learns: `python -m bench.triage [--json]`.

Real texts: the complaints among 14,640 tweets to six airlines with the reason that people gave each
(../shared/data/airline_tweets, or MAKEGOOD_SHARED_DATA; its README tells the source). Left out: "Can't Tell", which is
no reason, and texts that repeat an earlier one word for word. Split by time: the first three quarters teach, the last
is asked. It is hard on purpose: in the days that are asked far more flights were cancelled than before.

Beside it, written here: the commonest reason, and TF-IDF with logistic regression (scikit-learn) as most would build
it, then in the best of the five shapes tried on the asked quarter itself (words or groups of letters, weighted by
reason or not): a baseline may be flattered. Ours was chosen among some fifteen settings by folds of the first three
quarters; the figures of the asked quarter were in sight meanwhile.

Columns: coverage, the share answered; accuracy of what was answered; macro-F1 over all reasons and texts (silence is a
miss); ECE, the expected calibration error in 15 bins of equal width. "at equal coverage" lets every model answer the
same share of texts, its surest ones.
"""

import argparse
import csv
import gzip
import html
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
SHARE_TO_LEARN, UNTOLD = 0.75, "Can't Tell"


class Complaint(NamedTuple):
    at: str
    text: str
    company: str
    reason: str


class Answers(NamedTuple):
    """Of each text the likeliest reason, and how likely."""

    reasons: list[str]
    probability: NDArray[np.float64]
    seconds: float


def data_file() -> Path:
    folder = Path(os.environ.get("MAKEGOOD_SHARED_DATA") or ROOT.parent / "shared" / "data")
    folder = folder if folder.is_dir() else ROOT.parents[1] / "shared" / "data"
    return folder / "airline_tweets" / "airline_tweets.csv.gz"


def complaints() -> list[Complaint]:
    """Complaints with a reason, oldest first, each text once."""
    with gzip.open(data_file(), "rt", encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["negativereason"] not in ("", UNTOLD)]
    rows.sort(key=lambda row: (row["tweet_created"], row["tweet_id"]))
    first: dict[str, Complaint] = {}
    for row in rows:
        text = html.unescape(row["text"])
        first.setdefault(text, Complaint(row["tweet_created"], text, row["airline"], row["negativereason"]))
    return list(first.values())


def ours(teach: Sequence[Complaint], ask: Sequence[Complaint]) -> tuple[Answers, Any]:
    from makegood.engines.language.features import Told
    from makegood.engines.language.learning import learn

    started = time.process_time()
    model = learn([Told(c.text, {"company": c.company}) for c in teach], [c.reason for c in teach])
    seconds = time.process_time() - started
    found = model.probabilities([Told(c.text, {"company": c.company}) for c in ask])
    return Answers([model.reasons[n] for n in found.argmax(axis=1)], found.max(axis=1), seconds), model


def tfidf(teach: Sequence[Complaint], ask: Sequence[Complaint], **shape: Any) -> Answers:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    weight = shape.pop("class_weight", None)
    started = time.process_time()
    words = TfidfVectorizer(strip_accents="unicode", sublinear_tf=True, **shape)
    known = words.fit_transform([c.text for c in teach])
    model: Any = LogisticRegression(C=3, class_weight=weight, max_iter=1000).fit(known, [c.reason for c in teach])
    seconds = time.process_time() - started
    found = model.predict_proba(words.transform([c.text for c in ask]))
    return Answers([str(model.classes_[n]) for n in found.argmax(axis=1)], found.max(axis=1), seconds)


def majority(teach: Sequence[Complaint], ask: Sequence[Complaint]) -> Answers:
    [(reason, often)] = Counter(c.reason for c in teach).most_common(1)
    return Answers([reason] * len(ask), np.full(len(ask), often / len(teach)), 0.0)


def surest(given: Answers, share: float) -> list[str | None]:
    """The answers of a model that answers its surest `share` of texts only."""
    order = np.argsort(-given.probability, kind="stable")
    answered = set(order[: round(share * len(order))].tolist())
    return [reason if n in answered else None for n, reason in enumerate(given.reasons)]


def measure() -> dict[str, Any]:
    from makegood.engines.language.features import Told
    from makegood.engines.language.scoring import calibration_error, score

    every = complaints()
    cut = round(len(every) * SHARE_TO_LEARN)
    teach, ask = every[:cut], every[cut:]
    truth = [c.reason for c in ask]
    learned, model = ours(teach, ask)
    given = {
        "commonest reason": majority(teach, ask),
        "tf-idf words + logistic": tfidf(teach, ask),
        "tf-idf letters, weighted + logistic": tfidf(
            teach, ask, analyzer="char_wb", ngram_range=(2, 5), class_weight="balanced"
        ),
        "makegood": learned,
    }
    share = float((learned.probability >= model.threshold).mean())
    rows = {}
    for name, answers in given.items():
        right = [a == t for a, t in zip(answers.reasons, truth, strict=True)]
        everything, some = score(truth, answers.reasons), score(truth, surest(answers, share))
        rows[name] = {
            "accuracy": everything.accuracy, "macro_f1": everything.macro_f1,
            "ece": calibration_error(answers.probability, right), "seconds_to_learn": answers.seconds,
            "at_equal_coverage": some._asdict(),
        }  # fmt: skip
    tellings = [Told(c.text, {"company": c.company}) for c in every]
    started = time.process_time()
    model.probabilities(tellings)
    fast = len(tellings) / (time.process_time() - started)
    started = time.process_time()
    model.judge(tellings[:2000])
    explained = 2000 / (time.process_time() - started)
    return {
        "learned_from": len(teach), "asked": len(ask), "asked_from": ask[0].at, "scores": rows,
        "threshold": model.threshold, "stated_precision": model.precision, "coverage": share,
        "texts_per_second": round(fast), "texts_per_second_with_reasons_why": round(explained),
        "model_kilobytes": len(model.to_bytes()) // 1024,
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="figures as one JSON object")
    options = parser.parse_args(arguments)
    if not data_file().is_file():
        print(f"Not measured: no {data_file()}; set MAKEGOOD_SHARED_DATA.", file=sys.stderr)
        return 1
    found = measure()
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    print(
        f"{found['learned_from']:,} complaints to learn from, {found['asked']:,} asked, from {found['asked_from']} on."
    )
    equal = f"at {found['coverage']:.3f} coverage: accuracy"
    print(f"{'':36}{'accuracy':>9}{'macro-F1':>10}{'ECE':>8}{equal:>35}{'macro-F1':>10}{'learned in':>12}")
    for name, row in found["scores"].items():
        some = row["at_equal_coverage"]
        print(
            f"{name:36}{row['accuracy']:>9.3f}{row['macro_f1']:>10.3f}{row['ece']:>8.3f}{some['accuracy']:>35.3f}"
            f"{some['macro_f1']:>10.3f}{row['seconds_to_learn']:>10.1f} s"
        )
    print(
        f"\nmakegood answers from {found['threshold']:.3f} on, to be right in {found['stated_precision']:.0%}; "
        f"{found['texts_per_second']:,} texts a second, with words and facts "
        f"{found['texts_per_second_with_reasons_why']:,}; model of {found['model_kilobytes']:,} KB"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
