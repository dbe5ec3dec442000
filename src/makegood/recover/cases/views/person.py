"""A person in one glance, in words: what their failures amount to, and two indicators for those who may see them."""

from datetime import datetime
from typing import Any

from makegood.ground.staff.models import User
from makegood.ground.web.jinja import may
from makegood.recover.cases.chain import NOUNS, Kind, said
from makegood.recover.cases.indicators import LEVELS, Level, Risk, chargeback_risk, repeat_claims
from makegood.recover.cases.queries.case import CaseDetail
from makegood.recover.cases.queries.glance import Earlier, Person

TONES = {Level.LOW: "", Level.RAISED: "amber", Level.HIGH: "red"}


def in_one_glance(person: Person, user: User, now: datetime, *, case: CaseDetail | None = None) -> dict[str, Any]:
    """What the templates of a person need; `case` is the one that is looked at."""
    chain, about = person.chain(_earlier(case) if case else None)
    amounts_to = said(chain, about)
    shown = {
        "person": person, "chain": chain, "links": person.links(chain),
        "says": amounts_to.sentence if amounts_to else "", "nouns": NOUNS, "level_words": LEVELS,
        "level_tones": TONES, "risk": None, "repeats": None,
    }  # fmt: skip
    if may(user, "indicators.see"):
        risk = Risk(
            said=person.said, spent=person.spent, chargebacks=person.chargebacks, failures=len(chain),
            refund_missing=any(it.kind is Kind.REFUND for it in chain),
            value=case.value if case and case.is_open else None,
            unanswered_since=case.answer_from if case and case.is_open else None,
        )  # fmt: skip
        shown["risk"] = chargeback_risk(risk, now=now)
        shown["repeats"] = repeat_claims(
            claims=person.claims, orders=person.orders, claimed=person.claimed, spent=person.spent, usual=person.usual
        )
    return shown


def _earlier(case: CaseDetail) -> Earlier | None:
    if case.customer_id is None:
        return None
    return Earlier(
        case.number, case.subject, case.reason, case.reason_code, case.status, case.outcome, case.opened_at,
        case.customer_id, case.order_id,
    )  # fmt: skip
