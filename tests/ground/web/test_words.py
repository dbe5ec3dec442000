import pytest
from django.db import connection

from makegood.ground.web.words import tsquery


def matches(said: str, text: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_tsvector('simple', %s) @@ {tsquery(text)}", [said])
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "text", "found"),
    [
        ("Maria Silva maria@example.com", "maria", True),
        ("Maria Silva maria@example.com", "sil mar", False),  # only the last word may be unfinished
        ("Maria Silva maria@example.com", "maria sil", True),
        ("Maria Silva maria@example.com", "maria s", True),  # two letters more and it counts
        ("Maria Silva maria@example.com", "maria@example.com", True),
        ("Maria Silva", "mario", False),
        ("Wu", "wu", True),
        ("It is 100% broken", "100% broken", True),
        ("O'Connor", "o'connor", True),
        ("Anne-Marie", "anne-mar", True),
        ("Order O-1042 is late", "O-1042", True),
        ("Order O-1042 is late", "O-10", False),  # "o" would begin most words
        ("anything", "", False),
    ],
)
def test_words_are_found(said, text, found):
    assert matches(said, text) is found


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["'", "''", "\\", "a\\'b", "& | !", ":*", "';--", "%s", "{x}", "\0", "<->", "(" * 50, "x " * 500]
)
def test_no_typing_breaks_the_search(text):
    matches("anything", text)
