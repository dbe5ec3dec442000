"""What promises are about, as it is said in a sentence."""

from typing import Final

from django.utils.translation import gettext_lazy

NOUNS: Final = {
    "call": gettext_lazy("a call"), "answer": gettext_lazy("an answer"), "refund": gettext_lazy("a refund"),
    "replacement": gettext_lazy("a replacement"),
    "repair": gettext_lazy("a repair"),
    "credit": gettext_lazy("a credit"),
    "delivery": gettext_lazy("a delivery"), "other": gettext_lazy("something"),
}  # fmt: skip
