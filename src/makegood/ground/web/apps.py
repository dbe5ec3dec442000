from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "makegood.ground.web"
    label = "web"
    verbose_name = "Web"
