from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "makegood.ground.api"
    label = "api"
    verbose_name = "API"
