"""Whatever somebody types into a form of ours is taken or refused in words: no page breaks, nothing hostile comes back.

The pages are found as a person finds them: from the desk, link by link, two of each kind.
"""

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from django.db import transaction
from django.test import Client
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from makegood.recover.cases.services.links import link_for
from tests.factories import colleague
from tests.world import fill

ALIKE = 2
"""So many pages of one route are looked at; of forms one."""
FREE = ("text", "search", "email", "url", "tel", "number", "date", "datetime-local", "week", "password", "textarea")
"""Where people type."""
ELSEWHERE = ("/account/", "/admin/", "/api/", "/static/", "/assets/")
HOSTILE = {
    "nothing": "",
    "markup": "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}",
    "no text": "\0\x07\ufffe",
    "other writing": "\u202eمرحبا 🙂\u200d🙂 \ud7ff",  # noqa: RUF001  Arabic
    "not a number": "NaN",
    "far away": "99999999999999999999",
    "long ago": "0001-01-01T00:00",
    "very long": "ab " * 30_000,
}


class Field(NamedTuple):
    name: str
    kind: str  # as its type says; or select, textarea
    value: str


class Form(NamedTuple):
    action: str
    method: str
    fields: tuple[Field, ...]


class Page(HTMLParser):
    """The links and forms of a page; what htmx asks for counts as a link."""

    def __init__(self, address: str, text: str) -> None:
        super().__init__()
        self.address, self.links, self.forms = address, [], []
        self._in, self._fields, self._select = "", [], ""
        self._method = "get"
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.links += [urljoin(self.address, given[name]) for name in ("href", "hx-get") if given.get(name)]
        name = given.get("name", "")
        if tag == "form":
            self._fields = []
            self._method = "post" if "hx-post" in given else given.get("method", "get")
            self._in = urljoin(self.address, given.get("hx-post") or given.get("action") or self.address)
        elif tag == "button" and "hx-post" in given:
            self.forms.append(Form(urljoin(self.address, given["hx-post"]), "post", ()))
        elif tag == "option" and self._select and name == "":
            self._fields.append(Field(self._select, "select", given.get("value", "")))
        elif not name:
            return
        elif tag == "select":
            self._select = name
        elif tag in ("input", "button", "textarea"):
            kind = "textarea" if tag == "textarea" else given.get("type", "text")
            self._fields.append(Field(name, kind, given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.forms.append(Form(self._in, self._method.lower(), tuple(self._fields)))
        elif tag == "select":
            self._select = ""


def ours(address: str) -> str:
    """The route of a page of ours; nothing: it is somebody else's."""
    parts = urlsplit(address)
    if parts.netloc or parts.scheme not in ("", "http", "https") or parts.path.startswith(ELSEWHERE):
        return ""
    try:
        return resolve(parts.path).route or "/"
    except Resolver404:
        return ""


def walk(client: Client, *start: str) -> Iterator[Page]:
    seen: Counter[str] = Counter()
    waiting, known = list(start), set(start)
    while waiting:
        address = waiting.pop(0)
        route = ours(address)
        if not route or seen[route] >= ALIKE:
            continue
        seen[route] += 1
        answer = client.get(address)
        assert answer.status_code in (200, 204, 301, 302, 404, 405), f"{address}: {answer.status_code}"
        if "html" not in answer.headers.get("Content-Type", "") or answer.streaming:
            continue
        page = Page(address, answer.content.decode())
        yield page
        fresh = [link for link in page.links if link not in known]
        known.update(fresh)
        waiting += fresh


def forms(client: Client, *start: str) -> Iterator[Form]:
    """Each form of ours that can be reached."""
    seen = set()
    for page in walk(client, *start):
        for form in page.forms:
            route = ours(form.action)
            if route and (route, form.method) not in seen:
                seen.add((route, form.method))
                yield form
    assert len(seen) > 20, seen


def filled(form: Form, words: str, *, everything: bool) -> list[tuple[str, str]]:
    """The form with `words` in its boxes; everything: also where a browser leaves no choice."""
    said: dict[str, str] = {}
    for field in form.fields:
        if everything or field.kind in FREE:
            said[field.name] = words
        elif field.kind not in ("file", "submit"):
            said[field.name] = said.get(field.name) or field.value
    return list(said.items())


def send(client: Client, form: Form, given: list[tuple[str, str]]) -> tuple[int, str]:
    """The status and what the page says. Nothing of it stays in the database."""
    point = transaction.savepoint()
    if form.method == "post":
        answer = client.post(form.action, urlencode(given), content_type="application/x-www-form-urlencoded")
    else:
        parts = urlsplit(form.action)
        asked = [*parse_qsl(parts.query), *((name, value[:2000]) for name, value in given)]
        answer = client.get(f"{parts.path}?{urlencode(asked)}")
    transaction.savepoint_rollback(point)
    is_page = "html" in answer.headers.get("Content-Type", "") and not answer.streaming
    return answer.status_code, answer.content.decode() if is_page else ""


def test_no_form_breaks_and_nothing_hostile_comes_back(db: None, client: Client):
    case = fill(now=timezone.now())[0]
    client.force_login(colleague("ada"))
    standing = reverse("standing", args=[link_for(case.pk, now=timezone.now())])
    for form in forms(client, "/", "/contact", standing):
        for what, words in HOSTILE.items():
            for everything in (False, True):
                status, page = send(client, form, filled(form, words, everything=everything))
                assert status < 500, f"{what} in {form.action}: {status}"
                assert "<script>alert" not in page, f"{what} in {form.action}"


def test_what_was_typed_stays_where_a_form_is_refused(db: None, client: Client):
    case = fill(now=timezone.now())[0]
    client.force_login(colleague("ada"))
    standing = reverse("standing", args=[link_for(case.pk, now=timezone.now())])
    refused = 0
    for form in forms(client, "/", "/contact", standing):
        if not any(field.kind == "textarea" for field in form.fields):
            continue
        given = [(f.name, "What must not be lost" if f.kind == "textarea" else "") for f in form.fields]
        status, page = send(client, form, given)
        if status in (409, 422):
            refused += 1
            assert page.count("What must not be lost") >= 1, f"{form.action} lost what was typed: {page}"
    assert refused
