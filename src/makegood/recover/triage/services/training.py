"""Learning from confirmed cases, measured on the newest of them before anything is put to use."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction

from makegood.engines.language.learning import PRECISION, ReasonModel, TooFewExamples, learn
from makegood.engines.language.scoring import calibration_error, reliability, score
from makegood.ground.staff.models import User
from makegood.ids import uuid7
from makegood.recover.triage.errors import NothingLearned, TooFewCases
from makegood.recover.triage.examples import Example, confirmed
from makegood.recover.triage.models import TrainedModel
from makegood.recover.triage.services.judging import load

HELD_OUT = 0.2  # the newest share, asked and never learned
ASKED_AT_LEAST = 20
PAIRS = 12
_LOCK = 7267331
_IDENTITY = np.array([0.0, 1.0])


@dataclass(frozen=True)
class Training:
    """What came of a training."""

    model: TrainedModel
    verdict: str  # in words: in use, or why not


def train(
    *, now: datetime, until: datetime | None = None, by: User | None = None, precision: float = PRECISION,
    seed: int = 0, force: bool = False,
) -> Training:  # fmt: skip
    """Learn from the older cases, ask about the newest, and put the model to use if it did better than what is in use.

    The file is written before its row; a process that dies in between leaves a file that nothing refers to. Two
    trainings at once both measure; an advisory lock lets one of them decide at a time, and who compared with a model
    that is no longer in use is kept but not put to use.

    Parameters
    ----------
    until
        As if it were trained then: nothing confirmed later is learned.
    precision
        The share of its answers that should be right; where it cannot promise that, the phrasebook's answer stays.
    force
        Put it to use however it did.

    Raises
    ------
    TooFewCases
        Too few confirmed cases to learn from or to ask about. Nothing is written.
    """
    until = until or now
    examples = confirmed(until=until)
    asked = round(len(examples) * HELD_OUT)
    older, newest = examples[: len(examples) - asked], examples[len(examples) - asked :]
    if asked < ASKED_AT_LEAST:
        raise TooFewCases(len(examples), f"{ASKED_AT_LEAST / HELD_OUT:.0f} are needed to learn and to measure it.")
    try:
        model = learn([e.told for e in older], [e.reason for e in older], precision=precision, seed=seed)
    except TooFewExamples as few:
        raise TooFewCases(len(examples), str(few)) from few
    in_use = TrainedModel.objects.filter(active=True).first()
    figures = measure(model, older, newest, used=load(in_use) if in_use else None)
    figures |= {"seed": seed, "learned_until": older[-1].at.isoformat(), "asked_from": newest[0].at.isoformat(),
                "compared_with": in_use.pk if in_use else None}  # fmt: skip
    content = replace(model, figures=figures).to_bytes()
    file = default_storage.save(f"triage/{uuid7()}.npz", ContentFile(content))
    row = TrainedModel(
        trained_at=now, trained_by=by, until=until, file=file, sha256=hashlib.sha256(content).hexdigest(),
        figures=figures, replaces=in_use,
    )  # fmt: skip
    return Training(row, _decide(row, figures, force=force))


@transaction.atomic
def _decide(row: TrainedModel, figures: dict[str, Any], *, force: bool) -> str:
    _one_at_a_time()
    new, used = figures["scores"]["new"]["macro_f1"], figures["scores"]["in_use"]["macro_f1"]
    # Read again under the lock: another training may have put its own to use while this one learned.
    overtaken = TrainedModel.objects.filter(active=True).values_list("pk", flat=True).first() != row.replaces_id
    if overtaken:
        verdict = "Kept, not in use: another model came into use meanwhile. Train again to compare with it."
    elif force or new > used:
        if row.replaces:
            TrainedModel.objects.filter(pk=row.replaces.pk).update(active=False)
        row.active = True
        verdict = f"In use now: macro-F1 {new:.3f} against {used:.3f}."
    else:
        verdict = f"Kept, not in use: macro-F1 {new:.3f} is not better than {used:.3f}."
    row.figures["verdict"] = verdict
    row.save()
    return verdict


@transaction.atomic
def go_back() -> TrainedModel | None:
    """Put the model to use that the present one replaced; None: the phrasebook alone. The present one is kept.

    Raises
    ------
    NothingLearned
        No model is in use.
    """
    _one_at_a_time()
    now = TrainedModel.objects.filter(active=True).select_related("replaces").first()
    if now is None:
        raise NothingLearned
    TrainedModel.objects.filter(pk=now.pk).update(active=False)
    if now.replaces:
        TrainedModel.objects.filter(pk=now.replaces.pk).update(active=True)
        now.replaces.active = True
    return now.replaces


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


# -- measuring


def measure(
    model: ReasonModel, older: Sequence[Example], newest: Sequence[Example], *, used: ReasonModel | None
) -> dict[str, Any]:
    """Figures of the newest cases: answers as intake would give them, by the new model, by what is in use, by rules.

    The model in use may have learned some of these cases; that speaks for it, never for the new one.
    """
    truth = [e.reason for e in newest]
    [(commonest, _)] = Counter(e.reason for e in older).most_common(1)
    judged, answers = _answers(model, newest)
    top, right = _tops(model, newest, truth)
    plain, plain_right = _tops(replace(model, sharpness=1.0, steps_at=_IDENTITY, steps_to=_IDENTITY), newest, truth)
    rules = [e.by_rules or None for e in newest]
    scores = {"new": score(truth, answers)._asdict(), "phrasebook": score(truth, rules)._asdict(),
              "majority": score(truth, [commonest] * len(truth))._asdict(),
              "alone": score(truth, judged)._asdict()}  # fmt: skip
    scores["in_use"] = score(truth, _answers(used, newest)[1])._asdict() if used else scores["phrasebook"]
    confused = Counter((t, a) for t, a in zip(truth, answers, strict=True) if a is not None and t != a)
    return {
        "learned": len(older), "asked": len(newest), "reasons": list(model.reasons),
        "threshold": model.threshold, "against": model.against, "precision": model.precision, "scores": scores,
        "calibration_error": calibration_error(top, right),
        "calibration_error_uncalibrated": calibration_error(plain, plain_right),
        "calibration_error_in_use": calibration_error(*_tops(used, newest, truth)) if used else None,
        "reliability": [one._asdict() for one in reliability(top, right)],
        "confused": [[t, a, n] for (t, a), n in confused.most_common(PAIRS)],
    }  # fmt: skip


def _answers(model: ReasonModel, examples: Sequence[Example]) -> tuple[list[str | None], list[str | None]]:
    """What the model answers where it is sure, and what the rules make of it where it is not."""
    alone = model.answers([e.told for e in examples])
    return alone, [one or example.by_rules or None for one, example in zip(alone, examples, strict=True)]


def _tops(model: ReasonModel, examples: Sequence[Example], truth: Sequence[str]) -> tuple[Any, list[bool]]:
    rows = model.probabilities([e.told for e in examples])
    right = [model.reasons[int(n)] == t for n, t in zip(rows.argmax(axis=1), truth, strict=True)]
    return rows.max(axis=1), right
