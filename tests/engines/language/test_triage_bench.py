"""What the benchmark of triage promises, on real complaints with a split by time."""

from pathlib import Path

import pytest

from bench import triage
from makegood.engines.language.scoring import calibration_error, score


@pytest.mark.slow
def test_it_does_better_than_words_with_logistic_regression_and_its_probabilities_are_true(
    shared_data: Path, monkeypatch
):
    monkeypatch.setenv("MAKEGOOD_SHARED_DATA", str(shared_data))
    every = triage.complaints()
    cut = round(len(every) * triage.SHARE_TO_LEARN)
    teach, ask = every[:cut], every[cut:]
    truth = [one.reason for one in ask]
    ours, model = triage.ours(teach, ask)
    baseline = triage.tfidf(teach, ask)
    assert score(truth, ours.reasons).macro_f1 > score(truth, baseline.reasons).macro_f1 + 0.05
    share = float((ours.probability >= model.threshold).mean())
    assert share > 0.5
    at_equal = [score(truth, triage.surest(one, share)).macro_f1 for one in (ours, baseline)]
    assert at_equal[0] > at_equal[1]
    right = [a == t for a, t in zip(ours.reasons, truth, strict=True)]
    assert calibration_error(ours.probability, right) < 0.05
