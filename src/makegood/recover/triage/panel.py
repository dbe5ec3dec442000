"""Why a case has its reason, on the case page, and the other reasons it may have: one click each."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from makegood.ground.asking import Question
from makegood.ground.staff.models import User
from makegood.recover.cases.queries.case import CaseDetail
from makegood.recover.cases.reasons import UNCLEAR
from makegood.recover.intake.telling import fact

OFFERED, LIKELY = 2, 0.05


def panel(
    case: CaseDetail,
    user: User,  # noqa: ARG001  as every panel
    now: datetime,  # noqa: ARG001
) -> Mapping[str, Any] | Question[Mapping[str, Any]]:
    """What the opening of an open case says of its reason, until a person settled it."""
    if not case.is_open or not case.channel:
        return {"doubt": None}
    return Question(_OPINION, lambda found: {"doubt": _doubt(*json.loads(found)) if found else None}, {"case": case.id})


def _doubt(opinion: dict[str, Any], code: str, names: dict[str, str]) -> dict[str, Any] | None:
    share = dict(opinion["choices"])
    others = [
        one for one, p in opinion["choices"] if one != code and one in names and (p >= LIKELY or not opinion["sure"])
    ]
    codes = [one for one in (code, *others) if one != UNCLEAR][:OFFERED]
    if not codes:
        return None
    facts = [fact(name, value) for name, value in opinion["facts"] if name != "phrasebook"]
    return {
        "sure": opinion["sure"], "model": opinion["model"], "words": opinion["words"], "facts": facts, "now": code,
        "choices": [{"code": one, "name": names[one], "share": share.get(one)} for one in codes],
    }  # fmt: skip


# The reasons that could be said, by code; a case whose reason a person has said already is settled.
_OPINION = """
    SELECT json_build_array(
        e.facts->'opinion', r.code, (SELECT json_object_agg(code, name) FROM cases_reason WHERE active))::text
    FROM cases_case c
    JOIN cases_reason r ON r.id = c.reason_id
    JOIN cases_caseevent e ON e.case_id = c.id AND e.seq = 1 AND e.facts ? 'opinion'
    WHERE c.id = %(case)s AND NOT EXISTS (
        SELECT 1 FROM cases_caseevent p WHERE p.case_id = %(case)s AND p.kind = 'reason' AND p.actor_id IS NOT NULL)
"""
