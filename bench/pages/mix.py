"""What is asked: the same questions of the pages and of the floor, drawn once with a fixed seed."""

import random
import urllib.parse
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from bench.pages import floor
from bench.pages.generate import EVERYTHING, LONG, SOME_PLACES
from bench.pages.load import Request
from django.db import connection

from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.queries import queue as queries

CASES: Final = 2000  # different ones
LONG_AT_MOST: Final = 200
EACH: Final = 200  # words of each kind
PAGES_DEEP: Final = 20


class Question(NamedTuple):
    """What one person asks, as an address and as hand-written SQL."""

    kind: str
    path: str
    who: str
    sql: floor.Statements


def questions(words: dict[str, list[str]], *, cases: int) -> dict[str, list[Question]]:
    """By page. Each question is as likely as any other of its page."""
    draw = random.Random(2018)
    return {
        "queue": list(_queue()),
        "case": [
            Question("case", f"/cases/C-{number}/", EVERYTHING, floor.case(number))
            for number in draw.sample(range(1, cases + 1), min(cases, CASES))
        ],
        "full case": [
            Question("full case", f"/cases/C-{number}/", EVERYTHING, floor.case(number)) for number in _long()
        ],
        "search": list(_search(words, draw, cases)),
    }  # fmt: skip


def requests(asked: list[Question], cookies: dict[str, str]) -> list[Request]:
    """Ready to be sent, signed in."""
    return [Request(one.kind, _http(one.path, cookies[one.who]), one.sql) for one in asked]


def empty(cookies: dict[str, str]) -> list[Request]:
    return [Request("empty", _http("/bench/empty", cookies[EVERYTHING]))]


def _http(path: str, cookie: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nCookie: {cookie}\r\n\r\n".encode()


def _queue() -> Iterator[Question]:
    """Lists that people keep open, with the filters they use, the first pages of each and some deep ones."""
    me, they = (User.objects.get(username=name) for name in (EVERYTHING, SOME_PLACES))
    queue_id, reason_ids = _id("cases_queue", "slug", "delivery"), _ids("cases_reason", "code", "product.%")
    is_open = "c.resolved_at IS NULL"
    lists: list[tuple[str, str, User, str, tuple[Any, ...]]] = [
        ("everything", "", me, is_open, ()),
        ("one queue", "queue=delivery", me, f"{is_open} AND c.queue_id = %s", (queue_id,)),
        ("mine", "assignee=me", me, f"{is_open} AND c.assignee_id = %s", (me.pk,)),
        ("nobody's", "assignee=nobody", me, f"{is_open} AND (c.assignee_id IS NULL) IS TRUE", ()),
        ("a queue, nobody's, high", "queue=delivery&assignee=nobody&severity=2", me,
         f"{is_open} AND c.queue_id = %s AND c.assignee_id IS NULL AND c.severity = 2", (queue_id,)),
        ("waiting for us", "waiting=us", me, f"{is_open} AND {queries.WAITING['us']}", ()),
        ("a group of reasons", "reason=product", me, f"{is_open} AND c.reason_id = ANY(%s)", (reason_ids,)),
        ("my places", "", they, f"{is_open} AND c.place_id = ANY(%s)", (visible_places(they),)),
        ("newest", "sort=opened", me, is_open, ()),
        ("resolved", "status=resolved", me, "c.resolved_at IS NOT NULL", ()),
    ]  # fmt: skip
    for kind, address, who, where, values in lists:
        filters = queries.Filters.read(dict(urllib.parse.parse_qsl(address)))
        after: queries.Cursor | None = None
        for deep in range(PAGES_DEEP):
            if deep in (0, 1, PAGES_DEEP - 1):
                path = "/cases/?" + address + (f"&after={urllib.parse.quote(str(after))}" if after else "")
                sql = floor.queue(where, values, after=tuple(after or ()), newest=filters.order.descending)
                yield Question(kind, path, who.username, sql)
            _, after = queries.page(filters, me=who, places=visible_places(who), after=after)
            if after is None:
                break


def _search(words: dict[str, list[str]], draw: random.Random, cases: int) -> Iterator[Question]:
    """Numbers and names as people type them, and words that few or many cases hold."""
    numbers = draw.sample(range(1, cases + 1), EACH)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.ref, k.name, k.email FROM cases_case c JOIN retail_order o ON o.id = c.order_id"
            " JOIN retail_customer k ON k.id = c.customer_id WHERE c.number = ANY(%s)",
            [numbers],
        )
        people = cursor.fetchall()
    texts = {
        "case number": [f"C-{n}" for n in numbers], "order number": [ref for ref, _, _ in people],
        "full name": [name for _, name, _ in people], "surname": [name.split()[-1] for _, name, _ in people],
        "e-mail": [email for _, _, email in people], "rare word": words["rare"], "common word": words["common"],
        "two words": [f"{name.split()[-1]} {draw.choice(words['common'])}" for _, name, _ in people],
        "most common word": ["order", "help", "sorry", "received", "product"],
    }  # fmt: skip
    # Who writes SQL by hand knows that these are no words.
    by_hand = {"case number": lambda text: floor.case_number(int(text[2:])), "order number": floor.order_number}
    for kind, some in texts.items():
        for text in (some * EACH)[:EACH]:  # as many of each kind
            path = f"/search?q={urllib.parse.quote_plus(text)}"
            yield Question(kind, path, EVERYTHING, by_hand.get(kind, floor.search)(text))


def _long() -> list[int]:
    """Cases with the longest timelines (see `work.sql`), of which a page shows the newest hundred events."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM cases_case WHERE version >= %s LIMIT %s", [LONG, LONG_AT_MOST])
        return [row[0] for row in cursor.fetchall()]


def _id(table: str, column: str, value: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} WHERE {column} = %s", [value])
        return int(cursor.fetchall()[0][0])


def _ids(table: str, column: str, pattern: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} WHERE {column} LIKE %s", [pattern])
        return [row[0] for row in cursor.fetchall()]
