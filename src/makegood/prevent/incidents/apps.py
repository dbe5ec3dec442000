from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "makegood.prevent.incidents"
    label = "incidents"
    verbose_name = "Incidents"

    def ready(self) -> None:
        from makegood.prevent.incidents import affected_tasks  # noqa: F401, PLC0415  procrastinate learns of its jobs
