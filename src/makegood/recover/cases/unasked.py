"""Cases that we opened ourselves by writing first (outreach): what they count as, said once.

Nobody reported a failure by such a case, so whatever measures failures leaves it out for good (`OURS`): detection, the
effect of an improvement. What measures how many customers came, and how long they waited, counts it from the moment in
which the customer first answered, and never where they did not (`ASKED_AT`).
"""

from typing import Final

UNASKED: Final = "outreach:"  # how the origin of such a case begins
OURS: Final = "starts_with({}.origin, '" + UNASKED + "')"
# SQL: when the customer of a case came with it. Of all other cases, also those that a fact opened, that is when it was
# opened. An index scan of contacts, for such a case only.
ASKED_AT: Final = (
    "CASE WHEN " + OURS + " THEN (SELECT min(said.at) FROM cases_contact said"
    " WHERE said.case_id = {0}.id AND said.direction = 'in') ELSE {0}.opened_at END"
).replace("{}", "{0}")
