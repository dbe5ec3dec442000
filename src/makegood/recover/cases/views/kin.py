"""The panel that shows what a case has to do with: duplicates, parent and children, follow-ups."""

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.queries.case import CaseDetail
from makegood.recover.cases.queries.handling import kin


def panel(case: CaseDetail, user: User, now: datetime) -> Mapping[str, Any]:  # noqa: ARG001  as panels are called
    """Related cases by kind. One SQL statement."""
    found = kin(case, places=visible_places(user))
    return {"kin": {kind: list(rows) for kind, rows in groupby(found, key=attrgetter("kind"))}}
