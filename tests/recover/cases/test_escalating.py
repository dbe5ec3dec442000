"""A case goes to more authority or other skills, and its next owner need not ask."""

import pytest
from tests.recover.cases.test_timeline import assert_replays

from makegood.recover.cases import services
from makegood.recover.cases.errors import CaseAlreadyResolved, CaseChanged, HandOverMissing, NotAnEscalation
from makegood.recover.cases.models import Case, CaseEvent, Note, Tier
from makegood.recover.cases.queries.case import timeline
from makegood.recover.cases.views.telling import tell

HAND_OVER = services.HandOver(happened="Lost twice.", promised="A call by Thursday.", needed="Approve a replacement.")


def escalate(case, ana, noon, **more):
    told = {"hand_over": HAND_OVER, "tier": Tier.MANAGER, "by": ana, "now": noon}
    return services.escalate_case(case_id=case.pk, **told | more)


def test_a_case_goes_to_a_higher_tier_with_its_hand_over(make_case, ana, noon):
    case = make_case()
    services.assign_case(case_id=case.pk, to=ana, by=ana, now=noon)
    escalate(case, ana, noon)
    case.refresh_from_db()
    assert (case.tier, case.assignee) == (Tier.MANAGER, None)
    [moment, *_] = timeline(case.pk)
    told = tell(moment)
    assert "Ana</strong> escalated to manager" in told.head
    assert "A call by Thursday." in told.words
    assert_replays(case.pk)


def test_a_case_goes_to_other_skills_and_to_somebody(make_case, ana, ben, noon):
    case = make_case()
    escalate(case, ana, noon, tier="", queue="money", to=ben)
    case.refresh_from_db()
    assert (case.queue.slug, case.assignee) == ("money", ben)
    assert "to the queue Orders and money, to Ben" in tell(timeline(case.pk)[0]).head
    assert_replays(case.pk)


def test_what_was_handed_over_is_found_by_its_words(make_case, ana, noon):
    case = make_case()
    escalate(case, ana, noon)
    assert Case.objects.extra(where=["search @@ to_tsquery('simple', 'replacement')"]).get() == case


@pytest.mark.parametrize("part", ["happened", "promised", "needed"])
def test_nobody_takes_over_without_a_word(make_case, ana, noon, part):
    case = make_case()
    told = {"happened": "x", "promised": "nothing", "needed": "y"} | {part: "  "}
    with pytest.raises(HandOverMissing):
        escalate(case, ana, noon, hand_over=services.HandOver(**told))
    assert not Note.objects.exists()


def test_what_leads_nowhere_is_no_escalation(make_case, ana, noon):
    case = make_case()
    for where in ({"tier": ""}, {"tier": Tier.FRONTLINE}, {"tier": case.tier}, {"tier": "", "queue": case.queue.slug}):
        with pytest.raises(NotAnEscalation):
            escalate(case, ana, noon, **where)
    assert CaseEvent.objects.filter(case=case, kind="escalated").count() == 0


def test_of_two_who_escalate_at_once_one_wins(make_case, ana, ben, noon):
    case = make_case()
    seen = case.version
    escalate(case, ana, noon, seen=seen)
    with pytest.raises(CaseChanged):
        escalate(case, ben, noon, tier="", queue="money", seen=seen)
    assert Note.objects.count() == 1


def test_a_resolved_case_is_not_escalated(make_case, ana, noon):
    case = make_case()
    services.resolve_case(case_id=case.pk, outcome="lost", cause="", by=ana, now=noon)
    with pytest.raises(CaseAlreadyResolved):
        escalate(case, ana, noon)


def test_who_is_relieved_reads_so_on_the_timeline(make_case, ana, ben, noon):
    case = make_case()
    services.assign_case(case_id=case.pk, to=ana, by=ana, now=noon)
    services.assign_case(case_id=case.pk, to=ben, by=ben, now=noon)
    assert "Ben</strong> took over from Ana" in tell(timeline(case.pk)[0]).head


def test_the_end_says_what_would_have_prevented_it(make_case, ana, noon):
    case = make_case()
    services.resolve_case(
        case_id=case.pk, outcome="recovered", cause="Label tore", prevention="A second label inside", by=ana, now=noon
    )
    assert "It would have been prevented by: A second label inside" in tell(timeline(case.pk)[0]).why
    assert_replays(case.pk)
    services.reopen_case(case_id=case.pk, why="Not settled", by=ana, now=noon)
    case.refresh_from_db()
    assert case.prevention == ""
