"""What a chain of failures amounts to, in words, and what it makes of severity."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import NOON

from makegood.recover.cases.chain import (
    FAMILIES,
    RAISES,
    Failing,
    Kind,
    Pattern,
    chain_of,
    kind_of,
    patterns,
    raised,
    said,
)
from makegood.recover.cases.reasons import DEFAULT_REASONS

ONE, OTHER = UUID(int=1), UUID(int=2)


def failing(kind=Kind.LATE, days=0, **facts):
    return Failing(kind=kind, at=NOON + timedelta(days=days), **{"account": ONE} | facts)


def row(kind, *turns, **facts):
    return [failing(kind, turn, turn=turn, order=UUID(int=100 + turn), **facts) for turn in turns]


@pytest.mark.parametrize(
    ("chain", "sentence", "by"),
    [
        ([], None, 0),
        ([failing()], "First failure in 12 months", 0),
        (row(Kind.LOST, 1, 2), "Lost twice in a row", 1),
        (row(Kind.LOST, 4, 5, 6), "Lost three times in a row", 2),
        (row(Kind.LATE, 1, 2), "Late twice in a row", 0),
        (row(Kind.LATE, 1, 2, 3), "Late three times in a row", 1),
        (row(Kind.LOST, 1, 3), "Second lost parcel in 12 months", 0),
        ([failing(), failing(days=1, account=OTHER), failing(days=2)],
         "Third late parcel in 12 months, over two accounts", 1),
        ([failing(Kind.FAULTY, n, seller="Bright") for n in range(2)], "Second fault with Bright", 0),
        ([failing(Kind.FAULTY, n, seller=seller) for n, seller in enumerate(("Bright", "Dim"))],
         "Second fault in 12 months", 0),
        ([failing(Kind.OTHER), failing(Kind.OTHER), failing(Kind.LOST)], "Third failure in 12 months", 1),
        ([failing(Kind.LATE, n) for n in range(11)], "11. late parcel in 12 months", 1),
    ],
)  # fmt: skip
def test_what_is_said(chain, sentence, by):
    told = said(chain)
    assert (told.sentence if told else None) == sentence
    assert raised(chain)[0] == by
    assert bool(raised(chain)[1]) == bool(by)


def test_it_is_said_as_seen_from_one_failing():
    chain = [*row(Kind.LOST, 1, 2), failing(Kind.FAULTY, 9)]
    assert said(chain).sentence == "Third failure in 12 months"
    assert said(chain, chain[0]).sentence == "Lost twice in a row"


def test_of_one_order_the_parcel_and_what_was_in_it_are_two_and_the_case_belongs_to_the_parcel():
    order = UUID(int=7)
    silent = failing(Kind.LATE, 0, order=order, carrier="Northway", turn=3)
    about_it = failing(Kind.LOST, 2, order=order, case=12)
    unclear = failing(Kind.OTHER, 4, order=order, case=15)
    broken = failing(Kind.FAULTY, 5, order=order, case=14)
    chain = chain_of([broken, unclear, about_it, silent])
    assert [(it.kind, it.case, it.carrier, it.at) for it in chain] == [
        (Kind.LOST, 15, "Northway", silent.at),
        (Kind.FAULTY, 14, "", broken.at),
    ]


def test_every_reason_has_a_kind_and_every_kind_a_family():
    assert set(FAMILIES) == set(Kind)
    vague = {reason.code for reason in DEFAULT_REASONS if kind_of(reason.code) is Kind.OTHER}
    assert {code.partition(".")[0] for code in vague} == {"store", "service", "other"}


failings = st.builds(
    Failing,
    kind=st.sampled_from([Kind.LOST, Kind.LATE, Kind.FAULTY, Kind.OTHER]),
    at=st.integers(0, 300).map(lambda days: NOON + timedelta(days=days)),
    account=st.sampled_from([ONE, OTHER]),
    order=st.sampled_from([None, *(UUID(int=n) for n in range(4))]),
    turn=st.sampled_from([None, 1, 2, 3, 4, 5]),
    seller=st.sampled_from(["", "Bright", "Dim"]),
    case=st.sampled_from([None, 1, 2]),
)


@given(st.lists(failings, max_size=9))
def test_the_order_in_which_failings_are_learned_does_not_matter_and_a_second_reading_changes_nothing(found):
    chain = chain_of(found)
    kinds = sorted(it.kind for it in chain)
    assert sorted(it.kind for it in chain_of(reversed(found))) == kinds
    assert chain_of(chain) == chain
    orders = [(it.order, FAMILIES[it.kind]) for it in chain if it.order]
    assert len(orders) == len(set(orders))


def slowly(chain, about):
    """The patterns, counted one by one."""
    counts = {Pattern.ANY: sum(1 for _ in chain)}
    alike = sum(1 for it in chain if it.kind == about.kind)
    of_seller = sum(1 for it in chain if it.kind == about.kind and it.seller == about.seller)
    if about.kind is not Kind.OTHER and alike > 1:
        counts[Pattern.SELLER if about.seller and of_seller == alike else Pattern.KIND] = alike
    if about.kind in (Kind.LOST, Kind.LATE) and about.turn is not None:
        failed = {it.turn for it in chain if it.kind == about.kind}
        runs = [set(range(a, b + 1)) for a in range(1, 6) for b in range(a, 6) if a <= about.turn <= b]
        longest = max(len(run) for run in runs if run <= failed)
        if longest > 1:
            counts[Pattern.ROW] = longest
    return counts


@given(st.lists(failings, min_size=1, max_size=9), st.integers(0, 8))
def test_patterns_are_those_of_the_slow_twin(found, which):
    chain = chain_of(found)
    about = chain[which % len(chain)]
    counts = slowly(chain, about)
    assert {it.pattern: it.n for it in patterns(chain, about)} == counts
    worst = max(
        (by for pattern, kind, n, by in RAISES if counts.get(pattern, 0) >= n and kind in (None, about.kind)), default=0
    )
    assert raised(chain, about)[0] == worst


@given(st.lists(failings, max_size=8), failings)
def test_another_failure_of_whatever_kind_never_makes_the_count_of_failures_smaller(found, more):
    assert len(chain_of([*found, more])) >= len(chain_of(found))
