"""Where later rooms join in on what an import did, without loading what imports are made of."""

from collections.abc import Callable
from datetime import datetime

# Called with when the database began to take in a delivery, after one that changed customers.
customers_changed: list[Callable[[datetime], None]] = []
