"""Who has a case open too: nobody answers it twice."""

from datetime import timedelta

import pytest
from django.utils import timezone

from makegood.recover.cases.queries.case import PRESENT_FOR, mark


def look(case, who, doing="", after=timedelta(0)):
    return mark(case.number, me=who, doing=doing, now=timezone.now() + after, places=None)


def test_colleagues_see_each_other_come_write_and_go(make_case, ana, ben):
    case = make_case()
    assert look(case, ana).present == []
    assert look(case, ben, "reply").present == [("Ana", "")]
    seen = look(case, ana)
    assert seen.present == [("Ben", "reply")]
    assert seen.who
    assert look(case, ana, after=PRESENT_FOR + timedelta(seconds=1)).present == []
    assert look(case, ana, after=PRESENT_FOR + timedelta(seconds=1)).who == ""


def test_the_page_says_so_in_place_and_then_keeps_quiet(make_case, ana, ben, client, django_assert_num_queries):
    case = make_case()
    look(case, ben, "note")
    client.force_login(ana)
    page = f"/cases/C-{case.number}/live?version={case.version}"
    first = client.get(page)
    assert "Ben is writing a note" in first.content.decode()
    assert 'id="case-head"' not in first.content.decode(), "only who is there changed"
    who = look(case, ana).who
    with django_assert_num_queries(2):  # who asks, the mark
        assert client.get(f"{page}&who={who}").status_code == 204


@pytest.mark.parametrize("doing", ["reply", "x" * 500, "<b>"])
def test_what_a_page_says_it_does_is_a_word_of_ours(make_case, ana, ben, client, doing):
    case = make_case()
    client.force_login(ben)
    client.get(f"/cases/C-{case.number}/live", {"version": case.version, "doing": doing})
    assert look(case, ana).present == [("Ben", doing if doing == "reply" else "")]
