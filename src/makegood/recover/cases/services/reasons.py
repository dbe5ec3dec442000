from django.db import transaction

from makegood.recover.cases.models import Queue, Reason
from makegood.recover.cases.reasons import DEFAULT_QUEUES, DEFAULT_REASONS
from makegood.recover.cases.service_levels.defaults import plant_levels


@transaction.atomic
def plant_defaults() -> int:
    """Add the default queues, reasons and service levels that do not exist yet; what was edited stays.

    Returns how many reasons were added.
    """
    Queue.objects.bulk_create(
        [Queue(slug=slug, name=name, position=n) for n, (slug, name) in enumerate(DEFAULT_QUEUES.items())],
        ignore_conflicts=True,
    )
    queues = dict(Queue.objects.values_list("slug", "pk"))
    plant_levels()
    before = Reason.objects.count()
    Reason.objects.bulk_create(
        [
            Reason(code=row.code, name=row.name, severity=row.severity, locus=row.locus, queue_id=queues[row.queue])
            for row in DEFAULT_REASONS
        ],
        ignore_conflicts=True,
    )
    return Reason.objects.count() - before
