"""Why did the customer write? A reason code for a short complaint, with the words that decided.

A weighted phrasebook for each language (``phrases/*.toml``) rather than a trained model: it says why in the
customer's own words, a retailer can mend it in a text file, and it works before the first case is closed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from makegood.engines.language.phrasebook import Hit, Phrasebook, books_for, fold, quote, readable

# The codes that a finding may carry: those of the reason tree a new installation is planted with
# (makegood.recover.cases.reasons), said again here because engines know no rooms. A test compares the two.
REASON_CODES = frozenset(
    {
        "delivery",
        "delivery.late",
        "delivery.not_received",
        "delivery.overdue",
        "delivery.partial",
        "delivery.pickup",
        "delivery.wrong_item",
        "order",
        "order.cancelled",
        "order.unavailable",
        "payment.charge",
        "payment.refund",
        "product",
        "product.damaged",
        "product.faulty",
        "product.not_as_described",
        "product.quality",
        "return",
        "return.handling",
        "service.no_answer",
        "store.checkout",
        "store.conduct",
        "store.no_staff",
        "store.price",
    }
)

_HITS_AT_MOST = 200  # hits are compared with one another; no honest complaint has so many
_SPEAKS_FROM = 2  # hints of weight 1 support others, they decide nothing
_CLEAR = 3  # from this weight on, a phrase takes part in `together`
_EACH_FURTHER, _FURTHER_AT_MOST = 0.5, 2
_STATED_FIRST = 0.25  # of two, the one stated first is mostly what the other followed from


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason found in a text.

    Attributes
    ----------
    reason : str
        A code of the reason tree, one of `REASON_CODES`.
    confidence : float
        Above 0 and below 1. Orders findings by how far to trust them; it is not a probability.
    evidence : tuple of str
        One to three phrases of the text, as written, that decided; the first is the weightiest.
    language : str
        ISO 639-1 code of the phrasebook that found it.

    """

    reason: str
    confidence: float
    evidence: tuple[str, ...]
    language: str


def find_reason(text: str, *, language: str = "") -> Finding | None:
    """The reason of a complaint, or None where the text does not tell or tells two equally.

    Every phrase of the phrasebook that occurs counts towards its reason, unless it is negated or lies under a
    weightier or longer phrase of another reason ("did not receive" under "did not receive a refund"). A reason
    scores its weightiest phrase, half a point for each of up to two more, and a quarter point if stated first.

    Parameters
    ----------
    text : str
        One complaint: subject and body, a phone note, a review. Only its first 4,000 characters are read. Any
        string will do, control characters and unpaired surrogates included.
    language : str, default ""
        ISO 639-1 code, region ignored ("pt-BR" is "pt"). When empty, the phrasebook with most common words in the
        text is used, all of them on a draw.

    Returns
    -------
    Finding or None
        None also for a language without a phrasebook.

    See Also
    --------
    detect_language : when the language itself is of interest; slower, and knows languages without a phrasebook.

    Examples
    --------
    >>> find_reason("My parcel never arrived.")
    Finding(reason='delivery.not_received', confidence=0.76, evidence=('never arrived',), language='en')
    >>> find_reason("Thank you, lovely shop!") is None
    True

    """
    read = readable(text)
    folded = fold(read)
    findings = [found for book in books_for(language, folded) if (found := _find(read, folded, book))]
    if not findings:
        return None
    findings.sort(key=lambda finding: -finding.confidence)
    if len({f.reason for f in findings if f.confidence == findings[0].confidence}) > 1:
        return None
    return findings[0]


def find_reasons(texts: Iterable[str], *, language: str = "") -> list[Finding | None]:
    """`find_reason` for many texts, in their order. One text's finding never depends on the others."""
    return [find_reason(text, language=language) for text in texts]


def _find(text: str, folded: str, book: Phrasebook) -> Finding | None:
    hits = _combine(_uppermost(book.reasons.find(folded)[:_HITS_AT_MOST]), book)
    by_reason: dict[str, list[Hit]] = {}
    for hit in hits:
        if not hit.label.startswith("_"):
            by_reason.setdefault(hit.label, []).append(hit)
    if not by_reason:
        return None
    first = next(iter(by_reason))  # hits come in the order of the text
    scores = sorted(
        ((_score(found) + (_STATED_FIRST if reason == first else 0.0), reason) for reason, found in by_reason.items()),
        reverse=True,
    )
    best, reason = scores[0]
    second = scores[1][0] if len(scores) > 1 else 0.0
    if best < _SPEAKS_FROM or best == second:
        return None
    evidence = quote(text, sorted(by_reason[reason], key=lambda hit: -hit.weight))
    return Finding(reason, round(best / (best + second / 2 + 1), 2), evidence, book.language)


def _score(hits: list[Hit]) -> float:
    further = min(len(hits) - 1, _FURTHER_AT_MOST)
    return max(hit.weight for hit in hits) + _EACH_FURTHER * further


def _uppermost(hits: list[Hit]) -> list[Hit]:
    """Hits that no overlapping hit of another reason outweighs; at equal weight the longer one stays."""
    if len(hits) <= 1:
        return hits
    kept = []
    for hit in hits:
        rank = (hit.weight, hit.end - hit.start)
        for other in hits:
            if (
                other.start < hit.end
                and hit.start < other.end
                and (other.weight, other.end - other.start) > rank
                and other.label != hit.label
                and other.label[0] != "_"
                and hit.label[0] != "_"
            ):
                break
        else:
            kept.append(hit)
    return kept


def _combine(hits: list[Hit], book: Phrasebook) -> list[Hit]:
    """Put what two reasons mean together in the place of both."""
    if len(hits) <= 1:
        return hits
    for one, other, means in book.together:
        clear = {hit.label for hit in hits if hit.weight >= _CLEAR or hit.label == "service.no_answer"}
        if one in clear and other in clear:
            top = max(hit.weight for hit in hits if hit.label in (one, other))
            hits = [Hit(means, max(hit.weight, top), *hit[2:]) if hit.label in (one, other) else hit for hit in hits]
    return hits
