"""Words that show urgency or harm, so that triage can raise the severity of a case and say why."""

from typing import NamedTuple

from makegood.engines.language.phrasebook import books_for, fold, quote, readable


class Distress(NamedTuple):
    """A sign of harm or urgency: its kind, and the customer's words.

    Kinds: ``safety`` (injury, fire, shock, allergy), ``legal`` (lawyer, court, Procon), ``chargeback`` (dispute
    through the bank), ``fraud`` (the customer feels cheated or robbed), ``repeated`` (not the first time),
    ``urgent``.
    """

    kind: str
    words: str


# Gravest first; findings come in this order.
KINDS = ("safety", "legal", "chargeback", "fraud", "repeated", "urgent")


def find_distress(text: str, *, language: str = "") -> tuple[Distress, ...]:
    """Signs of harm or urgency in a text, the gravest kind first; of each kind up to three, as written.

    Parameters
    ----------
    text : str
        One complaint. Only its first 4,000 characters are read.
    language : str, default ""
        As for `find_reason`.

    Returns
    -------
    tuple of Distress
        Empty when there is none. A word says what was written, not what is true: triage may raise a severity by
        it, and must not lower one for want of it.

    Examples
    --------
    >>> find_distress("Third time I write. The charger caught fire, my lawyer will call.")
    (Distress(kind='safety', words='caught fire'), Distress(kind='legal', words='lawyer'), \
Distress(kind='repeated', words='Third time'))

    """
    read = readable(text)
    folded = fold(read)
    hits = [hit for book in books_for(language, folded) for hit in book.distress.find(folded)]
    return tuple(
        Distress(kind, words) for kind in KINDS for words in quote(read, (hit for hit in hits if hit.label == kind))
    )
