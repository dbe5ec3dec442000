from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "makegood.recover.cases"
    label = "cases"
    verbose_name = "Cases"
