"""English complaints of our own with the reason a person would give: vectors, not a measurement.

They were written to be varied and tricky, and the phrases were mended until they passed. None says how often the
phrases are right on real English mail.
"""

import pytest

from makegood.engines.language import find_reason

VECTORS: tuple[tuple[str, str], ...] = (
    ("My parcel never arrived.", "delivery.not_received"),
    ("Still waiting for my order, placed three weeks ago", "delivery.not_received"),
    ("i havent recieved nothing, where is my parcel???", "delivery.not_received"),
    ("Tracking says delivered but there is nothing at my door.", "delivery.not_received"),
    ("WHERE IS MY ORDER", "delivery.not_received"),
    ("The courier lost my package in transit", "delivery.not_received"),
    ("I haven't received my order and nobody replies to my emails.", "delivery.not_received"),
    ("Cust called, says not received, driver photo shows a different house", "delivery.not_received"),
    ("It was supposed to arrive on Friday and it is now Tuesday, nothing yet.", "delivery.overdue"),
    ("The promised delivery date has passed and I have not received anything", "delivery.overdue"),
    ("My order is overdue", "delivery.overdue"),
    ("You guaranteed delivery by Saturday. Still nothing.", "delivery.overdue"),
    ("It came ten days late, after my daughter's birthday.", "delivery.late"),
    ("Took six weeks to arrive", "delivery.late"),
    ("Arrived a week later than you said, otherwise fine", "delivery.late"),
    ("I ordered two lamps and only one arrived.", "delivery.partial"),
    ("Half of my order is missing", "delivery.partial"),
    ("The box came without the screws", "delivery.partial"),
    ("Only received 3 of the 4 chairs", "delivery.partial"),
    ("The charger was missing from the box.", "delivery.partial"),
    ("You sent me the wrong size", "delivery.wrong_item"),
    ("I ordered the blue one but got a red one.", "delivery.wrong_item"),
    ("This is not what I ordered!", "delivery.wrong_item"),
    ("I received someone else's parcel", "delivery.wrong_item"),
    ("A kettle came instead of the toaster I ordered", "delivery.wrong_item"),
    ("Went to collect my click and collect order and it was not ready.", "delivery.pickup"),
    ("Got the ready for pickup email, waited 40 minutes, nobody could find it", "delivery.pickup"),
    ("Sat in the curbside bay for an hour and nothing came out", "delivery.pickup"),
    ("The vase arrived smashed to pieces.", "product.damaged"),
    ("Box was crushed and the lid is dented", "product.damaged"),
    ("Shampoo leaked all over the parcel", "product.damaged"),
    ("The screen was cracked when I opened it", "product.damaged"),
    ("The kettle stopped working after two days.", "product.faulty"),
    ("It won't turn on", "product.faulty"),
    ("Faulty zip, doesn't close. It doesn't work.", "product.faulty"),
    ("The phone arrived on time but the battery doesn't charge", "product.faulty"),
    ("Not as described on the website.", "product.not_as_described"),
    ("Looks nothing like the picture", "product.not_as_described"),
    ("The listing says leather but it is plastic", "product.not_as_described"),
    ("Sold as new but clearly used", "product.not_as_described"),
    ("Poor quality, the seam split the first time I wore it", "product.quality"),
    ("These trainers are fake.", "product.quality"),
    ("Cheap and flimsy", "product.quality"),
    ("The perfume is not genuine", "product.quality"),
    ("You cancelled my order without telling me", "order.cancelled"),
    ("My order was cancelled a day after I paid", "order.cancelled"),
    ("After taking my money they told me it was out of stock.", "order.unavailable"),
    ("My order was cancelled because the item is no longer available", "order.unavailable"),
    ("I still haven't received my refund.", "payment.refund"),
    ("Returned the coat three weeks ago, no refund yet", "payment.refund"),
    ("Where is my money? You promised a refund in 5 days", "payment.refund"),
    ("I was charged twice for the same order", "payment.charge"),
    ("The discount code was not applied and I paid full price", "payment.charge"),
    ("I sent it back two weeks ago and the return has not been processed", "return.handling"),
    ("The returns page gives an error and I cannot return the shoes", "return.handling"),
    ("Nobody around to help in the paint department.", "store.no_staff"),
    ("couldn't find any staff on the shop floor", "store.no_staff"),
    ("The shelf label said 4.99 but the till charged 6.99", "store.price"),
    ("Wrong price on the shelf again", "store.price"),
    ("Queued 25 minutes, only one till open", "store.checkout"),
    ("Self-checkout is always down and the line is endless", "store.checkout"),
    ("The cashier was rude to my mother", "store.conduct"),
    ("A security guard accused me of stealing", "store.conduct"),
    ("I have emailed you four times and nobody answers.", "service.no_answer"),
    ("No reply to my messages for a week", "service.no_answer"),
)

# Texts that do not tell, and texts in which the word stands but the complaint does not.
SILENT: tuple[str, ...] = (
    "Thank you, lovely shop!",
    "Hello",
    "What time do you open on Sundays?",
    "It is not broken, I just wanted to say thanks.",
    "The parcel was not damaged and came quickly",
    "Not faulty at all, five stars",
    "Please see the attached file.",
    "Terrible. Never again.",
)


@pytest.mark.parametrize(("text", "reason"), VECTORS, ids=[text[:40] for text, _ in VECTORS])
def test_an_english_complaint_gets_the_reason_a_person_would_give(text, reason):
    found = find_reason(text)

    assert found is not None
    assert (found.reason, found.language) == (reason, "en")


@pytest.mark.parametrize("text", SILENT)
def test_a_text_that_does_not_tell_gets_no_reason(text):
    assert find_reason(text) is None
