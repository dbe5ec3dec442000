"""Administrators look after people by their role, not by Django's model permissions."""

from django.urls import reverse
from tests.factories import colleague

from makegood.ground.staff.models import Role, User


def admin(client):
    ada = colleague("ada")
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    client.force_login(ada)
    return client


def test_an_administrator_adds_somebody_with_a_role(client, db):
    page = admin(client).get(reverse("admin:staff_user_changelist"))
    assert page.status_code == 200
    answer = client.post(
        reverse("admin:staff_user_add"),
        {"username": "zoe", "usable_password": "true", "password1": "copper-kettle-9", "password2": "copper-kettle-9",
         "first_name": "Zoe", "last_name": "Hart", "email": "zoe@example.com", "role": "manager"},
    )  # fmt: skip
    assert answer.status_code == 302, answer.content.decode()
    assert User.objects.get(username="zoe").role == Role.MANAGER


def test_whoever_becomes_administrator_may_come_in_and_who_ceases_may_not(client, db):
    ben = colleague("ben")
    page = admin(client).get(reverse("admin:staff_user_change", args=[ben.pk]))
    fields = page.context["adminform"].form.initial | {"places": [], "skills": ""}
    sent = {name: value for name, value in fields.items() if value is not None and name != "password"}
    client.post(reverse("admin:staff_user_change", args=[ben.pk]), {**sent, "role": "administrator"})
    ben.refresh_from_db()
    assert (ben.role, ben.is_staff) == (Role.ADMINISTRATOR, True)
    client.post(reverse("admin:staff_user_change", args=[ben.pk]), {**sent, "role": "associate"})
    ben.refresh_from_db()
    assert (ben.role, ben.is_staff) == (Role.ASSOCIATE, False)


def test_nobody_is_deleted(client, db):
    ben = colleague("ben")
    assert admin(client).post(reverse("admin:staff_user_delete", args=[ben.pk]), {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=ben.pk).exists()
