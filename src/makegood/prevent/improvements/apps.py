from django.apps import AppConfig


class ImprovementsConfig(AppConfig):
    name = "makegood.prevent.improvements"
    label = "improvements"
    verbose_name = "Improvements"
