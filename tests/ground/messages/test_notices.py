"""Notices: each person is told each thing once, sees how much is new, and reads it once."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from tests.factories import UserFactory

from makegood.ground.messages import notices
from makegood.ground.messages.models import Message, Notice
from makegood.ground.staff.models import User

SIGNED_IN = "makegood.ground.messages.notices.StaffBackend"


@pytest.fixture
def ana(db: None) -> User:
    return UserFactory(username="ana", email="ana@example.com")


@pytest.fixture
def ben(db: None) -> User:
    return UserFactory(username="ben", email="ben@example.com")


def tell(*to: User, now: datetime, key: str = "late:1") -> int:
    return notices.notify(to=to, key=key, text="C-1 is late.", link="/cases/C-1/", about="case:1", now=now)


def test_everybody_is_told_once_whoever_tells_it_again(ana: User, ben: User, noon: datetime):
    assert tell(ana, ben, ana, now=noon) == 2
    assert tell(ana, ben, now=noon + timedelta(minutes=1)) == 0
    assert tell(ana, key="late:2", now=noon) == 1
    assert sorted(Notice.objects.values_list("to__username", "key")) == [
        ("ana", "late:1"), ("ana", "late:2"), ("ben", "late:1")]  # fmt: skip


def test_telling_nobody_costs_nothing(django_assert_num_queries, noon: datetime, db: None):
    with transaction.atomic(), django_assert_num_queries(2):  # the savepoint
        assert tell(now=noon) == 0


def test_telling_many_is_one_statement(django_assert_num_queries, noon: datetime, ana: User, ben: User):
    with transaction.atomic(), django_assert_num_queries(3):  # with the savepoint
        assert tell(ana, ben, now=noon) == 2


def test_who_left_is_not_told(ana: User, noon: datetime):
    ana.is_active = False
    assert tell(ana, now=noon) == 0


def test_nothing_is_told_of_what_was_undone(ana: User, noon: datetime):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tell(ana, now=noon)
        raise ZeroDivisionError
    assert not Notice.objects.exists()


def test_mail_goes_to_whoever_wants_it_and_once(ana: User, ben: User, noon: datetime):
    ana.notices_by_mail = True
    tell(ana, ben, now=noon)
    tell(ana, ben, now=noon)
    [mail] = Message.objects.all()
    assert (mail.recipient, mail.subject) == ("ana@example.com", "C-1 is late.")
    assert "/cases/C-1/" in mail.body


@pytest.mark.django_db(transaction=True)
def test_of_many_who_tell_the_same_at_once_one_is_heard(ana: User, ben: User, noon: datetime):
    told: list[int] = []

    def speak(people: tuple[User, ...]) -> None:
        told.append(tell(*people, now=noon))
        connection.close()

    threads = [threading.Thread(target=speak, args=((ana, ben) if n % 2 else (ben, ana),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(told) == Notice.objects.count() == 2


def test_a_notice_leads_nowhere_else(ana: User, noon: datetime):
    for link in ("https://elsewhere.example/", "//elsewhere.example/"):
        with pytest.raises(IntegrityError, match="notice_link_is_a_path"), transaction.atomic():
            notices.notify(to=[ana], key=link, text="Look", link=link, about="case:1", now=noon)


def test_the_bell_counts_what_is_new_without_a_statement_of_its_own(
    client: Client, ana: User, noon: datetime, django_assert_max_num_queries
):
    client.force_login(ana, backend=SIGNED_IN)
    tell(ana, now=noon)
    tell(ana, key="late:2", now=noon)
    with django_assert_max_num_queries(2):
        page = client.get("/notices/").text
    assert 'aria-label="What is due; 2 new notices"' in page


def test_the_bell_stops_counting_at_a_hundred(client: Client, ana: User, noon: datetime):
    notices.notify_many(
        [notices.Word(to=ana, key=f"{n}", text="Late.", link="/", about="case:1") for n in range(120)], now=noon
    )
    client.force_login(ana, backend=SIGNED_IN)
    assert ">99+<" in client.get("/notices/").text


def test_whoever_signed_in_otherwise_sees_the_same_count(client: Client, ana: User, noon: datetime):
    tell(ana, now=noon)
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")
    assert "1 new notices" in client.get("/notices/").text


def test_opening_a_notice_reads_it_and_leads_to_its_case(client: Client, ana: User, noon: datetime):
    tell(ana, now=noon)
    client.force_login(ana, backend=SIGNED_IN)
    notice = Notice.objects.get()
    answer = client.post(f"/notices/{notice.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, "/cases/C-1/")
    first = Notice.objects.get().read_at
    assert first
    client.post(f"/notices/{notice.pk}/")
    assert Notice.objects.get().read_at == first
    assert notices.unread(ana, limit=5) == []


def test_nobody_reads_the_notices_of_others(client: Client, ana: User, ben: User, noon: datetime):
    tell(ana, now=noon)
    client.force_login(ben, backend=SIGNED_IN)
    assert client.post(f"/notices/{Notice.objects.get().pk}/").status_code == 404
    client.post("/notices/read", {"until": str(Notice.objects.get().pk)})
    assert Notice.objects.get().read_at is None
    assert "C-1 is late." not in client.get("/notices/").text


def test_reading_all_leaves_what_came_meanwhile(ana: User, client: Client, noon: datetime):
    tell(ana, now=noon)
    seen = Notice.objects.get()
    tell(ana, key="late:2", now=noon)
    client.force_login(ana, backend=SIGNED_IN)
    client.post("/notices/read", {"until": str(seen.pk)})
    assert [notice.key for notice in notices.unread(ana, limit=5)] == ["late:2"]


def test_older_notices_are_a_page_away(ana: User, client: Client, noon: datetime):
    notices.notify_many(
        [notices.Word(to=ana, key=f"{n}", text=f"Word {n}.", link="", about="case:1") for n in range(60)], now=noon
    )
    client.force_login(ana, backend=SIGNED_IN)
    first = client.get("/notices/").text
    before = first.partition("?before=")[2].partition('"')[0]
    assert first.count("as-link") == 50
    assert client.get(f"/notices/?before={before}").text.count("as-link") == 10


def test_mail_is_a_choice_on_the_page(ana: User, client: Client):
    client.force_login(ana, backend=SIGNED_IN)
    client.post("/notices/by-mail", {"wanted": "yes"})
    assert User.objects.get(pk=ana.pk).notices_by_mail
    client.post("/notices/by-mail", {"wanted": "no"})
    assert not User.objects.get(pk=ana.pk).notices_by_mail


def test_who_signs_in_with_a_password_gets_the_count_for_free(client: Client, ana: User, noon: datetime):
    ana.set_password("right horse, wrong battery")
    ana.save()
    tell(ana, now=noon)
    assert client.login(username="ana", password="right horse, wrong battery")
    assert client.session["_auth_user_backend"] == SIGNED_IN
