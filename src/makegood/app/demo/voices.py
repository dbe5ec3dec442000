"""What customers say, put together from parts: an opening, what went wrong, what it means to them, what they want.

Slots: {item}, {order}, {store}, {days}, {amount}, {other} (another product), {carrier}, {section}. Most texts name
their reason as people do; some are vague on purpose, as people are.
"""

# ruff: noqa: PLR2004  the chances and hours of an invented company; a name for each would not say more

from collections.abc import Mapping, Sequence

import numpy as np

Slots = Mapping[str, str]

CORES: dict[str, tuple[str, ...]] = {
    "delivery.not_received": (
        "My {item} never arrived.",
        "The {item} still has not been delivered and the tracking has not moved for {days} days.",
        "The tracking says it is with {carrier}, but nothing has arrived.",
        "I have not received my parcel with the {item}.",
        "Where is my order? Nothing has turned up and the courier has no idea either.",
        "It looks as if {carrier} lost my parcel: no scan since the depot, no sign of the {item}.",
        "Still waiting for the {item}. Tracking is stuck in transit.",
    ),
    "delivery.dnr": (
        "Your tracking says delivered, but I never received the {item}. I was at home all day.",
        "{carrier} marked the parcel as delivered and there is nothing here. No card, no photo, no parcel.",
        "It shows as delivered but I have not received anything and the neighbours have not got it.",
    ),
    "delivery.overdue": (
        "The {item} was due {days} days ago and has still not arrived.",
        "You promised delivery by last week and there is still no {item}.",
        "My parcel is overdue. The promised date passed {days} days ago.",
        "It was supposed to arrive {days} days ago and I am still waiting.",
    ),
    "delivery.late": (
        "The {item} arrived {days} days late.",
        "Delivery was {days} days later than promised.",
        "It came in the end, but {days} days late and after my daughter's birthday.",
        "The parcel was delayed by {days} days and nobody told me.",
    ),
    "delivery.partial": (
        "Only part of my order arrived: the {item} is missing.",
        "The box came but the {item} is missing from it.",
        "I ordered two things and only one arrived. The {item} was not in the parcel.",
        "Half of my order is missing.",
        "The {item} came with parts missing, no screws and no manual.",
    ),
    "delivery.wrong_item": (
        "I was sent the wrong item: I ordered the {item} and got {other}.",
        "You sent me {other} instead of the {item}.",
        "This is not what I ordered. I bought the {item} and received {other}.",
        "The wrong colour came. I ordered the {item} and this is a different model.",
    ),
    "delivery.pickup": (
        "I came to {store} to collect my order and it was not ready, although the e-mail said it was.",
        "My click and collect order was not ready at {store}. I waited half an hour for nothing.",
        "The pick-up order could not be found at {store}.",
        "I drove to {store} for my click and collect order and nobody could find it.",
    ),
    "delivery": (
        "The driver left the parcel outside in the rain.",
        "{carrier} threw the parcel over the garden gate.",
        "The parcel was left on the doorstep in full view of the street.",
    ),
    "product.damaged": (
        "The {item} arrived damaged.",
        "The {item} was broken when I opened the box.",
        "The box was crushed and the {item} is dented.",
        "There is a big crack in the {item}. It must have happened on the way.",
        "The {item} came scratched and the packaging was torn.",
    ),
    "product.faulty": (
        "The {item} stopped working after {days} days.",
        "The {item} does not turn on any more.",
        "I think the {item} is faulty. It worked for {days} days and then died.",
        "The {item} keeps switching itself off.",
        "There is a defect in the {item}, it worked {days} days and now it is dead.",
    ),
    "product.heating": (
        "The {item} does not heat any more. The fan runs but the food stays cold.",
        "After {days} days the {item} stopped heating.",
        "The {item} stopped working: it turns on but does not get hot.",
        "The {item} is faulty. It shows 200 degrees and does not heat at all.",
        "My {item} does not heat up. There was a smell of burning before it stopped working.",
    ),
    "product.not_as_described": (
        "The {item} is not as described on your website.",
        "The {item} looks nothing like the photos. It is much smaller than the description says.",
        "Your website says it comes with all the accessories. It does not match the description.",
        "The {item} is a different colour from the picture on your site.",
    ),
    "product.quality": (
        "The quality of the {item} is poor.",
        "The {item} feels cheap and flimsy.",
        "The {item} came apart in my hands, it is badly made.",
        "Really poor quality for the price, the finish of the {item} is peeling already.",
    ),
    "order.cancelled": (
        "You cancelled my order for the {item} after taking my money.",
        "I had an e-mail that my order was cancelled, without a reason.",
        "Why was my order cancelled? I paid for the {item} and waited.",
    ),
    "order.unavailable": (
        "I paid for the {item} and now you tell me it is out of stock.",
        "How can you sell the {item} when it is out of stock?",
        "The {item} was available when I ordered and now it is sold out.",
    ),
    "order": (
        "I want to cancel my order for the {item}, please.",
        "Please change the delivery address of my order, I am moving house.",
        "I tried to cancel the {item} on the website and could not find how.",
    ),
    "payment.refund": (
        "I returned the {item} {days} days ago and still have not had my refund.",
        "I am still waiting for my refund of £{amount}.",
        "Where is my refund? The {item} went back weeks ago.",
        "You promised a refund of £{amount} and the money has not arrived.",
        "The {item} was returned but I have not been refunded.",
    ),
    "payment.charge": (
        "I have been charged twice for the {item}.",
        "You took £{amount} twice from my card.",
        "There is a double charge on my account: two payments of £{amount}.",
        "My voucher was not applied and I was charged the full price.",
    ),
    "return.handling": (
        "I want to return the {item}, the return label never came.",
        "The courier was booked to collect the {item} and nobody came to collect it.",
        "I sent the {item} back and nobody has confirmed my return.",
        "Your returns page shows an error and I cannot return the {item}.",
        "I am still waiting for the replacement of the {item} that I returned.",
    ),
    "return": (
        "I would like to return the {item}, please. How does that work?",
        "How can I exchange the {item} for a different one?",
    ),
    "store.no_staff": (
        "There was nobody to help in {section} at {store}.",
        "No staff in {section} at {store} on Sunday afternoon. I waited twenty minutes and left.",
        "I could not find anyone to serve me in {section} at {store}.",
        "{section} at {store} was unattended, nobody around to ask.",
        "I wanted to buy a television and could not find a single assistant to help me at {store}.",
    ),
    "store.price": (
        "The shelf label at {store} said £{amount} less than what I was charged at the till for the {item}.",
        "The price on the label for the {item} was wrong. The till at {store} charged more.",
        "The {item} was on offer according to the shelf at {store}, but it scanned at a higher price.",
        "The price at the till was different from the shelf label and {store} would not honour it.",
    ),
    "store.checkout": (
        "The queue at the tills in {store} was enormous, only one till was open.",
        "I stood in a queue for half an hour to pay at {store}.",
        "Two tills open on a Saturday at {store}. The line went around the shop.",
    ),
    "store.conduct": (
        "A member of staff at {store} was rude to me when I asked about the {item}.",
        "The assistant at {store} laughed at my question. I was treated badly.",
        "The man at the desk of {store} shouted at me in front of other customers.",
    ),
    "service.no_answer": (
        "I have written three times about my order and nobody answers.",
        "Nobody calls me back. I was on hold for forty minutes.",
        "No reply to my e-mail about the {item} for {days} days.",
    ),
    "other.unclear": (
        "I am really disappointed this time.",
        "Could somebody please call me about my last purchase?",
        "I have a question about the {item}.",
        "This is not what I am used to from you.",
    ),
}

OPENINGS = (
    "I ordered the {item} with you.", "My order is {order}.", "I am writing about order {order}.",
    "This is about my order {order}.", "I bought the {item} from you.", "I have been a customer for years.", "", "", "",
)  # fmt: skip
STORE_OPENINGS = ("I was in {store}.", "I am writing about my visit to {store}.", "", "", "")
MEANS = (
    "It was a present for my mother.", "I took a day off work for this.", "We need it for the weekend.",
    "I am not happy, to be honest.", "This has cost me a lot of time already.", "I expected better from you.",
    "I know it is a busy time, but still.", "My kids were really looking forward to it.", "I rely on it every day.",
    "It was not cheap either.", "We have guests coming on Saturday.", "", "", "", "", "",
)  # fmt: skip
STRONG = (
    "This is the second time that this has happened.", "If this is not sorted I will go to my bank for a chargeback.",
    "This is urgent.", "I will take this to Trading Standards.", "Frankly this feels like a scam.",
    "I have already called several times.", "It could have caused a fire.",
)  # fmt: skip
WANTS: dict[str, tuple[str, ...]] = {
    "delivery": (
        "Please find out where it is.", "Please send another one.", "When can I expect it?", "Can you look into it?",
        "Please let me know today.", "",
    ),
    "product": (
        "I would like a replacement.", "I would like my money back.", "What happens now?", "Can it be repaired?",
        "Please tell me how to send it back.", "",
    ),
    "order": ("I want an explanation.", "Please sort this out.", "I still want it.", "Please confirm.", ""),
    "payment": ("Please check and tell me when.", "Please put this right.", "When will I see it on my card?", ""),
    "return": ("Please tell me what to do.", "Please help.", ""),
    "store": ("I hope you will do something about it.", "What will you do about it?", "I will shop elsewhere.", ""),
}  # fmt: skip
GREETINGS = ("Hello,", "Hi,", "Hi there,", "Good morning,", "Dear Sir or Madam,", "Hello Brackenby team,", "")
CLOSINGS = ("Kind regards,", "Thanks,", "Many thanks,", "Best wishes,", "Yours,", "Regards,")
AGAIN = (
    "Any news on this? I wrote {days} days ago.", "I have not heard anything since my last message. What is happening?",
    "Me again about order {order}. Could somebody please look at it?", "Still nothing. Please call me.",
    "Following up on my message from {days} days ago.", "Just to add: I can send photos if that helps.",
    "Sorry to chase, but I really need to know what happens next with the {item}.",
)  # fmt: skip
SUBJECTS: dict[str, tuple[str, ...]] = {
    "delivery": ("Order {order}", "Where is my order?", "Problem with my delivery", "{item}", "Delivery {order}"),
    "product": ("Problem with {item}", "{item}", "Order {order}", "Complaint about {item}"),
    "order": ("Order {order}", "My order", "{item}"),
    "payment": ("My payment", "Order {order}: payment", "Refund", "Order {order}"),
    "return": ("Return of {item}", "My return", "Order {order}"),
    "store": ("Your store in {city}", "{store}", "My visit"),
}  # fmt: skip
# The last of each names what was bought.
DESK = ("Customer at the desk:", "In store:", "At the service desk, quite upset:", "Came to the desk with the receipt.")
CALLS = ("Customer called:", "Call from {name}:", "Rang this morning:", "Phone call, {name}, order {order}:")
SOCIAL = ("@brackenby", "Hey @brackenby,", "So @brackenby,", "@brackenby again:")

PRAISE = (
    "Exactly what I wanted.", "Arrived early and well packed.", "Great value, would buy again.", "Works perfectly.",
    "Lovely quality.", "Easy to order, quick to arrive.", "My second one, still happy.", "The staff were helpful.",
    "Looks even better than in the photo.", "Does the job.", "Very happy with the {item}.", "No complaints at all.",
    "The {item} is brilliant.", "Good service from start to finish.", "Collected the same day, no fuss.",
)  # fmt: skip
SO_SO = ("It is all right.", "Does what it should, no more.", "A bit pricey for what it is.", "Took a while, but fine.",
         "The {item} is OK, the packaging was too much.", "Average.")  # fmt: skip
GRUMBLES = (
    "Not for me.", "Not worth the money.", "I expected more from the {item}.", "Would not buy again.",
    "The {item} is too loud.", "Disappointed.", "Hard to assemble and the instructions are useless.",
    "The lid does not close properly, poor quality.", "Smaller than expected.",
)  # fmt: skip


class Writer:
    """Picks the parts. One stream of random numbers, so the same texts come out in the same order."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._pool: list[float] = []

    def chance(self) -> float:
        # One draw at a time costs a microsecond; a pool of them nothing.
        if not self._pool:
            self._pool = self._random.random(4096).tolist()
        return self._pool.pop()

    def pick(self, options: Sequence[str]) -> str:
        return options[int(self.chance() * len(options))]

    def complaint(self, reason: str, channel: str, slots: Slots) -> tuple[str, str]:
        """Subject and body of a first contact."""
        kind = reason.partition(".")[0]
        core = self.pick(CORES[reason])
        opening = self.pick(STORE_OPENINGS if kind == "store" else OPENINGS)
        means = self.pick(STRONG) if self.chance() < 0.07 else self.pick(MEANS)
        wants = self.pick(WANTS.get(kind, WANTS["order"]))
        upto = None if slots["order"] else -1
        if channel == "phone":
            return "", _fill((self.pick(CALLS[:upto]), core, means, wants), slots)
        if channel == "store":
            return "", _fill((self.pick(DESK[:upto]), core, means), slots)
        if channel == "social":
            return "", _fill((self.pick(SOCIAL), core, means if self.chance() < 0.4 else ""), slots)
        if channel == "chat":
            text = _fill((opening, core, means if self.chance() < 0.3 else ""), slots)
            return "", text if self.chance() < 0.5 else text.lower()
        subject = _fill((self.pick(SUBJECTS.get(kind, SUBJECTS["order"])),), slots)
        body = _fill((opening, core, means, wants), slots)
        if channel == "web":
            return subject, body
        return subject, self._letter(body, slots)

    def again(self, channel: str, slots: Slots) -> str:
        """A second contact about the same thing."""
        body = _fill((self.pick(AGAIN),), slots)
        return self._letter(body, slots) if channel == "email" else body

    def review(self, score: int, reason: str, slots: Slots) -> tuple[str, str]:
        """Title and text of a review; of those who have nothing to complain about, `reason` is empty."""
        if reason:
            body = _fill((self.pick(CORES[reason]), self.pick(MEANS) if self.chance() < 0.5 else ""), slots)
            return ("Disappointed" if self.chance() < 0.3 else ""), body
        options = GRUMBLES if score <= 2 else SO_SO if score == 3 else PRAISE
        body = _fill((self.pick(options), self.pick(options) if self.chance() < 0.3 else ""), slots)
        return ("Recommended" if score == 5 and self.chance() < 0.2 else ""), body

    def _letter(self, body: str, slots: Slots) -> str:
        name = slots["name"] if self.chance() < 0.7 else slots["name"].split()[0]
        greeting = self.pick(GREETINGS)
        return "\n\n".join(part for part in (greeting, body, f"{self.pick(CLOSINGS)}\n{name}") if part)


def _fill(parts: Sequence[str], slots: Slots) -> str:
    return " ".join(dict.fromkeys(part for part in parts if part)).format_map(slots)
