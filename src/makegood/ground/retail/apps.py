from django.apps import AppConfig


class RetailConfig(AppConfig):
    name = "makegood.ground.retail"
    label = "retail"
    verbose_name = "Retail"
