"""`@ben` in a note tells Ben."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makegood.ground.messages.models import Notice
from makegood.ground.retail.models import Place
from makegood.recover.cases import services
from makegood.recover.cases.services.mentioning import AT_MOST, mentioned


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("@ben, please look", ["ben"]),
        ("Ask @Ben.", ["ben"]),
        ("@ben @ana @ben", ["ben", "ana"]),
        ("ana@example.com wrote", []),
        ("(@ben-k)", ["ben-k"]),
        ("nothing @ all", []),
    ],
)
def test_who_is_meant(body, names):
    assert mentioned(body) == names


@given(st.text())
def test_any_text_names_at_most_a_few(body):
    assert len(mentioned(body)) <= AT_MOST


def test_who_is_named_is_told_once_and_the_timeline_says_so(make_case, ana, ben, noon):
    case = make_case()
    services.add_note(case_id=case.pk, body="@ben @BEN @nobody @ana: is this the same carrier?", by=ana, now=noon)
    notice = Notice.objects.get()
    assert (notice.to, notice.link) == (ben, f"/cases/{case}/")
    assert "is this the same carrier?" in notice.text
    assert case.events.latest("seq").facts["told"] == [ben.display_name]


def test_who_may_not_see_the_case_is_not_told(make_case, ana, ben, noon, shop):
    case = make_case()
    ben.places.add(Place.objects.create(source=shop, ref="S-9", name="Elsewhere", kind="store"))
    services.add_note(case_id=case.pk, body="@ben look", by=ana, now=noon)
    assert not Notice.objects.exists()
