"""Language: text in, findings out. Pure computation; nothing is stored and nothing is fetched."""

from makegood.engines.language.detect import LANGUAGES, detect_language
from makegood.engines.language.distress import Distress, find_distress
from makegood.engines.language.due import Due, Unclear, find_due, read_due
from makegood.engines.language.promises import Promise, find_promises, what_about
from makegood.engines.language.reasons import REASON_CODES, Finding, find_reason, find_reasons
from makegood.engines.language.thanks import only_thanks

__all__ = [
    "LANGUAGES",
    "REASON_CODES",
    "Distress",
    "Due",
    "Finding",
    "Promise",
    "Unclear",
    "detect_language",
    "find_distress",
    "find_due",
    "find_promises",
    "find_reason",
    "find_reasons",
    "only_thanks",
    "read_due",
    "what_about",
]
