"""What later rooms mark in the queue: a word on the row of a case, such as the incident that it is of.

A room adds an SQL expression over the case `c` that gives one short text, or NULL. It is worked out for the rows of a
page alone, and costs an index look-up a row at most.
"""

of_rows: list[str] = []


def sql() -> str:
    """All marks of a row as one text; empty: none."""
    return f"concat_ws(' ', {', '.join(of_rows)})" if of_rows else "''"
