"""Where later rooms join in on the customer's own page without intake knowing them."""

import uuid
from collections.abc import Callable

from makegood.ground.asking import Question

# What is said of a case to its customer, in words written for customers; empty: nothing. Asked in one statement.
told_to_customer: list[Callable[[uuid.UUID], Question[str]]] = []
