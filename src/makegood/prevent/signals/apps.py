from django.apps import AppConfig


class SignalsConfig(AppConfig):
    name = "makegood.prevent.signals"
    label = "signals"
    verbose_name = "Signals"
