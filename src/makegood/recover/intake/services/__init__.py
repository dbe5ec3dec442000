"""How contacts and failures become cases."""

from makegood.recover.intake.services.acting import Tally
from makegood.recover.intake.services.looking import look_for_failures, process_arrivals, tick
from makegood.recover.intake.services.receiving import Receipt, receive
from makegood.recover.intake.services.replay import replay

__all__ = ["Receipt", "Tally", "look_for_failures", "process_arrivals", "receive", "replay", "tick"]
