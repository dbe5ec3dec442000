"""What a colleague is called, where SQL puts it together: as `User.display_name` does."""


def name_of(alias: str) -> str:
    """The SQL of the name of a row of `staff_user` that is joined as `alias`; NULL where none is."""
    return f"coalesce(nullif(btrim({alias}.first_name || ' ' || {alias}.last_name), ''), {alias}.username)"
