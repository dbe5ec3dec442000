from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "makegood.prevent.incidents"
    label = "incidents"
    verbose_name = "Incidents"
