from django.apps import AppConfig


class OutreachConfig(AppConfig):
    name = "makegood.prevent.outreach"
    label = "outreach"
    verbose_name = "Outreach"
