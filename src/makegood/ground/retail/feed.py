"""The feed: which tables a retailer may deliver, and what each field must be. Data, from which everything else comes.

Types, lengths and choices are those of the models; what is written here is what the models cannot say. The checks on
the way in, the JSON Schemas and the reference page (`schema.py`) are all made from these tables: they cannot disagree.
"""

import zoneinfo
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import models

from makegood.ground.retail import models as retail


@dataclass(frozen=True)
class FeedField:
    """One field. `name` is the model's; a reference holds the parent's `ref` and is written to `<name>_id`."""

    name: str
    doc: str
    minimum: int | None = None
    maximum: int | None = None
    pattern: str = ""
    # What stands in for an absent value: the model's default unless the source knows better.
    from_source: str = ""
    time_zone: bool = False


@dataclass(frozen=True)
class FeedTable:
    """One table of the feed: a model whose rows are delivered."""

    name: str
    model: type[retail.Mirrored]
    doc: str
    fields: tuple[FeedField, ...]

    @cached_property
    def columns(self) -> tuple["Column", ...]:
        """Every field with all that is known about it; `ref` comes first."""
        ref = FeedField("ref", "The row's own reference in your system. Unique within this table, never reused.")
        return tuple(Column(field, self.model._meta.get_field(field.name)) for field in (ref, *self.fields))  # type: ignore[arg-type]  # noqa: SLF001

    @property
    def db_table(self) -> str:
        return self.model._meta.db_table  # noqa: SLF001


class Column:
    """A feed field together with its column."""

    def __init__(self, field: FeedField, column: "models.Field[Any, Any]") -> None:
        self.name, self.doc, self.pattern = field.name, field.doc, field.pattern
        self.from_source = field.from_source
        self.references: Any = None  # the model of the parent
        self.max_length: int | None = None
        self.digits: tuple[int, int] | None = None
        self.choices: tuple[str, ...] = ()
        self.minimum, self.maximum = field.minimum, field.maximum
        self.type = "text"
        self.db_column: str = column.column or column.name
        if isinstance(column, models.ForeignKey):
            self.references, self.max_length = column.related_model, 200
        elif isinstance(column, models.DateTimeField):
            self.type = "timestamp"
        elif isinstance(column, models.DecimalField):
            self.type, self.digits = "decimal", (column.max_digits or 14, column.decimal_places or 0)
        elif isinstance(column, models.IntegerField):
            self.type = "integer"
            largest = 32_767 if isinstance(column, models.PositiveSmallIntegerField) else 2_147_483_647
            self.minimum = 0 if field.minimum is None else field.minimum
            self.maximum = largest if field.maximum is None else field.maximum
        else:
            self.max_length = column.max_length
            self.choices = tuple(str(value) for value, _ in column.flatchoices)
            if field.time_zone:
                self.choices = tuple(sorted(zoneinfo.available_timezones()))
        # Dozens are worth listing to a person, hundreds are not.
        self.choices_have_a_name = "the IANA time zones" if field.time_zone else ""
        self.default: str | None = None
        if column.has_default():
            self.default = str(column.get_default())
        self.required = not column.null and self.default is None and not self.from_source


CURRENCY = {"pattern": "[A-Z]{3}", "from_source": "currency"}
_COUNTRY = FeedField("country", "Two letters of ISO 3166, such as GB.", pattern="[A-Z]{2}")
_CITY = FeedField("city", "City or town.")
_STATE = FeedField("state", "State, county or province; failures are compared along it.")
_ORDER = FeedField("order", "Of which order.")

TABLES: tuple[FeedTable, ...] = (
    FeedTable("places", retail.Place, "Where things are sold, kept or led.", (
        FeedField("kind", "What it is."),
        FeedField("name", "What people call it."),
        FeedField("parent", "What it belongs to: a store to a district, a district to a region."),
        FeedField("time_zone", "Its time zone.", from_source="time_zone", time_zone=True),
        _CITY, _STATE, _COUNTRY,
    )),
    FeedTable("vendors", retail.Vendor, "Whose work or goods you depend on.", (
        FeedField("kind", "What they do."),
        FeedField("name", "What people call them."),
        FeedField("email", "Where they can be written to."),
        _CITY, _STATE, _COUNTRY,
    )),
    FeedTable("products", retail.Product, "What you sell.", (
        FeedField("name", "What people call it."),
        FeedField("category", "The category by which failures are compared."),
        FeedField("manufacturer", "Who makes it."),
        FeedField("warranty_months", "How long the warranty lasts."),
    )),
    FeedTable("customers", retail.Customer, "Accounts of the people who buy.", (
        FeedField("name", "Full name."),
        FeedField("email", "E-mail address."),
        FeedField("phone", "Phone number."),
        FeedField("language", "Language they are written to in, such as en or pt-BR."),
        FeedField("loyalty_tier", "Standing in your loyalty programme."),
        FeedField("lifetime_value", "What they have spent with you, in the currency of the source."),
        FeedField("person_ref", "The same for all accounts of one person."),
        _CITY, _STATE,
        FeedField("postal_code", "Postal code."),
        _COUNTRY,
    )),
    FeedTable("orders", retail.Order, "One purchase, online or in a store.", (
        FeedField("customer", "Who bought."),
        FeedField("place", "The store of a store or pick-up order."),
        FeedField("channel", "How it was bought."),
        FeedField("status", "Where it stands."),
        FeedField("placed_at", "When it was bought."),
        FeedField("paid_at", "When the payment was approved."),
        FeedField("promised_at", "By when the customer was promised to have it."),
        FeedField("cancelled_at", "When it was called off or found to be out of stock."),
        FeedField("total", "What the customer pays for goods and freight.", minimum=0),
        FeedField("currency", "Three letters of ISO 4217.", **CURRENCY),  # type: ignore[arg-type]
    )),
    FeedTable("shipments", retail.Shipment, "What travels to the customer, or waits to be picked up.", (
        _ORDER,
        FeedField("carrier", "Who carries it."),
        FeedField("seller", "Who sends it, if not you."),
        FeedField("warehouse", "Which place it leaves from."),
        FeedField("tracking_number", "The carrier's number."),
        FeedField("from_state", "State it leaves from."),
        FeedField("to_state", "State it goes to."),
        FeedField("handover_due_at", "By when the carrier should have it."),
        FeedField("handed_over_at", "When the carrier got it."),
        FeedField("promised_at", "By when the customer was promised to have it."),
        FeedField("delivered_at", "When the customer got it."),
    )),
    FeedTable("order_lines", retail.OrderLine, "The items of an order.", (
        _ORDER,
        FeedField("product", "What was bought."),
        FeedField("seller", "Who sells it, if not you."),
        FeedField("position", "Its number within the order.", minimum=1),
        FeedField("quantity", "How many.", minimum=1),
        FeedField("unit_price", "Price of one.", minimum=0),
        FeedField("freight", "Freight charged for this line.", minimum=0),
        FeedField("batch", "Lot or serial number."),
    )),
    FeedTable("payments", retail.Payment, "What was paid for an order.", (
        _ORDER,
        FeedField("method", "How it was paid, such as card or voucher; `chargeback` for one that the bank took back."),
        FeedField("amount", "How much.", minimum=0),
        FeedField("paid_at", "When it was paid."),
    )),
    FeedTable("tracking_events", retail.TrackingEvent, "Scans and messages of carriers.", (
        FeedField("shipment", "Of which shipment."),
        FeedField("at", "When it happened."),
        FeedField("kind", "What happened."),
        FeedField("location", "Where it happened."),
        FeedField("description", "The carrier's own words."),
    )),
    FeedTable("returns", retail.Return, "What comes back.", (
        _ORDER,
        FeedField("line", "Which line of the order."),
        FeedField("status", "Where it stands."),
        FeedField("reason", "Why, in the customer's words or yours."),
        FeedField("requested_at", "When the customer asked."),
        FeedField("received_at", "When the goods came back."),
        FeedField("refunded_at", "When the money went back."),
        FeedField("amount", "What is or will be refunded.", minimum=0),
    )),
    FeedTable("reviews", retail.Review, "What customers said, with 1 to 5 stars.", (
        FeedField("customer", "Who said it."),
        FeedField("order", "About which order."),
        FeedField("place", "About which store."),
        FeedField("score", "Stars.", minimum=1, maximum=5),
        FeedField("title", "Headline."),
        FeedField("body", "Text."),
        FeedField("language", "Language of the text, such as en or pt-BR."),
        FeedField("at", "When it was said."),
    )),
)  # fmt: skip

_MORE: dict[str, FeedTable] = {}


def register(table: FeedTable) -> None:
    """Add a table of a room above; done when Django starts (`AppConfig.ready`)."""
    _MORE[table.name] = table


def all_tables() -> tuple[FeedTable, ...]:
    """The whole feed, parents before children: ours and those that rooms above have added."""
    return (*TABLES, *_MORE.values())
