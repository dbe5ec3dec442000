from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "makegood.app.desk"
    label = "desk"
    verbose_name = "Desk"
