"""What makes pages quick changes nothing of what they say: each short cut beside its slow twin."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import pass_context
from markupsafe import Markup, escape

from makegood.ground.binary import binary_cursor
from makegood.ground.web import formats
from makegood.ground.web.jinja import csrf_once, environment, piece

texts = st.text(alphabet=st.sampled_from("ab&<>'\" é\N{SNOWMAN}"))


@given(st.one_of(texts, texts.map(Markup), st.integers(), st.decimals(), st.none(), st.booleans()))
def test_a_piece_is_what_escape_makes_of_it(value):
    assert piece(value) == escape(value)


@given(texts)
def test_what_people_typed_is_escaped_once_wherever_it_stands(text):
    page = environment(autoescape=True).from_string(
        "{% macro cell(it) %}<td>{{ it }}</td>{% endmacro %}"
        "{% set kept %}{{ text }}{% endset %}{{ text }}|{{ cell(text) }}|{{ kept }}|{{ 'x' ~ text }}"
    )
    safe = escape(text)
    assert page.render(text=text) == f"{safe}|<td>{safe}</td>|{safe}|x{safe}"


def test_a_function_that_wants_the_page_still_gets_it():
    env = environment(autoescape=True)
    env.globals["who"] = pass_context(lambda page, word: f"{word} {page['name']}")
    assert env.from_string("{% for n in [1] %}{{ who('for') }}{% endfor %}").render(name="Ana") == "for Ana"


@given(st.lists(st.tuples(texts, texts), max_size=5), texts)
def test_options_are_escaped_and_the_chosen_one_is_marked(pairs, chosen):
    one_by_one = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(label)}</option>'
        for value, label in pairs
    )
    assert formats.options(pairs, chosen) == one_by_one
    assert formats.options(list(pairs), chosen) == one_by_one


def test_a_page_has_one_token_in_all_its_forms():
    tokens = csrf_once(RequestFactory().get("/"))
    assert str(tokens["csrf_token"]) in str(tokens["csrf_input"])
    assert str(tokens["csrf_input"]) == str(tokens["csrf_input"])


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo"])
def test_binary_rows_hold_what_django_reads_from_text(db, settings, zone):
    settings.TIME_ZONE = zone
    row = [uuid.UUID(int=7), datetime(2026, 3, 5, 14, tzinfo=UTC) + timedelta(microseconds=1), Decimal("12.50"), "é", 3]
    ask = "SELECT %s::uuid, %s::timestamptz, %s::numeric, %s::text, %s::int, NULL::timestamptz"
    with connection.cursor() as cursor:
        cursor.execute(ask, row)
        slowly = cursor.fetchone()
    with binary_cursor() as cursor:
        cursor.execute(ask, row)
        quickly = cursor.fetchone()
    assert quickly == slowly == (*row, None)
    assert quickly[1].utcoffset() == timedelta(0)
