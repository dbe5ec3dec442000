"""Contacts over the API."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema, Status
from pydantic import AfterValidator, AwareDatetime, model_validator

from makegood.recover.cases.models import Channel, Direction
from makegood.recover.intake import services

router = Router(tags=["intake"])

# Clocks differ; further ahead is a mistake.
AHEAD_AT_MOST = timedelta(minutes=5)


def _storable(text: str) -> str:
    """PostgreSQL keeps neither NUL nor half a surrogate pair."""
    if "\0" in text:
        raise ValueError("must not contain the NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        raise ValueError("must be valid Unicode") from problem
    return text


Text = Annotated[str, AfterValidator(_storable)]


class ContactIn(Schema):
    """One touch by or to a customer."""

    channel: Channel = Field(description="Where it came in.")
    direction: Literal[Direction.IN, Direction.OUT] = Field(Direction.IN, description="From or to the customer.")
    author: Text = Field("", max_length=254, description="E-mail address, or name and address, of who wrote.")
    subject: Text = Field("", max_length=300)
    body: Text = Field("", max_length=100_000)
    language: Text = Field("", max_length=8, description="ISO 639-1, such as en; found out when empty.")
    at: AwareDatetime | None = Field(None, description="When it was said; default: now.")
    customer_ref: Text = Field("", max_length=200, description="The customer's reference in your system.")
    order_ref: Text = Field("", max_length=200, description="The order's reference in your system.")
    ref: Text = Field("", max_length=200, description="The contact's own reference; sent again, nothing happens twice.")

    @model_validator(mode="after")
    def says_something(self) -> "ContactIn":
        if not (self.subject.strip() or self.body.strip()):
            raise ValueError("subject and body are both empty")
        return self

    @model_validator(mode="after")
    def was_said(self) -> "ContactIn":
        if self.at and self.at > timezone.now() + AHEAD_AT_MOST:
            raise ValueError("at lies in the future")
        return self


class ReceiptOut(Schema):
    """What became of a contact."""

    case: str | None = Field(description="The case's number, such as C-10482; null when it led to none.")
    case_id: UUID | None
    contact_id: UUID | None
    opened: bool = Field(description="Whether it opened the case.")
    why: str = Field(description="How customer, order, case and reason were found.")


@router.post("/contacts", response={201: ReceiptOut}, summary="Hand in a contact", operation_id="receive_contact")
def receive_contact(request: HttpRequest, contact: ContactIn) -> Status[ReceiptOut]:  # noqa: ARG001
    """Keep a contact, match it to customer, order and open case, and attach it or open a case.

    References that are not known do not stop it; the answer says so in words.
    """
    now: datetime = timezone.now()
    fields = contact.dict(exclude={"at"})
    receipt = services.receive(at=min(contact.at or now, now), **fields)
    told = ReceiptOut(
        case=f"C-{receipt.number}" if receipt.number else None,
        case_id=receipt.case_id, contact_id=receipt.contact_id, opened=receipt.opened, why=receipt.why,
    )  # fmt: skip
    return Status(201, told)
