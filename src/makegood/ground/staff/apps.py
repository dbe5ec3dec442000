from django.apps import AppConfig


class StaffConfig(AppConfig):
    name = "makegood.ground.staff"
    label = "staff"
    verbose_name = "Staff"
