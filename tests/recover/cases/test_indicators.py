"""Two indicators: levels follow from facts, and the facts are said."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import NOON

from makegood.engines.statistics.claims import as_many_by_chance
from makegood.recover.cases.indicators import Band, Level, Risk, Usual, chargeback_risk, repeat_claims

USUAL = Usual(None, [Band(1, 9000, 500), Band(6, 1800, 99), Band(11, 50, 40)])


def claims(n, orders, usual=USUAL, claimed=0, spent=0):
    return repeat_claims(claims=n, orders=orders, claimed=Decimal(claimed), spent=Decimal(spent), usual=usual)


@pytest.mark.parametrize(
    ("risk", "level", "fact"),
    [
        (Risk(), Level.LOW, None),
        (Risk(said=["Thank you, my bank holiday was nice"]), Level.RAISED, "Wrote “my bank”."),
        (Risk(said=["I will open a chargeback"]), Level.RAISED, "Wrote “chargeback”."),
        (Risk(said=["Vou contestar a compra no cartao", "Isto e um golpe"]), Level.HIGH, "Wrote “golpe”."),
        (Risk(said=["This is a scam"]), Level.LOW, "Wrote “scam”."),
        (Risk(chargebacks=1), Level.RAISED, "1 chargeback in 12 months."),
        (Risk(failures=2), Level.LOW, "2 failures in 12 months."),
        (Risk(value=Decimal(90), spent=Decimal(120)), Level.LOW, "75% of what they bought in 12 months is at stake."),
        (Risk(value=Decimal(10), spent=Decimal(10)), Level.LOW, None),
        (
            Risk(unanswered_since=NOON - timedelta(days=4), refund_missing=True),
            Level.RAISED,
            "Has waited 4 days for an answer.",
        ),
        (Risk(unanswered_since=NOON - timedelta(days=1)), Level.LOW, None),
    ],
)
def test_chargeback_risk(risk, level, fact):
    found = chargeback_risk(risk, now=NOON)
    assert found.level == level
    assert (fact in found.facts) if fact else not found.facts


def test_every_fact_is_said_the_weightiest_first():
    risk = Risk(said=["my bank"], chargebacks=2, failures=3, value=Decimal(80), spent=Decimal(90), refund_missing=True,
                unanswered_since=NOON - timedelta(days=9))  # fmt: skip
    found = chargeback_risk(risk, now=NOON)
    assert found.level == Level.HIGH
    assert len(found.facts) == 6
    assert found.facts[0] == "Wrote “my bank”."
    assert found.facts[-1] == "3 failures in 12 months."


@given(st.integers(0, 5), st.integers(0, 9), st.booleans())
def test_a_further_sign_never_lowers_the_level(chargebacks, failures, missing):
    levels = list(Level)
    before = chargeback_risk(Risk(chargebacks=chargebacks, failures=failures), now=NOON)
    after = chargeback_risk(Risk(chargebacks=chargebacks + 1, failures=failures + 1, refund_missing=missing), now=NOON)
    assert levels.index(after.level) >= levels.index(before.level)


@given(st.integers(0, 12), st.integers(0, 12), st.fractions(0, 1, max_denominator=50))
def test_the_tail_is_that_of_counting_every_outcome(n, orders, usual):
    n = min(n, orders)
    exact = sum(Fraction(comb(orders, k)) * usual**k * (1 - usual) ** (orders - k) for k in range(n, orders + 1))
    assert as_many_by_chance(n, orders, usual=float(usual)) == pytest.approx(float(exact), abs=1e-12)


@pytest.mark.parametrize(("n", "orders", "usual"), [(-1, 3, 0.1), (1, -3, 0.1), (1, 3, 1.1)])
def test_no_such_customer(n, orders, usual):
    with pytest.raises(ValueError, match="No such customer"):
        as_many_by_chance(n, orders, usual=usual)


def test_four_claims_in_six_orders_where_one_in_eighteen_is_usual():
    found = claims(4, 6, claimed=300, spent=400)
    assert found.level == Level.HIGH
    assert found.facts == (
        "4 claims in 6 orders; usual is 1 in 18.",
        "75% of what they bought in 12 months was claimed.",
        "By chance alone 1 customer in 7,832 has as many. Look before you judge.",
    )


def test_few_claims_are_low_however_rare_and_nothing_is_said_where_nothing_is_known():
    assert claims(2, 2).level == Level.LOW
    assert claims(0, 0) is None
    assert claims(3, 3, usual=None) is None
    assert claims(3, 3, usual=Usual(None, [Band(1, 20, 1)])) is None


def test_a_band_with_few_orders_borrows_the_rate_of_all():
    assert "usual is 1 in 17" in claims(3, 12).facts[0]


@given(st.integers(0, 30), st.integers(1, 30))
def test_more_claims_are_never_a_lower_level(n, orders):
    levels = list(Level)
    assert levels.index(claims(n + 1, orders).level) >= levels.index(claims(n, orders).level)
