"""Filters of the queue kept under a name."""

from makegood.ground.staff.models import User
from makegood.recover.cases.errors import ViewTooLong
from makegood.recover.cases.models import SavedView
from makegood.recover.cases.queries.queue import Filters

_LONGEST = SavedView._meta.get_field("address").max_length or 0  # noqa: SLF001  documented


def save_view(*, owner: User, name: str, filters: Filters, shared: bool) -> SavedView:
    """Keep filters under a name; the same name again replaces what it stood for (`view_name_once` decides a race).

    Raises
    ------
    ViewTooLong
        Nothing is written.
    """
    address = filters.address()
    if len(address) > _LONGEST:
        raise ViewTooLong
    view, _is_new = SavedView.objects.update_or_create(
        owner=owner, name=name, defaults={"address": address, "shared": shared}
    )
    return view
