"""Who works at the demo retailer: forty people, five of whom anybody may sign in as."""

from typing import NamedTuple

from django.contrib.auth.hashers import make_password
from django.db import transaction

from makegood.app.demo.people import STAFF_DOMAIN
from makegood.ground.retail.models import Place, Source
from makegood.ground.staff.models import Role, User

# Known to everybody and printed at the end. Only these accounts have it; the others have none.
PASSWORD = "makegood-demo"  # noqa: S105
SIGN_IN = tuple(str(role) for role in Role)


class Member(NamedTuple):
    username: str
    first_name: str
    last_name: str
    role: str
    place_ref: str  # empty: the whole company


_CAST = """
associate|Tess|Hollins|associate|D-YK
specialist|Ana|Whitlock|specialist|
manager|Marcus|Adeyemi|manager|
analyst|Nadia|Farrow|analyst|
administrator|Robin|Castle|administrator|
|Jess|Oldroyd|associate|D-YK
|Callum|Pryce|associate|D-NW
|Aisha|Mistry|associate|D-NW
|Dean|Lockett|associate|D-MD
|Grace|Ofori|associate|D-MD
|Holly|Sandys|associate|D-SE
|Imran|Sheikh|associate|D-SE
|Ben|Arkwright|associate|
|Chloe|Dunmore|associate|
|Dilys|Pugh|associate|
|Ewan|Strachan|associate|
|Fatima|Rahim|associate|
|George|Tansley|associate|
|Hana|Kowal|associate|
|Isaac|Bright|associate|
|Jodie|Marlow|associate|
|Kwame|Asante|associate|
|Leah|Thurlow|specialist|
|Mo|Siddique|specialist|
|Niamh|Carrick|specialist|
|Oliver|Stanhope|specialist|
|Priya|Nair|specialist|
|Quentin|Rusk|specialist|
|Rosa|Delgado|specialist|
|Stan|Ferriby|specialist|
|Tanya|Brook|specialist|
|Uma|Sharma|specialist|
|Vikram|Dass|manager|D-NW
|Wendy|Askham|manager|D-YK
|Xavier|Lund|manager|D-MD
|Yvonne|Tranter|manager|D-SE
|Zac|Pemble|analyst|
|Alice|Venn|analyst|
|Bram|Oakes|administrator|
|Cora|Minton|administrator|
"""


def _cast() -> tuple[Member, ...]:
    rows = (line.split("|") for line in _CAST.strip().splitlines())
    return tuple(
        Member(name or f"{first}.{last}".lower(), first, last, role, place) for name, first, last, role, place in rows
    )


CAST = _cast()
USERNAMES = frozenset(member.username for member in CAST)


@transaction.atomic
def hire(source: Source) -> int:
    """Give everybody of the cast who has none yet an account. Returns how many were new."""
    there = set(User.objects.filter(username__in=USERNAMES).values_list("username", flat=True))
    missing = [member for member in CAST if member.username not in there]
    if not missing:
        return 0
    password = make_password(PASSWORD)  # hashed once: it is no secret
    places = dict(Place.objects.filter(source=source).values_list("ref", "pk"))
    users = User.objects.bulk_create(
        User(
            username=member.username, first_name=member.first_name, last_name=member.last_name, role=member.role,
            email=f"{member.username}@{STAFF_DOMAIN}", time_zone="Europe/London", password=password if
            member.username in SIGN_IN else make_password(None), is_staff=member.role == Role.ADMINISTRATOR,
        )
        for member in missing
    )  # fmt: skip
    through = User.places.through
    through.objects.bulk_create(
        through(user_id=user.pk, place_id=places[member.place_ref])
        for user, member in zip(users, missing, strict=True)
        if member.place_ref
    )
    return len(users)
