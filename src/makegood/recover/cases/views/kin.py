"""The panel that shows what a case has to do with: duplicates, parent and children, follow-ups."""

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from makegood.ground.asking import Question
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.queries.case import CaseDetail
from makegood.recover.cases.queries.handling import kin_of


def panel(case: CaseDetail, user: User, now: datetime) -> Question[Mapping[str, Any]]:  # noqa: ARG001  as every panel
    """Related cases by kind."""
    return kin_of(case, places=visible_places(user)).then(
        lambda found: {"kin": {kind: list(rows) for kind, rows in groupby(found, key=attrgetter("kind"))}}
    )
