"""What is asked when cases are handed over, joined, parted or put off."""

from makegood.recover.cases.models import Queue


def queues_to_choose() -> list[tuple[str, str]]:
    """Queues as (slug, name). One SQL query."""
    return list(Queue.objects.values_list("slug", "name"))
