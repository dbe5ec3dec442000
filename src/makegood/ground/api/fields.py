"""Types that fields of the API share."""

from typing import Annotated

from pydantic import AfterValidator


def storable(text: str) -> str:
    """PostgreSQL keeps neither NUL nor half a surrogate pair."""
    if "\0" in text:
        raise ValueError("must not contain the NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        raise ValueError("must be valid Unicode") from problem
    return text


Text = Annotated[str, AfterValidator(storable)]
