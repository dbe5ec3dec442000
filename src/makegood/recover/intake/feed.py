"""Contacts of other systems come in by the same feed as the retailer's rows."""

from makegood.ground.retail.feed import FeedField, FeedTable
from makegood.recover.intake.models import Arrival

CONTACTS = FeedTable("contacts", Arrival, "What customers wrote or said, and what was answered.", (
    FeedField("channel", "How it came."),
    FeedField("direction", "From the customer or to the customer."),
    FeedField("author", "Address or name as given."),
    # Plain text, not references: intake matches them, also when the order arrives later.
    FeedField("customer_ref", "Who it was, if you know: the `ref` of a customer."),
    FeedField("order_ref", "Which order it is about, if you know: the `ref` of an order."),
    FeedField("place", "The store where it happened."),
    FeedField("subject", "Subject line."),
    FeedField("body", "The words."),
    FeedField("language", "Language of the words, such as en or pt-BR."),
    FeedField("at", "When it happened."),
))  # fmt: skip
