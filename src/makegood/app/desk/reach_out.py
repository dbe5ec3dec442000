"""The page of valued customers to write to before they do."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from makegood.app.desk import reaching
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.exports import csv_response
from makegood.recover.cases.triage import VALUED_TIERS


@require_safe
@needs("cases.work")
def reach_out(request: StaffRequest) -> HttpResponse:
    """One page. Two SQL queries: who asks, rows."""
    now, filters = timezone.now(), reaching.Filters.read(request.GET)
    after = reaching.Cursor.read(request.GET.get("after", ""))
    rows, following = reaching.page(filters, places=visible_places(request.user), now=now, after=after)
    since = [(str(days), ngettext("%(n)s day", "%(n)s days", days) % {"n": days}) for days in reaching.DAYS]
    context = {
        "rows": rows, "following": following, "after": after, "filters": filters, "now": now, "kinds": reaching.KINDS,
        "since_choices": since,
        "tier_choices": [("", _("Any tier")), *((tier, tier.capitalize()) for tier in sorted(VALUED_TIERS))],
    }  # fmt: skip
    return render(request, "desk/reach_out.html", context)


@require_safe
@needs("cases.export")
def export(request: StaffRequest) -> HttpResponseBase:
    """The list as a file, with the filters of the page. Two SQL queries and one per thousand rows."""
    rows = reaching.every(reaching.Filters.read(request.GET), places=visible_places(request.user), now=timezone.now())
    return csv_response("reach-out.csv", _HEAD, (_line(row) for row in rows))


_HEAD = ("customer", "email", "loyalty_tier", "lifetime_value", "failed", "failed_at", "order", "item", "carrier",
         "value", "currency", "case")  # fmt: skip


def _line(row: reaching.Row) -> tuple[object, ...]:
    return (row.customer, row.email, row.tier, row.lifetime_value, row.kind, row.at, row.order_ref, row.item,
            row.carrier, row.value, row.currency, f"C-{row.case}" if row.case else "")  # fmt: skip
