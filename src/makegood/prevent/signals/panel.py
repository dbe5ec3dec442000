"""The line that the case page has of the signal that claims the case."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from makegood.ground.asking import Question
from makegood.ground.staff.models import User
from makegood.prevent.signals.queries.one import claim_of
from makegood.prevent.slices_in_words import Names
from makegood.recover.cases.queries.case import CaseDetail


def shown(case: CaseDetail, user: User, now: datetime) -> Mapping[str, Any] | Question[Mapping[str, Any]]:  # noqa: ARG001  as every panel
    """What `_panel.html` needs: nothing for whoever may not see signals."""
    if not user.has_perm("signals.see"):
        return {"of_signal": None}
    return claim_of(case.id).then(
        lambda claim: {"of_signal": claim, "signal_in_words": Names(claim.names).of_slice(claim.slice) if claim else ""}
    )
