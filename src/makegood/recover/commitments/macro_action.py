"""What macros can promise."""

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from makegood.recover.cases.extensions import Action, Asked, Doing
from makegood.recover.commitments.models import Commitment, Kind
from makegood.recover.commitments.services import promise
from makegood.recover.commitments.when import understand, where_of


def _promise(it: Doing, row: Mapping[str, str]) -> Commitment:
    due = understand(row["due"], where=where_of(it.case_id), now=it.now)
    text = it.fill(row["text"]) or str(Kind(row["kind"]).label)
    return promise(
        text=text, kind=row["kind"], due_at=due.at, owner=it.by, by=it.by, now=it.now, case_id=it.case_id,
        said_as=row["due"],
    )  # fmt: skip


PROMISE: Final = Action(
    label=gettext_lazy("Promise"), icon="handshake", several=True,
    asked=(
        Asked(name="kind", label=gettext_lazy("What"), choices=lambda: Kind.choices),
        Asked(name="due", label=gettext_lazy("Until when?"), hint=gettext_lazy("Such as: in two business days")),
        Asked(name="text", label=gettext_lazy("In words"), required=False),
    ),
    says=lambda row: _("Promise: %(kind)s, %(due)s") % row, do=_promise,
)  # fmt: skip
