"""The model in use, loaded once in every process and changed for another where one came into use."""

import hashlib
import threading
from collections.abc import Sequence

import structlog
from django.core.files.storage import default_storage

from makegood.engines.language.features import Told
from makegood.engines.language.learning import ReasonModel
from makegood.recover.intake.opinions import Opinion
from makegood.recover.triage.models import TrainedModel

log = structlog.get_logger(__name__)

_lock = threading.Lock()
_loaded: tuple[int, ReasonModel | None] = (0, None)


def judge(tellings: Sequence[Told]) -> list[Opinion | None]:
    """What the model in use thinks of each telling; None throughout where the phrasebook is alone. One SQL query."""
    active = TrainedModel.objects.filter(active=True).first()
    model = load(active) if active else None
    if active is None or model is None:
        return [None] * len(tellings)
    return [
        Opinion(
            model=active.pk, reason=one.reason, probability=one.probability,
            sure=one.sure,
            choices=one.choices, words=one.words, facts=one.facts,
        )
        for one in model.judge(tellings)
    ]  # fmt: skip


def load(row: TrainedModel) -> ReasonModel | None:
    """The model of a row. None where its file is gone, damaged or of another version: contacts must come in all the
    same, by the phrasebook; the log says so once.
    """
    global _loaded  # noqa: PLW0603  one model for each process
    number, model = _loaded
    if number == row.pk:
        return model
    with _lock:
        if _loaded[0] != row.pk:
            _loaded = (row.pk, _read(row))
        return _loaded[1]


def _read(row: TrainedModel) -> ReasonModel | None:
    try:
        with default_storage.open(row.file) as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != row.sha256:
            raise ValueError("Not the file that was written when it was trained.")  # noqa: TRY301
        return ReasonModel.from_bytes(content)
    except (OSError, ValueError) as problem:
        log.error("triage.model_not_readable", model=row.pk, file=row.file, problem=str(problem))  # noqa: TRY400
        return None
