"""The fields of macros: what stands for what, and how a case fills them."""

import re
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from makegood.ground.retail.queries.orders import Purchase
from makegood.ground.staff.models import User
from makegood.recover.cases.queries.case import CaseDetail

FIELDS: Final = {
    "customer": _("the customer's name"),
    "first_name": _("the first word of it"),
    "case": _("number of the case"),
    "order": _("number of the order"),
    "item": _("what was bought"),
    "tracking": _("tracking number of the parcel"),
    "me": _("your name"),
    "company": _("the retailer's name"),
}
_FIELD = re.compile(r"\{(\w+)\}")


def unknown_fields(body: str) -> list[str]:
    """Fields of a text that no case can fill."""
    return sorted(set(_FIELD.findall(body)) - set(FIELDS))


def fill(body: str, case: CaseDetail, order: Purchase | None, me: User) -> str:
    """A macro's text for this case. A field that the case cannot fill stays visible, so that nobody sends a gap."""
    parcel = next((p for p in order.parcels if p.id == case.shipment_id), None) if order else None
    known = {
        "customer": case.customer, "first_name": case.customer.split(" ")[0], "case": case.label,
        "order": order.ref if order else "", "item": order.lines[0].product if order and order.lines else "",
        "tracking": (parcel.tracking_number or parcel.ref) if parcel else "", "me": me.display_name,
        "company": settings.MAKEGOOD_NAME,
    }  # fmt: skip
    return _FIELD.sub(lambda field: known.get(field[1]) or field[0], body)
