"""What the staff of the demo retailer write: replies, notes, causes. Put together from parts."""

ACKNOWLEDGE: dict[str, tuple[str, ...]] = {
    "delivery": (
        "I have asked {carrier} to look for your parcel and will write to you again as soon as I hear from them.",
        "I am sorry that you had to wait. I am tracing the parcel with {carrier} now.",
        "That should not have happened. I have opened a trace and will come back to you within two days.",
    ),
    "product": (
        "I am sorry about that. Could you send me a photo and tell me the number on the label underneath?",
        "Thank you for telling us. I have booked a free collection; the replacement leaves right after it.",
        "That is not the quality we want to sell. Would you like a replacement or your money back?",
    ),
    "order": (
        "I have looked at your order and spoken to the warehouse.",
        "I am sorry for the trouble. I am checking what happened and whether we can still send it.",
    ),
    "payment": (
        "I have checked your payments and passed this to our accounts team today.",
        "I can see what went wrong. The money is on its way back and should arrive within three working days.",
    ),
    "return": (
        "I have sent you a new label; you can drop the parcel off at any shop that takes returns.",
        "I have booked a new collection. Please tell me if the day does not suit you.",
    ),
    "store": (
        "Thank you for telling us. I have spoken to the manager of the store about it.",
        "I am sorry about your visit. I have passed this on and would like to make up for it.",
    ),
    "": (
        "Thank you for getting in touch. Could you tell me a little more, so that I can help?",
        "I am sorry to hear that. Which order is it about, and what would put it right for you?",
    ),
}
CONCLUDE: dict[str, tuple[str, ...]] = {
    "recovered": (
        "I have sent a replacement today, it should be with you in two days.",
        "Your refund has been made; it takes up to three working days to show.",
        "It is all sorted now. Thank you for your patience.",
        "I have refunded the difference and added a £10 voucher for the trouble.",
    ),
    "partly": (
        "I could refund half of it, and I hope that helps a little.",
        "We cannot get the same one any more. I have sent you a voucher for the difference.",
    ),
    "explained": (
        "I have looked into it and can explain what happened. Nothing further is needed from you.",
        "The scans show that it was left with your neighbour. Please write again if it is not there.",
    ),
    "refused": ("I am sorry, this is outside what our terms allow. I have explained why in the note to your order.",),
    "lost": ("I am sorry that we could not put this right in time. Your money has been returned.",),
    "no_answer": ("As I have not heard from you, I am closing this for now. Just reply and it opens again.",),
    "duplicate": ("We are answering you under your other message about the same order.",),
}
HEARD = (
    "Thank you. Yes, that would be fine.",
    "Here is the photo you asked for. The number is on the second one.",
    "A replacement, please.",
    "I would rather have my money back.",
    "That works for me, thanks.",
    "I have looked again and it is still not here.",
    "Sorry for the late answer. Tuesday would be best.",
    "Is there any news? I have sent everything you asked for.",
    "OK, thank you for looking into it.",
)
REOPENED = (
    "The replacement has the same problem.",
    "The refund has still not arrived.",
    "You said two days and nothing has come.",
    "This is not solved. Please look at it again.",
    "I have been told something different by the store.",
)
NOTES = (
    "Traced with {carrier}: last scan at the hub, no answer yet.",
    "Spoke to the warehouse, they check the shelf today.",
    "Customer prefers a call after five.",
    "Asked the store to ring back.",
    "Photos are in, clearly ours.",
    "Second case of this kind this week.",
    "Waiting for accounts to confirm the second booking.",
    "Offered a replacement, customer thinks about it.",
    "{carrier} wants three more working days.",
    "Checked the batch on the label.",
    "Told the customer what we know so far.",
    "Escalated to the carrier's key account.",
)
CAUSES: dict[str, tuple[str, ...]] = {
    "delivery.not_received": (
        "Lost by {carrier} after the hub.",
        "{carrier} declared it lost.",
        "No scan after the hub, {carrier} cannot find it.",
    ),
    "delivery.overdue": ("Stuck at {carrier}'s hub.", "Handed over late by the warehouse."),
    "delivery.late": ("Peak volume at {carrier}.", "Handed over late by the warehouse.", "Van broke down."),
    "delivery.partial": ("Picked short.", "Second parcel was left behind at the hub."),
    "delivery.wrong_item": ("Mispick: the shelf holds two that look alike.", "Label swapped at packing."),
    "delivery.pickup": ("Not picked in time, store short of people.", "Found on the wrong shelf."),
    "delivery": ("Driver did not follow the note.",),
    "product.damaged": ("Packaging too weak for the weight.", "Damaged in transit.", "Dropped at the hub."),
    "product.faulty": (
        "Defect, sent to Mendwell Repairs.",
        "Early failure within warranty.",
        "Heating element, known with this batch.",
    ),
    "product.not_as_described": ("Product page shows the old model.", "Wrong measurements on the page."),
    "product.quality": ("Supplier changed the finish.", ""),
    "order.cancelled": ("Stock was counted wrong.", "Payment check took too long."),
    "order.unavailable": ("Stock was counted wrong.", "Sold in the store at the same time."),
    "payment.refund": ("Return booked in late by the warehouse.", "Refund hung in the payment system."),
    "payment.charge": ("Terminal timed out and charged again.", "Customer pressed pay twice."),
    "return.handling": ("Collection was not booked.", "Label mail bounced."),
    "store.no_staff": ("Rota left the section empty.", "Two colleagues off sick."),
    "store.price": ("Labels of an ended offer were not taken down.", "Label printed before the price change."),
    "store.checkout": ("Only two tills staffed at noon.",),
    "store.conduct": ("Spoken to the colleague.",),
    "service.no_answer": ("Mail sat in the wrong queue.",),
}
LOCI: dict[str, tuple[str, ...]] = {
    "delivery.not_received": ("carrier",),
    "delivery.overdue": ("carrier", "carrier", "warehouse"),
    "delivery.late": ("carrier", "carrier", "warehouse"),
    "delivery.partial": ("warehouse",),
    "delivery.wrong_item": ("warehouse",),
    "delivery": ("carrier",),
    "product.damaged": ("carrier", "warehouse", "product"),
    "order.cancelled": ("warehouse", "payment"),
    "return.handling": ("carrier", "warehouse", "policy"),
}
# How cases end, in hundreds; who does not answer is told apart in the simulation.
OUTCOMES = (("recovered", 66), ("partly", 12), ("explained", 13), ("refused", 4), ("lost", 4), ("duplicate", 1))
SIGNED = "{body}\n\nKind regards,\n{who}\nBrackenby Home & Electric"
