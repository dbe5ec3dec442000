"""The words of an outreach: its fields, and how one person's facts fill them."""

import re
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from makegood.ground.web.formats import money
from makegood.ground.web.language import known, speaking
from makegood.prevent.outreach.models import Remedy, Segment

FIELDS: Final = {
    "customer": _("the customer's name"),
    "first_name": _("the first word of it"),
    "orders": _("numbers of all their affected orders"),
    "item": _("what was bought"),
    "amount": _("what is offered to this customer"),
    "code": _("code of the voucher"),
    "link": _("where to accept or decline"),
    "case": _("number of the case"),
    "company": _("the retailer's name"),
}
OFFERS: Final = frozenset({Remedy.CREDIT, Remedy.REFUND, Remedy.VOUCHER, Remedy.REPLACEMENT})
_FIELD = re.compile(r"\{(\w+)\}")


class Words(NamedTuple):
    subject: str
    body: str


class Filling(NamedTuple):
    """One person's facts, for the fields."""

    customer: str
    orders: list[str]
    item: str
    amount: Decimal
    currency: str
    case: str
    offer_url: str
    stop_url: str


def problems_of(segment: Segment) -> list[str]:
    """What stands in the way of sending a segment's words; nothing: they can go."""
    found = []
    if not segment.texts:
        found.append(gettext("Write the message in one language at least."))
    for code, text in segment.texts.items():
        said = {"code": code.upper()}
        if not text.get("subject", "").strip() or not text.get("body", "").strip():
            found.append(gettext("%(code)s: subject and message are both needed.") % said)
        if unknown := sorted(set(_FIELD.findall(text["subject"] + text["body"])) - set(FIELDS)):
            fields = ", ".join(f"{{{name}}}" for name in unknown)
            found.append(gettext("%(code)s: nobody can fill %(fields)s.") % {**said, "fields": fields})
        if segment.remedy in OFFERS and "{link}" not in text["body"]:
            found.append(gettext("%(code)s: {link} is missing: nobody could accept the offer.") % said)
        if segment.remedy == Remedy.NONE and "{link}" in text["body"]:
            found.append(gettext("%(code)s: {link} leads to an offer, and nothing is offered.") % said)
    return found


def language_for(segment: Segment, language: str) -> str:
    """The language that a segment speaks to somebody: theirs where it has it, else its first."""
    base = language.replace("_", "-").partition("-")[0].lower()
    return next((code for code in (language.lower(), base) if code in segment.texts), next(iter(segment.texts), ""))


def words_for(segment: Segment, language: str, filling: Filling) -> Words:
    """The exact words that somebody gets, with the line by which they ask for no more of them."""
    code = language_for(segment, language)
    text: dict[str, Any] = segment.texts[code]
    with speaking(known(code)):
        facts = {
            "customer": filling.customer or gettext("customer"),
            "first_name": filling.customer.split(" ")[0] or gettext("customer"),
            "orders": ", ".join(filling.orders), "item": filling.item or gettext("your order"),
            "amount": money(filling.amount, filling.currency), "code": segment.code, "link": filling.offer_url,
            "case": filling.case, "company": settings.MAKEGOOD_NAME,
        }  # fmt: skip
        end = gettext("You get this because it concerns your order. No more such messages: %(link)s") % {
            "link": filling.stop_url
        }

    def fill(words: str) -> str:
        return _FIELD.sub(lambda field: facts.get(field[1], field[0]), words)

    return Words(fill(text["subject"]), f"{fill(text['body']).rstrip()}\n\n{end}")
