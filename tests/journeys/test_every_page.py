"""Every page of the desk and of customers, found as a person finds it, without barriers, light and dark."""

from collections import Counter
from urllib.parse import urljoin, urlsplit

import pytest
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from makegood.recover.cases.services.links import link_for
from tests.journeys.conftest import SIZES
from tests.world import fill

pytestmark = pytest.mark.journey

ELSEWHERE = ("admin/", "api/", "account/", "static/", "assets/")
NO_PAGES = ("export", "original", "file", "download", "picture", "live", "earlier", "present", "when", "due", "healthz")
OTHERWISE = ("color-contrast", "scrollable-region-focusable", "link-name", "button-name")
"""What differs from scheme to scheme and from size to size."""
LINKS = "Array.from(document.querySelectorAll('a[href]'), link => link.href)"


def name_of(address: str) -> str:
    """The route, if it is a page of ours."""
    try:
        found = resolve(urlsplit(address).path)
    except Resolver404:
        return ""
    strange = found.route.startswith(ELSEWHERE) or any(word in (found.url_name or "") for word in NO_PAGES)
    return "" if strange else found.route or "/"


def test_every_page_is_without_barriers(visit, axe, transactional_db, live_server):
    case = fill(now=timezone.now())[0]
    page = visit("/", who="ada")
    seen: Counter[str] = Counter()
    waiting = ["/", "/contact", "/contact/thanks", reverse("standing", args=[link_for(case.pk, now=timezone.now())])]
    while waiting:
        address = urljoin(live_server.url, waiting.pop(0))
        name = name_of(address)
        if not address.startswith(live_server.url) or not name or seen[name]:
            continue
        seen[name] += 1
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, f"{address}: {answer.status}"
        for scheme, size, only in (("light", "wide", ()), ("dark", "phone", OTHERWISE)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(SIZES[size])
            axe(page, *only)
        waiting += page.evaluate(LINKS)
    assert len(seen) > 25, sorted(seen)
