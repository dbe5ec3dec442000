"""What a partner writes about a parcel or a case: it goes to that case, never as a word of the customer's."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.db import connection

from makegood.ground.retail.models import Customer, Vendor
from makegood.recover.cases.models import Case, CaseEvent, Channel, Contact
from makegood.recover.cases.services.contacts import receive_from_partner
from makegood.recover.cases.services.timeline import lock_case, record
from makegood.recover.intake.mail.reading import Said

_MANY_COUNTRIES: Final = ("gmail", "googlemail", "hotmail", "outlook", "live", "msn", "yahoo", "icloud", "aol", "gmx")
_ONE_COUNTRY: Final = ("me.com", "mail.com", "web.de", "bol.com.br", "uol.com.br", "terra.com.br", "sapo.pt")
_PROVIDERS: Final = re.compile(rf"(?:{'|'.join(_MANY_COUNTRIES)}|proton(?:mail)?)\.(?:[a-z]{{2,3}}\.)?[a-z]{{2,3}}")
CASES_AT_MOST: Final = 20
_READ_AT_MOST: Final = 20_000
_CASE_NUMBER = re.compile(r"\bC-(\d{1,12})\b", re.IGNORECASE)
# Shorter ones may be a date or a price.
_TRACKING = re.compile(r"\b(?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{6,78}[A-Z0-9]\b", re.IGNORECASE)


class Partner(NamedTuple):
    name: str
    kind: str


def partner_at(address: str) -> Partner | None:
    """The partner who writes from an address: it is theirs, or of their domain and no customer's. Two SQL queries."""
    domain = address.lower().rpartition("@")[2]
    if not domain:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT name, kind, lower(email) = %(address)s FROM retail_vendor
               WHERE lower(split_part(email, '@', 2)) = %(domain)s AND email > ''
               ORDER BY lower(email) <> %(address)s, id LIMIT 1""",
            {"address": address.lower(), "domain": domain},
        )
        row = cursor.fetchone()
    if row is None:
        return None
    name, kind, is_theirs = row
    if not is_theirs and (is_for_everybody(domain) or Customer.objects.filter(email__iexact=address).exists()):
        return None
    return Partner(name, str(Vendor.Kind(kind).label).lower())


def is_for_everybody(domain: str) -> bool:
    """Whether anybody may have an address there: it then says nothing about who writes."""
    return domain in _ONE_COUNTRY or _PROVIDERS.fullmatch(domain) is not None


def cases_meant(said: Said, answered: int | None, *, now: datetime) -> list[Case]:
    """The cases that a partner's mail is about, in the order in which it names them: what it provably answers, cases by
    number, parcels by tracking number. At most two SQL queries.
    """
    text = f"{said.subject}\n{said.words}"[:_READ_AT_MOST]
    numbers = [answered] if answered else []
    numbers += [int(number) for number in _CASE_NUMBER.findall(text)]
    found = _in_order_of(numbers, Case.objects.filter(number__in=numbers[:100]).defer("search"))
    tracked = dict.fromkeys(_TRACKING.findall(text.upper()))
    if not found and tracked:
        found = _of_parcels(list(tracked)[:100], now)
    return found[:CASES_AT_MOST]


def _in_order_of(numbers: list[int], cases: Iterable[Case]) -> list[Case]:
    by_number = {case.number: case for case in cases}
    return [by_number[number] for number in dict.fromkeys(numbers) if number in by_number]


def _of_parcels(tracked: list[str], now: datetime) -> list[Case]:
    """Of each parcel the case about it, else about its order: an open one, else the last resolved one that an answer
    would still reopen.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (t.n) c.id FROM unnest(%(tracked)s::text[]) WITH ORDINALITY AS t (number, n)
            JOIN retail_shipment s ON s.tracking_number = t.number AND s.tracking_number > ''
            JOIN cases_case c ON c.order_id = s.order_id
            WHERE c.merged_into_id IS NULL AND coalesce(c.resolved_at > %(since)s::timestamptz, true)
            ORDER BY t.n, c.resolved_at IS NOT NULL, c.shipment_id = s.id DESC NULLS LAST, c.opened_at DESC
            """,
            {"tracked": tracked, "since": now - timedelta(days=settings.MAKEGOOD_REOPEN_WITHIN_DAYS)},
        )
        ids = list(dict.fromkeys(pk for (pk,) in cursor.fetchall()))
    held = Case.objects.defer("search").in_bulk(ids)
    return [held[pk] for pk in ids]


def take_from_partner(partner: Partner, said: Said, cases: list[Case], *, at: datetime) -> tuple[Contact, str]:
    """Put what a partner wrote to the first of the cases it is about, and say on the others where it stands."""
    first, *others = cases
    why = f"From {partner.name}, a partner ({partner.kind})."
    contact = receive_from_partner(
        case_id=first.pk, channel=Channel.EMAIL, author=f"{partner.name} <{said.sender}>", body=said.words,
        subject=said.subject, at=at, why=why,
    )  # fmt: skip
    home = contact.case
    for case in others:
        if case.pk != home.pk and case.merged_into_id is None:
            says = f"{partner.name}, a partner, wrote about this too: see C-{home.number}."
            record(lock_case(case.pk), CaseEvent.Kind.FACT, at=at, why=says, facts={"case": home.number})
    return contact, why
