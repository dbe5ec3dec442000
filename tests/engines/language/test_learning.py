"""What is learned from made complaints: it answers, says why, is calibrated, abstains, and survives being stored."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makegood.engines.language import Finding, find_reason
from makegood.engines.language.features import Told, matrix, word_columns, words_of
from makegood.engines.language.learning import NEVER, ReasonModel, TooFewExamples, learn
from makegood.engines.language.phrasebook import readable
from makegood.engines.language.scoring import calibration_error, reliability, score

SAYS = {
    "delivery.late": ["took ages", "so slow", "days after the date", "finally came"],
    "product.damaged": ["smashed to bits", "box crushed", "cracked screen", "bent lid"],
    "payment.refund": ["money back", "still not credited", "card shows nothing", "refund missing"],
}
FILLER = "the order my kettle please help yesterday again and with your shop".split()


def complaint(rng: random.Random, reason: str, *, plain: float = 0.8) -> Told:
    """Some words about anything; mostly, the words of its reason among them."""
    said = SAYS[reason if rng.random() < plain else rng.choice(sorted(SAYS))]
    text = " ".join([*rng.choices(FILLER, k=5), rng.choice(said), *rng.choices(FILLER, k=3)])
    return Told(text, {"order": "delivered late" if reason == "delivery.late" else "delivered in time"})


def history(n: int, *, seed: int = 1, plain: float = 0.8) -> tuple[list[Told], list[str]]:
    rng = random.Random(seed)
    reasons = [rng.choice(sorted(SAYS)) for _ in range(n)]
    return [complaint(rng, reason, plain=plain) for reason in reasons], reasons


@pytest.fixture(scope="module")
def model() -> ReasonModel:
    return learn(*history(600))


def test_it_answers_what_people_answered(model: ReasonModel):
    [one] = model.judge([Told("kettle smashed to bits, box crushed", {"order": "delivered in time"})])
    assert one.reason == "product.damaged"
    assert one.sure
    assert one.choices[0] == (one.reason, one.probability)


def test_it_names_the_words_that_decided_as_they_were_written(model: ReasonModel):
    [one] = model.judge([Told("Please help! My kettle: SMASHED to bits.", {"order": "delivered in time"})])
    assert any("SMASHED" in words for words in one.words)


def test_facts_decide_where_words_do_not(model: ReasonModel):
    late, in_time = model.judge([Told("my order", {"order": "delivered late"}), Told("my order", {"order": "other"})])
    assert late.reason == "delivery.late"
    assert ("order", "delivered late") in late.facts
    assert dict(in_time.choices)["delivery.late"] < late.probability


@given(st.lists(st.text(max_size=200), min_size=1, max_size=5), st.sampled_from(["", "delivered late", "\ud800"]))
@settings(max_examples=80, deadline=None)
def test_probabilities_of_any_text_sum_to_one_and_its_words_occur_in_it(texts, order):
    model = _shared()
    tellings = [Told(text, {"order": order}, find_reason(text)) for text in texts]
    rows = model.probabilities(tellings)
    assert np.allclose(rows.sum(axis=1), 1)
    assert (rows > 0).all()
    for told, one in zip(tellings, model.judge(tellings), strict=True):
        assert all(words in readable(told.text) for words in one.words)
        shares = [share for _, share in one.choices]
        assert shares == sorted(shares, reverse=True)
        assert one.reason == one.choices[0][0]


def test_one_text_is_judged_the_same_in_any_company(model: ReasonModel):
    tellings, _ = history(40, seed=9)
    assert model.judge(tellings)[7] == model.judge([tellings[7]])[0]


@given(st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_who_asks_for_more_certainty_gets_fewer_answers(one, other):
    lower, higher = sorted((one, other))
    tellings, _ = history(60, seed=4)
    often, seldom = ([j.sure for j in replace(_shared(), threshold=t).judge(tellings)] for t in (lower, higher))
    assert all(o or not s for o, s in zip(often, seldom, strict=True))


@pytest.mark.parametrize("precision", [0.7, 0.9, 0.99])
def test_answers_are_right_about_as_often_as_was_asked_for(precision):
    asked, truth = history(1500, seed=5, plain=0.6)
    model = learn(*history(1500, seed=2, plain=0.6), precision=precision)
    sure = [(j.reason, t) for j, t in zip(model.judge(asked), truth, strict=True) if j.sure]
    assert model.threshold == NEVER or sum(a == t for a, t in sure) / len(sure) > precision - 0.04


def wrongly(told: Told, reason: str) -> Told:
    return replace(told, finding=Finding(reason, 0.8, ("order",), "en"))


def test_it_contradicts_a_phrasebook_that_is_mostly_wrong_and_not_one_that_is_mostly_right():
    tellings, reasons = history(400, plain=0.8)
    rng = random.Random(3)
    at_random = [wrongly(told, rng.choice(sorted(SAYS))) for told in tellings]
    asked = wrongly(Told("kettle smashed to bits, box crushed", {"order": "delivered in time"}), "payment.refund")
    assert learn(at_random, reasons).answers([asked]) == ["product.damaged"]
    in_the_know = [wrongly(told, reason) for told, reason in zip(tellings, reasons, strict=True)]
    assert learn(in_the_know, reasons).against == NEVER


def test_a_reason_it_has_not_learned_is_left_to_the_phrasebook(model: ReasonModel):
    told = Told("kettle smashed to bits, box crushed", {"order": "delivered in time"})
    assert model.answers([told, wrongly(told, "store.conduct")]) == ["product.damaged", None]


def test_the_words_that_the_phrasebook_found_come_first():
    told = Told("The box crushed; my order never arrived.", {}, find_reason("my order never arrived"))
    rng = random.Random(1)
    tellings = [Told(f"never arrived {rng.choice(FILLER)}", {}, find_reason("never arrived")) for _ in range(60)]
    learned, reasons = history(100)
    model = learn([*learned, *tellings], [*reasons, *["delivery.not_received"] * 60])
    [one] = model.judge([told])
    assert (one.reason, one.words[0]) == ("delivery.not_received", "never arrived")


def test_answers_are_those_of_judge(model: ReasonModel):
    tellings, _ = history(50, seed=12)
    assert model.answers(tellings) == [one.reason if one.sure else None for one in model.judge(tellings)]


def test_what_is_rather_wrong_than_right_is_no_answer():
    assert learn(*history(300, plain=1.0), precision=0.5).threshold >= 0.5


def test_a_precision_that_is_out_of_reach_silences_it():
    tellings, reasons = history(300, plain=1.0)
    rng = random.Random(0)
    words_alone = [replace(told, facts={}) for told in tellings]
    model = learn(words_alone, rng.sample(reasons, len(reasons)), precision=0.99)
    assert not any(one.sure for one in model.judge(words_alone[:50]))


def test_probabilities_are_true_to_a_few_points():
    asked, truth = history(2000, seed=6, plain=0.6)
    words_alone = [replace(told, facts={}) for told in asked]
    learned, reasons = history(1500, seed=3, plain=0.6)
    model = learn([replace(told, facts={}) for told in learned], reasons)
    rows = model.probabilities(words_alone)
    right = [model.reasons[n] == t for n, t in zip(rows.argmax(axis=1), truth, strict=True)]
    assert calibration_error(rows.max(axis=1), right) < 0.06
    plain = replace(model, sharpness=1.0, steps_at=np.array([0.0, 1.0]), steps_to=np.array([0.0, 1.0]))
    assert calibration_error(plain.probabilities(words_alone).max(axis=1), right) > 0.1


def test_the_same_cases_and_seed_give_the_same_file():
    assert learn(*history(200), seed=3).to_bytes() == learn(*history(200), seed=3).to_bytes()


def test_what_is_stored_answers_as_before_and_holds_no_words(model: ReasonModel):
    stored = model.to_bytes()
    again = ReasonModel.from_bytes(stored)
    tellings, _ = history(50, seed=8)
    assert again.judge(tellings) == model.judge(tellings)
    with np.load(__import__("io").BytesIO(stored), allow_pickle=False) as file:
        assert b"smashed" not in b"".join(file[name].tobytes() for name in file.files)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no", b"\x80\x04K\x01."])
def test_another_file_is_refused_in_words(content):
    with pytest.raises(ValueError, match="."):
        ReasonModel.from_bytes(content)


def test_a_later_format_is_refused(model: ReasonModel, monkeypatch):
    monkeypatch.setattr("makegood.engines.language.learning.FORMAT", 2)
    later = model.to_bytes()
    monkeypatch.undo()
    with pytest.raises(ValueError, match="format 2"):
        ReasonModel.from_bytes(later)


@pytest.mark.parametrize("reasons", [[], ["a"] * 200, ["a"] * 30 + ["b"] * 7, [str(n) for n in range(200)]])
def test_too_little_to_learn_from_is_refused(reasons):
    with pytest.raises(TooFewExamples):
        learn([Told("words")] * len(reasons), reasons)


def test_a_stretch_of_time_with_one_reason_alone_is_no_hindrance():
    tellings, reasons = history(200)
    order = sorted(range(200), key=lambda n: reasons[n])  # fold by fold another reason
    model = learn([tellings[n] for n in order], [reasons[n] for n in order])
    assert set(model.reasons) == set(SAYS)


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_columns_of_words_are_those_of_the_matrix(text):
    """The slow twin, which knows the words, against the fast one, which does not."""
    words = words_of(text)
    slow = {column for column, _, _ in word_columns(words)}
    fast = set(matrix([Told(text)]).indices.tolist())
    assert slow <= fast
    assert len(fast - slow) == 1  # the fact that the phrasebook finds nothing


def test_spelling_case_accents_and_digits_make_no_difference():
    assert [w.plain for w in words_of("NÃO recebí 1234")] == [w.plain for w in words_of("nao Recebi 9876")]


def test_scores_by_hand():
    found = score(["a", "a", "b", "c"], ["a", "b", "b", None])
    assert (found.coverage, found.accuracy) == (0.75, 2 / 3)
    assert found.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert score([], []) == (0, 0, 0, 0)


def test_calibration_error_by_hand():
    said, right = [0.9] * 10 + [0.3] * 10, [True] * 8 + [False] * 2 + [True] * 3 + [False] * 7
    assert calibration_error(said, right) == pytest.approx(0.05)
    assert [one.answers for one in reliability(said, right)] == [10, 10]
    assert calibration_error([], []) == 0


_kept: list[ReasonModel] = []


def _shared() -> ReasonModel:
    """One model for properties: hypothesis does not take fixtures of a narrower scope."""
    if not _kept:
        _kept.append(learn(*history(600)))
    return _kept[0]
