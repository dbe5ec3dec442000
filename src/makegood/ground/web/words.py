"""What people type into a search box, as PostgreSQL's full-text search reads it."""

import re

from psycopg import sql

MOST_WORDS = 8
# Two letters begin too many words: collecting all of those takes longer than a person waits between two keys.
SHORTEST_BEGINNING = 3


def tsquery(text: str) -> str:
    """All these words, the last one perhaps unfinished, as an SQL expression; what people typed stands in it quoted.

    A literal on purpose: with a parameter PostgreSQL soon keeps one plan for rare and common words alike, and that plan
    reads the whole table.
    """
    words = text.replace("\0", "").replace("\\", " ").split()[:MOST_WORDS]
    beginning = bool(words) and len(words[-1]) >= SHORTEST_BEGINNING
    if len(words) > 1 and not beginning:
        words.pop()
    if not words:
        return "''::tsquery"
    # Each part of "O-1042" would be taken for a beginning, and "o" begins most words.
    beginning = beginning and all(len(part) >= SHORTEST_BEGINNING for part in re.findall(r"\w+", words[-1]))
    quoted = ["'" + word.replace("'", "''") + "'" for word in words]
    return f"to_tsquery('simple', {sql.quote(' & '.join(quoted) + (':*' if beginning else ''))})".replace("%", "%%")
